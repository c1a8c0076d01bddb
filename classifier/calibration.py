"""Turn raw scores into probabilities that mean what they say.

A sigmoid per sector, fitted on out-of-fold scores, and pulled towards a prior that follows from class weights and from
summing two models: with 14 includes the data say little, with 500 the pull is not felt. No score of another sector
takes part.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_SLOPE = 1.0
SLOPE_PULL = 2.0
OFFSET_PULL = 0.5
MAX_NEWTON_STEPS = 50


@dataclass(frozen=True)
class Sigmoid:
    """``probability = 1 / (1 + exp(-(slope * score + offset)))``, with slope > 0 so that order is kept."""

    slope: float
    offset: float

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities in the shape of ``scores``."""
        return sigmoid(self.slope * scores + self.offset)


def prior_sigmoid(y: NDArray[np.bool_], *, balanced: bool, shares: float) -> Sigmoid:
    """What is believed before any out-of-fold score is seen.

    Balanced class weights take the sample's odds out of a score; a sum of several blocks' models counts them as often
    as its ``shares`` add up to.
    """
    includes = float(y.sum())
    odds = float(np.log((includes + 0.5) / (len(y) - includes + 0.5)))
    return Sigmoid(PRIOR_SLOPE, odds if balanced else (1 - shares) * odds)


def fit_sigmoid(scores: NDArray[np.float64], y: NDArray[np.bool_], prior: Sigmoid) -> Sigmoid:
    """The most probable sigmoid given out-of-fold scores and the prior (penalised maximum likelihood, Newton's method).

    Args:
        scores: ``(n_rows,)`` out-of-fold scores.
        y: ``(n_rows,) bool`` includes.
        prior: Where the data say little.
    """
    centre = np.array([prior.slope, prior.offset])
    pull = np.array([SLOPE_PULL, OFFSET_PULL])
    design = np.column_stack([scores, np.ones_like(scores)])
    at = centre.copy()

    def loss(point: NDArray[np.float64]) -> float:
        margins = design @ point
        fit = np.logaddexp(0.0, margins).sum() - margins[y].sum()
        return float(fit + 0.5 * (pull * (point - centre) ** 2).sum())

    current = loss(at)
    for _ in range(MAX_NEWTON_STEPS):
        p = sigmoid(design @ at)
        gradient = design.T @ (p - y) + pull * (at - centre)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(pull)
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while loss(at - size * step) > current and size > 1e-6:
            size /= 2
        at = at - size * step
        previous, current = current, loss(at)
        if previous - current < 1e-9 * (1 + abs(current)):
            break
    if at[0] <= 0:  # scores no better than chance out of fold: order must not be turned round
        return prior
    return Sigmoid(float(at[0]), float(at[1]))


def sigmoid(margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * margins)), dtype=np.float64)


def logit(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of ``sigmoid``; 0 and 1 are moved inwards by 1e-12 so that the result is finite."""
    clipped = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float64)
