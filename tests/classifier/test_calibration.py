"""Calibration recovers what is true, keeps order, and says little from little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.calibration import Sigmoid, fit_sigmoid, logit, prior_sigmoid, sigmoid


def test_a_known_sigmoid_is_recovered() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, size=20_000)
    y = rng.uniform(size=20_000) < sigmoid(1.7 * scores - 2.0)
    found = fit_sigmoid(scores, y, Sigmoid(1.0, 0.0))
    assert found.slope == pytest.approx(1.7, abs=0.05)
    assert found.offset == pytest.approx(-2.0, abs=0.06)


def test_two_firms_hardly_move_the_prior() -> None:
    prior = Sigmoid(1.0, 0.0)
    found = fit_sigmoid(np.array([30.0, -30.0]), np.array([True, False]), prior)
    assert found.slope == pytest.approx(prior.slope, abs=0.05)


def test_scores_worse_than_chance_do_not_turn_the_order_round() -> None:
    scores = np.linspace(-3, 3, 200)
    prior = Sigmoid(1.0, 0.0)
    assert fit_sigmoid(scores, scores < 0, prior) == prior


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=2, max_size=60))
def test_order_is_kept_and_numbers_are_finite(pairs: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in pairs])
    y = np.array([include for _, include in pairs])
    found = fit_sigmoid(scores, y, prior_sigmoid(y, balanced=False, shares=2))
    assert np.isfinite([found.slope, found.offset]).all()
    assert (np.diff(found(np.sort(scores))) >= 0).all()


def test_prior_by_hand() -> None:
    y = np.array([True] * 2 + [False] * 7)  # odds (2 + 0.5) / (7 + 0.5) = 1/3
    assert prior_sigmoid(y, balanced=True, shares=1).offset == pytest.approx(-np.log(3))
    assert prior_sigmoid(y, balanced=False, shares=1).offset == 0.0
    assert prior_sigmoid(y, balanced=False, shares=2).offset == pytest.approx(np.log(3))


def test_logit_undoes_sigmoid_and_survives_the_ends() -> None:
    scores = np.array([-20.0, -1.0, 0.0, 3.0, 20.0])
    np.testing.assert_allclose(logit(sigmoid(scores)), scores, rtol=1e-3)
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]
