"""Child sectors imply their parents: in labels, in probabilities and in assignments.

A parent's probability is raised to its most probable child's, never a child's lowered: a firm that is surely in space
technologies is surely in aerospace, whatever the parent's own model makes of its words.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.errors import HierarchyError

Parents = tuple[tuple[int, ...], ...]
"""For each sector (taxonomy order) the column indices of its direct parents."""


def children_first(parents: Parents) -> tuple[int, ...]:
    """Columns ordered so that every child comes before its parents.

    Raises:
        HierarchyError: A parent index is out of range, or parents form a cycle.
    """
    n_sectors = len(parents)
    for child, above in enumerate(parents):
        for parent in above:
            if not 0 <= parent < n_sectors:
                message = f"sector {child} names parent {parent}; expected a column from 0 to {n_sectors - 1}"
                raise HierarchyError(message)
    waiting = [0] * n_sectors  # children not yet placed
    for above in parents:
        for parent in set(above):
            waiting[parent] += 1
    order = [sector for sector in range(n_sectors) if waiting[sector] == 0]
    for sector in order:  # grows while it is walked
        for parent in sorted(set(parents[sector])):
            waiting[parent] -= 1
            if waiting[parent] == 0:
                order.append(parent)
    if len(order) < n_sectors:
        message = (
            f"parents form a cycle among sectors {sorted(set(range(n_sectors)) - set(order))}; remove one of the links"
        )
        raise HierarchyError(message)
    return tuple(order)


def raise_parents(probabilities: NDArray[np.float64], parents: Parents) -> NDArray[np.float64]:
    """A copy of ``(n_firms, n_sectors)`` probabilities in which no child exceeds a parent."""
    raised = probabilities.copy()
    for child in children_first(parents):
        for parent in parents[child]:
            np.maximum(raised[:, parent], raised[:, child], out=raised[:, parent])
    return raised


def close_assignments(assigned: NDArray[np.bool_], parents: Parents) -> NDArray[np.bool_]:
    """A copy of ``(n_firms, n_sectors)`` assignments in which every parent of an assigned child is assigned."""
    closed = assigned.copy()
    for child in children_first(parents):
        for parent in parents[child]:
            closed[:, parent] |= closed[:, child]
    return closed


def close_labels(
    Y: NDArray[np.bool_], mask: NDArray[np.bool_], parents: Parents
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Labels completed by what they imply.

    An include of a child is an include of its parents; an exclude of a parent is an exclude of its children. Where
    judgements contradict each other (child included, parent excluded) the include wins, because it was given to the
    narrower question.

    Returns:
        New ``(Y, mask)``, both ``(n_firms, n_sectors) bool``; ``Y`` is False wherever ``mask`` is.
    """
    included, judged = (Y & mask).copy(), mask.copy()
    order = children_first(parents)
    for child in order:
        for parent in parents[child]:
            included[:, parent] |= included[:, child]
            judged[:, parent] |= included[:, child]
    for child in reversed(order):
        for parent in parents[child]:
            judged[:, child] |= judged[:, parent] & ~included[:, parent]
    return included, judged


def parent_columns(sectors: Sequence[str], parents_of: dict[str, Sequence[str]]) -> Parents:
    """Parents as column indices, from their names.

    Raises:
        HierarchyError: A parent is not among ``sectors``, or parents form a cycle.
    """
    column = {sector: index for index, sector in enumerate(sectors)}
    found = []
    for sector in sectors:
        above = parents_of.get(sector, ())
        unknown = [parent for parent in above if parent not in column]
        if unknown:
            message = f"sector {sector} names parents {unknown}, which are not in the taxonomy; add or correct them"
            raise HierarchyError(message)
        found.append(tuple(column[parent] for parent in above))
    parents = tuple(found)
    children_first(parents)
    return parents
