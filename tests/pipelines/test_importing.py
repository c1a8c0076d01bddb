"""What a file does not speak of stays as it was; what it says again changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms, import_texts
from pipelines.runs import start_run
from pipelines.text_lists import read_texts
from pipelines.workspace import Workspace

FULL = """firm_id,name,website,company_number,status,dissolved_on,postcode,lad_code,employees,turnover_gbp
f1,One,one.example,00012345,Dissolved,2024-01-31,ng7 2rd,E06000018,70,9000000
f2,Two,two.example,,,,,E06000016,,
"""
MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)


def take(workspace: Workspace, tmp_path: Path, content: str, today: date = MONDAY) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(content, encoding="utf-8")
    with start_run(workspace, "import firms") as run:
        import_firms(run, read_firm_list(file, today))


def take_texts(workspace: Workspace, tmp_path: Path, content: str, day: int = 16) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(content, encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(file), datetime(2026, 11, day, tzinfo=UTC))


def table(workspace: Workspace, name: str) -> dict[str, dict[str, Any]]:
    return {row["firm_id"]: row for row in workspace.lake.read_arrow(name).to_pylist()}


def test_names_of_before_are_parted_and_numbers_kept(workspace: Workspace, tmp_path: Path) -> None:
    head = "firm_id,name,website,previous_names,vat_number\n"
    rows = "f1,One,one.example,Uno Ltd | Eins & Co|,GB 123 4567 89\nf2,Two,two.example,,\n"
    take(workspace, tmp_path, head + rows)
    held = table(workspace, "firms")
    assert (held["f1"]["previous_names"], held["f1"]["vat_number"]) == (["Uno Ltd", "Eins & Co"], "GB 123 4567 89")
    assert (held["f2"]["previous_names"], held["f2"]["vat_number"]) == (None, None)
    take(workspace, tmp_path, "firm_id,name,website\nf1,One,one.example\n")
    assert table(workspace, "firms")["f1"]["previous_names"] == ["Uno Ltd", "Eins & Co"]


def test_every_column_arrives(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, FULL)
    firm = table(workspace, "firms")["f1"]
    assert (firm["company_number"], firm["status"], firm["dissolved_on"]) == (
        "00012345",
        "Dissolved",
        date(2024, 1, 31),
    )
    premises = table(workspace, "premises")
    assert (premises["f1"]["postcode"], premises["f1"]["lad_code"]) == ("NG7 2RD", "E06000018")
    assert (premises["f2"]["postcode"], premises["f2"]["lad_code"]) == (None, "E06000016")
    accounts = table(workspace, "accounts")
    assert (accounts["f1"]["employees"], accounts["f1"]["turnover_gbp"], accounts["f1"]["period_end"]) == (
        70,
        9e6,
        MONDAY,
    )
    assert "f2" not in accounts


def test_a_list_without_a_column_takes_nothing_away(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, FULL)
    before = {name: table(workspace, name) for name in ("premises", "accounts")}
    take(workspace, tmp_path, "firm_id,name,website\nf1,One Limited,one.example\n", TUESDAY)
    assert {name: table(workspace, name) for name in ("premises", "accounts")} == before
    firm = table(workspace, "firms")["f1"]
    assert (firm["name"], firm["dissolved_on"], firm["company_number"]) == (
        "One Limited",
        date(2024, 1, 31),
        "00012345",
    )


def test_an_empty_cell_says_that_there_is_nothing(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, FULL)
    take(
        workspace,
        tmp_path,
        "firm_id,name,website,status,employees,turnover_gbp,postcode,lad_code\nf1,One,one.example,,,,,\n",
    )
    assert table(workspace, "firms")["f1"]["status"] is None
    assert "f1" not in table(workspace, "accounts")
    assert "f1" not in table(workspace, "premises")


def test_new_employees_keep_the_turnover_held(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, FULL)
    take(workspace, tmp_path, "firm_id,name,website,employees\nf1,One,one.example,80\n", TUESDAY)
    row = table(workspace, "accounts")["f1"]
    assert (row["employees"], row["turnover_gbp"], row["period_end"]) == (80, 9e6, TUESDAY)


def test_the_same_list_on_another_day_changes_no_table(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, FULL)
    before = {name: value for name, value in workspace.lake.snapshots().items() if name != "runs"}
    take(workspace, tmp_path, FULL, TUESDAY)
    assert {name: value for name, value in workspace.lake.snapshots().items() if name != "runs"} == before


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("Firm_ID,Name,Website,Employees", True),
        ("firm_id,name,website,SIC Codes", True),
        ("firm_id,name,website,staff", False),
    ],
)
def test_column_names(workspace: Workspace, tmp_path: Path, header: str, taken: bool) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(f"{header}\nf1,One,one.example,62012\n", encoding="utf-8")
    found = read_firm_list(file, MONDAY)
    assert (found.not_taken == ()) == taken
    assert len(found.columns) == (4 if taken else 3)


def test_texts_do_not_touch_the_register(workspace: Workspace, tmp_path: Path) -> None:
    take(workspace, tmp_path, FULL)
    before = table(workspace, "firms")["f1"]
    text = '{"firm_id": "f1", "name": "Uno", "text": "Pumps. Write to jane@one.example.", "url": "http://directory.example/1"}\n'
    take_texts(
        workspace, tmp_path, text + '{"firm_id": "f3", "name": "Three", "text": "", "website": "javascript:x"}\n'
    )
    assert table(workspace, "firms")["f1"] == before
    assert table(workspace, "firms")["f3"]["website"] is None
    page = table(workspace, "pages")["f1"]
    assert page["url"] == "http://directory.example/1"
    assert "jane@" not in page["text"]
    sites = table(workspace, "sites")
    assert [(sites[firm]["source"], sites[firm]["outcome"]) for firm in ("f1", "f3")] == [
        ("texts", "ok"),
        ("texts", "empty"),
    ]


def test_texts_twice_change_nothing_and_repair_what_a_kill_left(workspace: Workspace, tmp_path: Path) -> None:
    text = '{"firm_id": "f1", "name": "One", "text": "Pumps and valves", "url": "http://one.example"}\n'
    take_texts(workspace, tmp_path, text)
    before = {name: value for name, value in workspace.lake.snapshots().items() if name != "runs"}
    take_texts(workspace, tmp_path, text, day=18)
    assert {name: value for name, value in workspace.lake.snapshots().items() if name != "runs"} == before
    workspace.lake.replace_firms("sites", ["f1"], [], "as if killed before sites")
    take_texts(workspace, tmp_path, text, day=19)
    assert table(workspace, "sites")["f1"]["source"] == "texts"
