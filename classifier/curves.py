"""What lies behind a sector's figures: how reliable its probabilities are, precision against recall, where scores lie.

The calibration errors that ``classifier.metrics`` reports are sums over the same bins that the plots show, so that a
plot and a figure cannot disagree.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

RELIABILITY_BINS = 10
HISTOGRAM_BINS = 20
MAX_POINTS = 101  # of a precision-recall curve; more cannot be told apart on a page
CONFIDENCE_Z = 1.959964  # 95 % of a normal distribution, both sides


@dataclass(frozen=True)
class ReliabilityBin:
    """Firms whose probabilities lie together."""

    n: int
    stated: float  # mean probability
    observed: float  # share of includes
    low: float  # of ``observed``, 95 % by Wilson's interval
    high: float


@dataclass(frozen=True)
class SectorCurves:
    """One sector's plots; lists are empty where no firm was judged."""

    sector: str
    reliability: tuple[ReliabilityBin, ...]  # equally wide bins that hold a firm, from low to high
    recall: tuple[float, ...]  # ascending, beside ``precision``
    precision: tuple[float, ...]
    histogram_includes: tuple[int, ...]  # (HISTOGRAM_BINS,) includes by probability, equally wide bins
    histogram_excludes: tuple[int, ...]
    thresholds: tuple[float, ...]  # of each split's model


def sector_curves(
    sector: str, y: NDArray[np.bool_], probabilities: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> SectorCurves:
    """Curves of one sector over the firms judged for it.

    Args:
        sector: Its key.
        y: ``(n_judged,) bool`` includes.
        probabilities: ``(n_judged,)``.
        thresholds: ``(n_splits,)`` from which each split's model assigns.
    """
    recall, precision = precision_recall(y, probabilities)
    place = _equal_width(probabilities, HISTOGRAM_BINS)
    return SectorCurves(
        sector=sector,
        reliability=reliability(y, probabilities, _equal_width(probabilities, RELIABILITY_BINS)),
        recall=recall,
        precision=precision,
        histogram_includes=tuple(np.bincount(place[y], minlength=HISTOGRAM_BINS).tolist()),
        histogram_excludes=tuple(np.bincount(place[~y], minlength=HISTOGRAM_BINS).tolist()),
        thresholds=tuple(thresholds.tolist()),
    )


def reliability(
    y: NDArray[np.bool_], probabilities: NDArray[np.float64], place: NDArray[np.int64]
) -> tuple[ReliabilityBin, ...]:
    """Stated against observed share in each bin that holds a firm; ``place`` is ``(n,)``, the bin of each."""
    found = []
    for number in np.unique(place):
        inside = place == number
        n, hits = int(inside.sum()), int(y[inside].sum())
        low, high = wilson(hits, n)
        found.append(ReliabilityBin(n, float(probabilities[inside].mean()), hits / n, low, high))
    return tuple(found)


def calibration_error(
    y: NDArray[np.bool_], probabilities: NDArray[np.float64], bins: int = RELIABILITY_BINS, *, equal_mass: bool = False
) -> float:
    """Expected calibration error: mean distance of stated from observed share, over firms.

    Args:
        y: ``(n,) bool`` includes; at least one firm.
        probabilities: ``(n,)``.
        bins: How many.
        equal_mass: Bins with the same number of firms instead of the same width; equal probabilities stay together. For
            a rare sector nearly all firms lie in the first of the wide bins, and errors below 0.1 hide in it.
    """
    place = _equal_mass(probabilities, bins) if equal_mass else _equal_width(probabilities, bins)
    found = reliability(y, probabilities, place)
    return sum(part.n * abs(part.stated - part.observed) for part in found) / len(y)


def precision_recall(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Recall (ascending) and precision at every cut between unequal scores, thinned to ``MAX_POINTS``.

    Empty without an include.
    """
    if not y.any():
        return (), ()
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(y[order])
    cuts = np.flatnonzero(np.append(scores[order][1:] != scores[order][:-1], True))
    cuts = cuts[: int(np.searchsorted(hits[cuts], hits[-1])) + 1]  # beyond full recall there is nothing to gain
    if len(cuts) > MAX_POINTS:
        cuts = cuts[np.unique(np.linspace(0, len(cuts) - 1, MAX_POINTS).round().astype(np.int64))]
    return tuple((hits[cuts] / hits[-1]).tolist()), tuple((hits[cuts] / (cuts + 1)).tolist())


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (E. B. Wilson, 1927): stays within 0 and 1, and is wide for few firms."""
    share, spread = hits / n, CONFIDENCE_Z**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = CONFIDENCE_Z * sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def _equal_width(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def _equal_mass(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    ordered = np.sort(probabilities)
    edges = ordered[(np.arange(1, bins) * len(ordered)) // bins]
    return np.searchsorted(edges, probabilities, side="right").astype(np.int64)
