"""Figures per sector and overall, over judged firms only.

A sector without an include among the judged test firms has no recall and no F1; it is None in the result and left out
of macro figures, never counted as 0 or 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.curves import calibration_error


@dataclass(frozen=True)
class AtPrevalence:
    """What precision becomes where a share ``prevalence`` of all firms belongs to the sector.

    Recall and the share of false alarms among excludes are taken to stay as they were measured.
    """

    prevalence: float
    precision: float | None  # None: nobody would be assigned
    f1: float


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
    ece: float | None  # expected calibration error, equally wide bins; None: no probabilities, or nobody judged
    ece_equal_mass: float | None  # the same over bins that hold equally many firms
    brier: float | None  # mean squared distance of probability and truth
    at_prevalence: AtPrevalence | None  # None: no prevalence was given, no includes or no excludes


@dataclass(frozen=True)
class Figures:
    """A method on a test set."""

    method: str
    macro_f1: float | None
    macro_f1_interval: tuple[float, float] | None  # 95 %, see classifier.intervals; None: not asked for, or no includes
    ours_ahead: float | None  # share of draws in which our macro-F1 is higher; None: ours, or no interval
    micro_f1: float | None
    mean_average_precision: float | None
    macro_precision: float | None
    macro_recall: float | None
    micro_precision: float | None
    micro_recall: float | None
    mean_ece: float | None
    mean_ece_equal_mass: float | None
    mean_brier: float | None
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
    prevalence: Mapping[str, float] | None = None,
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
        prevalence: Share of all firms that belong to a sector, for sectors whose judged firms are no fair sample.
    """
    shares = prevalence or {}
    rows = []
    for column, sector in enumerate(sectors):
        seen = mask[:, column]
        known = trained is None or bool(trained[column])
        rows.append(
            _sector(
                sector, Y[seen, column], assigned[seen, column], scores[seen, column], known, probabilities,
                shares.get(sector),
            )
        )  # fmt: skip
    hits, alarms, misses = (int((mask & cells).sum()) for cells in (Y & assigned, ~Y & assigned, Y & ~assigned))
    with_support = [row for row in rows if row.support]
    return Figures(
        method=method,
        macro_f1=_mean([row.f1 for row in with_support]),
        macro_f1_interval=None,
        ours_ahead=None,
        micro_f1=2 * hits / (2 * hits + alarms + misses) if hits + misses else None,
        mean_average_precision=_mean([row.average_precision for row in with_support]),
        macro_precision=_mean([row.precision if row.precision is not None else 0.0 for row in with_support]),
        macro_recall=_mean([row.recall for row in with_support]),
        micro_precision=hits / (hits + alarms) if hits + alarms else None,
        micro_recall=hits / (hits + misses) if hits + misses else None,
        mean_ece=_mean([row.ece for row in rows]),
        mean_ece_equal_mass=_mean([row.ece_equal_mass for row in rows]),
        mean_brier=_mean([row.brier for row in rows]),
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


def at_prevalence(recall: float, false_alarm_rate: float, prevalence: float) -> AtPrevalence:
    """Precision and F1 if ``prevalence`` of all firms were includes: found includes over all that would be found."""
    hits, alarms = prevalence * recall, (1 - prevalence) * false_alarm_rate
    precision = hits / (hits + alarms) if hits + alarms else None
    return AtPrevalence(prevalence, precision, 2 * hits / (hits + alarms + prevalence))


def _sector(
    sector: str,
    y: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    score: NDArray[np.float64],
    trained: bool,
    probabilities: bool,
    prevalence: float | None,
) -> SectorFigures:
    hit, alarm, miss = int((y & chosen).sum()), int((~y & chosen).sum()), int((y & ~chosen).sum())
    support, excludes = hit + miss, len(y) - hit - miss
    calibrated = probabilities and len(y) > 0
    return SectorFigures(
        sector=sector,
        trained=trained,
        judged=len(y),
        support=support,
        assigned=hit + alarm,
        precision=hit / (hit + alarm) if hit + alarm else None,
        recall=hit / support if support else None,
        f1=2 * hit / (2 * hit + alarm + miss) if support else None,
        average_precision=average_precision(y, score) if support else None,
        ece=calibration_error(y, score) if calibrated else None,
        ece_equal_mass=calibration_error(y, score, equal_mass=True) if calibrated else None,
        brier=float(((score - y) ** 2).mean()) if calibrated else None,
        at_prevalence=at_prevalence(hit / support, alarm / excludes, prevalence)
        if prevalence is not None and support and excludes
        else None,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
