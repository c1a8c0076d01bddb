"""Withhold small figures, and as few others as it takes that no withheld one can be got back by subtraction.

What is withheld is a pair of cluster and area: every metric and every period of it. A withheld pair is got back exactly
when its row of the 0/1 matrix of areas and atoms is a linear combination of published rows, so that is what is tested,
over all kinds of area at once, nested or cutting across each other (``disclosure.Ground``).

Not protected, and to be said beside the figures:

- A withheld pair can be enclosed between bounds, since nobody employs fewer than nobody: never to a point (every atom
  holds a firm, so each can give or take a little), but for whole numbers of firms bounds may meet. ``least`` guards
  against the plainest case: two withheld districts of one firm each, when the two of them are known.
- The difference of two published areas that is no area of its own (the sliver of a district outside its hexagons) may
  hold few firms.
- Clusters are looked at one by one: what a parent sector has beyond its child may be few firms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipelines.statistics.disclosure import Bools, Ground, Ints


@dataclass(frozen=True)
class Rules:
    """When a pair of cluster and area is withheld for its own sake.

    The minimum frequency rule and the (1, k) dominance rule of statistics offices: Hundepool and others, Statistical
    Disclosure Control (Wiley, 2012), section 4.2.
    """

    min_firms: int = 0
    """Fewer firms than this, but more than none, are withheld; 0: no such rule."""
    dominance: float = 0.0
    """Withheld where the largest firm holds more than this share of employees or turnover, 0 to 1; 0: no such rule."""

    def primary(self, firms: Ints, largest_share: NDArray[np.float64] | None = None) -> Bools:
        """Areas withheld for their own sake, (n_areas,).

        Args:
            firms: Firms with a site in each area, (n_areas,); a firm with sites in several counts as one in each.
            largest_share: Largest firm's share of the area's employees or turnover, whichever is more, (n_areas,);
                nan where neither is known.
        """
        small = (firms > 0) & (firms < self.min_firms)
        if not self.dominance or largest_share is None:
            return small
        return small | ((firms > 0) & (np.nan_to_num(largest_share, nan=0.0) > self.dominance))


@dataclass(frozen=True)
class Suppression:
    """What is withheld of one cluster, areas in the order of the matrix."""

    primary: Bools
    """Withheld for its own sake, (n_areas,)."""
    secondary: Bools
    """Withheld because it would give one of those away, (n_areas,)."""

    @property
    def withheld(self) -> Bools:
        """Withheld for either reason, (n_areas,)."""
        return self.primary | self.secondary


def suppress(
    areas: Any,
    firms: Ints,
    primary: Bools,
    whole: int,
    kind: Ints,
    least: int = 0,
    publishable: Bools | None = None,
) -> Suppression:
    """Choose what else to withhold so that nothing withheld is a combination of what is published.

    Areas are published one after the other, those of most firms first, unless that would give away a primary one. So
    every secondary one is needed, given those larger than itself; and it is not derivable either, since whatever is
    derived from it would be.

    Args:
        areas: csr 0/1 matrix (n_areas, n_atoms), 1 where the area holds the atom: a place that no area divides.
        firms: Firms in each area, (n_areas,); an area of none is known to be nought, and shown.
        primary: Areas withheld for their own sake, (n_areas,).
        whole: Row of the area that holds everything: published before all others, or, when it is withheld itself,
            nothing is published.
        kind: Kind of each area, (n_areas,) from 0.
        least: Withheld areas of one kind that make up, with published ones, a published area have together at least
            this many firms; as a rule ``Rules.min_firms``. 0: they may have fewer.
        publishable: False for areas that no one would publish but that must not be derivable, (n_areas,); all are.
    """
    n_areas = areas.shape[0]
    shown = np.ones(n_areas, bool) if publishable is None else np.asarray(publishable, bool)
    firms, primary = np.asarray(firms, np.int64), np.asarray(primary, bool) & (np.asarray(firms) > 0)
    areas, kind = sparse.csr_matrix(areas, dtype=np.int32), np.asarray(kind, np.int64)
    nought = np.zeros(areas.shape[1], bool)
    nought[areas[np.flatnonzero(firms == 0)].indices] = True
    areas = areas[:, ~nought] if nought.any() else areas
    guards, held = areas[:0], np.zeros(0, np.int64)
    while True:
        n_guards = len(held)
        published = _published(
            sparse.vstack([areas, guards], format="csr"),
            np.concatenate([firms, held]),
            np.concatenate([primary, np.ones(n_guards, bool)]),
            np.concatenate([shown, np.zeros(n_guards, bool)]),
            whole,
            np.concatenate([kind, np.full(n_guards, kind.max(initial=0) + 1)]),
        )[:n_areas]
        more, of_more = _small_remainders(areas, firms, kind, published, ~published & shown, least)
        if not len(of_more):
            return Suppression(primary, ~published & ~primary & shown)
        guards, held = sparse.vstack([guards, more], format="csr"), np.concatenate([held, of_more])


def _published(areas: Any, firms: Ints, primary: Bools, shown: Bools, whole: int, kind: Ints) -> Bools:
    published: Bools = firms == 0
    if primary[whole]:
        return published
    if not primary.any():
        return shown
    ground = Ground(areas, primary, _finest(areas, kind))
    published[whole] = ground.publish(whole)
    if not published[whole]:  # some primary area is the whole under another name
        return published
    sizes = np.asarray(areas.getnnz(axis=1))
    for row in np.lexsort((np.arange(len(firms)), -sizes, -firms)).tolist():
        if shown[row] and not primary[row] and not published[row]:
            published[row] = ground.publish(row)
    return published


def _small_remainders(
    areas: Any, firms: Ints, kind: Ints, published: Bools, withheld: Bools, least: int
) -> tuple[Any, Ints]:
    """What published areas leave of published areas that a kind divides, where those are several of few firms.

    As rows of a csr 0/1 matrix, and their firms: a firm in several of the areas counts in each. No remainder is found
    twice: once guarded, it is no longer left by any published area.
    """
    finest = _finest(areas, kind)
    rows = np.flatnonzero(published & ~finest)
    if not least or not withheld.any() or not len(rows):
        return areas[:0], np.zeros(0, np.int64)
    shared = (areas[rows] @ areas.T).tocoo()
    n_kinds, sizes = int(kind.max()) + 1, np.asarray(areas.getnnz(axis=1))
    part = shared.row.astype(np.int64) * n_kinds + kind[shared.col]
    covered = np.bincount(part, weights=shared.data, minlength=len(rows) * n_kinds)
    torn = np.bincount(part, weights=shared.data != sizes[shared.col], minlength=len(rows) * n_kinds)
    told = np.bincount(part, weights=shared.data * published[shared.col], minlength=len(rows) * n_kinds)
    divides = (covered == np.repeat(sizes[rows], n_kinds)) & (torn == 0) & (told > 0)  # else it is the area itself
    left = divides[part] & withheld[shared.col]
    parts, number = np.unique(part[left], return_inverse=True)
    together = np.bincount(number, weights=firms[shared.col[left]], minlength=len(parts)).astype(np.int64)
    small = np.flatnonzero(together < least)  # several areas, always: one alone would be in the span
    choose = sparse.csr_matrix(
        (np.ones(int(left.sum()), np.int32), (number, shared.col[left])), shape=(len(parts), areas.shape[0])
    )
    return choose[small] @ areas, together[small]


def _finest(areas: Any, kind: Ints) -> Bools:
    """The kind with most areas that do not overlap, as a mask of areas, (n_areas,)."""
    for number in np.argsort(-np.bincount(kind), kind="stable"):
        mask: Bools = kind == number
        if areas[np.flatnonzero(mask)].getnnz(axis=0).max(initial=0) <= 1:
            return mask
    return np.zeros(areas.shape[0], bool)
