"""Rows of strangers' CSV files: the right text, or the line and what is wrong with it."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.sources.csv_files import BadRow, Row, csv_rows, day, number

HEAD = "id,name\n"


def read(content: bytes, tmp_path: Path) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]], str]:
    """Good rows as (line, id, name), bad rows as (line, reason), and the encoding found."""
    file = tmp_path / "file.csv"
    file.write_bytes(content)
    rows = csv_rows(file, ["id", "name"], "a table of tests")
    good, bad = [], []
    for row in rows:
        if isinstance(row, Row):
            good.append((row.number, row.cells["id"], row.cells["name"]))
        else:
            bad.append((row.number, row.reason))
    return good, bad, rows.encoding


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param("id,name\n1,Café €\n".encode(), "UTF-8", id="UTF-8"),
        pytest.param("id,name\n1,Café €\n".encode("utf-8-sig"), "UTF-8", id="byte-order mark"),
        pytest.param("id,name\n1,Café €\n".encode("utf-16"), "UTF-16", id="UTF-16 with mark"),
        pytest.param("\ufeffid,name\n1,Café €\n".encode("utf-16-be"), "UTF-16", id="UTF-16 big end first"),
        pytest.param("id,name\n1,Café €\n".encode("utf-16-le"), "UTF-16", id="UTF-16 without mark"),
        pytest.param("id,name\n1,Café €\n".encode("utf-16-be"), "UTF-16", id="UTF-16 big end first without mark"),
        pytest.param("id,name\n1,Café €\n".encode("cp1252"), "Windows-1252", id="Windows-1252"),
        pytest.param("id,name\r1,Café €\r".encode(), "UTF-8", id="CR only"),
        pytest.param("id,name\r\n1,Café €\r\n".encode(), "UTF-8", id="CR LF"),
        pytest.param("id,name\n1,Café €".encode(), "UTF-8", id="no line end at the end"),
        pytest.param("id;name\n1;Café €\n".encode(), "UTF-8", id="semicolons"),
        pytest.param("id\tname\n1\tCafé €\n".encode(), "UTF-8", id="tabs"),
        pytest.param('"id","name"\n"1","Café €"\n'.encode(), "UTF-8", id="quoted"),
        pytest.param(" ID , Name \n 1 , Café € \n".encode(), "UTF-8", id="blanks and case"),
        pytest.param("name,other,id\nCafé €,x,1\n".encode(), "UTF-8", id="another order"),
        pytest.param("id,name\n1,Cafe\u0301 €\n".encode(), "UTF-8", id="combining accent"),
        pytest.param("id,name\n\n,\n1,Café €\n".encode(), "UTF-8", id="empty rows"),
    ],
)
def test_the_right_text(content: bytes, encoding: str, tmp_path: Path) -> None:
    good, bad, found = read(content, tmp_path)
    assert [row[1:] for row in good] == [("1", "Café €")]
    assert (bad, found) == ([], encoding)


@pytest.mark.parametrize(
    "cell", ["NA", "null", "None", "nan", "TRUE", "Infinity", "1e5", "00123", "=1+1", "🚀", "\u202eevil", "''"]
)
def test_nothing_is_guessed(cell: str, tmp_path: Path) -> None:
    assert read(f"{HEAD}{cell},{cell}\n".encode(), tmp_path)[0] == [(2, cell, cell)]


@pytest.mark.parametrize(
    ("rows", "good", "bad"),
    [
        pytest.param(b"1,a\n2\n3,c\n", ["1", "3"], [(3, "wrong_cell_count")], id="a cell too few"),
        pytest.param(b"1,a\n2,b,x\n3,c\n", ["1", "3"], [(3, "wrong_cell_count")], id="a cell too many"),
        pytest.param(b"1,a\nId,NAME\n3,c\n", ["1", "3"], [(3, "header_again")], id="header in the middle"),
        pytest.param(b'1,a\n2,"b\n3,c\n4,d\n', ["1", "3", "4"], [(3, "unclosed_quote")], id="quote never closed"),
        pytest.param(b'1,a\n2,"b\n3,"c"\n4,d\n', ["1", "3", "4"], [(3, "bad_quotes")], id="closed by the next row's"),
        pytest.param(b'1,a\n2,"b"x\n3,c\n', ["1", "3"], [(3, "bad_quotes")], id="text behind a quote"),
        pytest.param(b'1,a\n2,"b\nb"\n3,c\n4\n', ["1", "2", "3"], [(6, "wrong_cell_count")], id="two lines in a cell"),
        pytest.param(b"1,a\n2,b\0\n3,c\n", ["1", "3"], [(3, "not_text")], id="NUL"),
        pytest.param(b"1,\xe9\n2,\x81\n3,c\n", ["1", "3"], [(3, "not_text")], id="a byte that is no letter"),
        pytest.param(b"1,\xc3\xa9\n2,\xe9\n3,c\n", ["1", "3"], [(3, "not_utf8")], id="cp1252 among UTF-8"),
        pytest.param(b"1,\xe9\n2,\xc3\xa9\n3,c\n", ["1", "3"], [(3, "mixed_encoding")], id="UTF-8 among cp1252"),
        pytest.param(b"1,a\n2," + b"x" * 1_100_000 + b"\n3,c\n", ["1", "3"], [(3, "too_long")], id="a line of 1.1 MB"),
        pytest.param(b"1,a\n2," + b"x" * 140_000 + b"\n3,c\n", ["1", "3"], [(3, "too_long")], id="a cell of 140 kB"),
        pytest.param(b'1,a\n2,"' + b"x" * 140_000 + b'"\n3,c\n', ["1", "3"], [(3, "too_long")], id="the same, quoted"),
        pytest.param(b"1,a\n2," + b"x" * 2_000_000, ["1"], [(3, "too_long")], id="a long line at the end"),
        pytest.param(b"1,a\n" + b"2" + b"," * 900_000 + b"\n3,c\n", ["1", "3"], [(3, "wrong_cell_count")],
                     id="900,000 cells"),
    ],
)  # fmt: skip
def test_a_bad_row_costs_one_row(rows: bytes, good: list[str], bad: list[tuple[int, str]], tmp_path: Path) -> None:
    found, dropped, _ = read(HEAD.encode() + rows, tmp_path)
    assert ([row[1] for row in found], dropped) == (good, bad)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty; expected a table of tests", id="empty"),
        pytest.param(b"\xef\xbb\xbf\r\n\n", "is empty; expected a table of tests", id="mark and blank lines"),
        pytest.param(b"id\n1\n", "row 1: column name is missing (found: id)", id="column missing"),
        pytest.param(b"id,name,Name\n1,a,b\n", "row 1: column name stands there twice", id="column twice"),
        pytest.param(b"firm_id,name,website\n1,a,b\n", "it looks like a firm list, which is for: firmscope import",
                     id="a firm list"),
        pytest.param(b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "looks like an Excel workbook", id="xlsx"),
        pytest.param(b"PK\x03\x04" + b"\0" * 40, "looks like a zip file or an Excel workbook", id="zip"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1", "looks like an old Excel workbook", id="xls"),
        pytest.param(b"%PDF-1.7\n", "looks like a PDF document", id="pdf"),
        pytest.param(b"PAR1\x15\x04", "looks like a Parquet file", id="parquet"),
        pytest.param(b"\x1f\x8b\x08", "looks like a gzip file", id="gzip"),
        pytest.param(b"\n<!DOCTYPE html><html>", "looks like a web page", id="html"),
        pytest.param(b'<?xml version="1.0"?>', "looks like an XML file", id="xml"),
        pytest.param(b'{"company_number": 1}', "looks like a JSON file", id="json"),
        pytest.param(b"id," * 400_000 + b"name\n1", "row 1: a line of more than 1,000,000 bytes in the header",
                     id="a header of 1.2 MB"),
        pytest.param(b'id,"name\n1,2\n', "row 1: column id is missing", id="quote open in the header"),
        pytest.param("id,name\n1,a\n".encode("utf-16") + b"\x00", "near row 3: not the UTF-16 text that it began as",
                     id="UTF-16 cut short"),
        pytest.param(b"\x00\x01\x02\x03", "row 1: a NUL character in the header", id="bytes"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(content, tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / "file.csv") in str(caught.value)


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "none.csv", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(UsageError, match=message):
            next(csv_rows(path, ["id"], "a table"))


def test_columns_are_found_whatever_their_spelling(tmp_path: Path) -> None:
    rows = csv_rows(
        tmp_path / "x.csv", ["period_end"], "t", open_bytes=lambda: io.BytesIO(b" Period End,Source\n1,2\n")
    )
    row = next(rows)
    assert isinstance(row, Row)
    assert (row.cells["period_end"], row.cells.get("SOURCE"), row.cells.get("other")) == ("1", "2", None)


def test_a_bad_row_says_how_it_begins(tmp_path: Path) -> None:
    rows = csv_rows(tmp_path / "x", ["id", "n"], "t", open_bytes=lambda: io.BytesIO(b"id,n\n00012345,a,b\n"))
    assert next(rows) == BadRow(2, "wrong_cell_count", "3 cells, but the header has 2", "00012345,a,b\n")


@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["C", "Z"], codec="utf-8"))] * 2)))
def test_what_python_writes_is_read_back(written: list[tuple[str, str]]) -> None:
    import csv
    import unicodedata

    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("id", "name"), *written])
    rows = list(csv_rows(Path("x"), ["id", "name"], "t", open_bytes=lambda: io.BytesIO(text.getvalue().encode())))
    held = [tuple(row.cells[name] for name in ("id", "name")) if isinstance(row, Row) else row for row in rows]
    again = [tuple(cell.lower().replace("_", "") for cell in pair) == ("id", "name") for pair in written]
    expected = [tuple(unicodedata.normalize("NFC", cell) for cell in pair) for pair in written if any(pair)]
    if not any(again):
        assert held == expected


@pytest.mark.parametrize("shape", ["columns", "line", "quote"])
def test_huge_lines_stay_small_in_memory(shape: str, tmp_path: Path) -> None:
    file = tmp_path / "huge.csv"
    with file.open("wb") as out:
        out.write(b"id,name\n")
        for _ in range(200):
            out.write({"columns": b"," * 1_000_000, "line": b"x" * 1_000_000, "quote": b'"x\n' * 333_333}[shape])
    code = (
        "import sys\nfrom pathlib import Path\nfrom pipelines.sources.csv_files import csv_rows\n"
        "n = sum(1 for _ in zip(csv_rows(Path(sys.argv[1]), ['id', 'name'], 't'), range(10_000)))\n"
        "status = Path('/proc/self/status').read_text()\n"  # getrusage would count the tests' own process, too
        "print(n, int(status.split('VmHWM:')[1].split()[0]) // 1024)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    rows, peak_mib = map(int, ended.stdout.split())
    assert rows == (10_000 if shape == "quote" else 1)
    assert peak_mib < 100


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("1234.5", 1234.5), ("1,234", 1234), ("1,234,567.89", 1234567.89), (" 12 ", 12), ("1 234", 1234),
        ("1\u00a0234\u00a0567", 1234567), ("£1,234", 1234), ("-5", -5), ("\u22125", -5), ("(1,234)", -1234),
        ("£-5", -5),
        ("-£5", -5), ("+5", 5), (".5", 0.5), ("5.", 5), ("1.2e6", 1.2e6), ("1E+09", 1e9), ("-0", 0),
        ("1.234,5", None), ("12,5", None), ("1,23", None), ("1,2345", None), ("12,34,567", None), ("1234,567", None),
        ("1.2.3", None), ("", None), (" ", None), (".", None), ("-", None), ("()", None), ("nan", None), ("inf", None),
        ("1e999", None), ("1_000", None), ("0x10", None), ("five", None), ("5%", None), ("\u0661", None), ("$5", None),
        ("e5", None), ("1,234 567", None), ("--5", None),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2020-01-31", date(2020, 1, 31)), ("31/01/2020", date(2020, 1, 31)), ("1/2/2020", date(2020, 2, 1)),
        ("2020-01-31 00:00:00", date(2020, 1, 31)), ("2020-01-31T00:00:00Z", date(2020, 1, 31)),
        ("31/01/2020 00:00", date(2020, 1, 31)), ("31.01.2020", date(2020, 1, 31)), ("29/02/2024", date(2024, 2, 29)),
        ("29/02/2023", None), ("13/25/2020", None), ("01/31/2020", None), ("31/01/20", None), ("", None), ("n/a", None),
        ("0000-01-01", None), ("43861", None), ("2020", None), ("31/01/2020x", None),
    ],
)  # fmt: skip
def test_days(text: str, value: date | None) -> None:
    assert day(text) == value


@pytest.mark.parametrize("read_one", [number, day])
@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(read_one: Callable[[str], object], text: str) -> None:
    read_one(text)
