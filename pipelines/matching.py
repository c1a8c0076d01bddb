"""The match stage: does the site that was read belong to the firm it was read for? Reasons go into ``matches``.

Everything is scored afresh in each run, which costs less than finding out what changed; only firms whose answer differs
from the one held are written. Addresses that a firm's own site states go into ``premises``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from crawler.errors import BadWebsiteError
from crawler.matching import Entry, Match, Site, score, settle
from crawler.records import Mark
from crawler.urls import start_urls
from pipelines.errors import UsageError
from pipelines.runs import Run, StageCounts
from pipelines.screen import Progress
from pipelines.store import Lake

Row = dict[str, Any]

WEBSITE = "website"  # source of premises that a site states
IMPORTED = "texts"  # source of words that somebody vouched for by importing them
NO_PAGE = "no page of its site was read"
NO_SITE = "words imported, no site"
MAX_SHOWN = 10  # titles per firm that are compared; later pages repeat the first ones
_REGISTER = ("firm_id", "name", "previous_names", "company_number", "vat_number", "website")
_MARK = ("firm_id", "kind", "value", "label", "url", "page_kind")


@dataclass(frozen=True)
class Compared:
    """One firm, its entry and its site, as the match stage sees them."""

    entry: Entry
    site: Site
    postcodes: tuple[tuple[str, str], ...]  # postcode and kind, as the site states them


@dataclass
class _Shard:
    """What the lake holds about one shard's firms."""

    number: int
    compared: dict[str, Compared] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # reasons, by firm_id
    matches: dict[str, list[Row]] = field(default_factory=dict)
    premises: dict[str, list[Row]] = field(default_factory=dict)


def run_match(run: Run, progress: Progress) -> None:
    """Compare every firm with the site that was read for it, and write what differs from what is held."""
    lake = run.workspace.lake
    with run.stage("match") as counts:
        shared = _shared_hosts(lake)
        together: dict[str, list[tuple[str, Match]]] = defaultdict(list)
        held_back: dict[int, list[str]] = defaultdict(list)
        totals: Counter[str] = Counter()
        for number in range(lake.shards):
            shard = _read(lake, number)
            found = {firm_id: score(one.entry, one.site) for firm_id, one in shard.compared.items()}
            for firm_id in sorted(found):
                name = _bare(shard.compared[firm_id].site.host)
                if name in shared:
                    together[name].append((firm_id, found.pop(firm_id)))
                    held_back[number].append(firm_id)
            counts.rows_in += len(shard.compared) - len(held_back[number]) + len(shard.left_out)
            _commit(run, counts, shard, found, totals)
            progress(number + 1, lake.shards + len(held_back))
        settled = {firm_id: match for group in together.values() for firm_id, match in settle(group).items()}
        for number, ids in held_back.items():
            counts.rows_in += len(ids)
            shard = _read(lake, number)
            shard.left_out = {}
            shard.compared = {firm_id: shard.compared[firm_id] for firm_id in ids}
            _commit(run, counts, shard, {firm_id: settled[firm_id] for firm_id in ids}, totals, only=ids)
        run.notes["match"] = {
            "compared": totals.total(),
            "matched": totals["matched"],
            "not_recognised": totals["other"],
        }


def explain(lake: Lake, firm_id: str) -> list[Row]:
    """The rows of ``matches`` of one firm.

    Raises:
        UsageError: The firm is not in the list, or was not compared with a site yet.
    """
    from pipelines.store import shard_of

    shard = [shard_of(firm_id, lake.shards)]
    rows = [row for row in lake.read_arrow("matches", shards=shard).to_pylist() if row["firm_id"] == firm_id]
    if rows:
        return rows
    if firm_id not in lake.read_arrow("firms", ["firm_id"], shard)["firm_id"].to_pylist():
        raise UsageError(
            f"firm {firm_id!r} is not in the firm list; firm_id is the first column of firmscope export firms"
        )
    raise UsageError(
        f"firm {firm_id!r} was not compared with a site: {NO_PAGE}; run firmscope crawl, then firmscope match"
    )


def not_recognised(lake: Lake, shards: Sequence[int] | None = None) -> dict[str, str]:
    """Firms whose site was read and is not taken for theirs, with what weighs most, by firm_id."""
    found: dict[str, str] = {}
    matched = set()
    for row in lake.read_arrow("matches", ["firm_id", "matched", "reasons"], shards).to_pylist():
        if row["matched"]:
            matched.add(row["firm_id"])
        else:
            found[row["firm_id"]] = row["reasons"][0] if row["reasons"] else "no reason kept"
    return {firm_id: reason for firm_id, reason in found.items() if firm_id not in matched}


def _commit(
    run: Run, counts: StageCounts, shard: _Shard, found: Mapping[str, Match], totals: Counter[str],
    only: Sequence[str] | None = None,
) -> None:  # fmt: skip
    lake = run.workspace.lake
    matches: dict[str, list[Row]] = {}
    premises: dict[str, list[Row]] = {}
    for firm_id, match in found.items():
        one = shard.compared[firm_id]
        matches[firm_id] = [_match_row(firm_id, one.site.host, match)]
        premises[firm_id] = _premises(firm_id, one, match, shard.premises.get(firm_id, []))
        totals["matched" if match.matched else "other"] += 1
    for firm_id, reason in shard.left_out.items():
        counts.dropped[reason] += 1
        matches[firm_id] = []
        premises[firm_id] = [row for row in shard.premises.get(firm_id, []) if row["source"] != WEBSITE]
    # Rows of firms that are no longer listed go too.
    strangers = set() if only is not None else (shard.matches.keys() - shard.compared.keys() - shard.left_out.keys())
    matches |= {firm_id: [] for firm_id in strangers}
    # Premises first: a firm counts as matched only when its addresses are there.
    changed = {
        name: sorted(firm_id for firm_id, rows in made.items() if _differ(rows, held.get(firm_id, [])))
        for name, made, held in (("premises", premises, shard.premises), ("matches", matches, shard.matches))
    }
    for name, made in (("premises", premises), ("matches", matches)):
        ids = changed[name]
        rows = [row for firm_id in ids for row in made[firm_id]]
        if ids:
            counts.written[name] = counts.written.get(name, 0) + lake.replace_firms(name, ids, rows, run.run_id)
    rewritten = len({*changed["premises"], *changed["matches"]} & found.keys())
    counts.rows_out += rewritten
    counts.unchanged += len(found) - rewritten


def _read(lake: Lake, number: int) -> _Shard:
    shard = _Shard(number)
    sites = {row["firm_id"]: row for row in lake.read_arrow("sites", shards=[number]).to_pylist()}
    for name, held in (("matches", shard.matches), ("premises", shard.premises)):
        for row in lake.read_arrow(name, shards=[number]).to_pylist():
            row.pop("shard")
            held.setdefault(row["firm_id"], []).append(row)
    titles: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in lake.read_arrow("pages", ["firm_id", "position", "title"], [number]).to_pylist():
        titles[row["firm_id"]].append((row["position"], row["title"]))
    marks: dict[str, list[Mark]] = defaultdict(list)
    for row in lake.read_arrow("marks", list(_MARK), [number]).to_pylist():
        marks[row["firm_id"]].append(Mark(**{name: row[name] for name in _MARK if name != "firm_id"}))
    for firm in lake.read_arrow("firms", list(_REGISTER), [number]).to_pylist():
        firm_id = firm["firm_id"]
        site = sites.get(firm_id)
        if site is not None and site["source"] == IMPORTED:
            shard.left_out[firm_id] = NO_SITE
        elif site is None or firm_id not in titles or not (host := _host(site)):
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


def _host(site: Row) -> str:
    """Host of the site that was read, or an empty text when it has none."""
    try:
        url = site["final_url"] or start_urls(site["website"] or "")[0]
    except BadWebsiteError:
        return ""
    return urlsplit(url).hostname or ""


def _shared_hosts(lake: Lake) -> frozenset[str]:
    """Hosts of the sites of more than one firm; firms on different hosts of one domain have a site each."""
    hosts: Counter[str] = Counter()
    for row in lake.read_arrow("sites", ["source", "final_url", "website"]).to_pylist():
        if row["source"] != IMPORTED and (host := _host(row)):
            hosts[_bare(host)] += 1
    return frozenset(host for host, firms in hosts.items() if firms > 1)


def _bare(host: str) -> str:
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
