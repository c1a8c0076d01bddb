"""From official files to a scorecard, through the commands: nobody is classified, clusters are made of SIC codes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.statistics.catalogue import metric_of
from pipelines.statistics.figure_records import LATEST
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command

TAXONOMY = """id: t
version: 1
sectors:
  - {key: air, name: Aerospace, definition: Aircraft.}
clusters:
  - {key: software, name: Software, sic: ['62']}
  - {key: food, name: Food, sic: ['10']}
"""
PLACES = ["NG7 2RD", "NG1 5FS", "B1 1BB", "B3 3DQ", "LE1 1AA", "M1 1AE", "CF10 1EP"]
COLUMNS = [
    "CompanyName", " CompanyNumber", "RegAddress.PostCode", "CompanyCategory", "CompanyStatus", "DissolutionDate",
    "IncorporationDate", "SICCode.SicText_1",
]  # fmt: skip
FIRMS = 70


def written(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official files of seventy companies: a register, accounts, addresses, owners, grants, others' figures."""
    folder = tmp_path_factory.mktemp("official")
    register: list[list[Any]] = [COLUMNS]
    accounts: list[list[Any]] = [["company_number", "period_end", "employees", "turnover_gbp", "source"]]
    for at in range(FIRMS):
        number, code = f"{at + 1:08d}", "62012 - Software" if at % 2 else "10710 - Bread"
        begun = f"01/05/{2010 + at % 13}"
        register.append(
            [f"FIRM {at} LIMITED", number, PLACES[at % 7], "Private Limited Company", "Active", "", begun, code]
        )
        for year in range(2018, 2025):
            accounts.append([number, f"{year}-03-31", 10 + at + year - 2018, (10 + at) * 100_000, "survey"])
    written(folder / "BasicCompanyDataAsOneFile-2025-01-01.csv", register)
    written(folder / "accounts.csv", accounts)
    written(folder / "premises.csv", [["company_number", "postcode", "employees"], ["00000002", "M1 1AE", 6]])
    owner = {
        "company_number": "00000002",
        "data": {
            "kind": "corporate-entity-person-with-significant-control", "name": "Owner Inc",
            "identification": {"country_registered": "Delaware, USA", "registration_number": "9"},
            "natures_of_control": ["ownership-of-shares-75-to-100-percent"], "notified_on": "2020-01-01",
            "links": {"self": "/company/00000002/persons-with-significant-control/corporate-entity/a"},
        },
    }  # fmt: skip
    person = {
        "company_number": "00000004",
        "data": {"kind": "individual-person-with-significant-control", "name": "A Person",
                 "links": {"self": "/company/00000004/persons-with-significant-control/individual/b"}},
    }  # fmt: skip
    (folder / "psc.jsonl").write_text(json.dumps(owner) + "\n" + json.dumps(person) + "\n", encoding="utf-8")
    grants = ["Project Number", "Competition Title", "Competition Year", "CRN", "Award Offered (£)",
              "Actual Spend to Date (£)", "Participant Withdrawn From Project", "Project Start Date",
              "Project End Date", "Participant Name"]  # fmt: skip
    written(folder / "grants.csv", [
        grants,
        ["123", "Smart", "2022/23", "2", "£50,000", "10000", "No", "01/06/2022", "01/06/2024", "FIRM 1 LIMITED"],
    ])  # fmt: skip
    written(folder / "metrics.csv", [
        ["metric", "cluster", "area", "value", "unit", "source", "year"],
        ["2.1 Patents", "software", "midlands_engine", "120", "patents", "An office", "2023"],
    ])  # fmt: skip
    return folder


@pytest.fixture
def rolled(workspace: Workspace, firmscope: Command, files: Path) -> Workspace:
    workspace.taxonomy_file.write_text(TAXONOMY, encoding="utf-8")
    for name, file in {
        "register": "BasicCompanyDataAsOneFile-2025-01-01.csv", "accounts": "accounts.csv", "premises": "premises.csv",
        "psc": "psc.jsonl", "grants": "grants.csv", "metrics": "metrics.csv",
    }.items():  # fmt: skip
        said = firmscope("--workspace", workspace.folder, "import", name, files / file)
        assert said.code == 0, said.err
        assert said.out.strip()
    assert firmscope("--workspace", workspace.folder, "rollup").code == 0
    return workspace


def test_from_official_files_to_a_scorecard(rolled: Workspace, firmscope: Command, tmp_path: Path) -> None:
    def asked(*arguments: Any) -> Any:
        said = firmscope("--workspace", rolled.folder, "figures", *arguments, "--json")
        assert said.code == 0, said.err
        return json.loads(said.out)

    card = {row["number"]: row for row in asked("scorecard", "software", "--area", "midlands_engine")}
    assert [number[0] for number in card].count("4") == 9
    # Software: companies 2, 4, ... 70. Ten stand at M1 and CF10, and half of company 2, which is at M1 too.
    assert card["1.1"]["value"] == 24.5
    assert card["1.1"]["uk_share"] == pytest.approx(24.5 / 35)
    assert (card["2.1"]["value"], card["2.1"]["status"], card["2.1"]["source"]) == (120.0, "imported", "An office")
    assert (card["2.6"]["value"], card["2.6"]["status"]) == (25_000.0, "computed")
    assert card["4.9"]["value"] == 0.5
    assert card["3.3"]["status"] == "not_available"
    everywhere = {row["number"]: row for row in asked("scorecard", "software")}
    assert everywhere["3.1"]["value"] == sum(10 + at + 6 for at in range(1, FIRMS, 2))
    side = asked("compare", "software", "food")
    assert side[0]["software"] == "70 %"
    assert firmscope("--workspace", rolled.folder, "figures", "related").code == 0
    file = tmp_path / "out.csv"
    assert firmscope("--workspace", rolled.folder, "figures", "distortions", "--csv", file).code == 0
    unknown = firmscope("--workspace", rolled.folder, "figures", "scorecard", "softwear")
    assert (unknown.code, "software" in unknown.err) == (2, True)
    nowhere = firmscope("--workspace", rolled.folder, "figures", "scorecard", "software", "--area", "E99999999")
    assert (nowhere.code, "E99999999" in nowhere.err) == (2, True)


def test_every_metric_has_its_words_and_cells_are_published(
    rolled: Workspace, firmscope: Command, tmp_path: Path
) -> None:
    cells = rolled.lake.read_arrow("cells").to_pylist()
    assert {metric_of(cell["metric"]).name for cell in cells} >= {"businesses", "grants_gbp", "owners_us", "stars"}
    years = {cell["period"] for cell in cells if cell["metric"] == "employees"} - {LATEST}
    assert years == {str(year) for year in range(2018, 2025)}
    assert {cell["area_kind"] for cell in cells} == {
        "all", "country", "region", "utla", "cauth", "lad", "custom", "postcode_area", "h3",
    }  # fmt: skip
    out = tmp_path / "cells.csv"
    assert firmscope("--workspace", rolled.folder, "export", "cells", "--format", "csv", "--out", out).code == 0
    with out.open(encoding="utf-8") as file:
        assert sum(1 for _ in csv.DictReader(file)) == len(cells)
    before = rolled.lake.snapshots()
    assert firmscope("--workspace", rolled.folder, "rollup").code == 0
    after = Workspace(rolled.folder).lake.snapshots()
    assert {name for name in before if before[name] != after[name]} <= {"runs"}
    assert "A Person" not in json.dumps(rolled.lake.read_arrow("owners").to_pylist(), default=str)


def test_what_a_person_asks_is_answered_in_files_names_and_truth(
    rolled: Workspace, firmscope: Command, tmp_path: Path
) -> None:
    def asked(*arguments: Any) -> Any:
        return firmscope("--workspace", rolled.folder, *arguments)

    file = tmp_path / "card.csv"
    assert asked("figures", "scorecard", "software", "--area", "Nottingham", "--csv", file).code == 0
    with file.open(encoding="utf-8") as stream:
        card = {row["number"]: row for row in csv.DictReader(stream)}
    assert (card["1.1"]["title"], float(card["1.1"]["value"])) == ("Businesses", 9.5)
    assert "Nottingham (E06000018)" in asked("figures", "scorecard", "software", "--area", "E06000018").out
    nowhere = asked("figures", "scorecard", "software", "--area", "unknown")
    assert (nowhere.code, "give the code of an area" in nowhere.err) == (2, True)
    assert asked("report").code == 0
    assert asked("config", "set", "rollup.suppress_below", "12").code == 0
    for stale in (["report"], ["figures", "compare", "software"], ["export", "cells", "--out", tmp_path / "c.csv"]):
        said = asked(*stale)
        assert (said.code, "settings of [rollup] have changed" in said.err) == (2, True), stale
    assert asked("rollup").code == 0
    assert asked("report").code == 0
    assert rolled.lake.read_arrow("hotspots").num_rows == 0
