"""Figures of filings: what they say, in which words, of which period, and what is not believed."""

from __future__ import annotations

import socket
import threading
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from pipelines.sources.accounts_filings import Period, number_in, settle_filing
from pipelines.sources.accounts_xml import FilingError, parsed
from pipelines.sources.ixbrl import read_document
from tests.pipelines.sources.filings import CONTEXTS, context, filing, people, sales, stated

SHARED = Path(__file__).parents[4] / "shared" / "geo" / "accounts_bulk_samples"
FILED = date(2023, 3, 2)
THIS_YEAR, LAST_YEAR = date(2022, 12, 31), date(2021, 12, 31)


def read(content: bytes, named: str | None = "00012345") -> tuple[Period, ...]:
    return settle_filing(read_document(content), named, FILED).periods


def outcome(content: bytes) -> tuple[list[float | None] | str, str]:
    """Employees of every period, or the reason why there are none; and what was said about it."""
    try:
        return [period.employees for period in read(content)], ""
    except FilingError as error:
        return error.reason, error.detail


def figures(*body: str) -> dict[date, tuple[float | None, float | None]]:
    return {period.end: (period.employees, period.turnover_gbp) for period in read(filing(*body))}


NUMBERS = [
    ("plain", people("12"), 12.0),
    ("thousands", people("1,234", more='format="ixt:num-dot-decimal"'), 1234.0),
    ("thousands without a format", people("1,234"), 1234.0),
    ("blanks around", people("\n  7 \t"), 7.0),
    ("no-break space", people("1&#160;234", more='format="ixt2:numspacedot"'), 1234.0),
    ("continental", people("1.234", more='format="ixt:num-comma-decimal"'), 1234.0),
    ("in words", people("Seven", more='format="ixt-sec:numwordsen"'), 7.0),
    ("none in words", people("None", more='format="ixt-sec:numwordsen"'), 0.0),
    ("dash for zero", people("-", more='format="ixt2:numdash"'), 0.0),
    ("dash of another kind", people("\u2013", more='format="ixt2:zerodash"'), 0.0),
    ("fixed zero", people("no one", more='format="ixt4:fixed-zero"'), 0.0),
    ("scaled by thousands", people("2", more='scale="3"'), 2000.0),
    ("hundredths are not meant", people("3", more='scale="-2"'), 3.0),
    ("wrapped in a span", people("<span>1</span><b>2</b>"), 12.0),
    ("with a comment", people("1<!-- 9 -->2"), 12.0),
    ("with a footnote excluded", people("12<ix:exclude>[9]</ix:exclude>3"), 123.0),
    ("older name", people("4", name="core:EmployeesTotal"), 4.0),
]


@pytest.mark.parametrize(("body", "expected"), [case[1:] for case in NUMBERS], ids=[case[0] for case in NUMBERS])
def test_employees_as_printed(body: str, expected: float) -> None:
    assert figures(body) == {THIS_YEAR: (expected, None)}


MONEY = [
    ("pounds", sales("12,345"), 12345.0),
    ("thousands", sales("1.1", more='scale="3" decimals="-2"'), 1100.0),
    ("millions, without crumbs", sales("1.1", more='scale="6" decimals="-5"'), 1_100_000.0),
    ("IFRS", sales("5", name="ifrs:Revenue"), 5.0),
    ("old GAAP", sales("6", name="core:TurnoverGrossOperatingRevenue"), 6.0),
    ("the FRC's own name first", sales("5", name="ifrs:Revenue") + sales("6"), 6.0),
    ("printed twice", sales("7") + sales("7"), 7.0),
    ("printed in millions too", sales("12.3", more='scale="6" decimals="-5"') + sales("12,345,678"), 12_345_678.0),
    ("the year, not its last quarter", sales("9") + sales("2", "quarter"), 9.0),
    ("an instant, where that is all", sales("9", "day"), 9.0),
    ("an own concept of the name is another thing", sales("1", name="own:Revenue") + sales("2"), 2.0),
    ("a part is not the whole", sales("1", "part") + sales("2"), 2.0),
]


@pytest.mark.parametrize(("body", "expected"), [case[1:] for case in MONEY], ids=[case[0] for case in MONEY])
def test_turnover_in_pounds(body: str, expected: float) -> None:
    assert figures(body) == {THIS_YEAR: (None, expected)}


def test_periods_newest_first_with_the_year_before() -> None:
    found = read(filing(people("8", "before"), people("9"), sales("100", "before")))
    assert found == (
        Period(date(2022, 1, 1), THIS_YEAR, 9.0, None),
        Period(date(2021, 1, 1), LAST_YEAR, 8.0, 100.0),
    )


def test_a_context_of_another_company_is_not_taken() -> None:
    contexts = context("now", number="12345") + context("before", "2021-01-01", "2021-12-31", number="00077777")
    other = context("other", number="77777")
    body = people("9") + sales("5") + people("700", "before") + sales("900", "other")
    found = settle_filing(read_document(filing(body, contexts=contexts + other)), "00012345", FILED)
    assert found.periods == (Period(date(2022, 1, 1), THIS_YEAR, 9.0, 5.0),)
    assert [(fault.figure, fault.reason) for fault in found.faults] == [
        ("employees", "other_company"), ("turnover_gbp", "other_company"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["", "00000000", "12345", "00012345", "n/a"])
def test_a_context_of_this_company_or_of_nobody_is_taken(number: str) -> None:
    content = filing(people("9"), contexts=context("now", number=number))
    assert [period.employees for period in read(content)] == [9.0]


def test_only_figures_of_another_company_are_a_reason() -> None:
    assert outcome(filing(people("9"), contexts=context("now", number="77777")))[0] == "other_company"


REFUSED = [
    ("nothing in it", "", "no_figures"),
    ("only of a part", people("3", "part"), "no_figures"),
    ("nil", people("", more='xsi:nil="true"'), "no_figures"),
    ("empty is not zero", people(""), "no_figures"),
    ("an own concept", people("3", name="own:EmployeesTotal"), "no_figures"),
    ("a dash without a format", people("-"), "unreadable_figure"),
    ("words without a format", people("seven"), "unreadable_figure"),
    ("a format nobody knows", people("7", more='format="ixt:numroman"'), "unreadable_figure"),
    ("not a number", people("NaN"), "unreadable_figure"),
    ("endless", people("inf"), "unreadable_figure"),
    ("a scale that would take for ever", people("1", more='scale="999999999"'), "unreadable_figure"),
    ("a scale that is none", people("1", more='scale="x"'), "unreadable_figure"),
    ("long", people("1" * 101), "unreadable_figure"),
    ("negative by sign", people("3", more='sign="-"'), "negative_employees"),
    ("negative in print", people("-3"), "negative_employees"),
    ("half a person", people("2.5"), "fractional_employees"),
    ("more than anybody employs", people("3,000,001"), "absurd_employees"),
    ("contradicting", people("3") + people("4"), "contradicting_figures"),
    ("negative turnover", sales("5", more='sign="-"'), "negative_turnover"),
    ("more than anybody sells", sales("2", more='scale="12"'), "absurd_turnover"),
    ("euros", sales("5", unit="EUR"), "other_currency"),
    ("no currency", sales("5", unit="pure"), "other_currency"),
    ("unit not there", sales("5", unit="GBX"), "unknown_unit"),
    ("contradicting in millions", sales("13.3", more='scale="6" decimals="-5"') + sales("12,345,678"), "contradicting"),
    ("period not there", people("3", "nowhere"), "unknown_period"),
    ("period unreadable", people("3", "odd"), "unreadable_period"),
    ("period backwards", people("3", "backwards"), "unreadable_period"),
    ("period of twelve years", people("3", "ages"), "absurd_period"),
    ("period not over", people("3", "future"), "future_period"),
]


@pytest.mark.parametrize(("body", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_figure_that_cannot_be_believed_has_a_reason(body: str, reason: str) -> None:
    with pytest.raises(FilingError) as error:
        read(filing(body))
    assert error.value.reason.startswith(reason)


def test_a_bad_figure_leaves_the_others() -> None:
    found = settle_filing(read_document(filing(people("-1"), people("2", "before"), sales("5"))), "00012345", FILED)
    assert [(period.end, period.employees, period.turnover_gbp) for period in found.periods] == [
        (THIS_YEAR, None, 5.0),
        (LAST_YEAR, 2.0, None),
    ]
    assert [(fault.figure, fault.reason) for fault in found.faults] == [("employees", "negative_employees")]


@pytest.mark.parametrize(
    ("says", "named", "expected"),
    [
        pytest.param("00012345", "00012345", "00012345", id="equal"),
        pytest.param("12345", "00012345", "00012345", id="zeros missing"),
        pytest.param(" 000 12345 ", "00012345", "00012345", id="blanks"),
        pytest.param("681295", "NI681295", "NI681295", id="letters missing"),
        pytest.param("", "00012345", "00012345", id="says nothing"),
        pytest.param("to follow", "00012345", "00012345", id="says no number"),
        pytest.param("00000000", "00012345", "00012345", id="placeholder"),
        pytest.param("00012345", None, "00012345", id="no name"),
        pytest.param("99999999", "00012345", None, id="another company"),
        pytest.param("SC012345", "00012345", None, id="another country"),
        pytest.param("", None, None, id="nobody says"),
    ],
)
def test_the_document_is_that_of_the_company(says: str, named: str | None, expected: str | None) -> None:
    document = read_document(filing(people("1"), number=says))
    if expected:
        assert settle_filing(document, named, FILED).company_number == expected
        return
    with pytest.raises(FilingError) as error:
        settle_filing(document, named, FILED)
    assert error.value.reason == ("other_company" if named else "no_company_number")


def test_the_contexts_name_the_company_where_no_word_does() -> None:
    contexts = CONTEXTS + context("entity", number="12345")
    assert read_document(filing(people("1"), number="", contexts=contexts)).company_numbers == ("00012345",)
    assert read_document(filing(stated("77", "part"), number="", contexts=contexts)).company_numbers == ("00012345",)


def test_plain_xbrl_of_former_years() -> None:
    document = (
        '<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:pt="http://www.xbrl.org/uk/fr/gaap/pt/2004-12-01" '
        'xmlns:ae="http://www.companieshouse.gov.uk/ef/xbrl/uk/fr/gaap/ae/2009-06-21" '
        'xmlns:iso4217="http://www.xbrl.org/2003/iso4217">'
        '<context id="c"><entity><identifier scheme="http://www.companieshouse.gov.uk/">12345</identifier></entity>'
        "<period><startDate>2010-04-01</startDate><endDate>2011-03-31</endDate></period></context>"
        '<unit id="GBP"><measure>iso4217:GBP</measure></unit><unit id="pure"><measure>pure</measure></unit>'
        '<pt:TurnoverGrossOperatingRevenue contextRef="c" unitRef="GBP" decimals="0">5000'
        "</pt:TurnoverGrossOperatingRevenue>"
        '<pt:EmployeesTotal contextRef="c" unitRef="pure" decimals="0">3</pt:EmployeesTotal>'
        '<ae:CompaniesHouseRegisteredNumber contextRef="c">00012345</ae:CompaniesHouseRegisteredNumber></xbrl>'
    )
    assert read(document.encode(), None) == (Period(date(2010, 4, 1), date(2011, 3, 31), 3.0, 5000.0),)


ENCODINGS = [
    ("UTF-8 with a mark", lambda text: b"\xef\xbb\xbf" + text.encode()),
    ("UTF-16", lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16")),
    ("cp1252", lambda text: text.replace("UTF-8", "windows-1252").encode("cp1252")),
    ("no declaration", lambda text: text[text.index("?>") + 2 :].encode()),
    ("a doctype of XHTML", lambda text: text.replace("<html", '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" '
                                                     '"http://127.0.0.1:9/x.dtd"><html', 1).encode()),
]  # fmt: skip


@pytest.mark.parametrize("encode", [case[1] for case in ENCODINGS], ids=[case[0] for case in ENCODINGS])
def test_encodings(encode: object) -> None:
    assert callable(encode)
    text = filing(people("12"), "<p>Café £5</p>").decode()
    assert read(encode(text))[0].employees == 12.0


@pytest.fixture
def canary() -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback that keeps what it is asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    asked.append(connection.recv(200))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            over.set()
            thread.join()


LAUGHS = '<!DOCTYPE html [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = [
    ("billion laughs", LAUGHS + "]>", "&i;", "entities"),
    ("quadratic", f'<!DOCTYPE html [<!ENTITY a "{"x" * 50_000}">]>', "&a;" * 50_000, "entities"),
    ("entity of a file", '<!DOCTYPE html [<!ENTITY x SYSTEM "file://{file}">]>', "&x;", "entities"),
    ("entity of the web", '<!DOCTYPE html [<!ENTITY x SYSTEM "{url}/x">]>', "&x;", "entities"),
    ("parameter entity", '<!DOCTYPE html [<!ENTITY % x SYSTEM "{url}/x"> %x;]>', "", "entities"),
    ("entity in an attribute", '<!DOCTYPE html [<!ENTITY x "1">]>', '<p title="&x;"/>', "entities"),
    ("external DTD", '<!DOCTYPE html SYSTEM "{url}/x.dtd">', "", ""),
    ("schema on loopback", "", '<link:schemaRef xlink:type="simple" xlink:href="{url}/x.xsd"/>', ""),
    ("stylesheet", '<?xml-stylesheet href="{url}/x.xsl" type="text/xsl"?>', "", ""),
    ("xinclude", "", '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file://{file}" parse="text"/>', ""),
    ("script", "", "<script>document.write('canary')</script>", ""),
    ("not closed", "", "<p>", "not_xml"),
]


@pytest.mark.parametrize("wide", [False, True], ids=["UTF-8", "UTF-16"])
@pytest.mark.parametrize(
    ("prolog", "body", "reason"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_nothing_is_expanded_and_nobody_is_asked(
    tmp_path: Path, canary: tuple[str, list[bytes]], prolog: str, body: str, reason: str, wide: bool
) -> None:
    url, asked = canary
    secret = tmp_path / "secret.txt"
    secret.write_text("42")

    def fill(text: str) -> str:
        return text.replace("{url}", url).replace("{file}", str(secret))

    text = filing(people(f"1{fill(body)}" if "include" in body else "1"), fill(body)).decode("utf-8", "surrogateescape")
    text = text[text.index("?>") + 2 :]
    whole = f'<?xml version="1.0" encoding="{"UTF-16" if wide else "UTF-8"}"?>{fill(prolog)}{text}'
    content = whole.encode("utf-16") if wide else whole.encode("utf-8", "surrogateescape")
    found, detail = outcome(content)
    assert found == (reason or [1.0])
    assert "42" not in detail
    assert asked == []


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_nesting_ends_quickly(depth: int) -> None:
    found, _ = outcome(filing(people("<b>" * depth + "5" + "</b>" * depth)))
    assert found == ([5.0] if depth == 200 else "not_xml")


def test_a_flood_of_figures_is_refused() -> None:
    with pytest.raises(FilingError) as error:
        read_document(filing(people("5") * 10_001))
    assert error.value.reason == "too_many_figures"


def test_a_document_of_half_a_gigabyte_is_not_parsed() -> None:
    with pytest.raises(FilingError, match="524,288,000 bytes") as error:
        parsed(bytes(500 * 2**20))
    assert error.value.reason == "too_large"


def test_pictures_of_20_mb_inside_are_read() -> None:
    assert read(filing(people("5"), f'<img src="data:image/png;base64,{"A" * 20_000_000}"/>'))[0].employees == 5.0


@pytest.mark.parametrize("content", [b"", b"<a/>", b"{}", b"%PDF-1.7", b"<html>", b"\0" * 100, b"<html>\xff</html>"])
def test_other_things_are_named(content: bytes) -> None:
    with pytest.raises(FilingError) as error:
        read_document(content)
    assert error.value.reason in ("not_xml", "not_accounts")


@settings(max_examples=200, deadline=2000)
@given(cut=st.integers(0, 3500), flip=st.integers(0, 3500), value=st.integers(0, 255))
def test_a_damaged_filing_ends_in_figures_or_a_reason(cut: int, flip: int, value: int) -> None:
    content = bytearray(filing(people("12"), sales("5")))
    content[flip % len(content)] = value
    found, _ = outcome(bytes(content[: max(cut, 1)] if cut < 1000 else content))
    assert found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Prod223_3384_09355500_20221231.html", "09355500"),
        ("Prod223_3384_NI681295_20220831.xml", "NI681295"),
        ("Prod223_3951_15052776_20240831_CIC.zip", "15052776"),
        ("folder/Prod224_9956_04944372_20100331.xml", "04944372"),
        ("accounts.html", None),
        ("Prod223_3384_09355500.html", None),
    ],
)
def test_the_name_of_a_member_says_whose_it_is(name: str, expected: str | None) -> None:
    assert number_in(name) == expected


def independent_employees(content: bytes) -> dict[str, float]:
    """Employees by last day, read with nothing of ours: undimensioned facts as printed."""
    root = etree.fromstring(content)
    days = {
        found.get("id"): found.xpath("string(.//*[local-name()='endDate' or local-name()='instant'])").strip()
        for found in root.xpath("//*[local-name()='context'][not(.//*[local-name()='explicitMember'])]")
    }
    return {
        days[found.get("contextRef")]: float(found.xpath("string(.)"))
        for found in root.xpath(
            "//*[local-name()='nonFraction'][contains(@name, ':AverageNumberEmployeesDuringPeriod')]"
        )
        if found.get("contextRef") in days
    }


@pytest.mark.realdata
def test_real_filings() -> None:
    """Ten filings as published: employees in all of them, turnover in none; two with the year before."""
    seen, periods = 0, 0
    for path in sorted(SHARED.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith(".html") or name.startswith("__MACOSX"):
                    continue
                content = archive.read(name)
                found = settle_filing(read_document(content), number_in(name), date(2025, 5, 3))
                assert {str(period.end): period.employees for period in found.periods} == independent_employees(content)
                assert all(period.turnover_gbp is None for period in found.periods)
                assert found.faults == ()
                assert found.company_number in name
                assert found.mended == ("09355500" in name)
                seen, periods = seen + 1, periods + len(found.periods)
    assert (seen, periods) == (10, 12)
