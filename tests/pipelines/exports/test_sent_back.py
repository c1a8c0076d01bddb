"""A list that an expert filled in comes back as judgements: what was meant, no more, and all of it or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from labels.errors import LabelsError
from labels.store import read_judgements
from pipelines.export_files import write_list
from pipelines.exporting.columns import EXPORTS
from pipelines.provenance import Provenance
from pipelines.sent_back import LONG_AGO, is_sent_back, read_answers
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.exports.conftest import RUN, TAXONOMY, Make

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRMS = frozenset({"00123", "F2", "F3", "F4", "F5", "=odd"})
Said = list[tuple[str, str, str]]
BOTH = [("F2", "cyber", "exclude"), ("F2", "cyber_two", "exclude")]


def _read(path: Path, coder: str = "") -> Said:
    found = read_answers(path, TAXONOMY, FIRMS, NOW, coder)
    return [(one.firm_id, one.sector, one.label) for one in found.judgements]


def _sheet(path: Path, *rows: str, header: str = "firm_id,sectors,wrong,missing") -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param("F2,cyber,,", [], id="nothing said"),
        pytest.param("F2,cyber,x,", [("F2", "cyber", "exclude")], id="a mark"),
        pytest.param("F2,cyber,YES,", [("F2", "cyber", "exclude")], id="a word"),
        pytest.param("F2,cyber,\u2713,", [("F2", "cyber", "exclude")], id="a tick"),
        pytest.param("F2,cyber,no,", [], id="not wrong"),
        pytest.param("F2,cyber,cyber,", [("F2", "cyber", "exclude")], id="a key"),
        pytest.param("F2,cyber, Cyber ,", [("F2", "cyber", "exclude")], id="a key in capitals"),
        pytest.param("F2,cyber,about,", [("F2", "cyber", "exclude")], id="a name"),
        pytest.param("F2,cyber,'=SUM(A1),", [("F2", "space", "exclude")], id="a name made safe"),
        pytest.param("F2,cyber,empty,", [("F2", "empty", "exclude")], id="a sector it is not in"),
        pytest.param("F2,cyber;cyber_two,cyber;cyber_two,", BOTH, id="two"),
        pytest.param("F2,cyber;cyber_two,secure,", BOTH, id="a cluster that gathers"),
        pytest.param("F2,space;air,x,", [("F2", "space", "exclude")], id="a mark means the narrowest"),
        pytest.param("F2,,,space", [("F2", "space", "include")], id="missing"),
        pytest.param(
            "F2,cyber,x,air; space",
            [("F2", "cyber", "exclude"), ("F2", "air", "include"), ("F2", "space", "include")],
            id="both",
        ),
        pytest.param("'=odd,cyber,x,", [("=odd", "cyber", "exclude")], id="an id made safe"),
        pytest.param("NOBODY,cyber,,", [], id="a strange firm of which nothing is said"),
    ],
)
def test_answers_of_a_row(tmp_path: Path, row: str, expected: Said) -> None:
    assert _read(_sheet(tmp_path / "l.csv", row)) == expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(["F2,cyber;space,x,"], "row 2: wrong is 'x'; name which of cyber, space", id="a mark for two"),
        pytest.param(["F2,,x,"], "name the sector, since the row has none", id="a mark for none"),
        pytest.param(["F2,,,yes"], "row 2: missing is a mark; name the sectors", id="missing yes"),
        pytest.param(["F2,cyber,cybre,"], "row 2: wrong names 'cybre'.*did you mean cyber", id="misspelt"),
        pytest.param(["F2,cyber,rubbish!,"], "known: air, space", id="no sector"),
        pytest.param(["F3,,secure,"], "by its SIC codes", id="a cluster by codes"),
        pytest.param(["F2,,,secure"], "gathers sectors; name the sector", id="missing from a cluster"),
        pytest.param(["NOBODY,cyber,x,"], "row 2: firm 'NOBODY' is not in this workspace", id="a strange firm"),
        pytest.param(["F2,cyber,x,cyber"], "cyber is missing here and wrong in", id="both ways in a row"),
        pytest.param(["F2,cyber,x,", "F2,,,cyber"], "row 3: cyber is missing here and wrong in .*row 2", id="two rows"),
        pytest.param([",cyber,x,"], "row 2: an answer without a firm_id", id="no id"),
        pytest.param(["F2,cyber"], "row 2: 2 cells", id="a row cut short"),
    ],
)
def test_what_cannot_be_understood_names_the_row(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(LabelsError, match=message):
        _read(_sheet(tmp_path / "l.csv", *rows))


def test_a_mark_in_a_list_of_one_cluster_means_that_cluster(tmp_path: Path) -> None:
    header = "firm_id,sectors,list_clusters,wrong"
    path = _sheet(tmp_path / "l.csv", "F2,cyber;space;air,air,x", "F2,cyber;space;air,,cyber", header=header)
    assert _read(path) == [("F2", "air", "exclude"), ("F2", "cyber", "exclude")]


def test_a_mark_in_the_evidence_means_the_sector_of_the_row(tmp_path: Path) -> None:
    path = _sheet(tmp_path / "l.csv", "F2,cyber,x,", "F4,air,,x", "F3,none,,", header="firm_id,sector,wrong,missing")
    assert _read(path) == [("F2", "cyber", "exclude"), ("F4", "air", "include")]
    with pytest.raises(LabelsError, match="name the sector"):
        _read(_sheet(path, "F3,none,x,", header="firm_id,sector,wrong,missing"))


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode("utf-8-sig"), id="byte-order mark"),
        pytest.param(lambda text: text.replace(",", ";").encode("cp1252"), id="Windows-1252 and semicolons"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode("utf-16"), id="UTF-16 and CRLF"),
        pytest.param(lambda text: text.replace("wrong", "Wrong ").encode(), id="capitals in the header"),
    ],
)
def test_files_as_spreadsheets_save_them(tmp_path: Path, encode: Callable[[str], bytes]) -> None:
    text = "firm_id,name,sectors,wrong,missing\nF2,Caf\u00e9,cyber,x,\n"
    (tmp_path / "l.csv").write_bytes(encode(text))
    assert is_sent_back(tmp_path / "l.csv")
    assert _read(tmp_path / "l.csv") == [("F2", "cyber", "exclude")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("firm_id,sector,label\nF2,cyber,include\n", False),
        ("firm_id,sector,label,wrong\nF2,cyber,include,\n", False),
        ("firm_id,missing\nF2,cyber\n", True),
        ('{"firm_id": "F2", "sectors": []}\n', False),
        ("", False),
    ],
    ids=["labels", "labels with a remark", "a list", "JSON lines", "nothing"],
)
def test_a_list_is_told_from_a_sheet_of_labels(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "l.csv").write_text(text, encoding="utf-8")
    assert is_sent_back(tmp_path / "l.csv") is expected


def test_judgements_say_which_list_they_came_from(tmp_path: Path) -> None:
    header = "firm_id,sectors,list_run,wrong,coder,note"
    path = _sheet(tmp_path / "l.csv", f"F2,cyber,{RUN},x,,sells shoes", "F5,cyber,,x,Ann,", header=header)
    found = read_answers(path, TAXONOMY, FIRMS, NOW, "Bob")
    assert [(one.coder, one.note) for one in found.judgements] == [("Bob", f"list {RUN} sells shoes"), ("Ann", "list")]
    assert found.listed_at == {"F2": "2026-03-01T04:30:00Z", "F5": LONG_AGO}
    assert (found.rows, found.answered, found.judgements[0].taxonomy_version) == (2, 2, "3")


@pytest.mark.parametrize(
    ("sheet", "column", "answer", "expected"),
    [
        pytest.param("Firms", "wrong", "x", ("00123", "space", "exclude"), id="firms: the narrowest"),
        pytest.param("Air planes jets all", "wrong", "x", ("00123", "air", "exclude"), id="a cluster's sheet"),
        pytest.param("=SUM(A1)", "wrong", "1", ("00123", "space", "exclude"), id="a number as mark"),
        pytest.param("=SUM(A1)", "wrong", True, ("00123", "space", "exclude"), id="a tick as mark"),
        pytest.param("About (2)", "missing", "space", ("F5", "space", "include"), id="missing"),
    ],
)
def test_a_workbook_comes_back_sheet_by_sheet(
    make: Make,
    provenance: Provenance,
    tmp_path: Path,
    sheet: str,
    column: str,
    answer: str | bool,
    expected: tuple[str, str, str],
) -> None:
    path = tmp_path / "f.xlsx"
    write_list(make("firms"), path, "xlsx", provenance)
    assert _read(path) == []
    book = load_workbook(path)
    names = [cell.value for cell in book[sheet][1]]
    book[sheet].cell(2, names.index(column) + 1).value = answer
    book.save(path)
    assert is_sent_back(path)
    assert _read(path) == [expected]


def test_a_workbook_that_asks_nothing_is_refused(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    write_list(make("cells"), tmp_path / "c.xlsx", "xlsx", provenance)
    with pytest.raises(LabelsError, match="no rows with the columns firm_id and wrong or missing"):
        _read(tmp_path / "c.xlsx")


def test_the_workbook_names_the_sheet_and_the_row(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    path = tmp_path / "f.xlsx"
    write_list(make("firms"), path, "xlsx", provenance)
    book = load_workbook(path)
    book["Firms"].cell(3, book["Firms"].max_column - 1).value = "shoes"
    book.save(path)
    with pytest.raises(LabelsError, match="sheet 'Firms', row 3: wrong names 'shoes'"):
        _read(path)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("name", ["firms", "evidence"])
def test_a_real_list_goes_out_and_comes_back(
    listed: Workspace, firmscope: Command, tmp_path: Path, name: str, file_format: str
) -> None:
    out, coder = tmp_path / f"list.{file_format}", f"expert {name} {file_format}"
    go = ("--workspace", listed.folder)
    assert firmscope(*go, "export", name, "--format", file_format, "--out", out).code == 0
    before = len(read_judgements(listed.labels_file))
    if file_format == "csv":
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"), newline="")))
        assert list(rows[0])[: len(EXPORTS[name])] == [column.name for column in EXPORTS[name]]
        row = next(row for row in rows if row["firm_id"] == "orbit" and "space" in row.get("sector", "space"))
        row["wrong"], row["missing"] = "space", "cyber"
        with out.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(row))
            writer.writeheader()
            writer.writerows(rows)
    else:
        book = load_workbook(out)
        sheet = book["Firms" if name == "firms" else "Evidence"]
        names = [cell.value for cell in sheet[1]]
        place = next(cells[0].row for cells in sheet.iter_rows(min_row=2) if cells[0].value == "orbit")
        sheet.cell(place, names.index("wrong") + 1).value = "space"
        sheet.cell(place, names.index("missing") + 1).value = "cyber"
        book.save(out)
    answer = firmscope(*go, "labels", "import", out, "--coder", coder)
    assert answer.code == 0, answer.err
    assert "2 judgements added" in answer.out
    assert "1 of " in answer.out
    fresh = read_judgements(listed.labels_file)[before:]
    assert {(one.firm_id, one.sector, one.label, one.coder) for one in fresh} == {
        ("orbit", "space", "exclude", coder), ("orbit", "cyber", "include", coder),
    }  # fmt: skip
    # A workbook names its run, so that it is known which words its reader saw; a CSV file stays the same every night.
    named = file_format == "xlsx"
    assert {one.note.startswith("list 2") for one in fresh} == {named}
    assert {len(one.text_digest) for one in fresh} == {64 if named else 0}
    again = firmscope(*go, "labels", "import", out, "--coder", coder)
    assert (again.code, "0 judgements added" in again.out) == (0, True)


def test_one_bad_row_and_nothing_comes_in(listed: Workspace, firmscope: Command, tmp_path: Path) -> None:
    path = _sheet(tmp_path / "l.csv", "orbit,space,x,", "bread,,x,")
    before = listed.labels_file.read_bytes()
    answer = firmscope("--workspace", listed.folder, "labels", "import", path, "--coder", "Ann")
    assert answer.code == 2
    assert "row 3: wrong is 'x'; name the sector" in answer.err
    assert listed.labels_file.read_bytes() == before
