"""Shares of the largest firms: worked by hand, and against the plain definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.concentration import concentration

nan = float("nan")


def test_worked_by_hand() -> None:
    # Group 0: 50, 20, 10, 10, 5, 5, sum 100. The five largest hold 95 %, the largest 50 %;
    # 0.25 + 0.04 + 0.01 + 0.01 + 0.0025 + 0.0025 = 0.315.
    # Group 1: two alike. Group 2: nothing known. Group 3: zeros. A negative value and a group of -1 are in none.
    values = np.array([5, 10, 50, 20, 10, 5, 7, 7, nan, 0, 0, -3, 99], dtype=np.float64)
    groups = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 1, -1])
    found = concentration(values, groups, 4)
    assert found.top == pytest.approx([0.95, 1.0, nan, nan], nan_ok=True)
    assert found.largest == pytest.approx([0.5, 0.5, nan, nan], nan_ok=True)
    assert found.herfindahl == pytest.approx([0.315, 0.5, nan, nan], nan_ok=True)
    assert found.firms.tolist() == [6, 2, 0, 2]


def test_of_nobody() -> None:
    found = concentration(np.zeros(0), np.zeros(0, dtype=np.int64), 2)
    assert np.isnan(found.top).all()
    assert found.firms.tolist() == [0, 0]


amounts = st.one_of(st.just(nan), st.just(0.0), st.floats(0.01, 1e6))
rows = st.lists(st.tuples(amounts, st.integers(-1, 3)), max_size=40)


@given(rows, st.integers(1, 6))
def test_it_is_the_definition_in_any_order(pairs: list[tuple[float, int]], k: int) -> None:
    values, groups = np.array([*pairs, (nan, -1)], dtype=np.float64).T
    found = concentration(values, groups.astype(np.int64), 4, k)
    mixed = np.random.default_rng(0).permutation(len(values))
    again = concentration(values[mixed], groups[mixed].astype(np.int64), 4, k)
    for group in range(4):
        of = sorted((v for v, g in pairs if g == group and not np.isnan(v)), reverse=True)
        total = sum(of)
        expected = sum(of[:k]) / total if total > 0 else nan
        assert found.top[group] == pytest.approx(expected, nan_ok=True)
        assert again.top[group] == pytest.approx(expected, nan_ok=True)
        if total > 0:
            assert found.herfindahl[group] == pytest.approx(sum((v / total) ** 2 for v in of))
            assert 1 / len(of) * (1 - 1e-9) <= found.herfindahl[group] <= found.largest[group] * (1 + 1e-9)
