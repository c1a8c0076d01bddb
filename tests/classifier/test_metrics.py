"""Figures against values worked by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from classifier.metrics import average_precision, calibration_error, figures

Y = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]], dtype=bool)
ASSIGNED = np.array([[1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 0, 0]], dtype=bool)
SCORES = np.array([[0.9, 0.6, 0.2], [0.4, 0.1, 0.8], [0.6, 0.2, 0.7], [0.1, 0.0, 0.1]])


def test_figures_by_hand() -> None:
    found = figures("m", ["a", "b", "c"], Y, np.ones_like(Y), SCORES, ASSIGNED, probabilities=True)
    a, b, c = found.sectors
    assert (a.support, a.assigned, a.precision, a.recall, a.f1) == (2, 2, 0.5, 0.5, 0.5)
    assert (b.support, b.assigned, b.precision, b.recall, b.f1) == (0, 1, 0.0, None, None)
    assert (c.precision, c.recall, c.f1, c.average_precision) == (1.0, 1.0, 1.0, 1.0)
    assert a.average_precision == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert found.macro_f1 == pytest.approx(0.75)  # b has no includes and no say
    assert found.micro_f1 == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))


def test_what_was_not_judged_is_not_read() -> None:
    mask = np.ones_like(Y)
    mask[2, 0] = False
    first = figures("m", ["a", "b", "c"], Y, mask, SCORES, ASSIGNED, probabilities=True)
    changed = Y.copy()
    changed[2, 0] = True
    assert figures("m", ["a", "b", "c"], changed, mask, SCORES, ASSIGNED, probabilities=True) == first
    assert first.sectors[0].judged == 3
    assert first.sectors[0].precision == 1.0


def test_nothing_judged_gives_no_figures() -> None:
    found = figures("m", ["a", "b", "c"], Y, np.zeros_like(Y), SCORES, ASSIGNED, probabilities=True)
    assert (found.macro_f1, found.micro_f1, found.mean_average_precision, found.mean_ece) == (None, None, None, None)


def test_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(size=300) < 0.2
    scores = np.round(rng.uniform(size=300) + 0.4 * y, 1).astype(np.float64)  # rounding makes ties
    assert average_precision(y, scores) == pytest.approx(average_precision_score(y, scores))
    found = figures(
        "m", ["s"], y[:, None], np.ones((300, 1), bool), scores[:, None], scores[:, None] > 0.7, probabilities=False
    )
    assert found.sectors[0].f1 == pytest.approx(f1_score(y, scores > 0.7))
    assert found.sectors[0].ece is None


def test_calibration_error_by_hand() -> None:
    # bin 0.0-0.1: stated 0.05+0.05, one include of two; bin 0.9-1.0: stated 1.0, one include of one
    y, p = np.array([True, False, True]), np.array([0.05, 0.05, 1.0])
    assert calibration_error(y, p) == pytest.approx((abs(0.1 - 1) + 0) / 3)
