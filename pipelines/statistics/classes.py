"""Size, specialisation and growth classes of a cluster in an area: up to three stars.

After the European Cluster Observatory, whose stars are for size, specialisation and focus. Growth stands here in the
place of focus, because the issue of a cluster map is who gains: focus (the cluster's share of the area's jobs) says
much the same as specialisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# European Cluster Observatory, "Evaluation of regional cluster strength" (clusterobservatory.eu, 2007): size, the top
# 10 % of regional clusters of the same category by employees; specialisation, a location quotient of at least 2. The
# tenth for growth is that of size. The Observatory compared some 260 regions.
TOP_SHARE = 0.1
SPECIALISED = 2.0
FEWEST_AREAS = 10  # the top tenth of fewer areas is nobody


@dataclass(frozen=True)
class Classes:
    """Per area ``(n,)``: 1 the star is earned, 0 it is not, nan it cannot be said; ``judged``: classes not nan.

    ``stars`` is the number earned, nan where nothing can be said; with ``judged`` below 3 there may be more.
    """

    size: Array
    specialisation: Array
    growth: Array
    stars: Array
    judged: NDArray[np.int64]


def classes(
    size: ArrayLike,
    quotient: ArrayLike,
    growth: ArrayLike,
    *,
    quotient_low: ArrayLike | None = None,
    top_share: float = TOP_SHARE,
    specialised: float = SPECIALISED,
) -> Classes:
    """Classes of one cluster in the areas of one kind; the caller leaves out the area of the unknown.

    - size: among the top tenth of the areas that have the cluster, by employees (or firms where those are not known);
    - specialisation: location quotient of at least 2, and, where ``quotient_low`` is given, an interval that lies
      above 1: the Observatory does not ask for that, but its regions had thousands of employees each;
    - growth: among the top tenth by growth, and growing.

    Source: see the constants. Use the same measure (employees, or firms) for size and quotient in all areas compared.

    Args:
        size: ``(n,)`` the cluster's employees in each area; nan: not known.
        quotient: ``(n,)`` location quotients; nan: not known, for instance of too few firms.
        growth: ``(n,)`` growth of the cluster since the base year; nan: not known, or from too small a base to tell.
        quotient_low: ``(n,)`` lower ends of the quotients' intervals.
        top_share: Share of areas that may have the star for size, and for growth.
        specialised: Quotient from which an area is specialised.
    """
    size, quotient, growth = (np.asarray(a, dtype=np.float64) for a in np.broadcast_arrays(size, quotient, growth))
    large = top_class(np.where(size > 0, size, np.nan), top_share)
    special = (quotient >= specialised).astype(np.float64)
    if quotient_low is not None:
        special *= np.asarray(quotient_low, dtype=np.float64) > 1.0
    special[np.isnan(quotient)] = np.nan
    fast = top_class(growth, top_share)
    fast[(fast == 1.0) & (growth <= 0)] = 0.0
    three = np.stack((large, special, fast))
    judged = (~np.isnan(three)).sum(axis=0)
    stars = np.where(judged > 0, np.nansum(three, axis=0), np.nan)
    return Classes(large, special, fast, stars, judged)


def top_class(values: ArrayLike, top_share: float = TOP_SHARE) -> Array:
    """1 for values ``(n,)`` in the top share of the known ones, 0 for the others, nan for unknown ones.

    At most ``floor(top_share * known)`` get it. Equals get it together or not at all: where too many share the border,
    none of them is in. All nan where fewer than ``FEWEST_AREAS`` are known, or the share of them is less than one.
    """
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    places = int(np.floor(top_share * known.sum() + 1e-9))
    if known.sum() < FEWEST_AREAS or places < 1:
        return np.full(values.shape, np.nan)
    ordered = np.sort(values[known])
    as_good = len(ordered) - np.searchsorted(ordered, values, side="left")  # itself among them
    return np.where(known, (as_good <= places).astype(np.float64), np.nan)
