"""The classifier's mistakes on its own training firms, each scored by a model that had not seen it.

They are what there is before an audit, and they flatter or blacken: training firms were chosen, near misses among
them, and are nobody's random sample. Every figure that rests on them must say so.
"""

import numpy as np
from numpy.typing import NDArray

from classifier.counting.records import ErrorCounts

COLUMNS = ("hits", "misses", "false_alarms", "rejections")


def count_errors(
    oof_probabilities: NDArray[np.float64], Y: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Right and wrong decisions per sector at its threshold, ``(n_sectors, 4) int64`` in the order of ``COLUMNS``.

    Args:
        oof_probabilities: ``(n_firms, n_sectors)`` out of fold, NaN where not judged.
        Y: ``(n_firms, n_sectors) bool`` includes.
        thresholds: ``(n_sectors,)``.
    """
    judged = ~np.isnan(oof_probabilities)
    assigned = judged & (np.nan_to_num(oof_probabilities) >= thresholds)
    return np.stack(
        [
            (judged & Y & assigned).sum(axis=0),
            (judged & Y & ~assigned).sum(axis=0),
            (judged & ~Y & assigned).sum(axis=0),
            (judged & ~Y & ~assigned).sum(axis=0),
        ],
        axis=1,
    ).astype(np.int64)


def errors_of(counts: NDArray[np.int64], sector: int) -> ErrorCounts | None:
    """One sector's row; None where no member or no other firm was judged, as in a sector that was not trained."""
    hits, misses, false_alarms, rejections = (float(number) for number in counts[sector])
    if not hits + misses or not false_alarms + rejections:
        return None
    return ErrorCounts(hits, misses, false_alarms, rejections)
