"""Find the firms so large that a total stands or falls with them.

No sample says anything about them: they are judged one by one, and count as they were judged or, until then, as
classified.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GIANT_SHARE = 0.05
"""A firm is a giant of a sector when it is expected to hold more than this share of the sector's plain total of
employees or of turnover. A convention: at most twenty assigned firms can, so that a person can judge them all."""

GIANT_TIMES = 10.0
"""A giant is also this many times as large as the sector's median firm: in a sector of ten equal firms each holds a
tenth, and none is a giant."""


def giants(
    probabilities: NDArray[np.float64], assigned: NDArray[np.bool_], sizes: Sequence[NDArray[np.float64]]
) -> NDArray[np.bool_]:
    """Giants of one sector, ``(n_firms,) bool``.

    Args:
        probabilities: ``(n_firms,)``; a firm that is assigned is expected to be there in full, another by its
            probability.
        assigned: ``(n_firms,) bool``.
        sizes: For each measure of size ``(n_firms,)``, 0 where not known.
    """
    expected = np.where(assigned, 1.0, probabilities)
    found = np.zeros(len(assigned), dtype=np.bool_)
    for size in sizes:
        known = size[assigned & (size > 0)]
        if len(known):
            large = size > GIANT_TIMES * float(np.median(known))
            found |= large & (expected * size > GIANT_SHARE * float(known.sum()))
    return found
