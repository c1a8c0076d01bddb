"""Figures per sector and overall, over judged firms only.

A sector without an include among the judged test firms has no recall and no F1; it is None in the result and left out
of macro figures, never counted as 0 or 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ECE_BINS = 10


@dataclass(frozen=True)
class SectorFigures:
    """One sector on the test firms judged for it."""

    sector: str
    trained: bool
    judged: int
    support: int  # includes
    assigned: int
    precision: float | None  # None: nobody assigned
    recall: float | None  # None: no includes
    f1: float | None  # None: no includes
    average_precision: float | None  # None: no includes
    ece: float | None  # expected calibration error; None: no probabilities, or nobody judged


@dataclass(frozen=True)
class Figures:
    """A method on a test set."""

    method: str
    macro_f1: float | None
    micro_f1: float | None
    mean_average_precision: float | None
    macro_precision: float | None
    macro_recall: float | None
    mean_ece: float | None
    sectors: tuple[SectorFigures, ...]


def figures(
    method: str,
    sectors: Sequence[str],
    Y: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    scores: NDArray[np.float64],
    assigned: NDArray[np.bool_],
    *,
    probabilities: bool,
    trained: NDArray[np.bool_] | None = None,
) -> Figures:
    """Compare assignments and scores with judgements; every array is ``(n_firms, n_sectors)``.

    Args:
        method: Name of the method.
        sectors: Column names.
        Y: Includes.
        mask: Where judged; other cells are not read.
        scores: Higher is more likely.
        assigned: Who is in.
        probabilities: Whether scores are probabilities, so that a calibration error has a meaning.
        trained: ``(n_sectors,) bool``; None: all.
    """
    rows = []
    hits = false_alarms = misses = 0
    for column, sector in enumerate(sectors):
        seen = mask[:, column]
        y, chosen, score = Y[seen, column], assigned[seen, column], scores[seen, column]
        hit, alarm, miss = int((y & chosen).sum()), int((~y & chosen).sum()), int((y & ~chosen).sum())
        hits, false_alarms, misses = hits + hit, false_alarms + alarm, misses + miss
        support = hit + miss
        rows.append(
            SectorFigures(
                sector=sector,
                trained=True if trained is None else bool(trained[column]),
                judged=len(y),
                support=support,
                assigned=hit + alarm,
                precision=hit / (hit + alarm) if hit + alarm else None,
                recall=hit / support if support else None,
                f1=2 * hit / (2 * hit + alarm + miss) if support else None,
                average_precision=average_precision(y, score) if support else None,
                ece=calibration_error(y, score) if probabilities and len(y) else None,
            )
        )
    with_support = [row for row in rows if row.support]
    return Figures(
        method=method,
        macro_f1=_mean([row.f1 for row in with_support]),
        micro_f1=2 * hits / (2 * hits + false_alarms + misses) if hits + misses else None,
        mean_average_precision=_mean([row.average_precision for row in with_support]),
        macro_precision=_mean([row.precision if row.precision is not None else 0.0 for row in with_support]),
        macro_recall=_mean([row.recall for row in with_support]),
        mean_ece=_mean([row.ece for row in rows]),
        sectors=tuple(rows),
    )


def average_precision(y: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under precision-recall as in scikit-learn: ``sum of (recall gained) * precision``, ties taken together."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(y[order])
    last_of_tie = np.append(scores[order][1:] != scores[order][:-1], True)
    places = np.flatnonzero(last_of_tie)
    gained = np.diff(np.concatenate([[0], hits[places]]))
    return float((gained * hits[places] / (places + 1)).sum() / max(int(y.sum()), 1))


def calibration_error(y: NDArray[np.bool_], probabilities: NDArray[np.float64], bins: int = ECE_BINS) -> float:
    """Expected calibration error: mean distance of stated from observed share, over equally wide bins."""
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    stated = np.bincount(place, weights=probabilities, minlength=bins)
    observed = np.bincount(place, weights=y.astype(np.float64), minlength=bins)
    return float(np.abs(stated - observed).sum() / len(y))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
