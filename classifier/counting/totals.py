"""Add up members, their employees or their turnover over any set of firms, from each stratum's share of members.

Firms that were judged count as they were judged; the others count by their stratum's rate. Totals of parts therefore
add up to the total of the whole, draw by draw.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.counting.records import Interval, MemberRates

LEVEL = (0.015, 0.985)
"""Quantiles of the draws that make a 95 % interval. The outer one and a half per cent, not two and a half: from 300
judged firms in ten strata the plain quantiles held the truth in 91 to 96 of 100 simulated audits (benchmark
``counts``)."""

SURE = 1e-12  # a variance below this share of the squared mean is rounding, and its gamma would overflow


@dataclass(frozen=True)
class Parts:
    """What is added up, for each of ``n_parts`` sets of firms; sizes are 1 where firms are counted.

    Firms that could not be read may stand here as fractions of strata.
    """

    known: NDArray[np.float64]  # (n_parts,) sizes of judged members, and of giants taken as they are
    sizes: NDArray[np.float64]  # (n_parts, n_strata) summed sizes of unjudged firms
    squares: NDArray[np.float64]  # (n_parts, n_strata) summed squares of these sizes


def parts_of(
    part: NDArray[np.int64],
    n_parts: int,
    stratum: NDArray[np.int64],
    n_strata: int,
    sizes: NDArray[np.float64],
    unjudged: NDArray[np.bool_],
    counted_in_full: NDArray[np.bool_],
) -> Parts:
    """Sums of one partition of the firms, such as districts.

    Args:
        part: ``(n_firms,)`` part of each firm, from 0.
        n_parts: Parts.
        stratum: ``(n_firms,)``.
        n_strata: Strata.
        sizes: ``(n_firms,)``.
        unjudged: ``(n_firms,) bool``: count by the stratum's rate.
        counted_in_full: ``(n_firms,) bool``: known members. A firm in neither does not count.
    """
    cell = part[unjudged] * n_strata + stratum[unjudged]
    shape = (n_parts, n_strata)
    return Parts(
        _sums(part[counted_in_full], sizes[counted_in_full], n_parts),
        _sums(cell, sizes[unjudged], n_parts * n_strata).reshape(shape),
        _sums(cell, sizes[unjudged] ** 2, n_parts * n_strata).reshape(shape),
    )


def totals(parts: Parts, rates: MemberRates, rng: np.random.Generator) -> list[Interval]:
    """Total of each part with its 95 % interval.

    Given the rates, which unjudged firms are members is chance too; that part of the error is drawn from a gamma
    distribution of the right mean and variance, which is close to the binomial for counts and never negative for
    sums.
    """
    mean = rates.draws @ parts.sizes.T  # (n_draws, n_parts)
    variance = (rates.draws * (1 - rates.draws)) @ parts.squares.T
    value = parts.known + parts.sizes @ rates.point
    drawn = parts.known + _gamma(mean, variance, rng)
    low, high = np.quantile(drawn, LEVEL, axis=0)
    return [
        Interval(float(at), min(float(bottom), float(at)), max(float(top), float(at)))
        for at, bottom, top in zip(value, low, high, strict=True)
    ]


def _sums(place: NDArray[np.int64], sizes: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(place, weights=sizes, minlength=length), dtype=np.float64)


def _gamma(mean: NDArray[np.float64], variance: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    moves = (mean > 0) & (variance > SURE * mean**2)
    drawn = mean.copy()
    drawn[moves] = rng.gamma(mean[moves] ** 2 / variance[moves], variance[moves] / mean[moves])
    return drawn
