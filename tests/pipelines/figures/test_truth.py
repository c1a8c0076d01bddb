"""With a classifier that errs nowhere, every figure of every cluster and area is the one worked out firm by firm."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pipelines.figure_settings import AreasConfig, RollupConfig
from tests.pipelines.figures.rolling import cells_of, roll
from tests.pipelines.figures.truth import MIDLANDS, PLACES, TAXONOMY, frames, register, worked

AREAS = {
    ("all", "all"): None,
    ("custom", "midlands_engine"): MIDLANDS,
    ("country", "E92000001"): {place[0] for place in PLACES if place[0].startswith("E")},
    **{("lad", lad): {lad} for lad, _, _ in PLACES},
    **{("region", region): {lad for lad, of, _ in PLACES if of == region} for _, region, _ in PLACES},
    **{("postcode_area", letters): {lad} for lad, _, letters in PLACES},
}
NOT_WORKED = (
    "location_quotient",
    "location_quotient_employees",
    "size_class",
    "specialisation_class",
    "growth_class",
    "stars",
)
EQUALLY = RollupConfig(allocation="equal")
KINDS = AreasConfig()


@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_is_the_one_worked_firm_by_firm(seed: int) -> None:
    firms = register(400, seed)
    made = roll(TAXONOMY, **frames(firms), rules=EQUALLY, kinds=KINDS)
    cells = {
        (cell["cluster"], cell["area_kind"], cell["area_code"], cell["metric"], cell["period"]): cell["value"]
        for cell in cells_of(made, ())
    }
    compared = 0
    for cluster in TAXONOMY.keys:
        for (kind, code), lads in AREAS.items():
            expected = worked(firms, cluster, lads)
            said = {key[3:]: value for key, value in cells.items() if key[:3] == (cluster, kind, code)}
            for key, value in expected.items():
                if value:
                    assert said[key] == pytest.approx(value), (cluster, kind, code, key)
                    compared += 1
            extra = {
                key: value for key, value in said.items()
                if value and key[0] not in NOT_WORKED and not expected.get(key) and not key[0].endswith("_growth")
            }  # fmt: skip
            assert not extra, (cluster, kind, code)
    assert compared > 1_500


def test_shares_ranks_and_quotients_follow_from_the_counts() -> None:
    firms = register(600, 3)
    found = cells_of(roll(TAXONOMY, **frames(firms), rules=EQUALLY, kinds=KINDS), ())
    at = {
        (cell["cluster"], cell["area_kind"], cell["area_code"], cell["metric"], cell["period"]): cell for cell in found
    }
    whole = at["space", "all", "all", "businesses", "latest"]["value"]
    everybody = sum(firm.ended is None for firm in firms)
    for kind, code in [("region", "E12000004"), ("custom", "midlands_engine"), ("lad", "E08000025")]:
        cell = at["space", kind, code, "businesses", "latest"]
        assert cell["uk_share"] == pytest.approx(cell["value"] / whole)
        lads = AREAS[kind, code]
        assert lads is not None
        here = sum(sum(lad in lads for _, lad in firm.sites) / len(firm.sites) for firm in firms if firm.ended is None)
        quotient = at["space", kind, code, "location_quotient", "latest"]
        assert quotient["value"] == pytest.approx((cell["value"] / here) / (whole / everybody))
        assert quotient["low"] < quotient["value"] < quotient["high"]
    regions = {code: at["agri", "region", code, "employees", "latest"] for _, code, _ in PLACES}
    by_size = sorted(regions, key=lambda code: -regions[code]["value"])
    assert [regions[code]["rank"] for code in by_size] == list(range(1, len(regions) + 1))


@pytest.mark.parametrize("allocation", ["equal", "employees", "registered"])
@pytest.mark.parametrize("counting", ["whole", "fractional"])
def test_totals_over_areas_are_the_national_total(allocation: Any, counting: Any) -> None:
    firms = register(300, 5)
    found = cells_of(
        roll(TAXONOMY, **frames(firms), rules=RollupConfig(allocation=allocation, counting=counting), kinds=KINDS), ()
    )
    counts = [cell for cell in found if cell["uk_share"] is not None or cell["area_kind"] == "all"]
    sums: dict[tuple[str, ...], float] = {}
    for cell in counts:
        key = (cell["cluster"], cell["metric"], cell["period"], cell["area_kind"])
        sums[key] = sums.get(key, 0.0) + (cell["value"] or 0.0)
    compared = 0
    for (cluster, metric, period, kind), total in sums.items():
        if kind not in ("all", "custom", "h3"):
            assert total == pytest.approx(sums[cluster, metric, period, "all"]), (cluster, metric, period, kind)
            compared += 1
    assert compared > 300
    assert all(
        allocation in cell["rules"] and counting in cell["rules"] and "2025" in cell["boundaries"] for cell in found
    )


def test_counted_in_fractions_a_firm_is_one_firm_over_its_most_specific_sectors() -> None:
    firms = register(300, 6)
    found = cells_of(roll(TAXONOMY, **frames(firms), rules=RollupConfig(counting="fractional"), kinds=KINDS))
    at = {
        cell["cluster"]: cell["value"]
        for cell in found
        if cell["area_kind"] == "all" and cell["metric"] == "businesses"
    }
    alive = [firm for firm in firms if firm.ended is None]
    agri = sum(1.0 if firm.sectors == ("agri",) else 0.5 for firm in alive if "agri" in firm.sectors)
    space = sum(0.5 if "agri" in firm.sectors else 1.0 for firm in alive if "space" in firm.sectors)
    alone = sum(firm.sectors == ("transport",) for firm in alive)
    assert at["agri"] == pytest.approx(agri)
    assert at["space"] == pytest.approx(space)
    assert at["transport"] == pytest.approx(space + alone)
    assert at["agri"] + at["transport"] == pytest.approx(sum(bool(firm.sectors) for firm in alive))


def test_without_dissolved_firms_growth_says_that_it_is_of_survivors() -> None:
    firms = [firm for firm in register(200, 7) if firm.ended is None]
    found = cells_of(roll(TAXONOMY, **frames(firms), rules=EQUALLY, kinds=KINDS), ("businesses_growth",))
    assert not found  # period is not latest
    made = [
        cell
        for cell in cells_of(roll(TAXONOMY, **frames(firms), rules=EQUALLY, kinds=KINDS), ())
        if "growth" in cell["metric"]
    ]
    assert made
    assert all("survivors_only" in cell["flags"] for cell in made if cell["metric"] == "businesses_growth")
    assert math.isfinite(made[0]["value"])
