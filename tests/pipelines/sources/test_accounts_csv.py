"""Tables of bought or administrative figures: good rows kept, bad ones with their row and reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import UsageError
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.runs import start_run
from pipelines.sources.accounts import AccountsReport, import_accounts
from pipelines.sources.accounts_csv import read_accounts_csv
from pipelines.workspace import Workspace
from tests.pipelines.sources.filings import bulk_file, filing, member, people

TODAY = date(2026, 11, 20)
HEAD = "company_number,period_end,employees,turnover_gbp,source\n"
GOOD = "00012345,2024-03-31,12,1500000,bought\n"


def read(tmp_path: Path, content: str | bytes, name: str = "figures.csv") -> tuple[list[tuple[Any, ...]], list[str]]:
    """Rows that can be used, and the drops as 'row: reason'."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = read_accounts_csv(path, TODAY)
    columns = table.columns
    names = ("number", "period_end", "employees", "turnover_gbp", "source")
    assert table.rows == len(columns["number"]) + len(table.drops)
    return (
        list(zip(*(columns[name] for name in names), strict=True)),
        [f"{subject.removeprefix(name + ', ')}: {reason}" for subject, reason, _ in table.drops],
    )


CELLS = [
    ("plain", "00012345,2024-03-31,12,1500000,bought", ("00012345", date(2024, 3, 31), 12.0, 1.5e6, "bought")),
    ("zeros eaten", "12345,2024-03-31,12,,x", ("00012345", date(2024, 3, 31), 12.0, None, "x")),
    ("prefix", "sc 1234,2024-03-31,12,,x", ("SC001234", date(2024, 3, 31), 12.0, None, "x")),
    ("British day", "12345,31/03/2024,12,,x", ("00012345", date(2024, 3, 31), 12.0, None, "x")),
    ("thousands", '12345,2024-03-31,"1,234","£1,500,000",x', ("00012345", date(2024, 3, 31), 1234.0, 1.5e6, "x")),
    ("part of a person", "12345,2024-03-31,12.5,,x", ("00012345", date(2024, 3, 31), 12.5, None, "x")),
    ("nobody", "12345,2024-03-31,0,0,x", ("00012345", date(2024, 3, 31), 0.0, 0.0, "x")),
    ("a source's name", '12345,2024-03-31,1,,"A, B & Co"', ("00012345", date(2024, 3, 31), 1.0, None, "A, B & Co")),
]


@pytest.mark.parametrize(("row", "expected"), [case[1:] for case in CELLS], ids=[case[0] for case in CELLS])
def test_cells(tmp_path: Path, row: str, expected: tuple[Any, ...]) -> None:
    assert read(tmp_path, HEAD + row + "\n") == ([expected], [])


BAD = [
    ("no number", ",2024-03-31,12,,x", "bad_company_number"),
    ("no company number", "ACME,2024-03-31,12,,x", "bad_company_number"),
    ("month first", "12345,03/31/2024,12,,x", "bad_period_end"),
    ("no day", "12345,,12,,x", "bad_period_end"),
    ("future", "12345,2026-11-21,12,,x", "future_period"),
    ("long ago", "12345,1901-01-01,12,,x", "absurd_period"),
    ("negative employees", "12345,2024-03-31,-1,,x", "negative_employees"),
    ("negative turnover", "12345,2024-03-31,1,(5),x", "negative_turnover"),
    ("more than anybody employs", "12345,2024-03-31,3000001,,x", "absurd_employees"),
    ("more than anybody sells", "12345,2024-03-31,,1.1e12,x", "absurd_turnover"),
    ("words", "12345,2024-03-31,many,,x", "bad_employees"),
    ("decimal comma", '12345,2024-03-31,1,"1.234,5",x', "bad_turnover"),
    ("not a number", "12345,2024-03-31,nan,,x", "bad_employees"),
    ("nothing", "12345,2024-03-31,,,x", "no_figures"),
    ("no source", "12345,2024-03-31,1,,", "no_source"),
    ("reserved", "12345,2024-03-31,1,,Accounts", "reserved_source"),
    ("reserved too", "12345,2024-03-31,1,,firm_list", "reserved_source"),
    ("long source", f"12345,2024-03-31,1,,{'x' * 61}", "bad_source"),
    ("too few cells", "12345,2024-03-31,1", "wrong_cell_count"),
    ("header again", HEAD.strip(), "header_again"),
]


@pytest.mark.parametrize(("row", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_row_has_a_reason_and_leaves_the_others(tmp_path: Path, row: str, reason: str) -> None:
    rows, drops = read(tmp_path, HEAD + GOOD + row + "\n")
    assert len(rows) == 1
    assert drops == [f"row 3: {reason}"]


def test_rows_that_say_the_same_count_once_and_rows_that_disagree_not_at_all(tmp_path: Path) -> None:
    other = GOOD.replace("12,", "13,")
    rows, drops = read(tmp_path, HEAD + GOOD + GOOD + GOOD.replace("2024", "2023") + GOOD.replace("bought", "tax"))
    assert (len(rows), drops) == (3, ["row 3: duplicate_row"])
    rows, drops = read(tmp_path, HEAD + GOOD + other + GOOD + GOOD.replace("2024", "2023"))
    assert [row[1] for row in rows] == [date(2023, 3, 31)]
    assert drops == [f"row {row}: contradicting_rows" for row in (2, 3, 4)]


def test_estimates_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "figures.csv"
    head = HEAD.strip() + ",Imputed\n"
    rows = "".join(f"{number},2024-03-31,1,,x,{flag}\n" for number, flag in enumerate(("", "True", "no", "maybe"), 1))
    path.write_text(head + rows, encoding="utf-8")
    table = read_accounts_csv(path, TODAY)
    assert table.columns["imputed"] == [False, True, False]
    assert [reason for _, reason, _ in table.drops] == ["bad_imputed"]


ENCODINGS = [
    ("a byte-order mark", (HEAD + GOOD).encode("utf-8-sig")),
    ("UTF-16", (HEAD + GOOD).encode("utf-16")),
    ("cp1252", (HEAD + GOOD.replace("bought", "Café")).encode("cp1252")),
    ("semicolons", (HEAD + GOOD).replace(",", ";").encode()),
    ("CR only", (HEAD + GOOD).replace("\n", "\r").encode()),
    (
        "other spellings",
        (HEAD + GOOD).replace("company_number", " Company Number").replace("source", "SOURCE").encode(),
    ),
]


@pytest.mark.parametrize("content", [case[1] for case in ENCODINGS], ids=[case[0] for case in ENCODINGS])
def test_encodings_and_dialects(tmp_path: Path, content: bytes) -> None:
    rows, drops = read(tmp_path, content)
    assert rows[0][:4] == ("00012345", date(2024, 3, 31), 12.0, 1.5e6)
    assert rows[0][4] in ("bought", "Café")
    assert drops == []


WRONG = [
    ("a missing column", "company_number,employees,source\n1,2,x\n", r"row 1: column period_end is missing"),
    ("no figures at all", "company_number,period_end,source\n1,2024-03-31,x\n", "neither of the columns employees"),
    ("nothing below", HEAD, "no rows below the header"),
    ("only bad rows", HEAD + "x,y,z,,\n", r"figures.csv, row 2: bad_company_number"),
    ("a web page", "<!DOCTYPE html><p>log in", "looks like a web page"),
    ("JSON", '[{"company_number": 1}]', "looks like a JSON file"),
    ("a firm list", "firm_id,name,website\nf1,One,one.example\n", "a firm list"),
]


@pytest.mark.parametrize(("content", "says"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(tmp_path, content)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(8)))
def test_the_order_of_rows_is_of_no_consequence(tmp_path: Path, order: list[int]) -> None:
    lines = [f"{number % 3 + 1},2024-03-31,{number % 2},,s{number % 4}\n" for number in range(8)]
    expected, _ = read(tmp_path, HEAD + "".join(lines))
    found, _ = read(tmp_path, HEAD + "".join(lines[place] for place in order))
    assert sorted(found) == sorted(expected)


def take(workspace: Workspace, path: Path, content: str = "") -> AccountsReport:
    if content:
        path.write_text(content, encoding="utf-8")
    with start_run(workspace, "import accounts") as run:
        return import_accounts(run, path)


@pytest.fixture
def two_firms(workspace: Workspace, tmp_path: Path) -> Workspace:
    """A workspace with the firms f1 (00012345) and f2 (SC001234), and what f1 filed for 2022."""
    path = tmp_path / "firms.csv"
    path.write_text("firm_id,name,website,company_number\nf1,One,one.example,12345\nf2,Two,two.example,SC001234\n")
    with start_run(workspace, "import firms") as run:
        import_firms(run, read_firm_list(path, date(2023, 1, 1)))
    take(workspace, bulk_file(tmp_path, {member(): filing(people("12"))}))
    return workspace


def held(workspace: Workspace) -> list[tuple[Any, ...]]:
    names = ["firm_id", "period_end", "employees", "turnover_gbp", "source", "filing"]
    rows = workspace.lake.read_arrow("accounts", names).to_pylist()
    return sorted((tuple(row.values()) for row in rows), key=str)


FILED = ("f1", date(2022, 12, 31), 12.0, None, "accounts", member())
BOUGHT = ("f1", date(2024, 3, 31), 12.0, 1.5e6, "bought", None)


def test_figures_arrive_beside_the_filed_ones(two_firms: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "bought.csv"
    content = HEAD + GOOD + "99999999,2024-03-31,1,,bought\n" + "SC001234,2024-03-31,,-1,bought\n"
    report = take(two_firms, path, content)
    assert held(two_firms) == [FILED, BOUGHT]
    assert report.dropped == {"not_in_firm_list": 1, "negative_turnover": 1}
    assert report.sentences()[0] == ("1 of 3 rows taken: 1 periods of 1 firms, employees in 1, turnover in 1")
    before = two_firms.lake.snapshots()
    take(two_firms, path)
    assert two_firms.lake.snapshots() == before


def test_a_newer_table_replaces_its_own_figures_only(two_firms: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "bought.csv"
    take(two_firms, path, HEAD + GOOD + GOOD.replace("bought", "tax"))
    take(two_firms, path, HEAD + GOOD.replace("12,", "14,"))
    tax = (*BOUGHT[:4], "tax", None)
    assert held(two_firms) == [FILED, tax, ("f1", date(2024, 3, 31), 14.0, 1.5e6, "bought", None)]


def test_a_column_that_is_not_there_takes_nothing_away(two_firms: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "bought.csv"
    take(two_firms, path, HEAD + GOOD)
    take(two_firms, path, "company_number,period_end,employees,source\n12345,2024-03-31,15,bought\n")
    assert held(two_firms)[1] == ("f1", date(2024, 3, 31), 15.0, 1.5e6, "bought", None)
    take(two_firms, path, HEAD + "12345,2024-03-31,15,,bought\n")
    assert held(two_firms)[1] == ("f1", date(2024, 3, 31), 15.0, None, "bought", None)
