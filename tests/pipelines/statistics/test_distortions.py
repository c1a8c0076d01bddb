"""Each rule finds what it is for at its limit, leaves alone what lies just short of it, and says it in figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipelines.statistics.distortions import (
    FACTORY,
    GIANT_EMPLOYEES,
    Distortion,
    Facts,
    Measure,
    Members,
    Names,
    find,
    without,
)
from pipelines.statistics.out_of_line import jumps, odd_ratios
from pipelines.statistics.sites import Sites, Spread, spread

NAMES = Names(
    firm_id=lambda firm: f"f{firm}",
    firm=lambda firm: f"Firm {firm} Ltd",
    parent=lambda key: f"parent-{key}",
    postcodes=("NG7 2RD", "EC1V 2NX"),
    districts=("E06000018",),
)


def firms(n: int) -> Facts:
    nothing = np.full(n, -1, np.int32)
    return Facts(np.ones(n, bool), nothing, nothing, np.zeros(n, np.int32), np.full(n, np.nan), np.full(n, np.nan))


def hexagons(areas: list[int], codes: tuple[str, ...] = ("88a", "unknown")) -> Spread:
    n = len(areas)
    return spread("h3", Sites(np.arange(n, dtype=np.int32), np.ones(n)), n, np.array(areas, np.int32), codes)


def members(*clusters: list[int]) -> Members:
    starts = np.concatenate(([0], np.cumsum([len(one) for one in clusters])))
    return Members(starts, np.concatenate([np.array(one, np.int32) for one in clusters]))


def found(facts: Facts, who: Members, areas: Spread | None = None) -> list[Distortion]:
    return find(facts, who, areas or hexagons([1] * len(facts.counts)), NAMES)


def at(n: int, places: range, code: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    column = np.full(n, -1, np.int32)
    column[places] = code
    return column


@pytest.mark.parametrize(("siblings", "expected"), [(5, 1), (4, 0)])
def test_registrations_of_one_parent_at_a_postcode(siblings: int, expected: int) -> None:
    facts = replace(
        firms(20), parent_key=at(20, range(2, 2 + siblings), 3), postcode=at(20, range(20), 0),
        employees=np.arange(20.0),
    )  # fmt: skip
    everyone = members([0, 1], list(range(20)))
    records = found(facts, everyone)
    assert len(records) == expected
    if not records:
        return
    one = records[0]
    assert (one.cluster, one.kind, one.subject, one.firms) == (1, "one_parent", "parent-3 NG7 2RD", (2, 3, 4, 5, 6))
    assert (one.businesses, one.employees, one.turnover_gbp, one.share) == (5, 20, None, 0.25)
    assert one.sentence == (
        "5 firms with the parent parent-3 have their registered office at NG7 2RD: 25% of the cluster's firms in "
        "E06000018. They may be one business."
    )
    kept = without(records, everyone, facts, "businesses")
    assert everyone.firm[~kept].tolist() == [2, 3, 4, 5]  # the one of most employees stands for them
    assert everyone.cluster[~kept].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("registered", "of_one_parent", "dissolved", "in_cluster", "expected"),
    [
        pytest.param(FACTORY, 0, 0, 3, True, id="just enough"),
        pytest.param(FACTORY - 1, 0, 0, 3, False, id="one short"),
        pytest.param(FACTORY + 5, 10, 0, 3, False, id="ten of them have one parent"),
        pytest.param(FACTORY + 5, 0, 10, 3, False, id="ten of them are dissolved"),
        pytest.param(FACTORY, 0, 0, 2, False, id="only two of the cluster"),
    ],
)
def test_address_factories(
    registered: int, of_one_parent: int, dissolved: int, in_cluster: int, expected: bool
) -> None:
    n = 300
    facts = replace(
        firms(n), postcode=at(n, range(registered), 1), parent_key=at(n, range(100, 100 + of_one_parent), 8),
        counts=np.arange(n) >= dissolved,
    )  # fmt: skip
    who = members([*range(50, 50 + in_cluster), *range(290, 297)])
    records = found(facts, who)
    assert [one.kind for one in records] == ["address_factory"] * expected
    if expected:
        assert records[0].share == pytest.approx(3 / 10)
        assert records[0].sentence == (
            "EC1V 2NX is the registered office of 200 firms, 200 of them unrelated: an address to register at, not to "
            "work at. 3 firms of the cluster have it, 30% of those in E06000018."
        )
        assert who.firm[~without(records, who, facts, "turnover_gbp")].tolist() == [50, 51, 52]


@pytest.mark.parametrize(
    ("giant", "others", "n", "area", "expected"),
    [
        pytest.param(GIANT_EMPLOYEES, 60, 5, 0, True, id="250 of 490"),
        pytest.param(GIANT_EMPLOYEES - 1, 60, 5, 0, False, id="not large"),
        pytest.param(GIANT_EMPLOYEES, 62.5, 5, 0, False, id="half, not more"),
        pytest.param(GIANT_EMPLOYEES, 60, 4, 0, False, id="too few firms"),
        pytest.param(GIANT_EMPLOYEES, 60, 5, 1, False, id="no known hexagon"),
    ],
)
def test_one_giant_in_a_hexagon(giant: float, others: float, n: int, area: int, expected: bool) -> None:
    employees = np.full(n, others)
    employees[2] = giant
    facts, who = replace(firms(n), employees=employees), members(list(range(n)))
    records = found(facts, who, hexagons([area] * n))
    assert [one.kind for one in records] == ["giant"] * expected
    if expected:
        assert (records[0].subject, records[0].firms) == ("88a", (2,))
        assert records[0].sentence == "Of the cluster's 5 firms in hexagon 88a, Firm 2 Ltd has 51% of the employees."
        measures: tuple[Measure, ...] = ("businesses", "employees", "turnover_gbp")
        assert [int((~without(records, who, facts, what)).sum()) for what in measures] == [0, 1, 1]


def ordinary(
    n: int,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    rng = np.random.default_rng(4)
    employees = np.ceil(rng.lognormal(2.5, 1.0, n))
    return employees, employees * np.exp(rng.normal(11.5, 0.5, n))


def test_that_ordinary_firms_are_in_line() -> None:
    assert odd_ratios(*ordinary(500)) == []


@pytest.mark.parametrize(
    ("employees", "turnover_gbp", "measure"),
    [
        pytest.param(20, 9e9, "turnover_gbp", id="turnover of the whole group"),
        pytest.param(40_000, 3e6, "employees", id="employees of the whole group"),
        pytest.param(9_000, 900_000, "employees", id="too many for the turnover"),
        pytest.param(12, 100, None, id="odd, but it moves no sum"),
        pytest.param(3_000, 3_000 * 1e5, None, id="large, and in line"),
    ],
)
def test_figures_out_of_line_with_the_ratio_of_the_sector(
    employees: float, turnover_gbp: float, measure: str | None
) -> None:
    all_employees, all_turnover = ordinary(200)
    all_employees[7], all_turnover[7] = employees, turnover_gbp
    assert [(one.place, one.measure) for one in odd_ratios(all_employees, all_turnover)] == (
        [(7, measure)] if measure else []
    )


def test_that_few_firms_have_no_usual_ratio() -> None:
    employees, turnover = ordinary(29)
    turnover[3] = 9e11
    assert odd_ratios(employees, turnover) == []


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [(25, 250, True), (250, 25, True), (26, 250, False), (24, 249, False), (np.nan, 900, False), (0, 300, True)],
)
def test_employees_that_jump(before: float, now: float, expected: bool) -> None:
    assert bool(jumps(np.array([10.0, now]), np.array([10.0, before]))) == expected


def test_that_one_firm_out_of_line_twice_is_one_record() -> None:
    employees, turnover = ordinary(60)
    employees[7], turnover[7] = 40_000, 3e6
    facts = replace(firms(60), employees=employees, turnover_gbp=turnover, employees_before=employees.copy())
    assert facts.employees_before is not None
    facts.employees_before[7] = 40
    who = members(list(range(60)))
    (one,) = found(facts, who)
    assert (one.kind, one.subject) == ("out_of_line_employees", "f7")
    assert one.sentence.startswith("Firm 7 Ltd: 40,000 employees and a turnover of £3,000,000, £75 each: ")
    assert "40,000 employees, 40 a year before." in one.sentence
    assert one.sentence.endswith("% of the cluster's employees rest on it.")
    assert who.firm[~without([one], who, facts, "employees")].tolist() == [7]
    assert without([one], who, facts, "turnover_gbp").all()


def test_that_a_list_without_any_place_has_no_distortion() -> None:
    assert find(firms(9), members(list(range(9))), hexagons([1] * 9), replace(NAMES, postcodes=(), districts=())) == []
    assert find(firms(0), Members(np.zeros(1, np.int64), np.zeros(0, np.int32)), hexagons([]), NAMES) == []
