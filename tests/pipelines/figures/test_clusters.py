"""Clusters that gather sectors and SIC codes: counted beside the sectors, in cells, exports, report and SIC table."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from labels.taxonomy import Cluster
from pipelines.export import cells_export, firms_export
from pipelines.frames import rows
from pipelines.reporting import ReportInput
from pipelines.reporting.gathering import gather
from pipelines.rollup import METRICS, Rollup
from pipelines.sic_spread import DIVISIONS, SicRow, spread, write_spread
from tests.pipelines.figures.rolling import cells_of
from tests.pipelines.figures.rolling import roll as rolled

CODES = {
    "00123": ["30300", "62012"], "F2": ["30300"], "F4": ["30300"], "F5": ["13100"], "F7": ["10710", "13100", "10710"],
}  # fmt: skip
CLUSTERS = (
    Cluster("high", "High <i>tech</i>", "new_economy", ("aerospace", "cyber"), ()),
    Cluster("fabric", "Fabric and flight", "", ("textiles", "space_tech"), ("131",)),
    Cluster("code_only", "By code", "", (), ("303", "01")),
)


@pytest.fixture
def gathered(tables: ReportInput) -> ReportInput:
    """The small list with SIC codes, and three clusters that gather."""
    firms = tables.firms.assign(sic_codes=tables.firms["firm_id"].map(CODES))
    taxonomy = replace(tables.taxonomy, clusters=CLUSTERS)
    given = replace(tables, firms=firms, taxonomy=taxonomy)
    return replace(given, cells=pd.DataFrame(roll(given).cells.to_pylist()))


def roll(given: ReportInput, **changed: Any) -> Rollup:
    return rolled(
        given.taxonomy, given.firms, given.premises, given.accounts, given.readable, given.assignments, **changed
    )


def cell(
    made: Rollup, cluster: str, metric: str = "businesses", area: tuple[str, str] = ("all", "all")
) -> dict[str, Any]:
    key = (cluster, *area, metric)
    names = ("cluster", "area_kind", "area_code", "metric")
    (found,) = [at for at in cells_of(made) if tuple(at[name] for name in names) == key]
    return found


# Seven firms count (F4 is dissolved). Aerospace: 00123, F2. Cyber: F8. Space: 00123. SIC 131: F5 (not read), F7.
def test_a_firm_counts_once_by_sector_or_by_code(gathered: ReportInput) -> None:
    made = roll(gathered)
    assert cell(made, "high")["value"] == 3.0
    assert cell(made, "fabric")["value"] == 3.0
    assert cell(made, "code_only")["value"] == 2.0  # the dissolved firm's code does not count
    assert cell(made, "fabric", "employees")["value"] == 1200.0
    assert cell(made, "high", area=("postcode_area", "NG"))["value"] == 2.0
    assert cell(made, "code_only")["coverage"] == pytest.approx(4 / 7)  # firms with a code
    assert cell(made, "high")["coverage"] == pytest.approx(5 / 7)  # firms that were read
    for key in ("high", "fabric", "code_only"):
        of_key = [at for at in cells_of(made) if at["cluster"] == key]
        assert all("gathered" in at["flags"] for at in of_key)
        assert [at["metric"] for at in of_key if at["area_kind"] == "all"] == list(METRICS)
    assert not any("gathered" in at["flags"] for at in cells_of(made) if at["cluster"] == "cyber")
    without = roll(replace(gathered, taxonomy=replace(gathered.taxonomy, clusters=())))
    assert [at for at in cells_of(made) if at["cluster"] in gathered.taxonomy.keys] == cells_of(without)


def test_a_cluster_with_a_sector_that_was_not_trained(gathered: ReportInput) -> None:
    made = roll(gathered, untrained={"textiles"})
    fabric, high = cell(made, "fabric"), cell(made, "high")
    assert (fabric["value"], "part_not_trained" in fabric["flags"], "not_trained" in fabric["flags"]) == (
        3.0,
        True,
        False,
    )
    assert "part_not_trained" not in high["flags"]
    nobody = roll(replace(gathered, firms=gathered.firms.assign(sic_codes=None)), untrained={"textiles", "space_tech"})
    assert cell(nobody, "fabric")["value"] == 1.0  # found through no model, assigned all the same
    nowhere = replace(gathered, assignments=gathered.assignments.iloc[:0])
    empty = roll(replace(nowhere, firms=gathered.firms.assign(sic_codes=None)), untrained={"textiles"})
    assert cell(empty, "fabric")["value"] is None
    assert cell(empty, "high")["value"] == 0.0


def test_clusters_are_in_the_exports(gathered: ReportInput) -> None:
    listed = firms_export(
        gathered.taxonomy, gathered.firms, gathered.premises, gathered.accounts, gathered.sites, gathered.assignments
    )
    clusters = dict(rows(listed, ("firm_id", "clusters")))
    assert clusters["00123"] == ["high", "fabric", "code_only"]
    assert (clusters["F7"], clusters["F8"], clusters["F6"]) == (["fabric"], ["high"], [])
    counted = {key: cell(roll(gathered), key)["value"] for key in ("high", "fabric", "code_only")}
    kept = {
        firm_id for firm_id, left_out in rows(listed, ("firm_id", "left_out")) if not str(left_out).startswith("diss")
    }
    for key, value in counted.items():
        assert sum(key in clusters[firm_id] for firm_id in kept) == value
    order = list(dict.fromkeys(cells_export(gathered.taxonomy, gathered.cells)["cluster"].to_pylist()))
    assert order == [*gathered.taxonomy.keys, "high", "fabric", "code_only"]


def test_the_report_shows_who_is_gathered(gathered: ReportInput) -> None:
    report = gather(gathered)
    shown = {cluster.sector.key: cluster for tier in report.tiers for cluster in tier.clusters}
    fabric = shown["fabric"]
    assert (
        fabric.sector.definition == "Gathers Textiles; Space technologies; firms with a SIC code that begins with 131."
    )
    assert {firm.firm_id: firm.probability for firm in fabric.firms.shown} == {"00123": 0.93, "F5": None, "F7": None}
    assert shown["high"].sector.tier == "new_economy"
    assert report.in_list == report.gone.total + report.in_a_cluster + report.in_none.total + report.waiting.total + (
        report.unread
    )
    assert any("2 firms are in a cluster by SIC code alone" in limit for limit in report.limits)
    assert not any("SIC code alone" in limit for limit in gather(replace(gathered, taxonomy=replace(
        gathered.taxonomy, clusters=CLUSTERS[:1]))).limits)  # fmt: skip


def test_how_sectors_spread_over_codes(gathered: ReportInput, tmp_path: Path) -> None:
    codes = {"A": ("30300", "62012"), "B": ("30300",), "C": (), "D": ("62012",), "E": ("98000",)}
    sectors = {"A": {"cyber"}, "B": {"cyber", "textiles"}, "C": {"cyber"}}
    found = spread(gathered.taxonomy, codes, sectors, ("cyber", "code_only"))
    assert found == [
        SicRow("cyber", "30300", "Making other transport equipment", 2, 2 / 3, 1.0),
        SicRow("cyber", "62012", "Programming and computer consultancy", 1, 1 / 3, 0.5),
        SicRow("cyber", "", "", 1, 1 / 3, None),
        SicRow("code_only", "30300", "Making other transport equipment", 2, 1.0, 1.0),
        SicRow("code_only", "62012", "Programming and computer consultancy", 1, 0.5, 0.5),
    ]
    assert {row.sector for row in spread(gathered.taxonomy, codes, sectors)} == {
        "cyber",
        "textiles",
        "high",
        "fabric",
        "code_only",
    }
    write_spread(tmp_path / "spread.csv", found)
    with (tmp_path / "spread.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert (written[0]["sic_code"], written[2]["sic_code"], written[2]["share_of_code"]) == ("30300", "", "")
    assert len(DIVISIONS) == 88
    assert all(len(division) == 2 for division in DIVISIONS)
