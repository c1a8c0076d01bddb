"""Thresholds: golden values by hand, and the laws they obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classifier.thresholds import (
    MAX_THRESHOLD,
    assign,
    best_f1_threshold,
    expected_f1_threshold,
    f1_threshold,
    leave_thresholds,
    precision_threshold,
)

P = np.array([0.9, 0.8, 0.6, 0.5, 0.2])
PROBABILITIES = arrays(np.float64, (6, 3), elements=st.floats(0, 1))


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        # F1 when the first k are assigned: 2*hits / (k + includes)
        pytest.param([1, 1, 0, 0, 0], 0.70, id="clean cut: half-way between 0.8 and 0.6"),
        pytest.param([1, 0, 1, 0, 0], 0.55, id="k=3: 2*2/(3+2)=0.8 beats k=1: 0.67"),
        pytest.param([0, 0, 0, 0, 1], 0.10, id="the last one only: half-way to 0"),
    ],
)
def test_best_f1(y: list[int], expected: float) -> None:
    assert best_f1_threshold(P, np.array(y, dtype=bool)) == pytest.approx(expected)


def test_a_threshold_never_cuts_through_equal_scores() -> None:
    p = np.array([0.9, 0.5, 0.5, 0.1])
    assert best_f1_threshold(p, np.array([True, True, False, False])) in (pytest.approx(0.7), pytest.approx(0.3))
    assert best_f1_threshold(p, np.array([True, True, True, False])) == pytest.approx(0.3)


def test_expected_f1_by_hand() -> None:
    # k=1: 1.8/(1+1.1)=0.857; k=2: 2/(2+1.1)=0.645; so the cut lies between 0.9 and 0.1
    assert expected_f1_threshold(np.array([0.9, 0.1, 0.1])) == pytest.approx(0.5)


def test_few_includes_lean_on_the_probabilities_and_many_on_the_data() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=2000)
    y = rng.uniform(size=2000) < p / 4  # stated four times too high
    few = f1_threshold(p[:20], y[:20])
    assert abs(few - expected_f1_threshold(p[:20])) < abs(few - best_f1_threshold(p[:20], y[:20])) + 1e-9
    many = f1_threshold(p, y)
    assert abs(many - best_f1_threshold(p, y)) < abs(many - expected_f1_threshold(p))


@pytest.mark.parametrize(
    ("y", "precision", "expected"),
    [
        # hits / (k + 1): 1/2, 2/3, 2/4, 2/5, 2/6
        pytest.param([1, 1, 0, 0, 0], 0.6, 0.8, id="two of two, one miss counted"),
        pytest.param([1, 1, 0, 0, 0], 0.4, 0.5, id="a lower target takes more"),
        pytest.param([1, 1, 0, 0, 0], 0.9, MAX_THRESHOLD, id="out of reach with two firms"),
        pytest.param([0, 0, 0, 0, 0], 0.5, MAX_THRESHOLD, id="no includes"),
    ],
)
def test_precision_target(y: list[int], precision: float, expected: float) -> None:
    assert precision_threshold(P, np.array(y, dtype=bool), precision) == pytest.approx(expected)


@given(PROBABILITIES, arrays(np.float64, 3, elements=st.floats(0, 1)), arrays(np.float64, 3, elements=st.floats(0, 1)))
def test_raising_a_threshold_never_adds_a_firm(p: np.ndarray, low: np.ndarray, by: np.ndarray) -> None:
    trained = np.ones(3, dtype=bool)
    assert not (assign(p, low + by, trained) & ~assign(p, low, trained)).any()


@given(PROBABILITIES, arrays(np.bool_, (6, 3)))
def test_members_stay_longer_but_nobody_enters_below_the_threshold(p: np.ndarray, previous: np.ndarray) -> None:
    thresholds, trained = np.array([0.3, 0.5, 0.7]), np.ones(3, dtype=bool)
    first, later = assign(p, thresholds, trained), assign(p, thresholds, trained, previous)
    assert not (first & ~later).any()
    kept = later & ~first
    assert (previous[kept]).all()
    assert (p >= leave_thresholds(thresholds))[kept].all()


def test_an_untrained_sector_assigns_nobody_not_even_members() -> None:
    p, previous = np.ones((2, 1)), np.ones((2, 1), dtype=bool)
    assert not assign(p, np.array([0.5]), np.array([False]), previous).any()
