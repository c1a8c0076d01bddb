"""Curves against values worked by hand and against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from classifier.curves import MAX_POINTS, calibration_error, precision_recall, sector_curves, wilson

PAIRS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60)


def test_calibration_error_by_hand() -> None:
    # bin 0.0-0.1: stated 0.05+0.05, one include of two; bin 0.9-1.0: stated 1.0, one include of one
    y, p = np.array([True, False, True]), np.array([0.05, 0.05, 1.0])
    assert calibration_error(y, p) == pytest.approx((abs(0.1 - 1) + 0) / 3)


def test_bins_of_equal_mass_see_what_wide_bins_hide() -> None:
    # probabilities 0.01 and 0.09, the wrong way round: one wide bin, right on average; two bins of equal mass, both off
    y = np.array([True] * 9 + [False] * 91 + [True] * 1 + [False] * 99)
    p = np.array([0.01] * 100 + [0.09] * 100)
    assert calibration_error(y, p) == pytest.approx(0, abs=1e-12)
    assert calibration_error(y, p, 2, equal_mass=True) == pytest.approx(0.08)


@given(PAIRS, st.booleans(), st.randoms())
def test_calibration_error_is_within_bounds_and_blind_to_order(
    rows: list[tuple[bool, float]], equal_mass: bool, random: object
) -> None:
    y, p = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = calibration_error(y, p, equal_mass=equal_mass)
    assert 0 <= found <= 1
    assert calibration_error(y[::-1], p[::-1], equal_mass=equal_mass) == pytest.approx(found)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        pytest.param(0, 10, 0.0, 0.27754, id="none"),
        pytest.param(10, 10, 0.72246, 1.0, id="all"),
        pytest.param(5, 10, 0.23659, 0.76341, id="half"),
        pytest.param(81, 263, 0.25530, 0.36624, id="Newcombe 1998, table I"),
    ],
)
def test_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    assert wilson(hits, n) == pytest.approx((low, high), abs=2e-4)


def test_precision_recall_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(size=80) < 0.3
    scores = np.round(rng.uniform(size=80) + 0.4 * y, 1).astype(np.float64)
    recall, precision = precision_recall(y, scores)
    theirs_precision, theirs_recall, _ = precision_recall_curve(y, scores)
    first = int(np.flatnonzero(theirs_recall == 1)[-1])
    np.testing.assert_allclose(recall, theirs_recall[first:-1][::-1])
    np.testing.assert_allclose(precision, theirs_precision[first:-1][::-1])


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    rng = np.random.default_rng(0)
    y, scores = rng.uniform(size=5000) < 0.2, rng.uniform(size=5000)
    y[np.argmin(scores)] = True
    recall, precision = precision_recall(y, scores)
    assert len(recall) == len(precision) == MAX_POINTS
    assert recall[-1] == 1
    assert precision[-1] == pytest.approx(y.mean())


def test_a_sector_without_includes_or_without_judgements_has_empty_curves() -> None:
    nobody = sector_curves("s", np.zeros(3, bool), np.array([0.1, 0.2, 1.0]), np.array([0.5]))
    assert (nobody.recall, nobody.precision, sum(nobody.histogram_includes)) == ((), (), 0)
    assert (nobody.histogram_excludes[-1], sum(nobody.histogram_excludes)) == (1, 3)
    unjudged = sector_curves("s", np.zeros(0, bool), np.zeros(0), np.array([0.5]))
    assert unjudged.reliability == ()
