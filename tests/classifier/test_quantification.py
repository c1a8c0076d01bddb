"""Our textbook estimators beside QuaPy's, on the same scores: two programs by different hands, one number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from classifier.counting.quantification import (
    adjusted_count,
    classify_and_count,
    expectation_maximisation,
    mean_probability,
)

TRAINING_PREVALENCE = 0.3


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A classifier whose input is its own probability."""

    def fit(self, X: Any, y: Any) -> Given:  # noqa: ARG002
        self.classes_ = np.array([0, 1])
        self.fitted_ = True
        return self

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.hstack([1 - X, X])

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.asarray(X[:, 0] > 0.5, dtype=np.int64)


def scores(prevalence: float, firms: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities that are calibrated at ``TRAINING_PREVALENCE``, for firms of another prevalence."""
    rng = np.random.default_rng(seed)
    member = np.arange(firms) < round(prevalence * firms)
    margin = rng.normal(np.where(member, 1.0, -1.0), 1.2)
    odds = np.exp(2 * margin / 1.2**2) * TRAINING_PREVALENCE / (1 - TRAINING_PREVALENCE)
    return odds / (1 + odds), member


@pytest.mark.parametrize("prevalence", [0.01, 0.05, 0.2, 0.6])
@pytest.mark.parametrize("name", ["CC", "PCC", "ACC", "PACC", "EMQ"])
def test_quapy_finds_the_same(name: str, prevalence: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # QuaPy's and matplotlib's own, at import
        from quapy.method import aggregative

    known, member = scores(TRAINING_PREVALENCE, 3_000, 1)
    asked, truth = scores(prevalence, 20_000, 2)
    more: dict[str, Any] = {"exact_train_prev": True, "calib": None} if name == "EMQ" else {}
    more |= {"val_split": None} if name in ("ACC", "PACC") else {}
    theirs = getattr(aggregative, name)(Given().fit(None, None), fit_classifier=False, **more)
    theirs.fit(known[:, None], member.astype(int))
    expected = float(theirs.predict(asked[:, None])[1])

    hard, soft = known > 0.5, asked > 0.5
    ours = {
        "CC": lambda: classify_and_count(soft),
        "PCC": lambda: mean_probability(asked),
        "ACC": lambda: adjusted_count(
            classify_and_count(soft), float(hard[member].mean()), float(hard[~member].mean())
        ),
        "PACC": lambda: adjusted_count(
            mean_probability(asked), float(known[member].mean()), float(known[~member].mean())
        ),
        "EMQ": lambda: expectation_maximisation(asked, float(member.mean())),
    }[name]()
    assert ours == pytest.approx(expected, abs=1e-3)
    if name in ("ACC", "PACC", "EMQ"):
        assert ours == pytest.approx(float(truth.mean()), abs=0.03)


def test_adjusted_count_stays_between_nobody_and_everybody() -> None:
    assert adjusted_count(0.02, 0.9, 0.05) == 0.0
    assert adjusted_count(0.95, 0.9, 0.05) == 1.0
    assert adjusted_count(0.3, 0.4, 0.4) == 0.3
