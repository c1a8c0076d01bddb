"""What the match stage makes of one shard: firms compared with their sites, and the rows that differ from those held.

Runs wherever the engine puts it; it reads and computes, and what it made is committed by ``matching``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crawler.errors import BadWebsiteError
from crawler.matching import Entry, Match, Site, score
from crawler.records import Mark
from crawler.urls import start_urls
from pipelines.lake_reading import TableReader
from pipelines.pinned_lake import PinnedLake

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]

INPUTS = ("firms", "sites", "pages", "marks", "premises", "matches")
WEBSITE = "website"  # source of premises that a site states
IMPORTED = "texts"  # source of words that somebody vouched for by importing them
NO_PAGE = "no page of its site was read"
NO_SITE = "words imported, no site"
MAX_SHOWN = 10  # titles per firm that are compared; later pages repeat the first ones
REGISTER = ("firm_id", "name", "previous_names", "company_number", "vat_number", "website")
SITE = ("firm_id", "source", "final_url", "website", "aliases")
MARK = ("firm_id", "kind", "value", "label", "url", "page_kind")


@dataclass(frozen=True)
class Compared:
    """One firm, its entry and its site, as the match stage sees them."""

    entry: Entry
    site: Site
    postcodes: tuple[tuple[str, str], ...]  # postcode and kind, as the site states them


@dataclass(frozen=True)
class MatchJob:
    """What all shards share: the tables, and hosts that are the site of more than one firm."""

    lake: PinnedLake
    shared: frozenset[str]


@dataclass(frozen=True)
class MatchTask:
    """Firms of a shard to be compared, None: all; or, of firms that share a site, which of them it belongs to."""

    shard: int
    firm_ids: frozenset[str] | None
    settled: Mapping[str, Match] | None = None


@dataclass(frozen=True)
class MatchedShard:
    """Rows that differ from those held, by table and firm; and firms whose site is shared, to be settled together."""

    shard: int
    changed: Mapping[str, Mapping[str, list[Row]]]  # premises, matches: firm_id: its rows
    compared: int
    together: tuple[tuple[str, str, Match], ...]  # host, firm_id, match


@dataclass
class _Shard:
    """What the lake holds about one shard's firms."""

    number: int
    compared: dict[str, Compared] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # reasons, by firm_id
    matches: dict[str, list[Row]] = field(default_factory=dict)
    premises: dict[str, list[Row]] = field(default_factory=dict)


def match_shard(job: MatchJob, task: MatchTask) -> MatchedShard:
    """Compare the firms of a shard with the sites that were read for them."""
    shard = _read(job.lake, task.shard, task.firm_ids)
    together: list[tuple[str, str, Match]] = []
    if task.settled is not None:
        found = dict(task.settled)
        shard.left_out = {}
    else:
        found = {firm_id: score(one.entry, one.site) for firm_id, one in shard.compared.items()}
        for firm_id in sorted(found):
            name = bare(shard.compared[firm_id].site.host)
            if name in job.shared:
                together.append((name, firm_id, found.pop(firm_id)))
    return MatchedShard(task.shard, _changes(shard, found, task.settled is None), len(found), tuple(together))


def _changes(shard: _Shard, found: Mapping[str, Match], whole: bool) -> dict[str, dict[str, list[Row]]]:
    matches: dict[str, list[Row]] = {}
    premises: dict[str, list[Row]] = {}
    for firm_id, match in found.items():
        one = shard.compared[firm_id]
        matches[firm_id] = [_match_row(firm_id, one.site.host, match)]
        premises[firm_id] = _premises(firm_id, one, match, shard.premises.get(firm_id, []))
    for firm_id in shard.left_out:
        matches[firm_id] = []
        premises[firm_id] = [row for row in shard.premises.get(firm_id, []) if row["source"] != WEBSITE]
    if whole:  # rows of firms that are no longer listed go too
        matches |= {firm_id: [] for firm_id in shard.matches.keys() - shard.compared.keys() - shard.left_out.keys()}
    return {
        name: {firm_id: rows for firm_id, rows in made.items() if _differ(rows, held.get(firm_id, []))}
        for name, made, held in (("premises", premises, shard.premises), ("matches", matches, shard.matches))
    }


def _read(lake: TableReader, number: int, wanted: frozenset[str] | None) -> _Shard:
    shard = _Shard(number)

    def rows_of(name: str, columns: Sequence[str] | None = None) -> list[Row]:
        rows: list[Row] = _only(lake.read_arrow(name, columns, [number]), wanted).to_pylist()
        return rows

    sites = {row["firm_id"]: row for row in rows_of("sites", SITE)}
    for name, held in (("matches", shard.matches), ("premises", shard.premises)):
        for row in rows_of(name):
            row.pop("shard")
            held.setdefault(row["firm_id"], []).append(row)
    titles: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in rows_of("pages", ("firm_id", "position", "title")):
        titles[row["firm_id"]].append((row["position"], row["title"]))
    marks: dict[str, list[Mark]] = defaultdict(list)
    for row in rows_of("marks", MARK):
        marks[row["firm_id"]].append(Mark(**{name: row[name] for name in MARK if name != "firm_id"}))
    for firm in rows_of("firms", REGISTER):
        firm_id = firm["firm_id"]
        site = sites.get(firm_id)
        if site is not None and site["source"] == IMPORTED:
            shard.left_out[firm_id] = NO_SITE
        elif site is None or firm_id not in titles or not (host := host_of(site)):
            shard.left_out[firm_id] = NO_PAGE
        else:
            own = [row for row in shard.premises.get(firm_id, []) if row["source"] != WEBSITE and row["postcode"]]
            shown = tuple(title for _, title in sorted(titles[firm_id])[:MAX_SHOWN])
            stated = tuple(sorted({(m.value, m.label) for m in marks[firm_id] if m.kind == "postcode"}))
            there = Site(host, tuple(site["aliases"] or ()), tuple(marks[firm_id]), shown)
            shard.compared[firm_id] = Compared(_entry(firm, own), there, stated)
    return shard


def _entry(firm: Row, premises: Sequence[Row]) -> Entry:
    return Entry(
        firm_id=firm["firm_id"],
        name=firm["name"] or "",
        previous_names=tuple(firm["previous_names"] or ()),
        company_number=firm["company_number"] or "",
        vat_number=firm["vat_number"] or "",
        postcodes=tuple(sorted(row["postcode"] for row in premises)),
        website=firm["website"] or "",
    )


def _only(rows: pa.Table, wanted: frozenset[str] | None) -> pa.Table:
    if wanted is None:
        return rows
    import pyarrow as pa
    import pyarrow.compute as pc

    return rows.filter(pc.is_in(rows["firm_id"], value_set=pa.array(sorted(wanted), pa.string())))


def host_of(site: Row) -> str:
    """Host of the site that was read, or an empty text when it has none."""
    try:
        url = site["final_url"] or start_urls(site["website"] or "")[0]
    except BadWebsiteError:
        return ""
    return urlsplit(url).hostname or ""


def bare(host: str) -> str:
    return host.removeprefix("www.")


def _match_row(firm_id: str, host: str, match: Match) -> Row:
    return {
        "firm_id": firm_id, "site": host, "score": match.score, "reasons": list(match.reasons),
        "matched": match.matched,
    }  # fmt: skip


def _premises(firm_id: str, one: Compared, match: Match, held: Sequence[Row]) -> list[Row]:
    """The firm's addresses from elsewhere, and those that its own site states beside them."""
    others = [row for row in held if row["source"] != WEBSITE]
    if not match.matched:
        return others
    known = {(row["postcode"], row["kind"]) for row in others}
    before = {(row["postcode"], row["kind"]): row for row in held if row["source"] == WEBSITE}
    empty = {"source": WEBSITE, "lat": None, "lon": None, "lad_code": None, "h3": None}
    # Rows held stay as they are: another stage may have placed them on the map.
    return others + [
        before.get((postcode, kind)) or {"firm_id": firm_id, "postcode": postcode, "kind": kind, **empty}
        for postcode, kind in one.postcodes
        if (postcode, kind) not in known
    ]


def _differ(rows: Sequence[Row], held: Sequence[Row]) -> bool:
    def in_order(of: Sequence[Row]) -> list[str]:
        return sorted(repr(sorted(row.items())) for row in of)

    return in_order(rows) != in_order(held)
