"""Turn judgements into what a model learns from: who is in a sector, who is out, and of whom nothing is known.

A firm not judged for a sector is unknown for it, never an exclude.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from labels.store import SETTLED, Judgement
from labels.taxonomy import Taxonomy


def label_matrix(
    judgements: Iterable[Judgement], firm_ids: Sequence[str], taxonomy: Taxonomy
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What is known of each firm and sector.

    Includes go up the hierarchy (a child's include is its parents'), excludes go down (a parent's exclude is its
    children's). A pair on which coders disagree, or that the last word calls unsure, is not known, unless it was
    settled.

    Returns:
        ``Y`` and ``mask``, both ``(n_firms, n_sectors) bool``, columns in taxonomy order; ``mask`` is true where
        judged.
    """
    row = {firm_id: place for place, firm_id in enumerate(firm_ids)}
    column = {key: place for place, key in enumerate(taxonomy.keys)}
    last: dict[tuple[int, int], dict[str, str]] = {}
    for judgement in judgements:
        if judgement.firm_id in row and judgement.sector in column:
            last.setdefault((row[judgement.firm_id], column[judgement.sector]), {})[judgement.coder] = judgement.label
    include = np.zeros((len(firm_ids), len(taxonomy.keys)), dtype=bool)
    exclude = np.zeros_like(include)
    for (at, sector), by_coder in last.items():
        words = {by_coder[SETTLED]} if SETTLED in by_coder else set(by_coder.values())
        include[at, sector] = words == {"include"}
        exclude[at, sector] = words == {"exclude"}
    for key in taxonomy.keys:
        for parent in taxonomy.ancestors(key):
            implied = include[:, column[key]]
            include[:, column[parent]] |= implied
            exclude[:, column[parent]] &= ~implied
    stated = exclude.copy()
    for key in taxonomy.keys:
        for parent in taxonomy.ancestors(key):
            exclude[:, column[key]] |= stated[:, column[parent]] & ~include[:, column[key]]
    return include, include | exclude
