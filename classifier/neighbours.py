"""The labelled firms a model remembers, to say which of them a firm resembles.

Vectors are kept in half precision: similarities are shown with two digits, and a bundle should stay small.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_NEIGHBOURS = 20_000  # labelled firms remembered; 15 MB at 384 dimensions


@dataclass(frozen=True)
class Neighbours:
    """Mean vectors of the firms that were labelled."""

    firm_ids: tuple[str, ...]
    vectors: NDArray[np.float16]  # (n_labelled, dimension), length 1
    included: NDArray[np.bool_]  # (n_labelled, n_sectors)

    def nearest(
        self, vector: NDArray[np.float32], column: int, count: int, leave_out: str = ""
    ) -> tuple[tuple[str, float], ...]:
        """The ``count`` includes of a sector most similar to ``vector``: firm_id and cosine, best first, ties by id."""
        rows = [row for row in np.flatnonzero(self.included[:, column]) if self.firm_ids[row] != leave_out]
        if not rows:
            return ()
        similarity = self.vectors[rows].astype(np.float32) @ vector
        best = sorted(zip((self.firm_ids[row] for row in rows), similarity.tolist(), strict=True), key=_rank)
        return tuple(best[:count])


def remember(firm_ids: tuple[str, ...], means: NDArray[np.float32], included: NDArray[np.bool_]) -> Neighbours:
    """Keep firms with at least one include, the first ``MAX_NEIGHBOURS`` in the order given."""
    rows = np.flatnonzero(included.any(axis=1))[:MAX_NEIGHBOURS]
    return Neighbours(tuple(firm_ids[row] for row in rows), means[rows].astype(np.float16), included[rows])


def _rank(item: tuple[str, float]) -> tuple[float, str]:
    return -item[1], item[0]
