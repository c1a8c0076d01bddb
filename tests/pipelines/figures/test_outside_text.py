"""What strangers wrote, on its way into spreadsheets, pages and links: nothing runs, and nothing is lost."""

import csv
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.e_mail import without_e_mail
from pipelines.export_files import csv_cell
from pipelines.outside_text import page_text, safe_link, spreadsheet_text
from tests.pipelines.figures.sheets import FORMULA_STARTS, original_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(pytest.param(f"{start}1+1", f"'{start}1+1", id=f"starts with {start!r}") for start in FORMULA_STARTS),
        pytest.param("  =1+1", "'  =1+1", id="spaces first"),
        pytest.param("'=1+1", "''=1+1", id="quote first"),
        pytest.param('"=1+1', "'\"=1+1", id="double quote first"),
        pytest.param(
            "\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}@x", "'\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}@x", id="unseen"
        ),
        pytest.param("-5", "'-5", id="text that looks like a negative number"),
        pytest.param("\x00=1", "\N{REPLACEMENT CHARACTER}=1", id="NUL first"),
        pytest.param("a\x07b\ud800", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}", id="bell and half a pair"),
        pytest.param("'tis fine", "'tis fine", id="an apostrophe is no formula"),
        *(
            pytest.param(text, text, id=f"kept {text!r}")
            for text in ("NA", "null", "1e5", "00123", "", "a=b", "caf\u00e9")
        ),
    ],
)
def test_no_text_becomes_a_formula(text: str, expected: str) -> None:
    assert spreadsheet_text(text)[0] == expected


@given(st.text())
def test_the_prefix_can_be_taken_off_again(text: str) -> None:
    cell = spreadsheet_text(text)[0]
    assert cell.lstrip(" ")[:1] not in set(FORMULA_STARTS)
    assert original_text(cell) == spreadsheet_text("x" + text)[0][1:]


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S", "Z", "Cc", "Cs"])), min_size=2, max_size=4))
def test_cells_parse_back_to_what_was_written(texts: list[str]) -> None:
    line = ",".join(csv_cell(text)[0] for text in texts) + "\n"
    assert list(csv.reader(io.StringIO(line, newline=""))) == [[spreadsheet_text(text)[0] for text in texts]]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(-5.0, "-5", id="negative numbers stay numbers"),
        pytest.param(-0.25, "-0.25", id="negative fraction"),
        pytest.param(1_234_567.0, "1234567", id="no separators"),
        pytest.param(0.1 + 0.2, "0.30000000000000004", id="no digit lost"),
        pytest.param(1e300, "1e+300", id="huge"),
        pytest.param(7, "7", id="integer"),
        pytest.param(True, "true", id="true"),
        pytest.param(None, "", id="missing"),
        pytest.param([], "", id="empty list"),
        pytest.param(["a", "b"], "a;b", id="list"),
        pytest.param([0.5, None, 1.0], "0.5;;1", id="list with a gap"),
        pytest.param(["=a", "b"], "'=a;b", id="list that starts a formula"),
        pytest.param(date(2026, 3, 1), "2026-03-01", id="day"),
        pytest.param(datetime(2026, 3, 1, 4, 30, tzinfo=UTC), "2026-03-01T04:30:00Z", id="instant"),
        pytest.param("a,b", '"a,b"', id="comma"),
        pytest.param('say "hi"', '"say ""hi"""', id="quotes"),
        pytest.param("a\rb", '"a\rb"', id="lone CR"),
    ],
)
def test_values_of_every_kind(value: object, expected: str) -> None:
    assert csv_cell(value) == (expected, 0)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://a.example/x?y=1#z", "https://a.example/x?y=1#z", id="plain"),
        pytest.param("HTTP://A.example/", "http://A.example/", id="capitals"),
        pytest.param("http://127.1.2.3:8080/a", "http://127.1.2.3:8080/a", id="address and port"),
        pytest.param("https://a.example/caf\u00e9\u202e", "https://a.example/caf%C3%A9%E2%80%AE", id="written out"),
        pytest.param("https://a.example/%C3%A9", "https://a.example/%C3%A9", id="not written out twice"),
        *(
            pytest.param(url, None, id=f"refused {url!r:.40}")
            for url in (
                None,
                "",
                "javascript:alert(1)",
                "JaVaScRiPt:alert(1)",
                "java\nscript:alert(1)",
                "\x01javascript:alert(1)",
                " https://a.example/",
                "data:text/html,<script>",
                "file:///etc/passwd",
                "//a.example/",
                "a.example",
                "https:///x",
                "https://user:pw@a.example/",
                "https://good.example\\@evil.example/",
                "http://[",
                "http://a.example:99999/",
                'https://a.example/"><b>',
                "https://\u0430pple.example/",
                "https://a.example/" + "x" * 2_000,
            )
        ),
    ],
)
def test_links_that_a_reader_may_follow(url: str | None, expected: str | None) -> None:
    assert safe_link(url) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to jo.bloggs+x@mail.firm.example, or call", "Write to [e-mail], or call"),
        ("a@b and @handle and 5 @ 3 are none", "a@b and @handle and 5 @ 3 are none"),
    ],
    ids=["address", "no address"],
)
def test_e_mail_addresses_are_not_handed_on(text: str, expected: str) -> None:
    assert without_e_mail(text) == expected


def test_page_text_is_one_line_that_reads_one_way() -> None:
    assert page_text(" a\n\n b\t\u202ec\u2066\x00 ") == "a b \ufffdc\ufffd\ufffd"
