"""No withheld figure can be worked out from published ones, and none is withheld without need."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog

from pipelines.statistics.disclosure import combinations
from pipelines.statistics.suppression import Rules, Suppression, suppress

MIN_FIRMS = 5

Columns = list[np.ndarray[Any, np.dtype[np.int64]]]


@dataclass(frozen=True)
class Atoms:
    """Places that no area divides, and the areas made of them."""

    areas: Any
    """csr matrix (n_areas, n_atoms) of uint8, 1 where the area holds the atom; areas by kind, then by code."""
    kind: np.ndarray[Any, np.dtype[np.int64]]
    """Position of each area's kind in the columns given, (n_areas,)."""
    code: np.ndarray[Any, np.dtype[np.int64]]
    """Code of each area in its column, (n_areas,)."""
    atom: np.ndarray[Any, np.dtype[np.int64]]
    """Atom of each row given, (n_rows,)."""


def atoms_of(columns: Columns) -> Atoms:
    """Distinct combinations of area codes among a cluster's premises.

    Args:
        columns: Per kind of area, the code of each premises, (n_rows,) integers; negative: in no area of this kind.
            Areas that overlap, such as custom ones, need a column each (0 inside, -1 outside).
    """
    atom = combinations(columns)
    n_atoms = int(atom.max(initial=-1)) + 1
    first = np.zeros(n_atoms, np.int64)
    first[atom[::-1]] = np.arange(len(atom))[::-1]
    kinds, codes, rows, cols, n_areas = [], [], [], [], 0
    for position, column in enumerate(columns):
        of_atom = np.asarray(column)[first].astype(np.int64)
        inside = np.flatnonzero(of_atom >= 0)
        code, row = np.unique(of_atom[inside], return_inverse=True)
        kinds.append(np.full(len(code), position))
        codes.append(code)
        rows.append(row + n_areas)
        cols.append(inside)
        n_areas += len(code)
    row, col = np.concatenate(rows), np.concatenate(cols)
    areas = sparse.csr_matrix((np.ones(len(row), np.uint8), (row, col)), shape=(n_areas, n_atoms))
    return Atoms(areas, np.concatenate(kinds), np.concatenate(codes), atom)


def in_span(rows: list[list[int]], wanted: list[int]) -> bool:
    """Whether a row is a rational combination of others: plain elimination in fractions, nothing shared with ours."""
    echelon: list[tuple[int, list[Fraction]]] = []
    for number, values in enumerate([*rows, wanted]):
        row = [Fraction(value) for value in values]
        for pivot, other in echelon:
            if row[pivot]:
                factor = row[pivot] / other[pivot]
                row = [a - factor * b for a, b in zip(row, other, strict=True)]
        lead = next((place for place, value in enumerate(row) if value), None)
        if number == len(rows):
            return lead is None
        if lead is not None:
            echelon.append((lead, row))
    raise AssertionError


def withhold(columns: Columns, rules: Rules, least: int = 0) -> tuple[Atoms, np.ndarray[Any, Any], Suppression]:
    """Suppression over areas given as columns, the first of which is the whole; every premises is a firm."""
    atoms = atoms_of(columns)
    firms = atoms.areas @ np.bincount(atoms.atom, minlength=atoms.areas.shape[1])
    return atoms, firms, suppress(atoms.areas, firms, rules.primary(firms), 0, atoms.kind, least)


@st.composite
def grounds(draw: st.DrawFn) -> Columns:
    """Premises in districts within regions, under postcode areas, hexagons and a custom area that cut across."""
    n = draw(st.integers(1, 60))
    n_lads, n_regions, n_posts = draw(st.integers(1, 6)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    n_hexagons = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    crossing = draw(st.sampled_from([0.0, 0.1, 0.5]))
    lad_of, post_of = rng.integers(0, n_lads, n_hexagons), rng.integers(0, n_posts, n_hexagons)
    hexagon = rng.integers(0, n_hexagons, n)
    lad = np.where(rng.random(n) < crossing, rng.integers(0, n_lads, n), lad_of[hexagon])
    post = np.where(rng.random(n) < crossing, rng.integers(0, n_posts, n), post_of[hexagon])
    region = rng.integers(0, n_regions, n_lads)[lad]
    custom = [np.where(rng.random(n_lads)[lad] < 0.5, 0, -1) for _ in range(draw(st.integers(0, 2)))]
    placed = np.where(rng.random(n) < draw(st.sampled_from([0.0, 0.2])), -1, hexagon)  # some have no hexagon at all
    return [np.zeros(n, np.int64), region, lad, post, *custom, placed]


@settings(max_examples=400, deadline=None)
@given(grounds(), st.booleans(), st.sampled_from([0, MIN_FIRMS, 9]))
def test_that_no_withheld_area_is_a_combination_of_published_ones(
    columns: Columns, with_kinds: bool, least: int
) -> None:
    atoms, firms, _ = withhold(columns, Rules(MIN_FIRMS))
    primary = Rules(MIN_FIRMS).primary(firms)
    found = suppress(atoms.areas, firms, primary, 0, atoms.kind if with_kinds else np.arange(len(firms)), least)
    dense = atoms.areas.toarray().tolist()
    published = [row for row, hidden in zip(dense, found.withheld, strict=True) if not hidden]
    assert found.primary.tolist() == primary.tolist()
    assert not (found.primary & found.secondary).any()
    for number in np.flatnonzero(found.withheld):
        assert not in_span(published, dense[number]), (number, found)
    if primary[0]:
        return
    assert not found.withheld[0]
    if least:
        return
    for number in np.flatnonzero(found.secondary):  # with any one of them shown, a primary one could be worked out
        assert any(in_span([*published, dense[number]], dense[other]) for other in np.flatnonzero(primary))


@settings(max_examples=200, deadline=None)
@given(grounds())
def test_that_what_is_withheld_of_a_published_area_is_not_few_firms_together(columns: Columns) -> None:
    atoms, firms, found = withhold(columns, Rules(MIN_FIRMS), MIN_FIRMS)
    dense, shown = atoms.areas.toarray(), ~found.withheld
    for area in np.flatnonzero(shown):
        for kind in range(len(columns)):
            there = (atoms.kind == kind) & (dense @ dense[area] > 0)
            if not (there & shown).any():
                continue
            if np.array_equal(dense[there].sum(axis=0), dense[area]) and (there & ~shown).any():
                assert firms[there & ~shown].sum() >= MIN_FIRMS, (area, kind)


@pytest.mark.parametrize(("least", "expected"), [(0, []), (3, []), (4, [5])])
def test_that_two_withheld_districts_of_a_region_take_a_third_along(least: int, expected: list[int]) -> None:
    lad = np.repeat([0, 1, 2, 3, 4], [1, 2, 8, 20, 30])
    _, _, found = withhold([np.zeros(61, np.int64), np.array([0, 0, 0, 0, 1])[lad], lad], Rules(MIN_FIRMS), least)
    assert np.flatnonzero(found.primary).tolist() == [3, 4]
    assert np.flatnonzero(found.secondary).tolist() == expected


def test_that_a_hexagon_with_company_in_one_of_its_places_is_left_at_that() -> None:
    """One firm on each side of a postal border, beside 30 on the one side; on the other three withheld ones and 20."""
    post = np.repeat([0, 0, 1, 1, 1], [1, 30, 1, 3, 20])
    hexagon = np.repeat([0, 1, 0, 2, 3], [1, 30, 1, 3, 20])
    _, firms, found = withhold([np.zeros(55, np.int64), post, hexagon], Rules(MIN_FIRMS))
    assert firms.tolist() == [55, 31, 24, 2, 30, 3, 20]
    assert np.flatnonzero(found.withheld).tolist() == [3, 5]


@settings(max_examples=60, deadline=None)
@given(grounds())
def test_that_an_attacker_with_bounds_never_pins_a_withheld_figure_down(columns: Columns) -> None:
    """He knows every published figure and that none is negative, and asks for the least and the most it can be."""
    atoms, _, found = withhold(columns, Rules(MIN_FIRMS))
    dense = atoms.areas.toarray().astype(float)
    if found.withheld[0]:
        return
    truth = 1 + np.random.default_rng(0).random(dense.shape[1])
    known = dense[~found.withheld]
    for number in np.flatnonzero(found.withheld)[:5]:
        ends = [linprog(sign * dense[number], A_eq=known, b_eq=known @ truth) for sign in (1, -1)]
        assert all(end.status in (0, 3) for end in ends)  # optimal, or without bound
        if all(end.status == 0 for end in ends):
            assert -ends[1].fun - ends[0].fun > 1e-3, number


def test_that_a_lone_small_district_takes_the_smallest_of_its_region_along() -> None:
    lad = np.repeat([0, 1, 2, 3, 4], [2, 40, 9, 12, 30])
    region = np.array([0, 0, 0, 1, 1])[lad]
    _, _, found = withhold([np.zeros(93, np.int64), region, lad], Rules(MIN_FIRMS))
    assert np.flatnonzero(found.primary).tolist() == [3]
    assert np.flatnonzero(found.secondary).tolist() == [5]  # the district of 9, not that of 40, nor one elsewhere


def test_that_a_district_that_is_its_own_upper_tier_is_not_given_away_by_that_name() -> None:
    lad = np.repeat([0, 1, 2], [6, 3, 8])
    upper = np.array([0, 1, 1])[lad]  # district 0 is upper tier 0
    _, _, found = withhold([np.zeros(17, np.int64), upper, lad], Rules(MIN_FIRMS))
    assert np.flatnonzero(found.withheld).tolist() == [4, 5]
    assert np.flatnonzero(found.primary).tolist() == [4]


def test_that_hexagons_across_a_border_are_used_before_the_districts_beside_it() -> None:
    # Two districts, each of one inner hexagon; a third hexagon lies across the border, a fourth, small, in the first.
    lad = np.repeat([0, 0, 1, 1, 0], [20, 6, 7, 30, 2])
    hexagon = np.repeat([0, 1, 1, 2, 3], [20, 6, 7, 30, 2])
    _, firms, found = withhold([np.zeros(65, np.int64), lad, hexagon], Rules(MIN_FIRMS))
    assert firms.tolist() == [65, 28, 37, 20, 13, 30, 2]
    assert np.flatnonzero(found.primary).tolist() == [6]
    # 28 - 20 leaves hexagon 1's part and the small one: only all three of district 0 with 30 in district 1 would tell.
    assert np.flatnonzero(found.secondary).tolist() == [4]


@pytest.mark.parametrize(
    ("firms", "share", "rules", "expected"),
    [
        pytest.param([0, 1, 4, 5], None, Rules(5), [False, True, True, False], id="nought is known, fewer than five"),
        pytest.param([9, 9, 9], [0.75, 0.76, np.nan], Rules(0, 0.75), [False, True, False], id="more than the share"),
        pytest.param([9, 1], [0.1, 1.0], Rules(), [False, False], id="no rule"),
        pytest.param([0], [1.0], Rules(5, 0.5), [False], id="nobody dominates nobody"),
    ],
)
def test_when_an_area_is_withheld_for_its_own_sake(
    firms: list[int], share: list[float] | None, rules: Rules, expected: list[bool]
) -> None:
    assert rules.primary(np.array(firms), None if share is None else np.array(share)).tolist() == expected


def test_that_an_area_published_itself_is_no_remainder() -> None:
    _, _, found = withhold([np.zeros(6, np.int64), np.array([0, 0, 0, 0, 1, 1])], Rules(5), 9)
    assert found.withheld.tolist() == [False, True, True]


def test_that_a_small_cluster_is_withheld_as_a_whole() -> None:
    _, _, found = withhold([np.zeros(4, np.int64), np.array([0, 0, 1, 1])], Rules(MIN_FIRMS))
    assert found.withheld.all()


def test_that_areas_of_nobody_are_nought_and_shown() -> None:
    atoms = atoms_of([np.zeros(30, np.int64), np.repeat([0, 1, 2], [20, 8, 2])])
    found = suppress(atoms.areas, np.array([28, 20, 8, 0]), np.zeros(4, bool), 0, atoms.kind)
    assert not found.withheld.any()
    primary = np.array([False, False, True, False])
    found = suppress(atoms.areas, np.array([22, 20, 2, 0]), primary, 0, atoms.kind)
    assert found.secondary.tolist() == [False, True, False, False]


def test_that_what_no_one_publishes_can_still_be_guarded() -> None:
    """A parent sector of 20 firms has one beyond its child of 19: showing both would show that one."""
    areas = atoms_of([np.zeros(20, np.int64), np.where(np.arange(20) < 19, 0, -1), np.where(np.arange(20) < 19, -1, 0)])
    guarded = np.array([False, False, True])
    found = suppress(areas.areas, np.array([20, 19, 1]), guarded, 0, areas.kind, publishable=~guarded)
    assert found.secondary.tolist() == [False, True, False]


def test_that_atoms_are_the_combinations_of_codes() -> None:
    atoms = atoms_of([np.array([7, 7, 7, 7]), np.array([3, 5, 3, -1])])
    assert atoms.areas.toarray().tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 1]]
    assert (atoms.kind.tolist(), atoms.code.tolist(), atoms.atom.tolist()) == ([0, 1, 1], [7, 3, 5], [1, 2, 1, 0])
