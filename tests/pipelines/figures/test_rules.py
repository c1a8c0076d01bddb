"""What the settings do to figures: distortions beside, trimmed or grouped; gaps filled; small numbers withheld."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from labels.taxonomy import Sector, Taxonomy
from pipelines.config import AreasConfig, RollupConfig
from pipelines.statistics.side_by_side import side_by_side
from tests.pipelines.figures.rolling import cells_of, roll
from tests.pipelines.figures.truth import TAXONOMY as MADE
from tests.pipelines.figures.truth import frames, register
from tests.pipelines.statistics.test_side_by_side import BUSINESSES, EMPLOYEES, firms_of

AIR = Taxonomy("t", 1, (Sector("air", "Air"),), "0" * 64)
KINDS = AreasConfig()


def listed(firms: list[dict[str, Any]]) -> dict[str, Any]:
    """Tables of firms that are all in one sector, each at one postcode."""
    facts = pd.DataFrame([{"firm_id": f"F{at:02d}", "name": f"Firm {at}"} | firm for at, firm in enumerate(firms)])
    known = facts.reindex(columns=["firm_id", "name", "parent_id"])
    return {
        "firms": known,
        "premises": pd.DataFrame({
            "firm_id": facts["firm_id"], "postcode": facts["postcode"], "lad_code": "E06000018", "kind": "registered",
            "source": "register", "h3": "88194ad14dfffff",
        }),
        "accounts": pd.DataFrame({
            "firm_id": facts["firm_id"], "period_end": date(2025, 3, 31), "employees": facts.get("employees"),
            "turnover_gbp": facts.get("turnover_gbp"), "source": "accounts", "imputed": False,
        }),
        "assignments": pd.DataFrame({
            "firm_id": facts["firm_id"], "sector": "air", "assigned": True, "reason": "", "probability": 1.0,
        }),
        "readable": list(facts["firm_id"]),
    }  # fmt: skip


def today(tables: dict[str, Any], **rules: Any) -> dict[str, dict[str, Any]]:
    """Plain figures of the whole list by metric."""
    made = roll(AIR, **tables, rules=RollupConfig(**rules), kinds=KINDS)
    return {cell["metric"]: cell for cell in cells_of(made) if cell["area_kind"] == "all"}


# Six registrations of one parent at one postcode, and four firms of their own.
FAMILY = [{"postcode": "NG1 1AA", "parent_id": "P", "employees": 10.0} for _ in range(6)]
FAMILY += [{"postcode": f"NG{at} 2AA", "employees": 10.0} for at in range(2, 6)]


def test_a_family_of_registrations_is_flagged_trimmed_or_one() -> None:
    flagged = today(listed(FAMILY))
    assert (flagged["businesses"]["value"], flagged["businesses"]["value_without"]) == (10.0, 5.0)
    assert (flagged["employees"]["value"], flagged["employees"]["value_without"]) == (100.0, 50.0)
    assert all("distorted" in flagged[metric]["flags"] for metric in ("businesses", "employees"))
    trimmed = today(listed(FAMILY), distortions="trim")
    assert (trimmed["businesses"]["value"], trimmed["employees"]["value"]) == (5.0, 50.0)
    assert trimmed["businesses"]["value_without"] is None
    grouped = today(listed(FAMILY), distortions="group_by_parent")
    assert (grouped["businesses"]["value"], grouped["employees"]["value"]) == (pytest.approx(5.0), 100.0)
    made = roll(AIR, **listed(FAMILY), rules=RollupConfig(), kinds=KINDS)
    assert [(cluster, one.kind) for cluster, one in made.distortions] == [("air", "one_parent")]


def test_one_giant_in_a_hexagon_stands_beside_the_figure_without_it() -> None:
    firms = [{"postcode": f"NG{at} 1AA", "employees": 20.0} for at in range(1, 9)]
    found = today(listed([*firms, {"postcode": "NG9 1AA", "employees": 5_000.0}]))
    assert (found["employees"]["value"], found["employees"]["value_without"]) == (5_160.0, 160.0)
    assert "distorted" not in found["businesses"]["flags"]  # a giant is one business like any other


def test_missing_employees_are_left_out_or_filled_and_the_share_is_told() -> None:
    firms = [{"postcode": f"NG{at % 9 + 1} {at % 7 + 1}AA", "employees": 4.0 if at % 4 else None} for at in range(40)]
    left = today(listed(firms))["employees"]
    assert (left["value"], left["imputed_share"], left["coverage"]) == (120.0, 0.0, 0.75)
    filled = today(listed(firms), missing_amounts="by_sector_and_size")["employees"]
    assert filled["value"] == pytest.approx(160.0)
    assert filled["imputed_share"] == pytest.approx(0.25)
    assert "imputed_values" in filled["flags"]


def test_small_numbers_are_withheld_and_cannot_be_got_back() -> None:
    tables = frames(register(120, 9))
    open_cells, shut = (
        cells_of(roll(MADE, **tables, rules=RollupConfig(suppress_below=below), kinds=KINDS), ()) for below in (0, 10)
    )
    said = {
        (cell["cluster"], cell["area_kind"], cell["area_code"]): cell
        for cell in shut
        if cell["metric"] == "businesses" and cell["period"] == "latest"
    }
    hidden = {key for key, cell in said.items() if "suppressed" in cell["flags"]}
    small = {
        (cell["cluster"], cell["area_kind"], cell["area_code"]) for cell in open_cells
        if cell["metric"] == "businesses" and cell["period"] == "latest" and 0 < cell["n"] < 10
    }  # fmt: skip
    assert small
    assert small <= hidden
    assert hidden - small  # others, that would give them away
    for cell in shut:
        if (cell["cluster"], cell["area_kind"], cell["area_code"]) in hidden:
            assert cell["metric"] in ("businesses", "employees", "turnover_gbp"), cell["metric"]
            assert cell["period"] == "latest"
            assert (cell["value"], cell["low"], cell["high"], cell["n"], cell["uk_share"]) == (
                None,
                None,
                None,
                0,
                None,
            )
    for cluster in MADE.keys:
        for kind in ("region", "lad", "utla", "country", "postcode_area"):
            of_kind = [key for key in hidden if key[:2] == (cluster, kind)]
            assert len(of_kind) != 1, (cluster, kind)  # the only one withheld is the total less the others


def test_a_sum_that_one_firm_dominates_is_withheld() -> None:
    firms = [{"postcode": f"NG{at} 1AA", "employees": 1.0} for at in range(1, 9)]
    alone = listed([*firms, {"postcode": "NG9 1AA", "employees": 900.0}])
    assert today(alone, dominance=0.75)["employees"]["value"] is None
    assert today(alone)["employees"]["value"] == 908.0
    assert today(listed(firms), dominance=0.75)["employees"]["value"] == 8.0


def test_the_report_s_own_table_comes_out_of_the_roll_up() -> None:
    clusters = ("first", "second", "third", "fourth")
    taxonomy = Taxonomy("t", 1, tuple(Sector(key, key.title()) for key in clusters), "0" * 64)
    firms = pd.concat(map(firms_of, clusters, BUSINESSES, EMPLOYEES))
    tables: dict[str, Any] = {
        "firms": firms[["firm_id"]].assign(name="x"),
        "premises": pd.DataFrame({
            "firm_id": firms["firm_id"], "postcode": None, "kind": "registered", "source": "register",
            "lad_code": firms["area"].map({"midlands_engine": "E06000013", "elsewhere": "E06000012"}).to_numpy(),
        }),
        "accounts": pd.DataFrame({
            "firm_id": firms["firm_id"], "period_end": date(2023, 3, 31), "employees": firms["employees"].astype(float),
            "turnover_gbp": None, "source": "accounts", "imputed": False,
        }),
        "assignments": pd.DataFrame({
            "firm_id": firms["firm_id"], "sector": firms["cluster"], "assigned": True, "reason": "", "probability": 1.0,
        }),
        "readable": list(firms["firm_id"]),
    }  # fmt: skip
    only_north_lincolnshire = AreasConfig(custom={"midlands_engine": ["E06000013"]})
    made = roll(taxonomy, **tables, rules=RollupConfig(), kinds=only_north_lincolnshire)
    shown = side_by_side(
        pd.DataFrame(cells_of(made)), clusters, "custom", "midlands_engine", ("businesses", "employees")
    )
    assert shown.texts() == [
        ["Proportion of the UK total", *clusters],
        ["Businesses", "17 %", "30 %", "20 %", "21 %"],
        ["Employees", "7 %", "22 %", "10 %", "12 %"],
    ]
