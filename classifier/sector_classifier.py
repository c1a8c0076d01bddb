"""A scikit-learn estimator for many sectors with partial labels: one calibrated model and one threshold per sector.

Every sector is trained on the firms judged for it and on nothing else: an absent label, or any label of another
sector, leaves a sector's numbers exactly as they were.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from classifier.calibration import Sigmoid, fit_sigmoid, prior_sigmoid
from classifier.design_matrix import Design, as_design
from classifier.errors import ClassifierError, LabelShapeError
from classifier.folds import N_FOLDS, stratified_group_folds
from classifier.hierarchy import Parents, children_first, close_assignments, raise_parents
from classifier.linear import fit_blocks
from classifier.thresholds import assign, f1_threshold, leave_thresholds, precision_threshold

MIN_INCLUDES = 2
MIN_EXCLUDES = 2


@dataclass(frozen=True)
class HeldOut:
    """Features that the labels of some firms had no part in; out-of-fold scores of those firms rest on them."""

    design: Design  # of all firms
    hints: NDArray[np.float64] | None  # (n_sectors, n_features), in these features
    rows: NDArray[np.bool_]  # (n_firms,), True for the firms whose labels had no part


class SectorClassifier(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Multi-label classifier over sectors, with include, exclude and absent labels.

    Args:
        C: Inverse regularisation; one number for every block, or one per block of features.
        class_weight: None, or ``"balanced"`` as in scikit-learn.
        parents: For each sector the columns of its parents; None for no hierarchy.
        target: ``"f1"``, or the precision that each sector's list must reach, between 0 and 1.
        n_folds: Folds for out-of-fold scores; fewer where includes are few.
        shares: How much the score of each block of features counts in the sum; None: one each.

    Attributes:
        coef_: ``(n_sectors, n_features) float64``; zeros where not trained.
        intercept_: ``(n_sectors,) float64``.
        calibration_: ``(n_sectors, 2) float64``: slope and offset applied to the raw score.
        thresholds_: ``(n_sectors,) float64``: probability from which a firm is assigned.
        leave_thresholds_: ``(n_sectors,) float64``: probability below which a member leaves; at most ``thresholds_``.
        untrained_: ``(n_untrained,) int64``: columns with fewer than 2 includes or 2 excludes (in separate groups).
            Their probability is 0 and nobody is assigned to them, but through a child of theirs.
        oof_probabilities_: ``(n_firms, n_sectors) float64``: calibrated out-of-fold, NaN where not judged.
    """

    def __init__(
        self,
        C: float | tuple[float, ...] = 3.0,
        class_weight: Literal["balanced"] | None = None,
        parents: Parents | None = None,
        target: Literal["f1"] | float = "f1",
        n_folds: int = N_FOLDS,
        shares: tuple[float, ...] | None = None,
    ) -> None:
        self.C = C
        self.class_weight = class_weight
        self.parents = parents
        self.target = target
        self.n_folds = n_folds
        self.shares = shares

    def fit(
        self,
        X: Any,
        Y: ArrayLike,
        mask: ArrayLike | None = None,
        groups: Sequence[Hashable] | None = None,
        hints: NDArray[np.float64] | None = None,
        held_out: Sequence[HeldOut] = (),
    ) -> "SectorClassifier":
        """Train every sector that has labels for it.

        Args:
            X: ``(n_firms, n_features)`` numbers, dense or sparse, or a ``FirmDesign``.
            Y: ``(n_firms, n_sectors) bool``, includes; columns in taxonomy order.
            mask: ``(n_firms, n_sectors) bool``, True where judged; ``Y`` is not read elsewhere. None: all judged.
            groups: ``(n_firms,)`` what must stay on one side of a fold, such as the registered domain. None: each firm.
            hints: ``(n_sectors, n_features)`` directions known before any label, see ``classifier.hints``. None: none.
            held_out: Where features were learnt from labels themselves: features learnt without each part of the firms,
                which take the place of folds. Every firm is in one part.

        Raises:
            LabelShapeError: Shapes do not fit together, or values are not booleans.
            HierarchyError: ``parents`` form a cycle or name no column.
        """
        design = as_design(X)
        labels, judged = _checked(Y, mask, design.n_firms)
        group_of = list(range(design.n_firms)) if groups is None else list(groups)
        if len(group_of) != design.n_firms:
            message = f"{len(group_of)} groups for {design.n_firms} firms; expected one group per firm"
            raise LabelShapeError(message)
        n_sectors = labels.shape[1]
        self._parents(n_sectors)
        strengths = self._strengths(len(design.widths))
        width = sum(design.widths)
        if hints is not None and hints.shape != (n_sectors, width):
            message = f"hints are {hints.shape}; expected {(n_sectors, width)}, one direction per sector"
            raise LabelShapeError(message)
        self.n_features_in_ = width
        self.coef_ = np.zeros((n_sectors, width))
        self.intercept_ = np.zeros(n_sectors)
        self.calibration_ = np.tile([1.0, 0.0], (n_sectors, 1))
        self.thresholds_ = np.full(n_sectors, 0.5)
        self.oof_probabilities_ = np.full((design.n_firms, n_sectors), np.nan)
        untrained = []
        for sector in range(n_sectors):
            rows = np.flatnonzero(judged[:, sector])
            views = [
                HeldOut(view.design, None if view.hints is None else view.hints[sector], view.rows[rows])
                for view in held_out
            ] or self._folds(design, rows, labels[rows, sector], group_of, None if hints is None else hints[sector])
            hint = None if hints is None else hints[sector]
            if not self._fit_sector(design, sector, rows, labels[rows, sector], views, strengths, hint):
                untrained.append(sector)
        self.untrained_ = np.array(untrained, dtype=np.int64)
        self.leave_thresholds_ = leave_thresholds(self.thresholds_)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Calibrated probabilities ``(n_firms, n_sectors) float64``, no child above its parent; 0 where not trained."""
        self._check_fitted()
        design = as_design(X, self.n_features_in_)
        scores = design.scores(self.coef_, self.intercept_)
        return self.probabilities(scores)

    def predict(self, X: Any) -> NDArray[np.bool_]:
        """Assignments ``(n_firms, n_sectors) bool`` by each sector's threshold, parents with their children."""
        return self.decide(self.predict_proba(X))

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Raw scores ``(n_rows, n_sectors)`` to calibrated, coherent probabilities."""
        calibrated = np.zeros_like(scores, dtype=np.float64)
        for sector in np.flatnonzero(self.trained()):
            calibrated[:, sector] = Sigmoid(*self.calibration_[sector])(scores[:, sector])
        return raise_parents(calibrated, self._parents(len(self.thresholds_)))

    def decide(
        self, probabilities: NDArray[np.float64], previous: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Assignments from probabilities; ``previous`` members leave only below the lower threshold."""
        self._check_fitted()
        parents = self._parents(len(self.thresholds_))
        entered = assign(probabilities, self.thresholds_, self.trained(), previous, self.leave_thresholds_)
        return close_assignments(entered, parents)

    def trained(self) -> NDArray[np.bool_]:
        """``(n_sectors,) bool``: which sectors have a model."""
        trained = np.ones(len(self.thresholds_), dtype=np.bool_)
        trained[self.untrained_] = False
        return trained

    def _folds(
        self, design: Design, rows: NDArray[np.int64], y: NDArray[np.bool_], groups: Sequence[Hashable],
        hint: NDArray[np.float64] | None,
    ) -> list[HeldOut]:  # fmt: skip
        """Whole groups dealt into folds of this sector's own, ``rows`` of each relative to ``rows``."""
        fold = stratified_group_folds(y, [groups[row] for row in rows], self.n_folds)
        return [] if fold is None else [HeldOut(design, hint, fold == part) for part in range(int(fold.max()) + 1)]

    def _fit_sector(
        self,
        design: Design,
        sector: int,
        rows: NDArray[np.int64],
        y: NDArray[np.bool_],
        views: Sequence[HeldOut],
        strengths: tuple[float, ...],
        hint: NDArray[np.float64] | None,
    ) -> bool:
        """Train one sector on ``rows``; False where it has too few labels. Hints and rows of ``views`` are its own."""
        if y.sum() < MIN_INCLUDES or (~y).sum() < MIN_EXCLUDES or not views:
            return False
        if any(not 0 < y[~view.rows].sum() < (~view.rows).sum() for view in views):
            return False
        scores = np.zeros(len(rows))
        for view in views:
            inside, outside = rows[~view.rows], rows[view.rows]
            weights, intercept = fit_blocks(
                view.design, inside, y[~view.rows], strengths, self.class_weight, view.hints, self.shares
            )
            scores[view.rows] = view.design.take(outside).scores(weights[None], np.array([intercept]))[:, 0]
        weights, intercept = fit_blocks(design, rows, y, strengths, self.class_weight, hint, self.shares)
        total = float(len(strengths)) if self.shares is None else sum(self.shares)
        prior = prior_sigmoid(y, balanced=self.class_weight is not None, shares=total)
        curve = fit_sigmoid(scores, y, prior)
        probabilities = curve(scores)
        self.coef_[sector], self.intercept_[sector] = weights, intercept
        self.calibration_[sector] = curve.slope, curve.offset
        self.oof_probabilities_[rows, sector] = probabilities
        self.thresholds_[sector] = (
            f1_threshold(probabilities, y)
            if self.target == "f1"
            else precision_threshold(probabilities, y, float(self.target))
        )
        return True

    def _parents(self, n_sectors: int) -> Parents:
        parents = tuple(() for _ in range(n_sectors)) if self.parents is None else self.parents
        if len(parents) != n_sectors:
            message = f"parents has {len(parents)} entries for {n_sectors} sectors; give one tuple per sector"
            raise LabelShapeError(message)
        children_first(parents)
        return parents

    def _strengths(self, n_blocks: int) -> tuple[float, ...]:
        strengths = self.C if isinstance(self.C, tuple) else (float(self.C),) * n_blocks
        if len(strengths) != n_blocks or min(strengths) <= 0:
            message = f"C is {self.C}; expected a positive number, or one for each of {n_blocks} blocks of features"
            raise LabelShapeError(message)
        if self.target != "f1" and not 0 < float(self.target) < 1:
            message = f"target is {self.target!r}; expected 'f1' or a precision between 0 and 1"
            raise LabelShapeError(message)
        return strengths

    def _check_fitted(self) -> None:
        if not hasattr(self, "thresholds_"):
            message = "SectorClassifier is not fitted; call fit(X, Y, mask) first"
            raise ClassifierError(message)


def _checked(Y: ArrayLike, mask: ArrayLike | None, n_firms: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    labels = _boolean("Y", Y)
    judged = np.ones_like(labels) if mask is None else _boolean("mask", mask)
    if labels.ndim != 2 or labels.shape[0] != n_firms or judged.shape != labels.shape:
        message = f"Y is {labels.shape} and mask {judged.shape} for {n_firms} firms; expected both (n_firms, n_sectors)"
        raise LabelShapeError(message)
    return labels, judged


def _boolean(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(values)
    if array.dtype != np.bool_ and not np.isin(array, (0, 1)).all():
        message = f"{name} holds {array.dtype} values other than 0 and 1; expected booleans"
        raise LabelShapeError(message)
    return array.astype(np.bool_)
