"""Growth of counts and sums since a base year, firms alive on a day, and which firms grow fast.

Growth of a cluster here is that of the firms that are in it today: who was in it then was never classified. Days are
numbers (days since 1970, as Arrow and numpy count them), nan or NaT where a date is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Eurostat-OECD Manual on Business Demography Statistics, 2007, chapter 8.
OECD_RATE = 0.2
OECD_YEARS = 3
OECD_EMPLOYEES = 10.0
ROUNDING = 1e-9  # 125 to 216 in three years is 20 % a year exactly, which is not more than 20 %


@dataclass(frozen=True)
class Growth:
    """Growth ``(n,)`` as a share of the start (0.5: half as much again), and the same per year, compound.

    ``reason`` is '', 'no_base' (nothing to grow from) or 'unknown' (start or end not known); then both are nan.
    """

    share: Array
    per_year: Array
    reason: NDArray[np.object_]


def growth(start: ArrayLike, end: ArrayLike, years: float) -> Growth:
    """Growth ``end / start - 1`` and, per year, ``(end / start)**(1 / years) - 1``.

    Source: compound annual growth, as in the Eurostat-OECD manual of 2007. An end of 0 is growth of -1.

    Args:
        start: ``(n,)`` figure in the base year; 0 or less gives nan and 'no_base', not infinity.
        end: ``(n,)`` figure at the end; negative ends (not a count or a turnover) are 'unknown'.
        years: Years between the two.
    """
    start, end = (np.asarray(a, dtype=np.float64) for a in np.broadcast_arrays(start, end))
    reason = np.full(start.shape, "", dtype=object)
    reason[start <= 0] = "no_base"
    reason[np.isnan(start) | np.isnan(end) | (end < 0)] = "unknown"
    known = reason == ""
    ratio = np.divide(end, start, out=np.full(start.shape, np.nan), where=known)
    return Growth(ratio - 1.0, ratio ** (1.0 / years) - 1.0, reason)


def alive(begun: ArrayLike, ended: ArrayLike, day: float) -> Mask:
    """Firms ``(n_firms,)`` alive at the end of a day: ``begun <= day < ended``.

    A firm without a known start is not counted on any day; one without an end lives on. What a register without its
    dissolved firms makes of this is survivors only: growth is then overstated, and the figures must say so.

    Args:
        begun: ``(n_firms,)`` days of incorporation, as numbers or datetime64.
        ended: ``(n_firms,)`` days of dissolution; nan or NaT: none; -inf: dissolved on an unknown day, alive on none.
        day: The day, as a number.
    """
    begun, ended = _days(begun), _days(ended)
    return (begun <= day) & ~(ended <= day)


def incorporated(begun: ArrayLike, first: float, last: float) -> Mask:
    """Firms ``(n_firms,)`` incorporated from ``first`` to ``last``, both days among them, alive or not today."""
    begun = _days(begun)
    return (begun >= first) & (begun <= last)


def high_growth(
    measure: Array,
    employees: Array,
    end: int = -1,
    *,
    rate: float = OECD_RATE,
    years: int = OECD_YEARS,
    least_employees: float = OECD_EMPLOYEES,
) -> tuple[Mask, Mask]:
    """Firms that could be, and that are, high-growth firms in the year of column ``end``.

    ``(measure[end] / measure[end - years])**(1 / years) - 1 > rate``, with at least ten employees at the start.
    Source: Eurostat-OECD Manual on Business Demography Statistics, 2007, chapter 8 (more than 20 % a year over three
    years, from ten employees). Eurostat has since counted from 10 % a year; set ``rate`` for figures to compare with
    those. Growth by takeover or merger is not told from growth of the firm's own.

    Args:
        measure: ``(n_firms, n_years)`` employees or turnover, columns in order of years without gaps; nan: not known.
        employees: ``(n_firms, n_years)`` employees.
        end: Column of the last year.
        rate: Growth a year that must be exceeded.
        years: Years over which it is measured.
        least_employees: Employees at the start, at least.

    Returns:
        ``(n_firms,)`` eligible (both ends known, a start above 0, enough employees), and high, a part of eligible.
        Both are False throughout where the columns do not reach back ``years`` years.
    """
    last = end + measure.shape[1] if end < 0 else end
    if last - years < 0 or last >= measure.shape[1]:
        nobody = np.zeros(measure.shape[0], dtype=bool)
        return nobody, nobody.copy()
    start, finish = measure[:, last - years], measure[:, last]
    eligible = (employees[:, last - years] >= least_employees) & (start > 0) & (finish >= 0)
    high = eligible & (finish > start * (1.0 + rate) ** years * (1.0 + ROUNDING))
    return eligible, high


def _days(values: ArrayLike) -> Array:
    array = np.asarray(values)
    if array.dtype.kind != "M":
        return array.astype(np.float64)
    numbers = array.astype("datetime64[D]").astype(np.int64).astype(np.float64)
    return np.where(np.isnat(array), np.nan, numbers)
