"""Count one sector's members, or add up their employees, over all firms that count and any parts of them.

Giants stand outside every stratum: judged, they count as judged; not judged, as classified. Nothing is ever projected
from a giant or on one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.counting.rates import audited_rates, rates_from_errors
from classifier.counting.records import ErrorCounts, Interval, MemberRates
from classifier.counting.sizes import N_BANDS, rates_by_size, size_bands
from classifier.counting.totals import Parts, parts_of, totals
from classifier.counting.unread import stand_ins

NO_STRATUM = -1


@dataclass(frozen=True)
class Firms:
    """All firms that count, as one sector sees them; arrays over ``n_firms``."""

    read: NDArray[np.bool_]  # classified; the rest is not looked at, but for the cells
    assigned: NDArray[np.bool_]
    giant: NDArray[np.bool_]
    cells: NDArray[np.int64] | None  # size and age, where read firms stand for the others; None: they do not


@dataclass(frozen=True)
class Sample:
    """What an audit knows of one sector."""

    stratum: NDArray[np.int16]  # (n_firms,) in which each firm was drawn or would have been; looked at where read
    inside: NDArray[np.bool_]  # (n_strata,) strata of assigned firms
    giant: NDArray[np.bool_]  # (n_strata,) strata of giants
    judged: NDArray[np.bool_]  # (n_firms,) drawn and judged
    member: NDArray[np.bool_]  # (n_firms,) looked at where judged
    taken: NDArray[np.int64]  # (n_strata,) firms judged, also those that have left the list since
    hits: NDArray[np.int64]  # (n_strata,) members among them


@dataclass(frozen=True)
class Rated:
    """One sector's firms with the rates by which the unjudged ones count."""

    firms: Firms
    stratum: NDArray[np.int64]  # (n_firms,)
    rates: MemberRates
    unjudged: NDArray[np.bool_]  # (n_firms,) count by their stratum's rate
    in_full: NDArray[np.bool_]  # (n_firms,) count as they are
    judged: NDArray[np.bool_]  # (n_firms,) drawn and judged
    giants_at_word: bool  # a giant that nobody judged counts as classified


def rated_by_audit(firms: Firms, sample: Sample, rng: np.random.Generator) -> Rated:
    """Rates by the calibration estimator: these firms' own strata."""
    stratum, taken, hits, inside = _joined(sample)
    giant = firms.read & (firms.giant | (stratum == NO_STRATUM))
    rates = audited_rates(taken, hits, inside, rng)
    return _rated(firms, giant, stratum, rates, sample.judged & firms.read, sample.member)


def rated_by_errors(firms: Firms, errors: ErrorCounts, rng: np.random.Generator) -> Rated | None:
    """Rates by the misclassification estimator: error rates that were counted on other firms; None where they say
    nothing."""
    giant = firms.read & firms.giant
    plain = firms.read & ~giant
    rates = rates_from_errors(errors, int((firms.assigned & plain).sum()), int(plain.sum()), rng)
    if rates is None:
        return None
    nobody = np.zeros(len(plain), dtype=np.bool_)
    return _rated(firms, giant, np.where(firms.assigned, 0, 1), rates, nobody, nobody)


def weighted_errors(sample: Sample, firms: NDArray[np.float64]) -> ErrorCounts:
    """Error counts of an audit for use on other firms: rates weighted as firms were drawn, numbers as they carry
    information.

    Args:
        sample: The audit; ``taken`` and ``hits`` are read.
        firms: ``(n_strata,)`` firms in each stratum.
    """
    use = ~sample.giant & (sample.taken > 0)
    per_firm = np.divide(firms, sample.taken, out=np.zeros(len(firms)), where=use)
    found = []
    for number in (sample.hits, sample.taken - sample.hits):
        total, squares = float((per_firm * number)[use].sum()), float((per_firm**2 * number)[use].sum())
        effective = total**2 / squares if squares else 0.0  # Kish: unequal weights carry less than as many equal ones
        inside = float((per_firm * number)[use & sample.inside].sum())
        found.append((effective * inside / total, effective * (1 - inside / total)) if total else (0.0, 0.0))
    (hits, misses), (false_alarms, rejections) = found
    return ErrorCounts(hits, misses, false_alarms, rejections)


@dataclass(frozen=True)
class Entries:
    """Firms over parts, such as premises over places: a firm may stand in several, with weights that add up to 1."""

    firm: NDArray[np.int64]  # (n_entries,)
    part: NDArray[np.int64]  # (n_entries,) from 0
    weight: NDArray[np.float64]  # (n_entries,)
    n_parts: int


def add_up(
    rated: Rated,
    part: NDArray[np.int64],
    n_parts: int,
    rng: np.random.Generator,
    sizes: NDArray[np.float64] | None = None,
) -> list[Interval]:
    """Total of each part with its 95 % interval, where every firm stands in one part.

    Args:
        rated: Of one of the functions above.
        part: ``(n_firms,)`` part of each firm, from 0.
        n_parts: Parts.
        rng: Source of chance.
        sizes: ``(n_firms,)`` employees or turnover, 0 where not known. None: firms are counted.
    """
    entries = Entries(np.arange(len(part)), part, np.ones(len(part)), n_parts)
    return totals(*sums_of(rated, entries, rng, sizes), rng)


def sums_of(
    rated: Rated, entries: Entries, rng: np.random.Generator, sizes: NDArray[np.float64] | None = None
) -> tuple[Parts, MemberRates]:
    """What :func:`classifier.counting.totals.ends` needs for the parts, or for larger ones made of them.

    A firm's square is shared out by its weights: exact where it stands in one part, and an upper bound of its variance
    where it stands in several.

    Args:
        rated: Of one of the functions above.
        entries: Firms over parts.
        rng: Source of chance.
        sizes: ``(n_firms,)`` employees or turnover, 0 where not known. None: firms are counted.
    """
    each = np.ones(len(rated.stratum)) if sizes is None else sizes
    stratum, rates = (rated.stratum, rated.rates) if sizes is None else _by_size(rated, sizes, rng)
    firm, weight = entries.firm, entries.weight
    of_entry = each[firm]
    parts = parts_of(
        entries.part, entries.n_parts, stratum[firm], len(rates.point), of_entry * weight, rated.unjudged[firm],
        rated.in_full[firm], of_entry**2 * weight,
    )  # fmt: skip
    if rated.firms.cells is not None:
        parts = _with_unread(parts, stratum, len(rates.point), rated.firms, rated.firms.cells, entries, of_entry)
    return parts, rates


def _by_size(
    rated: Rated, sizes: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], MemberRates]:
    """Each stratum split by size."""
    plain = rated.stratum != NO_STRATUM
    expected = np.where(plain, np.append(rated.rates.point, 0.0)[rated.stratum], 0.0)
    split = rated.stratum.astype(np.int64) * N_BANDS + size_bands(sizes, expected)
    n_cells = len(rated.rates.point) * N_BANDS
    judged = plain & rated.judged
    counts = [
        np.bincount(split[rows], minlength=n_cells).reshape(-1, N_BANDS) for rows in (judged, judged & rated.in_full)
    ]
    return np.where(plain, split, NO_STRATUM), rates_by_size(rated.rates, counts[0], counts[1], rng)


def _rated(
    firms: Firms, giant: NDArray[np.bool_], stratum: NDArray[np.int64], rates: MemberRates, judged: NDArray[np.bool_],
    member: NDArray[np.bool_],
) -> Rated:  # fmt: skip
    at_word = giant & ~judged
    unjudged = firms.read & ~judged & ~giant
    return Rated(
        firms, np.where(firms.read & ~giant, stratum, NO_STRATUM).astype(np.int64), rates, unjudged,
        (judged & member) | (at_word & firms.assigned), judged, bool(at_word.any()),
    )  # fmt: skip


def _joined(
    sample: Sample,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Strata without giants; one in which nobody was judged joins its neighbour, on the same side if there is one."""
    usable = np.flatnonzero(~sample.giant & (sample.taken > 0))
    to = np.full(len(sample.taken), NO_STRATUM, dtype=np.int64)
    for at in range(len(sample.taken)):
        if not sample.giant[at] and len(usable):
            same = usable[sample.inside[usable] == sample.inside[at]]
            near = same if len(same) else usable
            to[at] = np.searchsorted(usable, near[np.argmin(np.abs(near - at))])
    return to[sample.stratum], sample.taken[usable], sample.hits[usable], sample.inside[usable]


def _with_unread(
    parts: Parts, stratum: NDArray[np.int64], n_strata: int, firms: Firms, cells: NDArray[np.int64],
    entries: Entries, sizes: NDArray[np.float64],
) -> Parts:  # fmt: skip
    shares = stand_ins(cells, firms.read, stratum, n_strata)
    unread = ~firms.read[entries.firm]
    shape = (len(parts.known), len(shares))
    place = entries.part[unread] * shape[1] + cells[entries.firm[unread]]
    added = [
        np.bincount(place, weights=entries.weight[unread] * sizes[unread] ** power, minlength=shape[0] * shape[1])
        for power in (1, 2)
    ]
    first, second = (found.reshape(shape) @ shares for found in added)
    return Parts(parts.known, parts.sizes + first, parts.squares + second)
