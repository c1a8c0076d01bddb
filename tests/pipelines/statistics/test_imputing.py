"""Gaps are filled from like firms, the share filled is stated, and what was reported stays."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.statistics.imputing import LEVELS, MIN_KNOWN, impute, size_bands


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.integers(0, 4))
def test_that_reported_values_stay_and_the_share_is_what_was_filled(seed: int, n: int, n_clusters: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(3, 2, n))
    known = (rng.random(n) < rng.random()) & np.isfinite(values)
    members = [np.flatnonzero(rng.random(n) < 0.5) for _ in range(n_clusters)]
    starts = np.concatenate(([0], np.cumsum([len(one) for one in members]))).astype(np.int64)
    firm = np.concatenate([*members, np.zeros(0, np.int64)]).astype(np.int64)
    found = impute(values, known, rng.integers(-1, 3, n), starts, firm)
    assert found.values[known[firm]].tolist() == values[firm][known[firm]].tolist()
    assert ((found.level == 0) == known[firm]).all()
    assert np.isfinite(found.values).all() or known.sum() < MIN_KNOWN
    for number, (start, end) in enumerate(pairwise(starts)):
        part = slice(int(start), int(end))
        total = np.nansum(found.values[part])
        if total > 0:
            assert found.share[number] == pytest.approx(np.nansum(found.values[part][found.estimated[part]]) / total)
        else:
            assert np.isnan(found.share[number])


def test_by_hand_which_circle_of_firms_a_value_comes_from() -> None:
    n = MIN_KNOWN
    # Cluster 0: ten small firms of 1 to 10 one large of 500, and a gap in each size.
    values = np.concatenate([np.arange(1.0, n + 1), [500.0], np.full(3, np.nan), np.full(n, 700.0)])
    band = np.concatenate([np.zeros(n), [1], [0, 1, 2], np.ones(n)]).astype(np.int64)
    known = np.isfinite(values)
    found = impute(values, known, band, np.array([0, 14]), np.arange(14))
    small, large, unheard = found.values[11:]
    assert small == pytest.approx(5.5)  # (1 + ... + 10) / 10
    assert large == pytest.approx(7500 / 11)  # one of its sector, but eleven of its size: 500, and 700 ten times
    assert unheard == pytest.approx(555 / 11)  # none of its size, eleven of its sector
    assert [LEVELS[level] for level in found.level[11:]] == ["sector_and_size", "size", "sector"]
    assert found.share[0] == pytest.approx((5.5 + large + unheard) / (55 + 500 + 5.5 + large + unheard))


def test_that_nothing_is_made_up_where_nobody_reports() -> None:
    found = impute(np.full(3, np.nan), np.zeros(3, bool), np.zeros(3, np.int64), np.array([0, 3]), np.arange(3))
    assert np.isnan(found.values).all()
    assert [LEVELS[level] for level in found.level] == ["nothing"] * 3
    assert np.isnan(found.share[0])


def made(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Employees and turnover of 12,000 firms in four sectors, skewed as real ones are, and the pairs."""
    rng = np.random.default_rng(seed)
    starts = np.array([0, 4000, 7000, 10000, 12000])
    sector = np.repeat(np.arange(4), np.diff(starts))
    employees = np.ceil(rng.lognormal(1.5, 1.4, 12000))
    turnover = employees * np.exp(rng.normal(np.array([11.0, 11.5, 12.0, 12.5])[sector], 0.8))
    return employees, turnover, starts, np.arange(12000)


def test_that_totals_come_closer_than_with_the_gaps_left_out() -> None:
    off, missed, inside = [], [], 0
    for seed in range(20):
        employees, turnover, starts, firm = made(seed)
        rng = np.random.default_rng(1000 + seed)
        band = size_bands(employees, "employees")
        known = rng.random(len(turnover)) < np.array([0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9])[band]
        found = impute(np.where(known, turnover, np.nan), known, band, starts, firm)
        truth = np.add.reduceat(turnover, starts[:-1])
        estimate = np.add.reduceat(found.values, starts[:-1])
        off.append(estimate / truth - 1)
        missed.append(1 - np.add.reduceat(np.where(known, turnover, 0.0), starts[:-1]) / truth)
        inside += int((np.abs(estimate - truth) < 1.96 * found.standard_error).sum())
    off_by, left_out = np.array(off), np.array(missed)
    print(
        f"mean {off_by.mean():+.4f}, mean size {np.abs(off_by).mean():.4f}, left out {left_out.mean():.3f}, {inside}/80"
    )
    assert (np.abs(off_by) < left_out).all()
    assert np.abs(off_by).mean() < 0.1 * left_out.mean()
    assert abs(off_by.mean()) < 0.01
    assert inside >= 72  # of 80 intervals of 95 %


@pytest.mark.parametrize(
    ("value", "measure", "otherwise", "expected"),
    [
        pytest.param(0.0, "employees", 3, 0, id="nobody"),
        pytest.param(249.0, "employees", 3, 6, id="below an edge"),
        pytest.param(250.0, "employees", 3, 7, id="on an edge"),
        pytest.param(np.nan, "employees", 3, 14, id="by what else is known, apart from every band"),
        pytest.param(np.nan, "employees", -1, -1, id="nothing known"),
        pytest.param(49_999.0, "turnover_gbp", 0, 0, id="small turnover"),
        pytest.param(1e9, "turnover_gbp", 0, 11, id="largest turnover"),
    ],
)
def test_size_bands(value: float, measure: str, otherwise: int, expected: int) -> None:
    assert measure in {"employees", "turnover_gbp"}
    name = "employees" if measure == "employees" else "turnover_gbp"
    assert size_bands(np.array([value]), name, np.array([otherwise])).tolist() == [expected]  # type: ignore[arg-type]
