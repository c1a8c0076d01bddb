"""Firms that one parent holds together, so that a group can be counted as one business.

What a subsidiary's employees and turnover are within its parent's consolidated accounts is in no public file: grouping
mends counts of businesses, not sums, which may hold the subsidiary twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

Ints = NDArray[np.integer[Any]]


def groups(parent: Ints, parent_key: Ints | None = None) -> NDArray[np.int32]:
    """Group of each firm, ``(n_firms,)``: the place of the topmost parent that is in the list.

    Firms that own each other in a circle are one group with all below them, named by the first of these.

    Args:
        parent: Place of the parent in the list, -1 none.
        parent_key: Identity of the parent also when it is not in the list, -1 none: firms with one outside parent are
            then a group, named by the first of them.
    """
    n = len(parent)
    up = np.where(parent >= 0, parent, np.arange(n))
    top = up == np.arange(n)
    if parent_key is not None:
        outside = np.flatnonzero((parent < 0) & (parent_key >= 0))
        _, first, which = np.unique(parent_key[outside], return_index=True, return_inverse=True)
        up[outside] = outside[first[which]]
        top = up == np.arange(n)
    links = sparse.csr_matrix((np.ones(n, np.int8), (np.arange(n), up)), shape=(n, n))
    _, part = csgraph.connected_components(links, directed=False)  # each has one top, or else one circle
    name = np.full(part.max(initial=-1) + 1, n, dtype=np.int64)
    np.minimum.at(name, part[top], np.flatnonzero(top))
    circles = np.flatnonzero(name[part] == n)
    np.minimum.at(name, part[circles], circles)
    named: NDArray[np.int32] = name[part].astype(np.int32)
    return named
