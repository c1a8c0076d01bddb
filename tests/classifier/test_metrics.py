"""Figures against values worked by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from classifier.metrics import at_prevalence, average_precision, figures

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


def test_precision_at_another_prevalence_by_hand() -> None:
    # 92 % of includes found, 8 % of excludes taken in: of 10,000 firms 1 % are includes, 92 hits and 792 false alarms
    found = at_prevalence(0.92, 0.08, 0.01)
    assert found.precision == pytest.approx(92 / (92 + 792))
    assert found.f1 == pytest.approx(2 * 92 / (92 + 792 + 100))
    assert at_prevalence(0.0, 0.0, 0.01).precision is None


def test_at_the_measured_prevalence_nothing_changes() -> None:
    everyone = np.ones_like(Y)
    plain = figures("m", ["a", "b", "c"], Y, everyone, SCORES, ASSIGNED, probabilities=True).sectors[0]
    found = figures("m", ["a", "b", "c"], Y, everyone, SCORES, ASSIGNED, probabilities=True, prevalence={"a": 0.5})
    at = found.sectors[0].at_prevalence
    assert at is not None
    assert (at.precision, at.f1) == pytest.approx((plain.precision, plain.f1))
    assert [row.at_prevalence for row in found.sectors[1:]] == [None, None]


def test_micro_figures_and_brier_by_hand() -> None:
    found = figures("m", ["a", "b", "c"], Y, np.ones_like(Y), SCORES, ASSIGNED, probabilities=True)
    assert (found.micro_precision, found.micro_recall) == pytest.approx((3 / 5, 3 / 4))
    assert found.sectors[0].brier == pytest.approx((0.1**2 + 0.6**2 + 0.6**2 + 0.1**2) / 4)
