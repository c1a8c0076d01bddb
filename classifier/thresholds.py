"""Choose, per sector, the probability from which a firm is assigned.

The best threshold on 14 includes is mostly luck. It is therefore blended, on the scale of log odds, with the threshold
that maximises *expected* F1 if the probabilities are taken at their word, which moves little from sample to sample.
"""

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import logit, sigmoid

SHRINK_INCLUDES = 20.0
"""Includes at which the sector's own best threshold counts half."""

MIN_THRESHOLD, MAX_THRESHOLD = 0.02, 0.95
LEAVE_RATIO = 0.8
"""A member leaves below this share of the entry threshold: a probability that wavers by a fifth does not flicker."""


def best_f1_threshold(probabilities: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """Threshold with the highest F1 on these rows, half-way to the next score below; of equals, the higher one."""
    return _best(probabilities, y.astype(np.float64))


def expected_f1_threshold(probabilities: NDArray[np.float64]) -> float:
    """Threshold with the highest expected F1 when each probability is the chance of an include.

    Ratio of expectations, after Lipton, Elkan and Naryanaswamy (2014), "Optimal thresholding of classifiers to maximize
    F1 measure".
    """
    return _best(probabilities, probabilities)


def f1_threshold(probabilities: NDArray[np.float64], y: NDArray[np.bool_]) -> float:
    """The blend described at the top of this module.

    Args:
        probabilities: ``(n_rows,)`` calibrated, out of fold.
        y: ``(n_rows,) bool`` includes.
    """
    includes = float(y.sum())
    own = includes / (includes + SHRINK_INCLUDES)
    pair = logit(np.array([best_f1_threshold(probabilities, y), expected_f1_threshold(probabilities)]))
    return _bounded(float(sigmoid(np.array([own * pair[0] + (1 - own) * pair[1]]))[0]))


def precision_threshold(probabilities: NDArray[np.float64], y: NDArray[np.bool_], precision: float) -> float:
    """Lowest threshold from which on precision on these rows stays at least ``precision``, counting one extra miss.

    The extra miss keeps two lucky firms from being taken for a precision of 1. Where no threshold reaches the target,
    ``MAX_THRESHOLD`` is returned.
    """
    order = np.argsort(-probabilities, kind="stable")
    sorted_p = probabilities[order]
    hits = np.cumsum(y[order])
    reached = hits / (np.arange(1, len(y) + 1) + 1.0) >= precision
    last_of_tie = np.append(sorted_p[1:] < sorted_p[:-1], True)
    places = np.flatnonzero(reached & last_of_tie)
    return _bounded(float(sorted_p[places[-1]])) if len(places) else MAX_THRESHOLD


def leave_thresholds(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability below which a firm that is a member leaves; never above the threshold to enter."""
    return thresholds * LEAVE_RATIO


def assign(
    probabilities: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    trained: NDArray[np.bool_],
    previous: NDArray[np.bool_] | None = None,
    leave: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Who is in: ``(n_firms, n_sectors) bool``, before the hierarchy is applied.

    Args:
        probabilities: ``(n_firms, n_sectors)``.
        thresholds: ``(n_sectors,)`` to enter.
        trained: ``(n_sectors,) bool``; a sector without a model assigns nobody.
        previous: Earlier assignments in the same shape; members stay down to the lower threshold. None for a first
            classification.
        leave: ``(n_sectors,)`` below which a member leaves; None: ``leave_thresholds(thresholds)``.
    """
    enters = probabilities >= thresholds
    if previous is not None:
        enters |= previous & (probabilities >= (leave_thresholds(thresholds) if leave is None else leave))
    return np.asarray(enters & trained, dtype=np.bool_)


def _best(probabilities: NDArray[np.float64], gains: NDArray[np.float64]) -> float:
    order = np.argsort(-probabilities, kind="stable")
    sorted_p = probabilities[order]
    hits = np.cumsum(gains[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + hits[-1])
    f1[:-1][sorted_p[1:] == sorted_p[:-1]] = -1.0  # a threshold cannot cut through equal scores
    place = int(np.argmax(f1))
    below = sorted_p[place + 1] if place + 1 < len(order) else 0.0
    return _bounded(float((sorted_p[place] + below) / 2))


def _bounded(threshold: float) -> float:
    return float(np.clip(threshold, MIN_THRESHOLD, MAX_THRESHOLD))
