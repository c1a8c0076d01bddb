"""What published areas give away of areas withheld, followed as they are published one by one.

Exact for sums over any number of kinds of area. Hexagons, of which there are thousands, never reach the algebra one by
one, which is why fifty clusters take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipelines.statistics.spans import Span

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Ground:
    """What is known of a cluster's ground as its areas are published one by one.

    Atoms that lie in the same areas, hexagons aside, form a group; only groups are columns of the algebra. A published
    hexagon that lies across groups lets them trade with each other unseen, so it ties them into one patch; a hexagon
    not published lets its patches trade with it. Hence, exactly: the sum over a patch is known from hexagons when all
    of its hexagons are published, and a withheld hexagon is as good as the sum over its patches when it is the only
    one left in each of them. Only then is there something to work out.
    """

    def __init__(self, areas: Any, primary: Bools, fine: Bools) -> None:
        self.primary = primary
        self.fine = fine
        self.span = Span()
        group, self.groups_of = _groups(areas, fine)
        n_groups = int(group.max(initial=-1)) + 1
        self.patch = list(range(n_groups))
        self.groups_in = [[number] for number in range(n_groups)]
        self.left = _hexagons_left(areas, fine, group, n_groups)  # per patch, those not published
        for row in np.flatnonzero(primary).tolist():
            columns = self.groups_of[row]
            if columns and (not fine[row] or all(len(self.left[column]) == 1 for column in columns)):
                self.span.guard(self.span.reduced(columns))

    def publish(self, row: int) -> bool:
        """Publish an area, unless that would give a primary one away; whether it was."""
        if not self.groups_of[row]:
            return True
        if not self.fine[row]:
            return self._learn(self.groups_of[row])
        patches = {self._find(group) for group in self.groups_of[row]}
        return self._leave(row, patches) and self._tie(row, patches)

    def _learn(self, groups: list[int]) -> bool:
        row = self.span.reduced(groups)
        if row and self.span.gives_away(row):
            return False
        if row:
            self.span.add(row)
        return True

    def _leave(self, hexagon: int, patches: set[int]) -> bool:
        """Take note of what publishing a hexagon says of its patches; False: it gives a primary area away."""
        if any(len(self.left[patch]) > 2 for patch in patches):
            return True
        left = set().union(*(self.left[patch] for patch in patches)) - {hexagon}
        if not left:
            return self._learn([group for patch in patches for group in self.groups_in[patch]])
        last = next(iter(left))
        if len(left) > 1 or last < 0 or not self.primary[last]:
            return True
        elsewhere = {self._find(group) for group in self.groups_of[last]} - patches
        if any(len(self.left[patch]) > 1 for patch in elsewhere):
            return True
        row = self.span.reduced([group for patch in patches | elsewhere for group in self.groups_in[patch]])
        if row:
            self.span.guard(row)
        return bool(row)

    def _tie(self, hexagon: int, patches: set[int]) -> bool:
        first, *others = sorted(patches, key=lambda patch: -len(self.left[patch]))
        for patch in others:
            self.patch[patch] = first
            self.groups_in[first] += self.groups_in[patch]
            self.left[first] |= self.left[patch]
        self.left[first].discard(hexagon)
        return True

    def _find(self, group: int) -> int:
        while self.patch[group] != group:
            self.patch[group] = self.patch[self.patch[group]]
            group = self.patch[group]
        return group


def _groups(areas: Any, fine: Bools) -> tuple[Ints, list[list[int]]]:
    """Group of each atom, (n_atoms,), and the groups of each area.

    Atoms lie in the same areas when two random 64-bit sums over these agree: wrong with a chance of n_atoms^2 / 2^129.
    """
    marks = np.random.default_rng(0).integers(0, 2**64, (2, areas.shape[0]), np.uint64)
    marks[:, fine] = 0
    area = np.repeat(np.arange(areas.shape[0]), np.diff(areas.indptr))
    sums = np.zeros((2, areas.shape[1]), np.uint64)
    for mark, total in zip(marks, sums, strict=True):
        np.add.at(total, areas.indices, mark[area])
    group = combinations(list(sums))
    shape = (areas.shape[0], int(group.max(initial=-1)) + 1)
    edges = sparse.csr_matrix((np.ones(len(area), np.int32), (area, group[areas.indices])), shape)  # each edge once
    return group, _lists(edges)


def _hexagons_left(areas: Any, fine: Bools, group: Ints, n_groups: int) -> list[set[int]]:
    """Hexagons that reach into each group; what lies in none is as one that is never published, -1."""
    hexagon = np.full(areas.shape[1], -1, np.int64)
    rows = np.flatnonzero(fine)
    held = areas[rows]
    hexagon[held.indices] = np.repeat(rows, np.diff(held.indptr))
    order = np.argsort(group, kind="stable")
    cuts = np.searchsorted(group[order], np.arange(n_groups + 1)).tolist()
    sorted_hexagons = hexagon[order].tolist()
    return [set(sorted_hexagons[start:end]) for start, end in pairwise(cuts)]


def combinations(columns: Sequence[NDArray[Any]]) -> Ints:
    """Number of each row's combination of values, (n_rows,)."""
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        _, code = np.unique(column, return_inverse=True)
        _, number = np.unique(number * (int(code.max(initial=0)) + 1) + code, return_inverse=True)
    return number


def _lists(matrix: Any) -> list[list[int]]:
    columns = matrix.indices.tolist()
    return [columns[start:end] for start, end in pairwise(matrix.indptr.tolist())]
