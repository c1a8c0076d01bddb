"""Shares, ranks and owners abroad: worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.shares import owner_countries, ranks, share_of

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


def test_owner_countries_most_firms_first_and_ties_by_number() -> None:
    country = np.array([2, 2, 1, 0, 0, 3, -1, 2, 1])
    groups = np.array([0, 0, 0, 0, 0, 0, 0, 2, -1])
    found = [(row.group, row.country, row.businesses, row.rank) for row in owner_countries(country, groups, 3, k=3)]
    assert found == [(0, 0, 2.0, 1), (0, 2, 2.0, 2), (0, 1, 1.0, 3), (2, 2, 1.0, 1)]
    assert owner_countries(np.array([-1]), np.array([0]), 1) == []
