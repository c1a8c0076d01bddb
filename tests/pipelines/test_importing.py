"""What a file does not speak of stays as it was; what it says again changes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms, import_texts
from pipelines.runs import start_run
from pipelines.sources.register import import_register
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


REGISTER = """CompanyName,CompanyNumber,RegAddress.PostCode,CompanyStatus,IncorporationDate,SICCode.SicText_1
ONE LTD,00000001,NG7 2RD,Active,31/01/2015,62012 - Software
TWO LTD,00000002,,Active,31/01/2016,62012 - Software
CHILD LTD,00000003,NG1 1AA,Active,31/01/2017,62012 - Software
"""
LATE = date(2025, 3, 4)
LISTED = "firm_id,name,website,company_number\nf1,One,one.example,1\n"


def of_the_register(workspace: Workspace, tmp_path: Path) -> None:
    """Three companies of the register; of the first, figures, grants, owners, a trading address and a child."""
    file = tmp_path / "BasicCompanyDataAsOneFile-2025-11-01.csv"
    file.write_text(REGISTER, encoding="utf-8")
    lake = workspace.lake
    with start_run(workspace, "import register") as run:
        import_register(run, file)
    account = {"firm_id": "00000001", "period_end": date(2024, 12, 31), "source": "accounts", "imputed": False}
    figures = [
        account | {"employees": 10.0, "filing": "a", "filed_on": LATE},
        account | {"employees": 9.0, "filing": "b"},
    ]
    lake.replace_firms("accounts", ["00000001"], figures, "test")
    grants = [{"firm_id": "00000001", "project": one, "offered_gbp": 5.0, "source": "s"} for one in ("p", "q")]
    lake.replace_firms("grants", ["00000001"], grants, "test")
    owner = {"firm_id": "00000001", "owner": "marked", "kind": "corporate", "country": "DE"}
    lake.replace_firms("owners", ["00000001"], [owner], "test")
    site = {"firm_id": "00000001", "postcode": "NG2 1AA", "kind": "trading", "source": "imported"}
    office = [row for row in lake.read_arrow("premises").to_pylist() if row["firm_id"] == "00000001"]
    lake.replace_firms("premises", ["00000001"], [*office, site], "test")
    firms = table(workspace, "firms")
    firms["00000001"] |= {"foreign_owned": True, "owner_country": "DE"}
    firms["00000003"] |= {"parent_id": "00000001"}
    lake.replace_all("firms", list(firms.values()), "test")


def all_rows(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """What stands where: firm and a few columns of every table that speaks of companies."""
    columns = {
        "firms": ("company_number", "register_date", "incorporated_on", "owner_country", "parent_id"),
        "premises": ("postcode", "kind", "source"), "accounts": ("filing", "employees", "filed_on", "source"),
        "grants": ("project", "offered_gbp"), "owners": ("owner",),
    }  # fmt: skip
    return {
        name: sorted(
            (tuple(row[one] for one in ("firm_id", *wanted)) for row in workspace.lake.read_arrow(name).to_pylist()),
            key=str,
        )
        for name, wanted in columns.items()
    }


def test_a_listed_firm_takes_over_what_the_register_brought(workspace: Workspace, tmp_path: Path) -> None:
    of_the_register(workspace, tmp_path)
    take(workspace, tmp_path, LISTED)
    firms = table(workspace, "firms")
    assert set(firms) == {"f1", "00000002", "00000003"}
    one = firms["f1"]
    assert (one["name"], one["website"], one["status"], one["sic_codes"]) == ("One", "one.example", "Active", ["62012"])
    assert (one["incorporated_on"], one["foreign_owned"]) == (date(2015, 1, 31), True)
    assert firms["00000003"]["parent_id"] == "f1"
    held = all_rows(workspace)
    assert held["premises"] == [
        ("00000002", None, "registered", "register"), ("00000003", "NG1 1AA", "registered", "register"),
        ("f1", "NG2 1AA", "trading", "imported"), ("f1", "NG7 2RD", "registered", "register"),
    ]  # fmt: skip
    assert held["accounts"] == [("f1", "a", 10, LATE, "accounts"), ("f1", "b", 9, None, "accounts")]
    assert held["grants"] == [("f1", "p", 5), ("f1", "q", 5)]
    assert held["owners"] == [("f1", "marked")]
    before = {name: value for name, value in workspace.lake.snapshots().items() if name != "runs"}
    take(workspace, tmp_path, LISTED, TUESDAY)
    assert {name: value for name, value in workspace.lake.snapshots().items() if name != "runs"} == before
    with start_run(workspace, "import register") as run:
        report = import_register(run, tmp_path / "BasicCompanyDataAsOneFile-2025-11-01.csv")
    assert (report.superseded, report.added, report.gone, set(table(workspace, "firms"))) == (0, 0, 0, set(firms))


def test_what_the_list_and_the_firm_say_themselves_goes_before(workspace: Workspace, tmp_path: Path) -> None:
    of_the_register(workspace, tmp_path)
    take(workspace, tmp_path, "firm_id,name,website\nf1,One,one.example\n")
    account = {"firm_id": "f1", "period_end": date(2024, 12, 31), "source": "accounts", "imputed": False}
    later = account | {"employees": 11.0, "filing": "a", "filed_on": MONDAY}
    workspace.lake.replace_firms("accounts", ["f1"], [later], "test")
    grant = {"firm_id": "f1", "project": "q", "offered_gbp": 6.0, "source": "s"}
    workspace.lake.replace_firms("grants", ["f1"], [grant], "test")
    rows = "f1,One,one.example,00000001,ng7 2rd,Dissolved,70\n"
    take(workspace, tmp_path, f"firm_id,name,website,company_number,postcode,status,employees\n{rows}")
    held = all_rows(workspace)
    assert held["accounts"] == [
        ("f1", "a", 11, LATE, "accounts"), ("f1", "b", 9, None, "accounts"), ("f1", None, 70, None, "firm_list"),
    ]  # fmt: skip
    assert held["grants"] == [("f1", "p", 5), ("f1", "q", 6)]
    assert ("f1", "NG7 2RD", "registered", "firm_list") in held["premises"]
    assert sum(row[0] == "f1" for row in held["premises"]) == 2
    assert table(workspace, "firms")["f1"]["status"] == "Dissolved"


def test_figures_of_a_number_that_two_firms_give_go_to_none(workspace: Workspace, tmp_path: Path) -> None:
    of_the_register(workspace, tmp_path)
    take(workspace, tmp_path, f"{LISTED}f2,Also one,two.example,00000001\n")
    held = all_rows(workspace)
    assert (held["accounts"], held["grants"]) == ([], [])
    assert held["owners"] == [("f1", "marked"), ("f2", "marked")]
    assert [row[:3] for row in held["firms"]] == [
        ("00000002", "00000002", date(2025, 11, 1)), ("00000003", "00000003", date(2025, 11, 1)),
        ("f1", "1", date(2025, 11, 1)), ("f2", "00000001", date(2025, 11, 1)),
    ]  # fmt: skip


@pytest.mark.parametrize(("listed", "figures"), [("", 0), ("f9,Nine,nine.example,9\n", 2)])
def test_figures_and_a_firm_of_another_list(workspace: Workspace, tmp_path: Path, listed: str, figures: int) -> None:
    of_the_register(workspace, tmp_path)
    nine = {"firm_id": "f9", "name": "Nine", "website": "nine.example", "company_number": "1"}
    workspace.lake.replace_firms("firms", ["f9"], [nine], "as an earlier release left it")
    take(workspace, tmp_path, LISTED + listed)  # unless this list says that the other firm has another number
    held = all_rows(workspace)
    assert (len(held["accounts"]), len(held["grants"])) == (figures, figures)
    assert [row[0] for row in held["firms"]] == ["00000002", "00000003", "f1", "f9"]


def test_only_the_registers_own_copy_is_taken_over(workspace: Workspace, tmp_path: Path) -> None:
    of_the_register(workspace, tmp_path)
    take(workspace, tmp_path, "firm_id,name,website\n00000001,One of a list,one.example\n")
    take(workspace, tmp_path, LISTED)  # two firms of lists give one number: that is for a person to settle
    assert set(table(workspace, "firms")) == {"f1", "00000001", "00000002", "00000003"}
    assert [row[0] for row in all_rows(workspace)["accounts"]] == ["00000001"] * 2
    take(workspace, tmp_path, "firm_id,name,website,company_number\n00000002,Two,two.example,2\n")
    two = table(workspace, "firms")["00000002"]
    assert (two["website"], two["incorporated_on"]) == ("two.example", date(2016, 1, 31))


@pytest.mark.parametrize("killed_at", ["accounts", "premises", "grants", "owners", "firms"])
def test_taken_over_once_wherever_it_was_killed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    def stop(name: str) -> None:
        if name == f"committed-{killed_at}":
            raise RuntimeError(name)

    of_the_register(workspace, tmp_path)
    content = "firm_id,name,website,company_number,postcode,employees\nf1,One,one.example,1,NG1 1AA,70\n"
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.store.crash_point", stop)
        with pytest.raises(RuntimeError):
            take(workspace, tmp_path, content)
    take(workspace, tmp_path, content)
    held = all_rows(workspace)
    assert [row[0] for row in held["firms"]] == ["00000002", "00000003", "f1"]
    assert held["accounts"] == [
        ("f1", "a", 10, LATE, "accounts"), ("f1", "b", 9, None, "accounts"), ("f1", None, 70, None, "firm_list"),
    ]  # fmt: skip
    assert sorted(row[1:] for row in held["premises"] if row[0] == "f1") == [
        ("NG1 1AA", "registered", "firm_list"), ("NG2 1AA", "trading", "imported"),
        ("NG7 2RD", "registered", "register"),
    ]  # fmt: skip
    assert (len(held["grants"]), len(held["owners"]), held["firms"][1][5]) == (2, 1, "f1")
