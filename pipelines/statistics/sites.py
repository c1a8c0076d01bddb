"""Firms spread over their premises, and premises over areas: who counts where, and with what weight.

Every firm's weights add up to one over each kind of area that divides the country, ``unknown`` among its areas; so
totals over areas are the total of the whole, whatever the rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "unknown"
Rule = Literal["equal", "employees", "registered"]


@dataclass(frozen=True)
class Sites:
    """Premises of all firms, sorted by firm; every firm has at least one, if only at an unknown place."""

    firm: NDArray[np.int32]  # (n_sites,)
    weight: NDArray[np.float64]  # (n_sites,) of each firm they add up to 1


@dataclass(frozen=True)
class Spread:
    """Firms over the areas of one kind: entries sorted by firm, each firm and area once."""

    kind: str
    codes: tuple[str, ...]
    starts: NDArray[np.int64]  # (n_firms + 1,) entries of each firm
    area: NDArray[np.int32]  # (n_entries,) place in codes
    weight: NDArray[np.float64]  # (n_entries,)

    def of(self, firms: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        """Entries of some firms: place in ``firms``, area, weight."""
        begin, counts = self.starts[firms], self.starts[firms + 1] - self.starts[firms]
        row = np.repeat(np.arange(len(firms)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        entry = np.repeat(begin, counts) + within
        return row, self.area[entry], self.weight[entry]


def weights(
    firm: NDArray[np.int32], registered: NDArray[np.bool_], employees: NDArray[np.float64], n_firms: int, rule: Rule
) -> NDArray[np.float64]:
    """Share of its firm that stands at each of the premises, ``(n_sites,)``; 0: the rule passes the address over.

    Equal split: every address alike (the Midlands Engine report's method). By employees: in proportion to those at
    each address where all of a firm's addresses have them, otherwise equal. Registered office: all of it there; a firm
    without one stands at its only other address, and at none when it has several: choosing would be a guess.

    Args:
        firm: ``(n_sites,)`` place of the firm, each address of a firm once.
        registered: ``(n_sites,)`` the registered office.
        employees: ``(n_sites,)`` at that address, nan where not known.
        n_firms: Firms.
        rule: As above.
    """
    sites = np.bincount(firm, minlength=n_firms)
    share = 1.0 / sites[firm]
    if rule == "equal":
        return share
    if rule == "employees":
        known = np.bincount(firm[np.isfinite(employees)], minlength=n_firms) == sites
        employees = np.where(employees < 0, np.nan, employees)
        total = np.bincount(firm, weights=np.nan_to_num(employees), minlength=n_firms)
        by_size = known[firm] & (total[firm] > 0)
        return np.where(by_size, np.nan_to_num(employees) / np.where(by_size, total[firm], 1.0), share)
    offices = np.bincount(firm[registered], minlength=n_firms)
    alone = (offices[firm] == 0) & (sites[firm] == 1)
    return np.where(registered, 1.0 / np.maximum(offices[firm], 1), alone.astype(np.float64))


def spread(
    kind: str,
    sites: Sites,
    n_firms: int,
    area: NDArray[np.int32],
    codes: Sequence[str],
    site: NDArray[np.int64] | None = None,
) -> Spread:
    """Firms over the areas of a kind.

    Args:
        kind: Name of the kind.
        sites: Premises.
        n_firms: Firms.
        area: ``(n_entries,)`` place in ``codes``, never negative.
        codes: Codes of the areas.
        site: ``(n_entries,)`` premises of each entry, ascending, where areas overlap or leave premises out. None:
            one entry for each.
    """  # fmt: skip
    firm = sites.firm if site is None else sites.firm[site]
    weight = sites.weight if site is None else sites.weight[site]
    key = firm.astype(np.int64) * max(len(codes), 1) + area
    if np.all(key[1:] > key[:-1]):
        entry_firm, entry_area, entry_weight = firm, area, weight
    else:
        found, place = np.unique(key, return_inverse=True)
        entry_firm = (found // max(len(codes), 1)).astype(np.int32)
        entry_area = (found % max(len(codes), 1)).astype(np.int32)
        entry_weight = np.asarray(np.bincount(place, weights=weight, minlength=len(found)), dtype=np.float64)
    starts = np.zeros(n_firms + 1, dtype=np.int64)
    np.cumsum(np.bincount(entry_firm, minlength=n_firms), out=starts[1:])
    return Spread(kind, tuple(codes), starts, entry_area, entry_weight)


def atoms_of(columns: Mapping[str, NDArray[np.int32]]) -> tuple[NDArray[np.int32], int]:
    """Distinct combinations of areas: the atom of every premises, and how many there are."""
    found = np.zeros(len(next(iter(columns.values()), np.zeros(0))), dtype=np.int64)
    for area in columns.values():
        found = found * (int(area.max(initial=0)) + 1) + area
        found = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return found.astype(np.int32), int(found.max(initial=-1)) + 1
