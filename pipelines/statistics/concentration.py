"""How much of an area's employees or turnover its largest firms hold.

Only firms with a known value are in it: a giant that files no turnover makes an area look less concentrated than it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOP_FIRMS = 5  # the five-firm concentration ratio (CR5), the usual one in UK statistics


@dataclass(frozen=True)
class Concentration:
    """Per group ``(n_groups,)``; nan where nothing is known or all values are 0.

    ``top`` is 1 by itself where ``firms`` is not above k.
    """

    top: Array  # share of the k largest firms, 0 to 1
    largest: Array  # share of the largest firm
    herfindahl: Array  # sum of squared shares: 1 / firms (all alike) to 1 (one firm)
    firms: NDArray[np.int64]  # firms with a known value


def concentration(values: Array, groups: NDArray[np.integer], n_groups: int, k: int = TOP_FIRMS) -> Concentration:
    """Shares of the largest firms, ``CR_k = sum of the k largest / sum``, and ``H = sum (v / sum v)**2``.

    Source: concentration ratio and Herfindahl-Hirschman index, as in ONS, "Concentration ratios for businesses by
    industry" (Mahajan 2006, Economic Trends 635), and Hirschman 1964.

    Args:
        values: ``(n,)`` value of a firm in a group, one row per firm and group; nan, negative: not known.
        groups: ``(n,)`` group of each row, from 0; negative: in no group.
        n_groups: Number of groups.
        k: Number of largest firms.
    """
    known = (values >= 0) & (groups >= 0)
    of, value = groups[known], values[known]
    order = np.lexsort((-value, of))
    of, value = of[order], value[order]
    firms = np.bincount(of, minlength=n_groups)
    starts = np.concatenate(([0], np.cumsum(firms)[:-1]))
    place = np.arange(len(of)) - starts[of]
    total = np.bincount(of, weights=value, minlength=n_groups)

    def share(weights: Array) -> Array:
        part = np.bincount(of, weights=weights, minlength=n_groups)
        return np.asarray(np.divide(part, total, out=np.full(n_groups, np.nan), where=total > 0))

    top, largest = share(np.where(place < k, value, 0.0)), share(np.where(place < 1, value, 0.0))
    return Concentration(top, largest, share(value * (value / np.where(total > 0, total, 1.0)[of])), firms)
