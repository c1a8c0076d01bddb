"""Shares, ranks, turnover per employee and owners abroad: worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.shares import foreign_owned, owner_countries, ranks, share_of, turnover_per_employee

nan = float("nan")


def test_shares_of_a_whole() -> None:
    assert share_of([30, 0, 5, nan, 5], [120, 10, 0, 10, nan]) == pytest.approx([0.25, 0, nan, nan, nan], nan_ok=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([10, 30, 20], [3, 1, 2], id="the largest is first"),
        pytest.param([10, 30, 30, 20], [4, 1, 1, 3], id="equals share the better place, and the next is passed over"),
        pytest.param([nan, 5, nan, 7], [nan, 2, nan, 1], id="the unknown have no rank"),
        pytest.param([nan], [nan], id="nobody"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_ranks(values: list[float], expected: list[float]) -> None:
    assert ranks(values) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.tuples(st.one_of(st.just(nan), st.integers(0, 9).map(float)), st.integers(0, 2)), max_size=30))
def test_a_rank_is_one_more_than_those_before(pairs: list[tuple[float, int]]) -> None:
    found = ranks([value for value, _ in pairs], [group for _, group in pairs])
    for (value, group), rank in zip(pairs, found, strict=True):
        before = sum(v > value for v, g in pairs if g == group)
        assert rank == pytest.approx(nan if np.isnan(value) else before + 1, nan_ok=True)


def test_turnover_per_employee_takes_both_from_the_same_firms() -> None:
    # Group 0: 1,000,000 and 10; 500,000 and 40: 1,500,000 / 50 = 30,000. The third files no turnover, the fourth no
    # employees: with them it would be 9,500,000 / 150.
    turnover = np.array([1e6, 5e5, nan, 8e6, nan, 3e5])
    employees = np.array([10, 40, 100, nan, 5, 0])
    groups = np.array([0, 0, 0, 0, 1, 2])
    found = turnover_per_employee(turnover, employees, groups, 3)
    assert found.value == pytest.approx([30_000, nan, nan], nan_ok=True)
    assert found.firms.tolist() == [2, 0, 1]
    # Half of the first firm: (500,000 + 500,000) / (5 + 40) = 22,222.22
    half = turnover_per_employee(turnover, employees, groups, 3, np.array([0.5, 1, 1, 1, 1, 1]))
    assert half.value[0] == pytest.approx(22_222.2222)


def test_foreign_owned_share_is_of_those_whose_ownership_is_known() -> None:
    # Group 0: one abroad, two not, one not known: 1/3, known for 3/4. Group 1: nobody known. Group 2: nobody at all.
    foreign, groups = np.array([1, 0, 0, nan, nan, 1]), np.array([0, 0, 0, 0, 1, -1])
    found = foreign_owned(foreign, groups, 3)
    assert found.businesses == pytest.approx([1, 0, 0])
    assert found.share == pytest.approx([1 / 3, nan, nan], nan_ok=True)
    assert found.coverage == pytest.approx([0.75, 0, nan], nan_ok=True)
    # The firm abroad is here by half: 0.5 of 2.5 known, of 3.5.
    half = foreign_owned(foreign, groups, 3, np.array([0.5, 1, 1, 1, 1, 1]))
    assert (half.businesses[0], half.share[0], half.coverage[0]) == pytest.approx((0.5, 0.2, 2.5 / 3.5))


def test_owner_countries_most_firms_first_and_ties_by_number() -> None:
    country = np.array([2, 2, 1, 0, 0, 3, -1, 2, 1])
    groups = np.array([0, 0, 0, 0, 0, 0, 0, 2, -1])
    found = [(row.group, row.country, row.businesses, row.rank) for row in owner_countries(country, groups, 3, k=3)]
    assert found == [(0, 0, 2.0, 1), (0, 2, 2.0, 2), (0, 1, 1.0, 3), (2, 2, 1.0, 1)]
    assert owner_countries(np.array([-1]), np.array([0]), 1) == []
