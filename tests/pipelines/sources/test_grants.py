"""Grants by project: amounts, years and company numbers as the table writes them, and rows that say one thing twice."""

from __future__ import annotations

import csv
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from pipelines.errors import UsageError
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.sources.csv_files import BadRow, Row
from pipelines.sources.grant_rows import Grant, GrantError, distinct, read_grant, together
from pipelines.sources.grants import GrantsReport, import_grants
from pipelines.tables import FIRMS
from pipelines.workspace import Workspace
from tests.pipelines.conftest import TAXONOMY

TODAY = date(2026, 11, 16)
COLUMNS = [
    "Competition Title", "Project Number", "Competition Year", "Participant Name", "CRN", "Project Start Date",
    "Project End Date", "Award Offered (£)", "Actual Spend to Date (£)", "Participant Withdrawn From Project",
]  # fmt: skip
GOOD = {
    "Competition Title": "Sensors", "Project Number": "104567", "Competition Year": "2014/15",
    "Participant Name": "Ms Josephine Bloggs", "CRN": "00000001", "Project Start Date": "01/04/2015",
    "Project End Date": "31/03/2017", "Award Offered (£)": "£12,345.50", "Actual Spend to Date (£)": "12,000",
    "Participant Withdrawn From Project": "No",
}  # fmt: skip


def row(**cells: str) -> Row:
    names = {"crn": "CRN", "project": "Project Number", "year": "Competition Year", "start": "Project Start Date",
             "end": "Project End Date", "offered": "Award Offered (£)", "spent": "Actual Spend to Date (£)",
             "withdrawn": "Participant Withdrawn From Project", "title": "Competition Title"}  # fmt: skip
    return Row(7, GOOD | {names[name]: cell for name, cell in cells.items()})


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Firms a, b (Scottish), two that claim number 3, and one that only the register knows."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "taxonomy.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "taxonomy.yaml"))
    numbers = {"a": "1", "b": "SC000002", "c1": "00000003", "c2": "3", "00000004": "00000004"}
    empty: dict[str, Any] = dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")
    rows = [empty | {"firm_id": firm, "name": firm, "company_number": number} for firm, number in numbers.items()]
    workspace = Workspace(folder / "ws")
    workspace.lake.replace_firms("firms", numbers, rows, "given")
    return workspace


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows([GOOD | one for one in rows])
    return path


def take(workspace: Workspace, path: Path) -> tuple[GrantsReport, dict[tuple[str, str], dict[str, Any]]]:
    with start_run(workspace, "import grants") as run:
        report = import_grants(run, path)
    held = workspace.lake.read_arrow("grants").to_pylist()
    return report, {(one["firm_id"], one["project"]): one for one in held}


def test_a_row_as_it_is_published() -> None:
    assert read_grant(row(), TODAY) == Grant(
        company="00000001", project="104567", row=7, year=2014, offered_gbp=12345.5, spent_gbp=12000.0,
        started_on=date(2015, 4, 1), ended_on=date(2017, 3, 31), competition="Sensors", withdrawn=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "name", "expected"),
    [
        ({"crn": "123456"}, "company", "00123456"),
        ({"crn": "sc 123"}, "company", "SC000123"),
        ({"crn": "RC000651"}, "company", "RC000651"),
        ({"year": "2014-15"}, "year", 2014),
        ({"year": "2014"}, "year", 2014),
        ({"year": "FY 2014/2015"}, "year", 2014),
        ({"year": ""}, "year", 2015),
        ({"year": "", "start": ""}, "year", None),
        ({"start": "2015-04-01"}, "started_on", date(2015, 4, 1)),
        ({"start": "01/04/2028"}, "started_on", date(2028, 4, 1)),
        ({"offered": "0"}, "offered_gbp", 0.0),
        ({"offered": ""}, "offered_gbp", None),
        ({"offered": "1,234,567"}, "offered_gbp", 1234567.0),
        ({"withdrawn": "YES"}, "withdrawn", True),
        ({"withdrawn": ""}, "withdrawn", None),
        ({"title": ""}, "competition", None),
    ],
)
def test_cells(cells: dict[str, str], name: str, expected: object) -> None:
    assert getattr(read_grant(row(**cells), TODAY), name) == expected


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"crn": "N/A"}, "no_company_number"),
        ({"crn": "IC"}, "no_company_number"),
        ({"crn": ""}, "no_company_number"),
        ({"crn": "0"}, "no_company_number"),
        ({"crn": "=1+1"}, "no_company_number"),
        ({"project": ""}, "no_project"),
        ({"project": "x" * 501}, "too_long"),
        ({"offered": "1.234,5"}, "bad_amount"),
        ({"offered": "1,23"}, "bad_amount"),
        ({"offered": "NaN"}, "bad_amount"),
        ({"offered": "inf"}, "bad_amount"),
        ({"spent": "-1"}, "negative_amount"),
        ({"spent": "(1)"}, "negative_amount"),
        ({"offered": "3e9"}, "absurd_amount"),
        ({"year": "soon"}, "bad_year"),
        ({"year": "1066"}, "bad_year"),
        ({"year": "2099/00"}, "future_date"),
        ({"start": "12/31/2020"}, "bad_date"),
        ({"start": "01/01/2090"}, "future_date"),
        ({"end": "01/01/2190"}, "future_date"),
        ({"withdrawn": "maybe"}, "bad_withdrawn"),
    ],
)
def test_rows_that_are_no_grants(cells: dict[str, str], reason: str) -> None:
    with pytest.raises(GrantError) as refused:
        read_grant(row(**cells), TODAY)
    assert refused.value.reason == reason


def test_a_bad_row_keeps_its_reason() -> None:
    with pytest.raises(GrantError) as refused:
        read_grant(BadRow(3, "unclosed_quote", "why"), TODAY)
    assert (refused.value.reason, refused.value.detail) == ("unclosed_quote", "why")


def grant(row: int, offered: float | None, started: date | None = None, **more: Any) -> Grant:
    return Grant("00000001", "p", row, offered_gbp=offered, started_on=started, **more)


def test_rows_on_one_firm_and_project() -> None:
    first, again = grant(2, 100.0, spent_gbp=10.0), grant(3, 100.0, spent_gbp=60.0)
    second, gone = grant(4, 50.0, spent_gbp=5.0, year=2020), grant(5, 900.0, spent_gbp=1.0, withdrawn=True)
    assert distinct([first, again, second]) == [again, second]
    for awards in ([again, second, gone], [gone, second, again]):
        made = together(awards)
        assert (made.offered_gbp, made.spent_gbp, made.year, made.withdrawn) == (150.0, 66.0, 2020, None)
    assert together([gone]) == gone
    assert together([gone, grant(6, 100.0, withdrawn=True)]).withdrawn
    assert together([grant(2, None), grant(3, None, date(2020, 1, 1))]).offered_gbp is None


def test_order_of_awards_does_not_matter() -> None:
    awards = [grant(n, 0.1 * n, date(2020, 1, n % 3 + 1), spent_gbp=0.3, year=2020 + n) for n in range(2, 9)]
    mixed = list(awards)
    random.Random(7).shuffle(mixed)
    assert together(mixed) == together(awards)


def test_csv_into_the_lake(shelf: Workspace, tmp_path: Path) -> None:
    path = write(
        tmp_path / "grants.csv",
        {}, {"CRN": "SC2", "Participant Withdrawn From Project": "Yes"}, {"CRN": "99"}, {"CRN": "3"}, {"CRN": "4"},
        {"CRN": "IC"}, {"Award Offered (£)": "x"}, {"Award Offered (£)": "654.50"}, {"Actual Spend to Date (£)": "1"},
    )  # fmt: skip
    report, held = take(shelf, path)
    assert set(held) == {("a", "104567"), ("b", "104567"), ("00000004", "104567")}
    assert (held["a", "104567"]["offered_gbp"], held["a", "104567"]["source"]) == (13000.0, "grants.csv")
    assert report.dropped == {
        "not_in_firm_list": 1, "number_of_several_firms": 1, "no_company_number": 1, "bad_amount": 1,
        "same_award_again": 1,
    }  # fmt: skip
    assert (report.rows, report.grants, report.firms, report.added) == (9, 3, 3, 1)
    assert (report.offered_gbp, report.withdrawn) == (25345.5, 1)
    assert report.sentences()[0] == "9 rows read: 3 grants of 3 listed firms"
    newest = max(shelf.runs_folder.iterdir(), key=lambda run: run.stat().st_mtime_ns)
    assert '"grants.csv, row 4",not_in_firm_list' in (newest / "dropped.csv").read_text(encoding="utf-8")
    before = shelf.lake.snapshot("grants")
    take(shelf, path)
    assert shelf.lake.snapshot("grants") == before
    on_disk = b"".join(file.read_bytes() for file in shelf.folder.rglob("*") if file.is_file())
    assert b"Bloggs" not in on_disk
    assert "Bloggs" not in str(list(held.values()))


def test_a_workbook_and_what_the_next_file_leaves(shelf: Workspace, tmp_path: Path) -> None:
    take(shelf, write(tmp_path / "first.csv", {"Project Number": "1"}, {"Project Number": "2"}, {"CRN": "SC2"}))
    book = Workbook()
    assert book.active is not None
    book.active.append(COLUMNS)
    book.active.append(["Robots", 2, "2020/21", "X", 1, date(2021, 1, 1), None, 777, None, "Yes"])
    book.save(tmp_path / "second.xlsx")
    report, held = take(shelf, tmp_path / "second.xlsx")
    assert held["a", "2"] | {"shard": 0} == {
        "shard": 0, "firm_id": "a", "project": "2", "year": 2020, "offered_gbp": 777.0, "spent_gbp": None,
        "started_on": date(2021, 1, 1), "ended_on": None, "competition": "Robots", "withdrawn": True,
        "source": "second.xlsx",
    }  # fmt: skip
    assert held["a", "1"]["source"] == "first.csv"
    assert held["b", "104567"]["source"] == "first.csv"
    assert report.how_read == ("Sheet 'Sheet' was read",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"CRN,Project Number,Award Offered (\xc2\xa3)\n", "no rows below the header", id="header only"),
        pytest.param(b"CRN,Project Number,Award Offered (\xc2\xa3)\nIC,1,5\n",
                     r"none of the 1 rows can be used; the first, grants.csv, row 2: no_company_number \('IC'\)",
                     id="no row to be used"),
        pytest.param(b"CompanyName,CompanyNumber,CompanyStatus\nA,1,Active\n", "firmscope import register",
                     id="register"),
        pytest.param(b"<html><body>log in</body></html>", "a web page", id="web page"),
        pytest.param(b"PK\x03\x04 cut", "cut short", id="cut zip"),
    ],
)  # fmt: skip
def test_wrong_files_leave_everything_as_it_was(
    shelf: Workspace, tmp_path: Path, content: bytes, message: str
) -> None:  # fmt: skip
    (tmp_path / "grants.csv").write_bytes(content)
    before = shelf.lake.snapshot("grants")
    with pytest.raises(UsageError, match=message):
        take(shelf, tmp_path / "grants.csv")
    assert shelf.lake.snapshot("grants") == before


@pytest.mark.realdata
def test_the_published_header(shelf: Workspace, shared: Path, tmp_path: Path) -> None:
    header = (shared / "geo/innovate_uk_header.csv").read_text(encoding="utf-8").strip()
    names = next(csv.reader([header]))
    cells = [str(GOOD.get(name, "text, with a comma")) for name in names]
    with (tmp_path / "grants.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, cells])
    report, held = take(shelf, tmp_path / "grants.csv")
    assert (report.grants, held["a", "104567"]["year"], report.dropped) == (1, 2014, {})
