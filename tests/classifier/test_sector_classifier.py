"""The estimator: partial labels, hierarchy, thresholds, and what it does with too few labels."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import clone

from classifier.errors import ClassifierError, HierarchyError, LabelShapeError
from classifier.sector_classifier import SectorClassifier

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]


def sample(n: int = 120, seed: int = 0) -> tuple[Matrix, Flags]:
    """Features and three sectors; the second lies inside the first."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    wide, narrow = X[:, 0] > 0, (X[:, 0] > 0) & (X[:, 1] > 0.3)
    return X, np.column_stack([wide, narrow, X[:, 2] > 1.0])


def state(model: SectorClassifier, sector: int) -> list[list[float]]:
    """Every number that a sector's probability and threshold depend on."""
    return [
        model.coef_[sector].tolist(),
        [model.intercept_[sector], *model.calibration_[sector], model.thresholds_[sector]],
    ]


def test_it_learns() -> None:
    X, Y = sample(400)
    X_new, Y_new = sample(400, seed=1)
    model = SectorClassifier().fit(X, Y, np.ones_like(Y))
    predicted = model.predict(X_new)
    assert predicted.dtype == np.bool_
    assert (predicted == Y_new).mean(axis=0).min() > 0.85  # the second is a corner, which no straight line cuts out


@pytest.mark.parametrize("parents", [None, ((), (0,), ())], ids=["flat", "nested"])
def test_dense_and_sparse_input_both_work(parents: tuple[tuple[int, ...], ...] | None) -> None:
    X, Y = sample()
    for given_X in (X, X.tolist(), csr_matrix(X), X.astype(np.float32)):
        model = SectorClassifier(parents=parents).fit(given_X, Y, np.ones_like(Y))
        p = model.predict_proba(given_X)
        assert p.shape == Y.shape
        assert ((p >= 0) & (p <= 1)).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2), st.integers(0, 10_000))
def test_an_absent_label_never_moves_a_sectors_model(sector: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, Y = sample()
    mask = rng.uniform(size=Y.shape) < 0.8
    before = SectorClassifier().fit(X, Y, mask)
    flipped = np.where(mask, Y, rng.uniform(size=Y.shape) < 0.5)
    assert state(SectorClassifier().fit(X, flipped, mask), sector) == state(before, sector)


def test_a_firm_not_judged_for_a_sector_might_as_well_not_be_there() -> None:
    X, Y = sample()
    mask = np.ones_like(Y)
    mask[:30, 1] = False
    domains = [f"firm-{row}.uk" for row in range(len(X))]
    whole = SectorClassifier().fit(X, Y, mask, domains)
    part = SectorClassifier().fit(X[30:], Y[30:], mask[30:], domains[30:])
    assert state(whole, 1) == state(part, 1)
    assert state(whole, 0) != state(part, 0)


def test_labels_of_other_sectors_move_nothing() -> None:
    X, Y = sample()
    other = Y.copy()
    other[:, 2] = ~other[:, 2]
    mask = np.ones_like(Y)
    assert state(SectorClassifier().fit(X, Y, mask), 0) == state(SectorClassifier().fit(X, other, mask), 0)


@pytest.mark.parametrize("includes", [0, 1, 119, 120], ids=["none", "one", "all but one", "all"])
def test_too_few_labels_train_nothing_and_assign_nobody(includes: int) -> None:
    X, Y = sample()
    Y[:, 2] = np.arange(len(Y)) < includes
    model = SectorClassifier().fit(X, Y, np.ones_like(Y))
    assert model.untrained_.tolist() == [2]
    assert not model.predict_proba(X)[:, 2].any()
    assert not model.predict(X)[:, 2].any()
    assert np.isnan(model.oof_probabilities_[:, 2]).all()


def test_two_includes_of_one_domain_train_nothing() -> None:
    X, Y = sample()
    Y[:, 2] = np.arange(len(Y)) < 2
    domains = ["same.uk", "same.uk", *map(str, range(2, len(X)))]
    assert SectorClassifier().fit(X, Y, groups=domains).untrained_.tolist() == [2]


def test_two_includes_of_two_domains_do() -> None:
    X, Y = sample()
    Y[:, 2] = np.arange(len(Y)) < 2
    model = SectorClassifier().fit(X, Y)
    assert model.untrained_.tolist() == []
    assert model.predict_proba(X)[:, 2].max() < 0.9  # never confident


def test_an_untrained_parent_is_raised_by_its_child() -> None:
    X, Y = sample()
    mask = np.ones_like(Y)
    mask[:, 0] = False
    model = SectorClassifier(parents=((), (0,), ())).fit(X, Y, mask)
    assert model.untrained_.tolist() == [0]
    p = model.predict_proba(X)
    np.testing.assert_array_equal(p[:, 0], p[:, 1])
    np.testing.assert_array_equal(model.predict(X)[:, 0], model.predict(X)[:, 1])


def test_child_implies_parent() -> None:
    X, Y = sample()
    rng = np.random.default_rng(3)
    Y[:, 0] = rng.uniform(size=len(Y)) < 0.3  # a parent whose own model knows nothing
    model = SectorClassifier(parents=((), (0,), ())).fit(X, Y)
    assert (model.predict_proba(X)[:, 1] <= model.predict_proba(X)[:, 0]).all()
    assert not (model.predict(X)[:, 1] & ~model.predict(X)[:, 0]).any()
    assert model.predict(X)[:, 1].any()


def test_the_threshold_in_the_model_is_the_one_applied() -> None:
    X, Y = sample()
    model = SectorClassifier().fit(X, Y)
    p = model.predict_proba(X)
    np.testing.assert_array_equal(model.predict(X), p >= model.thresholds_)
    model.thresholds_ = np.full(3, 0.99)
    np.testing.assert_array_equal(model.predict(X), p >= 0.99)


def test_a_precision_target_gives_shorter_cleaner_lists() -> None:
    X, Y = sample(600)
    rng = np.random.default_rng(0)
    noisy = Y ^ (rng.uniform(size=Y.shape) < 0.1)
    X_new, _ = sample(600, seed=2)
    most_f1 = SectorClassifier().fit(X, noisy)
    precise = SectorClassifier(target=0.95).fit(X, noisy)
    assert (precise.thresholds_ >= most_f1.thresholds_).all()
    assert precise.predict(X_new).sum() < most_f1.predict(X_new).sum()


def test_out_of_fold_probabilities_are_calibrated() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 4))
    Y = (rng.uniform(size=3000) < 1 / (1 + np.exp(2 - 2 * X[:, 0])))[:, None]
    model = SectorClassifier().fit(X, Y)
    p = model.oof_probabilities_[:, 0]
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        inside = (p >= low) & (p < high)
        assert Y[inside, 0].mean() == pytest.approx(p[inside].mean(), abs=0.05)


def test_it_is_a_scikit_learn_estimator() -> None:
    model = SectorClassifier(C=0.5, parents=((), (0,), ()), target=0.9)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(C=2.0).C == 2.0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"X": np.zeros((3, 2))}, "for 3 firms", id="another number of firms"),
        pytest.param({"X": np.full((120, 6), np.nan)}, "X: Input contains NaN", id="NaN features"),
        pytest.param({"X": np.zeros(120)}, "X: Expected 2D", id="one dimension"),
        pytest.param({"Y": np.full((120, 3), 2)}, "Y holds", id="labels that are no booleans"),
        pytest.param({"mask": np.ones((120, 2), bool)}, "mask \\(120, 2\\)", id="a mask of another shape"),
        pytest.param({"groups": ["a"]}, "1 groups for 120 firms", id="groups missing"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, object], complaint: str) -> None:
    X, Y = sample()
    arguments: dict[str, Any] = {"X": X, "Y": Y, "mask": np.ones_like(Y), "groups": None, **change}
    with pytest.raises(LabelShapeError, match=complaint):
        SectorClassifier().fit(**arguments)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"C": -1.0}, LabelShapeError),
        ({"C": (1.0, 1.0)}, LabelShapeError),
        ({"target": 1.5}, LabelShapeError),
        ({"parents": ((),)}, LabelShapeError),
        ({"parents": ((1,), (0,), ())}, HierarchyError),
    ],
    ids=["negative C", "a C too many", "precision above 1", "parents of another taxonomy", "cycle"],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, object], error: type[Exception]) -> None:
    X, Y = sample()
    with pytest.raises(error):
        SectorClassifier(**parameters).fit(X, Y)  # type: ignore[arg-type]


def test_other_features_than_at_training_are_refused() -> None:
    X, Y = sample()
    with pytest.raises(LabelShapeError, match="X has 5 columns, the model was fitted on 6"):
        SectorClassifier().fit(X, Y).predict(X[:, :5])


def test_an_unfitted_model_says_so() -> None:
    with pytest.raises(ClassifierError, match="not fitted"):
        SectorClassifier().predict(np.zeros((1, 1)))


def test_importing_classifier_loads_nothing_heavy() -> None:
    script = "import sys, classifier; print(sorted({'torch', 'sklearn', 'scipy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
    script = "import sys; from classifier import SectorClassifier, SectorModel; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
