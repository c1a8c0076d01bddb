"""All firms of a list as columns, sorted by firm_id: what the roll-up works on.

Days are numbers since 1970-01-01, nan where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Amounts:
    """One figure of every firm: the newest known, and by year. nan where it is not known."""

    newest: NDArray[np.float64]  # (n_firms,)
    imputed: NDArray[np.bool_]  # (n_firms,)
    by_year: NDArray[np.float64]  # (n_firms, n_years)


@dataclass(frozen=True)
class Grants:
    """Grants of all firms, one entry per firm and project."""

    firm: NDArray[np.int32]
    year: NDArray[np.int32]
    gbp: NDArray[np.float64]


@dataclass(frozen=True)
class FirmColumns:
    """Firms of a list; arrays are ``(n_firms,)`` in the order of ``firm_ids``."""

    firm_ids: pa.Array  # sorted
    counts: NDArray[np.bool_]  # stands in the figures of today: not dissolved
    begun: NDArray[np.float64]  # day of incorporation
    ended: NDArray[np.float64]  # day of dissolution; -inf: dissolved, nobody knows when, and so in no past year
    read: NDArray[np.bool_]  # its words, as they stand, have been classified
    employees: Amounts
    turnover_gbp: Amounts
    years: tuple[int, ...]  # columns of by_year, oldest first
    foreign: NDArray[np.int8]  # 1 owned abroad, 0 not, -1 not known
    owner_country: NDArray[np.int16]  # place in owner_countries, -1 none
    owner_countries: tuple[str, ...]
    parent: NDArray[np.int32]  # place of the parent in the list, -1 none
    parent_key: NDArray[np.int32]  # the parent's identity also when it is not in the list, -1 none
    parents_outside: pa.Array  # of key len(firm_ids) + n, the n-th: what the list says of the parent
    has_codes: NDArray[np.bool_]  # gives a SIC code
    grants: Grants

    def __len__(self) -> int:
        """Firms."""
        return len(self.counts)


def days_of(year: int) -> tuple[int, int]:
    """First and last day of a year."""
    first = int(np.datetime64(f"{year:04d}-01-01", "D").astype(np.int64))
    return first, int(np.datetime64(f"{year + 1:04d}-01-01", "D").astype(np.int64)) - 1
