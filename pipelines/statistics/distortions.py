"""Find what makes a cluster's figures look other than they are, as the Midlands Engine report did by hand.

Nothing is removed here: what is found is named in a sentence with its figures, and ``without`` says
which members a figure would leave out. To count firms of one parent as one, see ``company_groups``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.out_of_line import Odd, jumps, odd_ratios
from pipelines.statistics.sites import UNKNOWN, Spread

Kind = Literal["one_parent", "address_factory", "giant", "out_of_line_employees", "out_of_line_turnover"]
Measure = Literal["businesses", "employees", "turnover_gbp"]
Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

SIBLINGS = (
    5  # firms of one parent at a postcode; up to four are an ordinary group (trading, holding, property, pensions)
)
FACTORY = 200  # unrelated registrations at a postcode: it has 15 addresses on average, a shared office building tens
FACTORY_MEMBERS = 3  # of the cluster there; one or two move no figure of a district
GIANT_SHARE = 0.5  # the rest of the hexagon together is smaller
GIANT_FIRMS = 5  # of the cluster in the hexagon; among fewer, one always leads
GIANT_EMPLOYEES, GIANT_TURNOVER_GBP = (
    250,
    54_000_000,
)  # either: no longer medium-sized, Companies Act 2006 s. 465 (2025)

LEFT_OUT: dict[Measure, tuple[Kind, ...]] = {
    "businesses": ("one_parent", "address_factory"),
    "employees": ("one_parent", "address_factory", "giant", "out_of_line_employees"),
    "turnover_gbp": ("one_parent", "address_factory", "giant", "out_of_line_turnover"),
}
"""Kinds of distortion that a figure without them leaves out: a giant is one business like any other."""


@dataclass(frozen=True)
class Facts:
    """Firms of the list, arrays ``(n_firms,)`` in one order; codes are places in the caller's lists, -1 none."""

    counts: NDArray[np.bool_]  # in today's register; others crowd no postcode
    parent_key: Ints  # parent's identity, also when it is not in the list
    postcode: Ints  # of the registered office
    district: Ints  # of the registered office
    employees: Floats  # nan: not known
    turnover_gbp: Floats
    employees_before: Floats | None = None  # a year before, where known


@dataclass(frozen=True)
class Names:
    """What things are called in sentences and subjects."""

    firm_id: Callable[[int], str]
    firm: Callable[[int], str]
    parent: Callable[[int], str]
    postcodes: Sequence[str]
    districts: Sequence[str]


@dataclass(frozen=True)
class Members:
    """Firms of each cluster."""

    starts: Ints  # (n_clusters + 1,)
    firm: Ints  # (n_pairs,) each once in its cluster

    @property
    def cluster(self) -> Ints:
        """Cluster of each pair, ``(n_pairs,)``."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))


@dataclass(frozen=True)
class Distortion:
    """One thing found, a row of the table ``distortions``."""

    cluster: int
    kind: Kind
    subject: str
    firms: tuple[int, ...]  # concerned, places in the list
    businesses: float
    employees: float | None  # of them, where known
    turnover_gbp: float | None
    share: float | None  # of what the sentence says
    sentence: str


def find(facts: Facts, members: Members, hexagons: Spread, names: Names) -> list[Distortion]:
    """All distortions of all clusters, by cluster, kind and subject.

    Args:
        facts: All firms of the list: postcodes are crowded by firms of no cluster too.
        members: Who is in which cluster.
        hexagons: Firms over hexagons, as of ``sites.spread``; a code ``unknown`` is no hexagon.
        names: What things are called.
    """
    found = [*_one_parent(facts, members, names), *_factories(facts, members, names)]
    found += _giants(facts, members, hexagons, names)
    found += _out_of_line(facts, members, names)
    return sorted(found, key=lambda one: (one.cluster, one.kind, one.subject))


def without(found: Iterable[Distortion], members: Members, facts: Facts, measure: Measure) -> NDArray[np.bool_]:
    """Members that a figure without the distortions keeps, ``(n_pairs,)``.

    Of firms with one parent at a postcode it keeps one: that of most employees, else of most turnover, else the first.
    """
    keeps = np.ones(len(members.firm), dtype=bool)
    order = np.lexsort((members.firm, members.cluster))
    keys = _key(members.cluster, members.firm)[order]
    for one in found:
        if one.kind in LEFT_OUT[measure]:
            out = list(one.firms)
            if one.kind == "one_parent":
                out.remove(
                    min(
                        out,
                        key=lambda f: (
                            -_or_nought(float(facts.employees[f])),
                            -_or_nought(float(facts.turnover_gbp[f])),
                            f,
                        ),
                    )
                )
            keeps[order[np.searchsorted(keys, _key(np.array(one.cluster), np.array(out, dtype=np.int64)))]] = False
    return keeps


def _one_parent(facts: Facts, members: Members, names: Names) -> Iterator[Distortion]:
    parent, postcode = facts.parent_key[members.firm], facts.postcode[members.firm]
    pairs = np.flatnonzero((parent >= 0) & (postcode >= 0))
    crowds = _crowds(pairs, members.cluster, _key(parent, postcode), SIBLINGS)
    if not crowds:
        return
    of_district = _per_district(facts, members)
    for crowd in crowds:
        key, place = int(parent[crowd[0]]), names.postcodes[int(postcode[crowd[0]])]
        share, where = _share_there(crowd, of_district, facts, members, names)
        yield _distortion(
            facts, members, crowd, "one_parent", f"{names.parent(key)} {place}", share,
            f"{len(crowd)} firms with the parent {names.parent(key)} have their registered office at {place}: "
            f"{share:.0%} of the cluster's firms in {where}. They may be one business.",
        )  # fmt: skip


def _factories(facts: Facts, members: Members, names: Names) -> Iterator[Distortion]:
    placed = np.flatnonzero(facts.counts & (facts.postcode >= 0))
    at = np.bincount(facts.postcode[placed], minlength=max(len(names.postcodes), 1))
    busy = placed[at[facts.postcode[placed]] >= FACTORY]
    own = busy + int(facts.parent_key.max(initial=0)) + 1  # beyond every parent: a firm without one is its own
    owner = np.where(facts.parent_key[busy] >= 0, facts.parent_key[busy], own)
    independent = np.bincount(np.unique(_key(facts.postcode[busy], owner)) >> 32, minlength=len(at))
    postcode = facts.postcode[members.firm]
    pairs = np.flatnonzero((postcode >= 0) & (independent[postcode] >= FACTORY))
    crowds = _crowds(pairs, members.cluster, postcode.astype(np.int64), FACTORY_MEMBERS)
    if not crowds:
        return
    of_district = _per_district(facts, members)
    for crowd in crowds:
        code = int(postcode[crowd[0]])
        share, where = _share_there(crowd, of_district, facts, members, names)
        yield _distortion(
            facts, members, crowd, "address_factory", names.postcodes[code], share,
            f"{names.postcodes[code]} is the registered office of {at[code]:,} firms, {independent[code]:,} of them "
            f"unrelated: an address to register at, not to work at. {len(crowd)} firms of the cluster have it, "
            f"{share:.0%} of those in {where}.",
        )  # fmt: skip


def _giants(facts: Facts, members: Members, hexagons: Spread, names: Names) -> Iterator[Distortion]:
    pair, area, weight = hexagons.of(members.firm.astype(np.int64))
    real = np.array([code != UNKNOWN for code in hexagons.codes], dtype=bool)
    known = (weight > 0) & real[area] if len(area) else np.zeros(0, dtype=bool)
    pair, area, weight = pair[known], area[known], weight[known]
    cells, cell = np.unique(_key(members.cluster[pair], area), return_inverse=True)
    crowded = np.bincount(cell, minlength=len(cells)) >= GIANT_FIRMS
    firm = members.firm[pair]
    large = (facts.employees[firm] >= GIANT_EMPLOYEES) | (facts.turnover_gbp[firm] >= GIANT_TURNOVER_GBP)
    told: dict[int, list[tuple[float, str, int]]] = {}
    for values, what in ((facts.employees, "employees"), (facts.turnover_gbp, "turnover")):
        amount = np.nan_to_num(values[firm]) * weight
        total = np.bincount(cell, weights=amount, minlength=len(cells))
        share = np.divide(amount, total[cell], out=np.zeros_like(amount), where=total[cell] > 0)
        for entry in np.flatnonzero(crowded[cell] & large & (share > GIANT_SHARE)):
            told.setdefault(int(cell[entry]), []).append((float(share[entry]), what, int(pair[entry])))
    count = np.bincount(cell, minlength=len(cells))
    for number, giants in told.items():
        code = hexagons.codes[int(cells[number] & _LOW)]
        concerned = np.unique([at for *_, at in giants])
        parts = [f"{names.firm(int(members.firm[at]))} has {share:.0%} of the {what}" for share, what, at in giants]
        yield _distortion(
            facts, members, concerned, "giant", code, max(share for share, *_ in giants),
            f"Of the cluster's {count[number]} firms in hexagon {code}, {' and '.join(parts)}.",
        )  # fmt: skip


def _out_of_line(facts: Facts, members: Members, names: Names) -> Iterator[Distortion]:
    for start, end in pairwise(members.starts.tolist()):
        firm = members.firm[start:end]
        employees, turnover = facts.employees[firm], facts.turnover_gbp[firm]
        odd = odd_ratios(employees, turnover)
        if facts.employees_before is not None:
            odd += jumps(employees, facts.employees_before[firm])
        together: dict[tuple[int, str], list[Odd]] = {}
        for one in odd:
            together.setdefault((one.place, one.measure), []).append(one)
        for (place, measure), ones in together.items():
            at = int(firm[place])
            kind: Kind = "out_of_line_employees" if measure == "employees" else "out_of_line_turnover"
            sentence = " ".join(_oddity(one, float(employees[place]), float(turnover[place])) for one in ones)
            yield _distortion(
                facts, members, np.array([start + place]), kind, names.firm_id(at), ones[0].share,
                f"{names.firm(at)}: {sentence} {ones[0].share:.1%} of the cluster's "
                f"{'employees' if measure == 'employees' else 'turnover'} rest on it.",
            )  # fmt: skip


def _oddity(one: Odd, employees: float, turnover_gbp: float) -> str:
    if one.jump:
        return f"{employees:,.0f} employees, {one.compared:,.0f} a year before."
    ratio = turnover_gbp / employees
    times = ratio / one.compared if ratio > one.compared else one.compared / ratio
    return (
        f"{employees:,.0f} employees and a turnover of £{turnover_gbp:,.0f}, £{ratio:,.0f} each: {times:,.0f} times "
        f"{'more' if ratio > one.compared else 'less'} than is usual in the cluster (£{one.compared:,.0f})."
    )


def _distortion(
    facts: Facts, members: Members, pairs: Ints, kind: Kind, subject: str, share: float, sentence: str
) -> Distortion:
    firms = members.firm[pairs]
    return Distortion(
        cluster=int(np.searchsorted(members.starts, pairs[0], side="right")) - 1,
        kind=kind,
        subject=subject,
        firms=tuple(firms.tolist()),
        businesses=float(len(firms)),
        employees=_known_sum(facts.employees[firms]),
        turnover_gbp=_known_sum(facts.turnover_gbp[firms]),
        share=share,
        sentence=sentence,
    )


def _crowds(pairs: Ints, cluster: Ints, key: Ints, least: int) -> list[Ints]:
    """Pairs of one cluster and key, where there are enough of them."""
    order = pairs[np.lexsort((pairs, key[pairs], cluster[pairs]))]
    new = (np.diff(cluster[order]) != 0) | (np.diff(key[order]) != 0)
    cuts = np.flatnonzero(np.concatenate(([True], new, [True]))) if len(order) else np.zeros(1, dtype=np.int64)
    enough = np.flatnonzero(np.diff(cuts) >= least)
    return [order[cuts[number] : cuts[number + 1]] for number in enough]


def _per_district(facts: Facts, members: Members) -> tuple[Ints, Ints]:
    keys = _key(members.cluster, facts.district[members.firm] + 1)
    return np.unique(keys, return_counts=True)


def _share_there(
    crowd: Ints, of_district: tuple[Ints, Ints], facts: Facts, members: Members, names: Names
) -> tuple[float, str]:
    """Share of the crowd in the cluster's firms registered in its district, and what that is called."""
    district = int(facts.district[members.firm[crowd[0]]])
    cluster = np.searchsorted(members.starts, crowd[0], side="right") - 1
    keys, counts = of_district
    there = int(counts[np.searchsorted(keys, _key(cluster, np.int64(district + 1)))])
    of_it = int((facts.district[members.firm[crowd]] == district).sum())  # a postcode may lie in two
    return of_it / there, names.districts[district] if district >= 0 else "no known district"


_LOW = (1 << 32) - 1


def _key(high: Any, low: Any) -> Any:
    return (np.asarray(high, dtype=np.int64) << 32) | np.asarray(low, dtype=np.int64)


def _known_sum(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.sum()) if len(known) else None


def _or_nought(value: float) -> float:
    return value if np.isfinite(value) else 0.0
