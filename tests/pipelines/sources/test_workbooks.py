"""Workbooks from strangers (M05): values only, the first visible sheet with the header, and nothing that does harm."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import defusedxml
import pytest
from openpyxl import Workbook

from pipelines.errors import UsageError
from pipelines.sources.csv_files import BadRow, Row
from pipelines.sources.workbooks import EMPTY_ROWS, how_read, table_rows, workbook_rows

REQUIRED = ("CRN", "Project Number")
CANARY = "canary-8c1f"
Made = Callable[[Any], None]


def workbook(path: Path, *rows: tuple[Any, ...], title: str = "Projects") -> Path:
    book = Workbook()
    assert book.active is not None
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def read(path: Path) -> list[tuple[int, dict[str, str]]]:
    found = []
    for row in workbook_rows(path, REQUIRED, "a table"):
        assert isinstance(row, Row), row
        found.append((row.number, dict(row.cells)))
    return found


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None) -> Path:
    """The same workbook with parts changed, left out or added."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in (more or {}).items():
            new.writestr(name, content)
    path.write_bytes(made.getvalue())
    return path


def in_part(part: str, before: bytes, after: bytes) -> Callable[[str, bytes], bytes]:
    def change(name: str, content: bytes) -> bytes:
        if name != part:
            return content
        assert before in content, content[:2000]
        return content.replace(before, after, 1)

    return change


def with_shared_strings(path: Path) -> Path:
    """The same workbook with the text of A2 where Excel keeps texts."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    rewritten(
        path,
        in_part("[Content_Types].xml", b"</Types>",
                b'<Override PartName="/xl/sharedStrings.xml" ContentType="%s"/></Types>' % kind),
        {"xl/sharedStrings.xml": b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
                                 b"<si><t>shared</t></si></sst>"},
    )  # fmt: skip
    inline = rb'<c r="A2" t="inlineStr"><is><t>[^<]*</t></is></c>'
    return rewritten(path, lambda _, content: re.sub(inline, b'<c r="A2" t="s"><v>0</v></c>', content))


HEADER = ("CRN", "Project Number", "Award")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("00123", "00123", id="text keeps its zeros"),
        pytest.param(123456, "123456", id="whole number"),
        pytest.param(123456.0, "123456", id="whole number as a float"),
        pytest.param(0.25, "0.25", id="fraction"),
        pytest.param(date(2014, 4, 1), "2014-04-01", id="date"),
        pytest.param(datetime(2014, 4, 1, 12, 30), "2014-04-01 12:30:00", id="time"),  # noqa: DTZ001 - Excel has no zone
        pytest.param(True, "True", id="truth"),
        pytest.param(" NA ", "NA", id="NA is a text"),
        pytest.param("=1+1", "", id="formula without a value"),
        pytest.param("#N/A", "#N/A", id="error"),
        pytest.param("Cafe\u0301\u200b", "Café\u200b", id="NFC"),
        pytest.param(1e300, "1e+300", id="beyond whole numbers"),
    ],
)
def test_values_become_text(tmp_path: Path, value: object, expected: str) -> None:
    path = workbook(tmp_path / "a.xlsx", HEADER, ("1", "p", value))
    assert read(path) == [(2, {"crn": "1", "projectnumber": "p", "award": expected})]


def test_a_formula_gives_what_excel_worked_out(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", HEADER, ("1", "p", "=1+41"))
    rewritten(path, in_part("xl/worksheets/sheet1.xml", b"<v></v>", b"<v>42</v>"))
    assert read(path)[0][1]["award"] == "42"


def test_titles_above_empty_rows_between_notes_beside(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", ("Innovate UK", None), (), (None, "as of May"), ("crn ", "PROJECT_number"),
        ("1", "p"), (), ("2", "q", None, "a note beside the table"), ("CRN", "Project number"),
    )  # fmt: skip
    rows = list(workbook_rows(path, REQUIRED, "a table"))
    assert [(row.number, row.reason if isinstance(row, BadRow) else row.cells["CRN"]) for row in rows] == [
        (5, "1"), (7, "2"), (8, "header_again"),
    ]  # fmt: skip


def test_the_first_visible_sheet_with_the_header(tmp_path: Path) -> None:
    book = Workbook()
    first = book.active
    assert first is not None
    first.append(("Notes", "on the data"))
    for title, state, value in (("Old", "hidden", "h"), ("Very old", "veryHidden", "v"), ("Now", "visible", "n")):
        sheet = book.create_sheet(title)
        sheet.sheet_state = state
        sheet.append(REQUIRED)
        sheet.append((value, "p"))
    book.create_sheet("Later").append(REQUIRED)
    book.save(tmp_path / "a.xlsx")
    rows = workbook_rows(tmp_path / "a.xlsx", REQUIRED, "a table")
    assert [row.cells["CRN"] for row in rows if isinstance(row, Row)] == ["n"]
    assert how_read(rows) == ["Sheet 'Now' was read", "Hidden sheets were not: Old, Very old"]


def test_a_header_in_a_hidden_sheet_alone(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(("CRN", "Award"))
    hidden = book.create_sheet("Secret")
    hidden.sheet_state = "hidden"
    hidden.append(REQUIRED)
    book.save(tmp_path / "a.xlsx")
    expected = r"no visible sheet has a header with Project Number .*found: CRN, Award.*hidden sheets are not.*Secret"
    with pytest.raises(UsageError, match=expected):
        read(tmp_path / "a.xlsx")


def test_a_column_twice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sheet 'Projects': column CRN stands there twice"):
        read(workbook(tmp_path / "a.xlsx", ("CRN", "Project Number", "crn"), ("1", "p", "2")))


@pytest.mark.parametrize("at", [1_000, EMPTY_ROWS + 10, 1_048_576])
def test_empty_rows_end_a_sheet(tmp_path: Path, at: int) -> None:
    path = workbook(tmp_path / "a.xlsx", REQUIRED, ("1", "p"), ("2", "q"))
    rewritten(path, in_part("xl/worksheets/sheet1.xml", b'r="3"', b'r="%d"' % at))
    rewritten(path, lambda _, content: content.replace(b'"A3"', b'"A%d"' % at).replace(b'"B3"', b'"B%d"' % at))
    began = time.monotonic()
    rows = workbook_rows(path, REQUIRED, "a table")
    kept = [row.number for row in rows]
    assert kept == ([2, at] if at < EMPTY_ROWS else [2])
    assert (rows.ended_at, len(how_read(rows))) == ((0, 1) if at < EMPTY_ROWS else (2, 2))
    assert time.monotonic() - began < 20


def test_a_million_formatted_empty_rows_are_not_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", REQUIRED, ("1", "p"))
    empty = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (n, n) for n in range(3, 1_000_000))
    rewritten(path, in_part("xl/worksheets/sheet1.xml", b"</sheetData>", empty + b"</sheetData>"))
    rows = workbook_rows(path, REQUIRED, "a table")
    tracemalloc.start()
    assert [row.number for row in rows] == [2]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows.ended_at == 2
    assert peak < 100e6


DTD = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@contextmanager
def listening() -> Iterator[tuple[str, list[int]]]:
    """A server on the loopback that nobody should call."""
    calls: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def wait() -> None:
            while not done.is_set():
                try:
                    server.accept()[0].close()
                    calls.append(1)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/x", calls
        finally:
            done.set()
            thread.join()


PARTS = ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "[Content_Types].xml",
         "xl/_rels/workbook.xml.rels", "xl/styles.xml", "docProps/core.xml"]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("kind", ["bomb", "file", "network", "parameter", "utf-16", "utf-7", "hidden behind a comment"])
def test_xml_with_declarations_is_refused(tmp_path: Path, part: str, kind: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY, encoding="utf-8")
    path = with_shared_strings(workbook(tmp_path / "a.xlsx", REQUIRED, ("1", "p")))
    assert read(path)[0][1]["crn"] == "shared"
    with listening() as (url, calls):
        declared = {
            "bomb": DTD,
            "file": f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>'.encode(),
            "network": f'<!DOCTYPE x SYSTEM "{url}">'.encode(),
            "parameter": f'<!DOCTYPE x [<!ENTITY % a SYSTEM "{url}"> %a;]>'.encode(),
        }.get(kind, DTD)

        def change(name: str, content: bytes) -> bytes:
            if name != part:
                return content
            body = re.sub(rb"^<\?xml[^>]*\?>", b"", content.lstrip())
            if kind == "utf-16":
                return (DTD + body).decode().encode("utf-16")
            head = b"<?xml version='1.0' encoding='UTF-7'?>" if kind == "utf-7" else b""
            head += b"<!-- " + b"<a> " * 10 + b"-->" if kind == "hidden behind a comment" else b""
            return head + declared + body

        rewritten(path, change)
        with pytest.raises(UsageError, match="which Excel never writes") as refusal:
            read(path)
        assert part in str(refusal.value)
        assert CANARY not in str(refusal.value)
        assert not calls


def test_openpyxl_reads_xml_through_defusedxml_where_it_streams(tmp_path: Path) -> None:
    """Our own look at the prolog is the first door; this is the second, should a part slip by it."""
    from openpyxl import DEFUSEDXML
    from openpyxl.worksheet import _reader

    iterparse = vars(_reader)["iterparse"]  # what it reads sheets with; the stubs do not know
    assert DEFUSEDXML
    assert iterparse.__module__.startswith("defusedxml")
    with pytest.raises(defusedxml.EntitiesForbidden):
        list(iterparse(io.BytesIO(DTD + b"<x>&c;</x>")))
    from openpyxl.xml.functions import fromstring

    assert "lol" not in str(fromstring(DTD + b"<x>&c;</x>").text), "lxml leaves entities as they are"


def test_macros_and_links_to_other_workbooks_are_not_looked_at(tmp_path: Path) -> None:
    with listening() as (url, calls):
        path = workbook(tmp_path / "a.xlsm", HEADER, ("1", "p", f"='[{url}]Sheet1'!A1"))
        rewritten(
            path, in_part("[Content_Types].xml", b"spreadsheetml.sheet.main+xml", b"spreadsheetml.sheet.main+xml"),
            {"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" + CANARY.encode(),
             "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
             "xl/externalLinks/_rels/externalLink1.xml.rels":
                 f'<Relationships><Relationship Id="r1" Type="x" Target="{url}" TargetMode="External"/></Relationships>'
                 .encode()},
        )  # fmt: skip
        rewritten(path, in_part("[Content_Types].xml", b"openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                                b"ms-excel.sheet.macroEnabled.main+xml"))  # fmt: skip
        assert read(path) == [(2, {"crn": "1", "projectnumber": "p", "award": ""})]
        assert not calls


def bomb(path: Path) -> None:
    workbook(path, REQUIRED, ("1", "p"))
    rewritten(path, in_part("xl/worksheets/sheet1.xml", b"</sheetData>", b" " * 300_000_000 + b"</sheetData>"))


def truncated(path: Path) -> None:
    workbook(path, REQUIRED, *[(str(n), f"p{n * 7919}") for n in range(2_000)])
    path.write_bytes(path.read_bytes()[:-200])


def without(part: str) -> Made:
    def make(path: Path) -> None:
        rewritten(
            workbook(path, REQUIRED, ("1", "p")), lambda name, content: None if name.startswith(part) else content
        )

    return make


def broken(before: bytes, after: bytes) -> Made:
    def make(path: Path) -> None:
        rewritten(
            with_shared_strings(workbook(path, REQUIRED, ("1", "p"))),
            in_part("xl/worksheets/sheet1.xml", before, after),
        )

    return make


def written(content: bytes) -> Made:
    def make(path: Path) -> None:
        path.write_bytes(content)

    return make


def plain_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.csv", "x")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(bomb, "no real file does", id="zip bomb"),
        pytest.param(truncated, "cut short", id="cut short"),
        pytest.param(written(b"\xd0\xcf\x11\xe0" + b"\0" * 600), r"old Excel workbook \(\.xls\)", id="xls"),
        pytest.param(written(b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")),
                     "with a password", id="password"),
        pytest.param(written(b"%PDF-1.7"), "a PDF document", id="PDF"),
        pytest.param(written(b"a,b\n"), "looks like no workbook", id="CSV"),
        pytest.param(plain_zip, "a zip, but no Excel workbook", id="another zip"),
        pytest.param(without("xl/workbook"), "a damaged workbook", id="no list of sheets"),
        pytest.param(without("xl/"), "a zip, but no Excel workbook", id="no workbook part"),
        pytest.param(without("xl/worksheets"), "no visible sheet has a header", id="no sheet"),
        pytest.param(broken(b"</sheetData>", b"<row"), "a damaged workbook", id="broken XML"),
        pytest.param(broken(b"<v>0</v>", b"<v>999</v>"), "a damaged workbook", id="string that is not there"),
        pytest.param(broken(b'r="A2"', b'r="ZZZZZ2"'), "a damaged workbook", id="column that is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(tmp_path: Path, make: Made, message: str) -> None:
    path = tmp_path / "a.xlsx"
    make(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UsageError, match=message) as refusal:
            read(path)
    assert str(path) in str(refusal.value)


def test_csv_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("CRN,Project Number\n1,Café\n".encode("cp1252"))
    rows = table_rows(path, REQUIRED, "a table")
    assert [row.cells["Project Number"] for row in rows if isinstance(row, Row)] == ["Café"]
    assert how_read(rows) == ["The file was read as Windows-1252"]
    with pytest.raises(UsageError, match="no such file"):
        table_rows(tmp_path / "b.csv", REQUIRED, "a table")
