"""Gather what the report shows from the tables, before anything becomes HTML.

The firms listed under a cluster are counted again and compared with its cell: a report never prints a figure beside a
list that does not bear it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from labels.taxonomy import Sector
from pipelines.containers import codes_needed
from pipelines.errors import TableError
from pipelines.export import WAITING, strongest_first
from pipelines.firm_facts import (
    NOT_ATTEMPTED,
    left_out,
    site_outcomes,
)
from pipelines.frames import rows
from pipelines.reporting.content import Area, Cluster, Figure, FirmList, Outcome, Report, ReportInput, Tier
from pipelines.reporting.firm_rows import Unshown, all_firms, first_of, largest, member, noted
from pipelines.reporting.formats import SUPPRESSED
from pipelines.reporting.wording import LISTS_NAME_FIRMS, OUTCOMES, TIERS, by_code, limits, rules_of, withholds
from pipelines.rollup import ALL, CORRECTED, FLAGS, LATEST, METRICS, UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

    from labels.taxonomy import Cluster as Gathering

MAX_UNREAD = 50  # of one outcome, of which there are two dozen: their page stays under 1 MB
MAX_AREAS = 40

_BY_CODE = {"probability": None, "evidence_sentence": None, "evidence_url": None}
_CELL = ("cluster", "area_kind", "area_code", "metric", "period", "value", "low", "high", "n", "coverage", "flags")
_SHOWN = (*METRICS, *CORRECTED.values())
_KINDS = (ALL, "lad", "postcode_area")


def gather(given: ReportInput) -> Report:
    """Everything the report shows, in its order.

    Raises:
        TableError: The cells were not made from these assignments, or a cluster has none.
    """
    gone = left_out(given.firms)
    firms = all_firms(given)
    counted = {firm_id for firm_id in firms if firm_id not in gone}
    held = {
        firm_id: {made["sector"]: made for made in found}
        for firm_id, found in strongest_first(given.taxonomy, given.assignments).items()
        if firm_id in counted
    }
    cells, common = _cells(given.cells)
    area_kind = _area_kind(cells)
    codes: dict[str, list[str]] = {}
    for cluster, kind, code, metric in cells:
        if (kind, metric) == (area_kind, METRICS[0]):
            codes.setdefault(cluster, []).append(code)
    clusters = [_cluster(given, sector, cells, area_kind, codes, firms, held) for sector in given.taxonomy.sectors]
    gathered = _gathered(given, held, counted)
    gathering = [
        _cluster(given, _as_sector(given, found), cells, area_kind, codes, firms, gathered)
        for found in given.taxonomy.clusters
    ]
    in_none = counted & given.readable - held.keys()
    waiting = (counted & given.waiting) - held.keys()
    unread = counted - given.readable - waiting - held.keys()
    shown_limits = limits(
        listed=len(counted),
        unread=len(unread),
        waiting=len(waiting),
        earlier=len(held.keys() - given.readable),
        in_a_cluster=len(held),
        memberships=None if withholds(given.provenance.rules) else sum(cluster.firms.total for cluster in clusters),
        untrained=[cluster.sector.name for cluster in clusters if cluster.not_trained],
        corrected=sum(CORRECTED["businesses"] in cluster.figures for cluster in clusters),
        clusters=len(clusters),
        rules=rules_of(given.provenance.rules),
    )
    if by_code_alone := gathered.keys() - held.keys():
        shown_limits.append(by_code(len(by_code_alone)))
    if withholds(given.provenance.rules):
        shown_limits.append(LISTS_NAME_FIRMS)
    tiers = (
        Tier(key, *names, tuple(cluster for cluster in [*clusters, *gathering] if cluster.sector.tier == key))
        for key, names in TIERS.items()
    )
    return Report(
        title=given.title,
        provenance=given.provenance,
        tiers=tuple(tier for tier in tiers if tier.clusters),
        in_list=len(firms),
        in_a_cluster=len(held),
        in_none=_none_list(given, firms, in_none),
        waiting=first_of([noted(firms[firm_id], WAITING) for firm_id in waiting]),
        unread=len(unread),
        outcomes=_outcomes(given, firms, unread),
        gone=first_of([noted(firms[firm_id], note) for firm_id, note in gone.items()]),
        read=len(counted & given.readable),
        area_kind=area_kind,
        common_flags=common,
        flags=tuple(sorted({flag for figure in cells.values() for flag in figure.flags})),
        limits=tuple(shown_limits),
    )


def _gathered(
    given: ReportInput, held: Mapping[str, Mapping[str, Mapping[str, Any]]], counted: set[str]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Firms of the clusters that gather others, with the most probable of their sectors that brought them in."""
    clusters = given.taxonomy.clusters
    codes = codes_needed(given.taxonomy, given.firms)
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for firm_id in counted:
        mine = held.get(firm_id, {})
        for cluster in clusters:
            if cluster.holds(mine.keys(), codes.get(firm_id, ())):
                brought = [made for key, made in mine.items() if key in cluster.sectors]
                found.setdefault(firm_id, {})[cluster.key] = brought[0] if brought else _BY_CODE
    return found


def _as_sector(given: ReportInput, cluster: Gathering) -> Sector:
    """A cluster that gathers others, as the report shows it: what it gathers is its definition."""
    parts = [given.taxonomy.by_key[key].name for key in cluster.sectors]
    if cluster.sic:
        parts.append(f"firms with a SIC code that begins with {', '.join(cluster.sic)}")
    return Sector(cluster.key, cluster.name, cluster.tier, (), f"Gathers {'; '.join(parts)}.")


def _cells(frame: pd.DataFrame) -> tuple[dict[tuple[str, str, str, str], Figure], tuple[str, ...]]:
    """Figures without the flags that are said once, and the flags that all plain figures of the whole list carry."""
    shown = (frame["period"] == LATEST) & frame["metric"].isin(_SHOWN) & frame["area_kind"].isin(_KINDS)
    found = [row[:4] + row[5:] for row in rows(frame[shown], _CELL)]
    plain = [row for row in found if row[3] in METRICS]
    everywhere = _shared(row[-1] for row in plain)
    in_all = _shared(row[-1] for row in plain if row[1] == ALL)
    cells = {}
    for cluster, kind, code, metric, value, low, high, n, coverage, flags in found:
        said = set(in_all if kind == ALL else everywhere)
        if metric != METRICS[0]:
            said |= {"low_coverage", "not_trained"}  # of the whole row: they stand at its businesses
        own = tuple(flag for flag in flags if flag not in said)
        cells[cluster, kind, code, metric] = Figure(value, low, high, int(n), coverage, own)
    return cells, tuple(flag for flag in FLAGS if flag in in_all)


def _shared(flags: Iterable[list[str]]) -> set[str]:
    sets = [set(found) for found in flags]
    return set.intersection(*sets) if sets else set()


def _area_kind(cells: Mapping[tuple[str, str, str, str], Figure]) -> str:
    """Kind of area that places more firms; districts when both place as many."""
    placed: Counter[str] = Counter()
    for (_, kind, code, metric), figure in cells.items():
        if metric == "businesses" and code != UNKNOWN:
            placed[kind] += figure.n
    return "postcode_area" if placed["postcode_area"] > placed["lad"] else "lad"


def _cluster(
    given: ReportInput,
    sector: Sector,
    cells: Mapping[tuple[str, str, str, str], Figure],
    area_kind: str,
    codes_of: Mapping[str, list[str]],
    firms: Mapping[str, Unshown],
    held: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Cluster:
    shown = (*METRICS, *CORRECTED.values())
    figures = {metric: cells.get((sector.key, ALL, ALL, metric)) for metric in shown}
    members = [member(firms[firm_id], found[sector.key]) for firm_id, found in held.items() if sector.key in found]
    known = {metric: figure for metric, figure in figures.items() if figure is not None}
    if "businesses" in known and SUPPRESSED in known["businesses"].flags:
        members = []  # a list below a figure that is withheld would tell it
    if not set(METRICS) <= known.keys() or known["businesses"].n != len(members):
        counted = known["businesses"].n if "businesses" in known else "no"
        raise TableError(
            f"cluster {sector.key}: the cells count {counted} businesses, but {len(members)} firms are assigned to it; "
            "run firmscope rollup, then the report again"
        )
    codes = list(codes_of.get(sector.key, ()))
    by_area = {
        code: {
            metric: cells[sector.key, area_kind, code, metric]
            for metric in shown
            if metric in METRICS or (sector.key, area_kind, code, metric) in cells
        }
        for code in codes
    }
    if codes == [UNKNOWN]:
        codes = []  # a table that says for every cluster that no place is known says nothing
    codes.sort(key=lambda code: (code == UNKNOWN, -by_area[code]["businesses"].n, code))
    areas = [Area(None if code == UNKNOWN else given.area_names.get(code, code), by_area[code]) for code in codes]
    return Cluster(
        sector=sector,
        parents=tuple(given.taxonomy.by_key[parent].name for parent in sector.parents),
        figures=known,
        areas=tuple(areas[:MAX_AREAS]),
        more_areas=max(0, len(areas) - MAX_AREAS),
        firms=first_of(members),
        not_trained=sector.key in given.untrained,
        largest={amount: largest(members, amount) for amount in METRICS[1:]},
    )


def _none_list(given: ReportInput, firms: Mapping[str, Unshown], in_none: set[str]) -> FirmList:
    reasons = {
        firm_id: reason
        for firm_id, assigned, reason in rows(given.assignments, ("firm_id", "assigned", "reason"))
        if not assigned
    }
    return first_of([noted(firms[firm_id], reasons.get(firm_id, WAITING)) for firm_id in in_none])


def _outcomes(given: ReportInput, firms: Mapping[str, Unshown], unread: set[str]) -> tuple[Outcome, ...]:
    ended = site_outcomes(given.sites)
    by_word: dict[str, list[Unshown]] = {}
    for firm_id in unread:
        word, reason = ended.get(firm_id, (NOT_ATTEMPTED, ""))
        by_word.setdefault(word, []).append(noted(firms[firm_id], reason))
    ordered = sorted(by_word.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Outcome(word, OUTCOMES.get(word, ""), first_of(found, MAX_UNREAD)) for word, found in ordered)
