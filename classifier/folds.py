"""Split judged firms into folds that keep a registered domain whole and spread the includes evenly.

A firm's fold depends on its group's name and on this sector's labels alone, so labels of other sectors, and the order
of rows, cannot move a sector's thresholds.
"""

import hashlib
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.errors import LeakError
from models.digest import text_digest

N_FOLDS = 5


def stratified_group_folds(
    y: NDArray[np.bool_], groups: Sequence[Hashable], n_folds: int = N_FOLDS
) -> NDArray[np.int64] | None:
    """Fold of each row, ``(n_rows,) int64`` from 0; None where a fold would leave no include or no exclude outside it.

    Groups with an include are dealt out first, then the others, each in the order of a digest of the group's name.
    Fewer folds are made when fewer than ``n_folds`` groups hold an include (or an exclude only).
    """
    with_include: dict[Hashable, bool] = {}
    for group, include in zip(groups, y.tolist(), strict=True):
        with_include[group] = with_include.get(group, False) or include
    ordered = sorted(with_include, key=group_digest)
    holders = [group for group in ordered if with_include[group]]
    others = [group for group in ordered if not with_include[group]]
    count = min(n_folds, len(holders), len(others))
    if count < 2:
        return None
    fold_of = {group: place % count for dealt in (holders, others) for place, group in enumerate(dealt)}
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def group_folds(groups: Sequence[Hashable], n_folds: int) -> NDArray[np.int64]:
    """Fold of each row for an evaluation over all sectors at once: whole groups, dealt in the order of a digest."""
    ordered = sorted(set(groups), key=group_digest)
    fold_of = {group: place % n_folds for place, group in enumerate(ordered)}
    return np.array([fold_of[group] for group in groups], dtype=np.int64)


def merge_groups(groups: Sequence[Hashable], texts: Sequence[str]) -> list[Hashable]:
    """Groups in which firms with the same words are one group, whatever their domains.

    The same description under two domains (a firm that changed its name, a listing copied) would otherwise be learnt by
    heart on one side of a split and found again on the other. Case and spaces do not count; firms without words stay
    apart.

    Args:
        groups: ``(n_firms,)`` registered domains.
        texts: ``(n_firms,)`` words of each firm.

    Returns:
        ``(n_firms,)``: of all groups joined, the one whose name comes first. The order of rows does not matter.
    """
    joined: dict[Hashable, Hashable] = {}

    def root(group: Hashable) -> Hashable:
        while (above := joined.get(group, group)) != group:
            joined[group] = joined.get(above, above)
            group = above
        return group

    holder: dict[str, Hashable] = {}
    for group, text in zip(groups, texts, strict=True):
        words = " ".join(text.casefold().split())
        if not words:
            continue
        first, second = sorted((root(holder.setdefault(text_digest(words), group)), root(group)), key=repr)
        joined[second] = first
    return [root(group) for group in groups]


def check_no_leak(groups: Sequence[Hashable], train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    """Refuse a split in which a group has rows on both sides.

    Raises:
        LeakError: Names up to five such groups.
    """
    shared = {groups[row] for row in train} & {groups[row] for row in test}
    if shared:
        some = sorted(map(str, shared))[:5]
        message = (
            f"{len(shared)} groups are in train and test both, such as {some}; keep all firms of a domain, and all "
            "with the same words, on one side"
        )
        raise LeakError(message)


def group_digest(group: Hashable) -> str:
    """By which groups are put in an order that no list of firms decides."""
    return hashlib.sha256(repr(group).encode("utf-8", "surrogatepass")).hexdigest()
