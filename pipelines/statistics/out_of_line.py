"""Firms whose turnover and employees do not fit each other as they do in the rest of their sector.

A figure is called out of line only when it matters: most odd ratios are those of tiny firms, which move no sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ODD_Z = 3.5  # of median and MAD: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), section 3.3
ODD_FIRMS = 30  # with both figures; below, median and MAD themselves are a matter of chance
MATTERS = 0.01  # of the cluster's sum: the figure itself, or the one that would have been usual
JUMP_TIMES = 10  # up or down within a year: no firm hires so fast; a unit, a group figure or a new filer does it
JUMP_EMPLOYEES = 250  # before or after; small firms do go from 1 to 10
MAD_TO_SIGMA = 1.4826  # makes the MAD of a normal distribution its standard deviation


@dataclass(frozen=True)
class Odd:
    """A firm out of line: its place in the arrays given, the figure that is thought wrong, and by how much."""

    place: int
    measure: str  # employees or turnover_gbp
    share: float  # of the cluster's sum of that figure, 0 to 1
    compared: float  # usual turnover per employee; for a jump, the employees before
    jump: bool


def odd_ratios(employees: Floats, turnover_gbp: Floats) -> list[Odd]:
    """Firms of one cluster whose turnover per employee lies more than ``ODD_Z`` from the median, in logarithms.

    Of the two figures the one that is itself further from its own median, in the direction in question, is named.

    Args:
        employees: ``(n_members,)``, nan: not known. Nought has no ratio.
        turnover_gbp: ``(n_members,)`` the same.
    """
    both = np.flatnonzero((employees > 0) & (turnover_gbp > 0))  # false for nan
    if len(both) < ODD_FIRMS:
        return []
    log_e, log_t = np.log(employees[both]), np.log(turnover_gbp[both])
    ratio_z = _robust_z(log_t - log_e)
    usual = float(np.exp(np.median(log_t - log_e)))
    high = ratio_z > 0
    turnover_leads = np.where(high, _robust_z(log_t) >= -_robust_z(log_e), _robust_z(log_e) < -_robust_z(log_t))
    sum_e, sum_t = float(np.nansum(employees)), float(np.nansum(turnover_gbp))
    odd: list[Odd] = []
    for number in np.flatnonzero(np.abs(ratio_z) > ODD_Z):
        place = int(both[number])
        e, t = float(employees[place]), float(turnover_gbp[place])
        if turnover_leads[number] and max(t, e * usual) >= MATTERS * sum_t:
            odd.append(Odd(place, "turnover_gbp", t / sum_t, usual, jump=False))
        elif not turnover_leads[number] and max(e, t / usual) >= MATTERS * sum_e:
            odd.append(Odd(place, "employees", e / sum_e, usual, jump=False))
    return odd


def jumps(employees: Floats, before: Floats) -> list[Odd]:
    """Firms of one cluster whose employees rose or fell at least ``JUMP_TIMES`` within a year.

    Args:
        employees: ``(n_members,)``, nan: not known.
        before: ``(n_members,)`` a year earlier.
    """
    least, most = np.fmax(np.minimum(employees, before), 1.0), np.maximum(employees, before)  # nan stays nan in most
    total = float(np.nansum(employees))
    large = (most >= JUMP_TIMES * least) & (most >= JUMP_EMPLOYEES) & (most >= MATTERS * total)
    return [
        Odd(int(place), "employees", float(employees[place]) / total if total else 0.0, float(before[place]), jump=True)
        for place in np.flatnonzero(large)
    ]


def _robust_z(values: Floats) -> Floats:
    """Distance from the median in standard deviations, by the MAD; nought where most values are equal."""
    off = values - np.median(values)
    spread = MAD_TO_SIGMA * float(np.median(np.abs(off)))
    return off / spread if spread > 0 else np.zeros_like(off)
