"""What the settings do to figures: distortions beside, trimmed or grouped; gaps filled; small numbers withheld."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from labels.taxonomy import Sector, Taxonomy
from pipelines.correcting import listed_firms
from pipelines.counting import Corrections, Evidence
from pipelines.errors import UsageError
from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.population import Population
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
            assert not cell["period"].isdigit()
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


def test_a_metric_of_few_firms_is_withheld_where_the_firms_are_not() -> None:
    firms = [{"postcode": f"NG{at % 9 + 1} {at // 9 + 1}AA", "employees": 5.0 if at else 777.0} for at in range(20)]
    firms[0]["turnover_gbp"] = 123_456.0
    tables = listed(firms)
    tables["grants"] = pd.DataFrame([{"firm_id": "F01", "project": "1", "offered_gbp": 5_000.0, "source": "x"}])
    made = roll(AIR, **tables, rules=RollupConfig(suppress_below=10), kinds=KINDS)
    found = {cell["metric"]: cell for cell in cells_of(made, ()) if cell["area_kind"] == "all"}
    assert (found["businesses"]["value"], found["employees"]["value"]) == (20.0, 5.0 * 19 + 777.0)
    for metric in ("turnover_gbp", "grants_gbp", "grants_businesses"):
        assert (found[metric]["value"], found[metric]["n"], found[metric]["flags"]) == (None, 0, ["suppressed"])
    assert all(cell["value_without"] is None for cell in cells_of(made, ()))


def test_a_corrected_count_never_makes_many_out_of_one() -> None:
    """One large firm in a district with many others beside it is one there, whatever the cluster is corrected by."""
    firms = frames(register(400, 4))
    made = roll(MADE, **firms, rules=RollupConfig(), kinds=KINDS, correct=_corrector(MADE, firms))
    at = {(c["cluster"], c["area_kind"], c["area_code"], c["metric"], c["period"]): c for c in cells_of(made, ())}
    compared = 0
    for key, cell in at.items():
        if key[3].endswith("_corrected") and "carried_over" in cell["flags"]:
            plain = at[key[0], key[1], key[2], key[3].removesuffix("_corrected"), key[4]]
            whole = at[key[0], "all", "all", key[3], key[4]]
            base = at[key[0], "all", "all", plain["metric"], key[4]]
            if base["value"]:
                assert cell["value"] == pytest.approx(plain["value"] * whole["value"] / base["value"])
                assert cell["low"] <= cell["value"] <= cell["high"]
                assert cell["uk_share"] == pytest.approx(plain["uk_share"])
                compared += 1
    assert compared > 300


def _corrector(taxonomy: Taxonomy, tables: dict[str, Any]) -> Any:
    """Corrections by error rates, everybody read."""
    errors = np.tile([80, 20, 5, 95], (len(taxonomy.keys), 1)).astype(np.int64)

    def make(firms: Any, ground: Any) -> Corrections:
        rows = np.flatnonzero(firms.counts)
        ids = firms.firm_ids.take(pa.array(rows))
        listed = listed_firms(firms, ground, rows)
        known = ids.to_pylist()
        members = {key: set(found["firm_id"]) for key, found in tables["assignments"].groupby("sector")}
        assigned = np.array([[one in members.get(key, ()) for key in taxonomy.keys] for one in known])
        whole = Population(tuple(known), np.where(assigned, 0.9, 0.1).astype(np.float32), assigned)
        return Corrections(taxonomy, whole, listed, Evidence("m", (), errors))

    return make


def test_firms_of_one_owner_are_one_in_every_year_and_keep_their_grants() -> None:
    firms: list[dict[str, Any]] = [{"postcode": "NG1 1AA", "parent_id": "P"} for _ in range(5)]
    firms += [{"postcode": f"NG{at} 2AA"} for at in range(2, 6)]
    tables = listed(firms)
    begun = [date(2010, 1, 1), *[date(2022, 1, 1)] * 4, *[date(2012, 1, 1)] * 4]
    tables["firms"] = tables["firms"].assign(incorporated_on=begun, register_date=date(2024, 12, 31))
    tables["grants"] = pd.DataFrame([{"firm_id": "F00", "project": "1", "offered_gbp": 100_000.0, "source": "x"}])
    made = roll(AIR, **tables, rules=RollupConfig(distortions="group_by_parent"), kinds=KINDS)
    at = {(c["metric"], c["period"]): c["value"] for c in cells_of(made, ()) if c["area_kind"] == "all"}
    assert at["businesses", "latest"] == at["businesses", "2015"] == at["businesses", "2024"] == pytest.approx(5.0)
    assert at["businesses_growth", "2019-2024"] == pytest.approx(0.0)
    assert (at["grants_gbp", "latest"], at["grants_businesses", "latest"]) == (100_000.0, 1.0)


def test_employees_at_an_address_count_where_it_is_the_registered_office_too() -> None:
    tables = listed([{"postcode": "NG1 1AA", "employees": 100.0}])
    more = tables["premises"].iloc[[0, 0]].assign(
        kind="trading", source="imported", postcode=["NG1 1AA", "M1 1AE"], lad_code=["E06000018", "E08000003"],
        employees=[90.0, 10.0],
    )  # fmt: skip
    tables["premises"] = pd.concat([tables["premises"].assign(lad_code=None), more])
    for order in (tables["premises"], tables["premises"].iloc[::-1]):
        made = roll(AIR, **(tables | {"premises": order}), rules=RollupConfig(allocation="employees"), kinds=KINDS)
        at = {c["area_code"]: c["value"] for c in cells_of(made, ("employees",)) if c["area_kind"] == "lad"}
        assert at == {"E06000018": 90.0, "E08000003": 10.0}


def test_estimates_are_in_sums_alone_and_quotients_compare_what_was_reported() -> None:
    firms = [
        {"postcode": f"NG{at % 9 + 1} {at // 9 + 1}AA", "turnover_gbp": 200e6 if at < 12 else None} for at in range(48)
    ]
    made = roll(AIR, **listed(firms), rules=RollupConfig(missing_amounts="by_sector_and_size"), kinds=KINDS)
    found = {cell["metric"]: cell["value"] for cell in cells_of(made, ()) if cell["area_kind"] == "all"}
    assert found["turnover_gbp"] == pytest.approx(48 * 200e6)
    assert found["large_turnover_businesses"] == 12.0
    assert found["top_5_turnover_share"] == pytest.approx(5 / 12)


def test_a_base_year_that_the_list_does_not_reach_is_refused() -> None:
    with pytest.raises(UsageError, match=r"rollup\.base_year is 2024, but the newest full year of the list is 2024"):
        roll(MADE, **frames(register(20, 1)), rules=RollupConfig(base_year=2024), kinds=KINDS)
    early = roll(MADE, **frames(register(60, 1)), rules=RollupConfig(base_year=2012, years=3), kinds=KINDS)
    periods = {cell["period"] for cell in cells_of(early, ())}
    assert "2012-2024" in periods
    assert {period for period in periods if period.isdigit()} == {"2022", "2023", "2024"}


def test_custom_areas_alone_are_corrected_each_by_its_own_firms() -> None:
    firms = frames(register(300, 8))
    kinds = AreasConfig(kinds=["custom"], custom={"notts": ["E06000018"], "brum": ["E08000025"]})
    made = roll(MADE, **firms, rules=RollupConfig(), kinds=kinds, correct=_corrector(MADE, firms))
    at = {(c["cluster"], c["area_code"]): c["value"] for c in cells_of(made, ("businesses_corrected",))}
    for cluster in MADE.keys:
        assert 0 < at[cluster, "notts"] < 0.6 * at[cluster, "all"]
        assert 0 < at[cluster, "brum"] < 0.6 * at[cluster, "all"]


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
