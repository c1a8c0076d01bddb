"""How far a macro-F1 would move had other firms been labelled: a bootstrap over domains.

Firms of one domain are drawn together, because they were split together. The draws are the same for every method, so
that two methods are compared firm by firm: most of what moves one moves the other.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
DRAWS_AT_ONCE = 50  # 50 draws of 100,000 domains are 40 MB
COVERED = (2.5, 97.5)  # per cent of the draws: a 95 % percentile interval


def macro_f1_draws(
    Y: NDArray[np.bool_], mask: NDArray[np.bool_], assigned: NDArray[np.bool_], groups: Sequence[Hashable]
) -> NDArray[np.float64]:
    """Macro-F1 ``(DRAWS,)`` of resampled test firms; sectors that drew no include are left out of their draw.

    Args:
        Y: ``(n_firms, n_sectors)`` includes.
        mask: ``(n_firms, n_sectors)`` where judged; other cells are not read.
        assigned: ``(n_firms, n_sectors)`` who is in.
        groups: ``(n_firms,)`` domains.

    Returns:
        NaN for a draw without any include.
    """
    place = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    rows = np.array([place[group] for group in groups], dtype=np.int64)
    twice_hits, total = (np.zeros((len(place), Y.shape[1])) for _ in range(2))
    np.add.at(twice_hits, rows, 2.0 * (mask & Y & assigned))
    np.add.at(total, rows, 1.0 * (mask & Y) + (mask & assigned))  # 2 hits + false alarms + misses
    support = np.zeros_like(total)
    np.add.at(support, rows, 1.0 * (mask & Y))
    random = np.random.default_rng(0)
    n_groups, found = len(place), []
    for _ in range(0, DRAWS, DRAWS_AT_ONCE):
        picked = random.integers(n_groups, size=(DRAWS_AT_ONCE, n_groups))
        picked += n_groups * np.arange(DRAWS_AT_ONCE)[:, None]
        times = np.bincount(picked.ravel(), minlength=DRAWS_AT_ONCE * n_groups).reshape(picked.shape).astype(np.float64)
        drawn = times @ support > 0
        f1 = times @ twice_hits / np.maximum(times @ total, 1.0)
        sectors = drawn.sum(axis=1)
        mean = (f1 * drawn).sum(axis=1) / np.maximum(sectors, 1)
        found.append(np.where(sectors > 0, mean, np.nan))
    return np.concatenate(found)


def interval(draws: NDArray[np.float64]) -> tuple[float, float] | None:
    """The 95 % percentile interval; None where some draw has no value."""
    if np.isnan(draws).any():
        return None
    low, high = np.percentile(draws, COVERED)
    return float(low), float(high)
