"""Which judgements a model contradicts that never saw them.

Confident learning (Northcutt, Jiang and Chuang 2021) as cleanlab has it, one sector at a time, on calibrated
probabilities out of fold: a firm's own judgement, and those of its domain, took no part in its score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_FIRMS = 4  # below two includes and two excludes there is no model out of fold


@dataclass(frozen=True)
class Suspicion:
    """What speaks against the judgements of one sector; arrays ``(n_firms,)``, rows as given."""

    doubt: NDArray[np.float64]  # 0: the model is sure of what was judged; 1: sure of the opposite
    flagged: NDArray[np.bool_]  # more likely wrong than right, by the number of errors that the sector seems to hold


def suspicion(included: NDArray[np.bool_], probability: NDArray[np.float64]) -> Suspicion:
    """Doubt in each judgement of a sector.

    Args:
        included: ``(n_firms,) bool``: include or exclude.
        probability: ``(n_firms,)`` of membership, calibrated, out of fold.
    """
    if len(included) < LEAST_FIRMS or included.all() or not included.any():
        return Suspicion(np.zeros(len(included)), np.zeros(len(included), dtype=np.bool_))
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    words = included.astype(np.int64)
    chances = np.stack([1 - probability, probability], axis=1)
    quality = get_label_quality_scores(words, chances, method="self_confidence", adjust_pred_probs=False)
    flagged = find_label_issues(words, chances, filter_by="prune_by_noise_rate", min_examples_per_class=1, n_jobs=1)
    return Suspicion(1 - np.asarray(quality, dtype=np.float64), np.asarray(flagged, dtype=np.bool_))
