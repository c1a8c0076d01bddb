"""Workbooks: every cell is a value, every cluster has its sheet, and the same run gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from pipelines.export_files import FORMATS, write_list
from pipelines.exporting import sheets
from pipelines.exporting.columns import ANSWERS, CLUSTER_SHEET, EXPORTS, FIRM_FLAGS
from pipelines.exporting.made import Page
from pipelines.exporting.sheets import MAX_CHARS, sheet_title, write_xlsx
from pipelines.provenance import Provenance
from tests.pipelines.exports.conftest import LONG, RUN, Make

FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
SHEETS = ["About", "Firms", "Air planes jets all", "=SUM(A1)", "About (2)", "ABOUT (3)", "Columns"]


@pytest.fixture
def book(make: Make, provenance: Provenance, tmp_path: Path) -> Any:
    write_list(make("firms"), tmp_path / "f.xlsx", "xlsx", provenance)
    return load_workbook(tmp_path / "f.xlsx")


def _records(sheet: Any) -> list[dict[str, Any]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("name", EXPORTS)
def test_x02_no_cell_is_a_formula_a_link_or_an_error(
    make: Make, provenance: Provenance, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "x.xlsx"
    write_list(make(name), path, "xlsx", provenance)
    texts = 0
    for sheet in load_workbook(path).worksheets:
        for cell in (cell for row in sheet.iter_rows() for cell in row if cell.value is not None):
            assert cell.data_type in ("s", "n", "b", "d"), cell.coordinate
            assert cell.hyperlink is None
            if cell.data_type == "s":
                texts += 1
                text = str(cell.value)
                assert text.lstrip(" \"'")[:1] not in set(FORMULA_STARTS) or text.startswith("'")
    assert texts
    with zipfile.ZipFile(path) as parts:
        assert not [part for part in parts.namelist() if "external" in part.lower() or "hyperlink" in part.lower()]
        sheet_xml = b"".join(parts.read(part) for part in parts.namelist() if part.startswith("xl/worksheets/"))
    assert b"<f>" not in sheet_xml
    assert b"<hyperlink" not in sheet_xml
    assert b"_x003D_" not in sheet_xml.replace(b"_x005F_x003D_", b"")  # Excel would read it as =


def test_sheets_of_clusters_stand_between_about_and_columns(book: Any) -> None:
    titles = book.sheetnames
    assert titles[:2] == ["About", "Firms"]
    assert titles[-1] == "Columns"
    assert [title for title in titles if not title.startswith("Security")] == SHEETS
    for title in titles[1:-1]:
        sheet = book[title]
        assert sheet.freeze_panes == "C2"
        assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, sheet.max_column).column_letter}{sheet.max_row}"
        assert all(8 <= sheet.column_dimensions[cell.column_letter].width <= 60 for cell in sheet[1])
    for title in titles[2:-1]:
        assert [cell.value for cell in book[title][1]] == [column.name for column in (*CLUSTER_SHEET, *ANSWERS)]


def test_a_cluster_s_sheet_shows_the_evidence_for_this_cluster(book: Any) -> None:
    air, space = _records(book["Air planes jets all"]), _records(book["=SUM(A1)"])
    assert [(row["firm_id"], row["probability"], row["evidence_sentence"]) for row in air] == [
        ("00123", 0.95, "'@We fly")
    ]
    assert space[0]["evidence_sentence"] == "'\uff1dcmd|' /C calc'!A0"
    assert (space[0]["since"], space[0]["other_sectors"]) == (datetime(2026, 5, 1), "air")  # noqa: DTZ001
    assert (space[0]["list_run"], space[0]["wrong"], space[0]["missing"]) == (RUN, None, None)


def test_a_cluster_that_gathers_has_firms_of_its_sectors_and_of_its_sic_codes(book: Any) -> None:
    title = next(title for title in book.sheetnames if title.startswith("Security"))
    rows = {row["firm_id"]: row for row in _records(book[title])}
    assert list(rows) == ["F5", "F2", "F3"]  # by probability of what has a sentence; codes have none and come last
    assert rows["F2"]["sectors"] == "cyber;cyber_two"
    assert rows["F2"]["evidence_sentence"] is not None
    assert (rows["F3"]["sectors"], rows["F3"]["probability"]) == (None, None)


def test_numbers_stay_numbers_and_days_days(book: Any) -> None:
    rows = {row["firm_id"]: row for row in _records(book["Firms"])}
    assert (rows["F2"]["employees"], rows["F2"]["turnover_gbp"]) == (-5, 0.1)
    assert rows["F2"]["employees_estimated"] is True
    assert rows["F2"]["incorporated_on"] == datetime(2001, 2, 3)  # noqa: DTZ001
    assert rows["00123"]["incorporated_on"] == "1899-05-06"  # Excel has no such day
    assert rows["F3"]["name"] == "#N/A"


def test_x03_what_a_cell_cannot_hold_is_counted(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    written = write_list(make("firms"), tmp_path / "f.xlsx", "xlsx", provenance)
    firms = {row["firm_id"]: row for row in _records(load_workbook(tmp_path / "f.xlsx")["Firms"])}
    sentence = firms["F2"]["evidence_sentence"]
    assert sentence.startswith("'=\N{ROCKET}")
    assert len(sentence.encode("utf-16-le")) // 2 in (MAX_CHARS - 1, MAX_CHARS)
    assert LONG.startswith(sentence[1:])
    assert written.further == {"shortened_cells": 3}  # Firms, About (2) and the cluster that gathers it
    assert firms["F5"]["name"] == "\ufffdhalf\ufffd\ufffd"
    assert written.replaced == 3 * 3


def test_about_says_where_the_list_comes_from(book: Any) -> None:
    about = dict(row[:2] for row in book["About"].iter_rows(values_only=True) if row[0])
    assert about["run that made the figures"] == RUN
    assert (about["firms in the whole list"], about["share classified"], about["Firms"]) == (5, 0.4, 5)
    assert about["'=SUM(A1)"] == 1
    columns = _records(book["Columns"])
    told = {(row["sheet"], row["column"]) for row in columns}
    assert {("firms", column.name) for column in EXPORTS["firms"]} <= told
    assert {("flags", flag) for flag in FIRM_FLAGS} <= told


def test_a_list_longer_than_a_sheet_goes_on_in_another(
    make: Make, provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)
    stream = io.BytesIO()
    write_xlsx(Page(make("cells"), provenance, True), stream)
    book = load_workbook(stream)
    assert book.sheetnames == ["About", "Cells", "Cells (2)", "Cells (3)", "Cells (4)", "Columns"]
    assert [book[title].max_row - 1 for title in book.sheetnames[1:-1]] == [2, 2, 2, 1]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["a/b\\c:d?e*f[g]"], ["a b c d e f g"], id="what Excel refuses"),
        pytest.param(["../x", "CON", ""], [".. x", "CON", "Sheet"], id="paths and nothing"),
        pytest.param(["Cyber", "cyber", "CYBER"], ["Cyber", "cyber (2)", "CYBER (3)"], id="case"),
        pytest.param(["x" * 300, "x" * 301], ["x" * 31, "x" * 27 + " (2)"], id="too long"),
        pytest.param(["'quoted'", "'"], ["quoted", "Sheet"], id="apostrophes at the ends"),
        pytest.param(["\N{ROCKET}" * 20], ["\N{ROCKET}" * 15], id="units of UTF-16"),
        pytest.param(["History", "About", "columns"], ["History (2)", "About (2)", "columns (2)"], id="taken"),
    ],
)
def test_x08_titles_are_taken_by_excel_and_no_two_are_equal(names: list[str], expected: list[str]) -> None:
    taken = {"about", "columns", "history"}
    assert [sheet_title(name, taken) for name in names] == expected


@pytest.mark.parametrize(("name", "file_format"), [(name, one) for name in EXPORTS for one in FORMATS[name]])
def test_x12_the_same_run_gives_the_same_bytes(
    make: Make, provenance: Provenance, tmp_path: Path, name: str, file_format: str
) -> None:
    one, other = tmp_path / "1" / "list", tmp_path / "2" / "list"
    for path, seed in ((one, None), (other, 7)):
        path.parent.mkdir()
        write_list(make(name, seed=seed), path, file_format, provenance)
    assert one.read_bytes() == other.read_bytes()
    beside = {path.name: path.read_bytes() for path in one.parent.iterdir()}
    assert beside == {path.name: path.read_bytes() for path in other.parent.iterdir()}
    assert len(beside) == 3 if (name, file_format) == ("cells", "csv") else 2
