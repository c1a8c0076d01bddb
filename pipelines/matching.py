"""The match stage: is the site that was read for a firm really that firm's own?

Every firm with pages gets a row in ``matches``. Only firms are compared about which something changed since the last
match: the register's entry, the site, its marks and titles, an address, or who else has that site. Postcodes that a
firm's own site states go into ``premises``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from crawler.matching import Match, settle
from pipelines.changed_firms import changed_firms
from pipelines.engine import Done
from pipelines.errors import UsageError
from pipelines.failed_parts import FAILED, firms_of_part, report_failures
from pipelines.firm_texts import Tables
from pipelines.match_shard import (
    IMPORTED,
    INPUTS,
    MARK,
    NO_PAGE,
    NO_SITE,
    REGISTER,
    SITE,
    MatchedShard,
    MatchJob,
    MatchTask,
    Row,
    bare,
    host_of,
    match_shard,
)
from pipelines.pinned_lake import PinnedLake
from pipelines.runs import Run, StageCounts
from pipelines.screen import Progress
from pipelines.store import Lake, shard_of

if TYPE_CHECKING:
    import pyarrow as pa


NOTE = "firmscope.matched"  # noted with ``matches``: the snapshots that it was made from
# A firm is compared again when one of these is another; ``premises`` without what puts an address on the map.
MATTERS = {
    "firms": REGISTER[1:],
    "sites": SITE[1:],
    "pages": ("position", "title"),
    "marks": MARK[1:],
    "premises": ("postcode", "kind", "source"),
}
COMMIT_ROWS = 100_000
HOST = (
    r"^[A-Za-z][A-Za-z0-9+.-]*://(?P<host>[A-Za-z0-9_.-]+)(?::[0-9]+)?(?:[/?#].*)?$"  # others are taken apart in Python
)


def run_match(run: Run, progress: Progress) -> None:
    """Compare firms with the sites that were read for them, and write what differs from what is held."""
    lake, engine = run.workspace.lake, run.workspace.engine
    with run.stage("match") as counts, engine.working():
        hosts = _hosts(lake)
        before = {name: lake.snapshot(name) for name in INPUTS}
        job = MatchJob(PinnedLake.of(lake, INPUTS), hosts.shared())
        tasks = _tasks(lake, hosts)
        writer = _Writer(run, counts)
        together: dict[str, list[tuple[str, Match]]] = defaultdict(list)
        failed: list[Done[MatchTask, MatchedShard]] = []
        for number, done in enumerate(engine.run(match_shard, job, tasks), start=1):
            if done.made is None:
                failed.append(done)
            else:
                writer.add(done.made)
                for host, firm_id, match in done.made.together:
                    together[host].append((firm_id, match))
            progress(number, len(tasks) + 1)
        settled = {firm_id: match for group in together.values() for firm_id, match in settle(group).items()}
        settling = _settled_tasks(settled, lake.shards)
        for done in engine.run(match_shard, job, settling):
            if done.made is None:
                failed.append(done)
            else:
                writer.add(done.made)
        writer.commit()
        failures = [(_part(done.task), done.failure) for done in failed]
        report_failures(run, "match", failures, len(tasks) + len(settling))
        _count(run, counts, hosts, [done.task for done in failed], len(writer.rewritten))
        if not failed:
            _remember(lake, before)
        progress(len(tasks) + 1, len(tasks) + 1)


def explain(lake: Lake, firm_id: str) -> list[Row]:
    """The rows of ``matches`` of one firm.

    Raises:
        UsageError: The firm is not in the list, or was not compared with a site yet.
    """
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


def not_recognised(lake: Tables, shards: Sequence[int] | None = None) -> dict[str, str]:
    """Firms whose site was read and is not taken for theirs, with what weighs most, by firm_id."""
    found: dict[str, str] = {}
    matched = set()
    for row in lake.read_arrow("matches", ["firm_id", "matched", "reasons"], shards).to_pylist():
        if row["matched"]:
            matched.add(row["firm_id"])
        else:
            found[row["firm_id"]] = row["reasons"][0] if row["reasons"] else "no reason kept"
    return {firm_id: reason for firm_id, reason in found.items() if firm_id not in matched}


class _Writer:
    """Rows of many shards on their way into the tables, a commit for so many of them."""

    def __init__(self, run: Run, counts: StageCounts) -> None:
        self._run, self._counts = run, counts
        self._waiting: dict[str, dict[str, list[Row]]] = {"premises": {}, "matches": {}}
        self.rewritten: set[str] = set()

    def add(self, made: MatchedShard) -> None:
        """Take one shard's rows."""
        for name, waiting in self._waiting.items():
            waiting |= made.changed[name]
        if sum(map(len, self._waiting.values())) >= COMMIT_ROWS:
            self.commit()

    def commit(self) -> None:
        """Premises first: a firm counts as matched only when its addresses are there."""
        lake, written = self._run.workspace.lake, self._counts.written
        for name, waiting in self._waiting.items():
            self.rewritten.update(firm_id for firm_id, rows in waiting.items() if rows or name == "premises")
            if waiting:
                rows = [row for firm_id in sorted(waiting) for row in waiting[firm_id]]
                written[name] = written.get(name, 0) + lake.replace_firms(name, waiting, rows, self._run.run_id)
            waiting.clear()


@dataclass(frozen=True)
class _Hosts:
    """Whose site is where: one row per firm whose site was visited, and how many firms there are, by shard."""

    of_firm: pa.Table  # firm_id, host
    firms: Mapping[int, int]
    imported: Mapping[int, int]  # those whose words came without a site

    def shared(self) -> frozenset[str]:
        """Hosts of the sites of more than one firm; firms on different hosts of one domain have a site each."""
        import pyarrow.compute as pc

        counted = pc.value_counts(self.of_firm["host"])
        return frozenset(counted.field("values").filter(pc.greater(counted.field("counts"), 1)).to_pylist())

    def of(self, firm_ids: Iterable[str]) -> set[str]:
        """Hosts of some firms."""
        return set(self._where("firm_id", firm_ids, "host"))

    def at(self, hosts: Iterable[str]) -> set[str]:
        """Firms at some hosts."""
        return set(self._where("host", hosts, "firm_id"))

    def _where(self, column: str, values: Iterable[str], wanted: str) -> list[str]:
        import pyarrow as pa
        import pyarrow.compute as pc

        held = pc.is_in(self.of_firm[column], value_set=pa.array(sorted(values), pa.string()))
        found: list[str] = self.of_firm[wanted].filter(held).to_pylist()
        return found


def _hosts(lake: Lake) -> _Hosts:
    import pyarrow as pa
    import pyarrow.compute as pc

    parts, firms, imported = [], {}, {}
    for shard in range(lake.shards):
        listed = lake.read_arrow("firms", ["firm_id"], [shard])["firm_id"].combine_chunks()
        sites = lake.read_arrow("sites", ["firm_id", "source", "final_url", "website"], [shard]).combine_chunks()
        without = pc.equal(sites["source"], IMPORTED)
        theirs = sites["firm_id"].filter(without).combine_chunks()
        firms[shard] = len(listed)
        imported[shard] = pc.sum(pc.is_in(listed, value_set=theirs)).as_py() or 0
        sites = sites.filter(pc.invert(without)).combine_chunks()
        hosts = pc.struct_field(pc.extract_regex(sites["final_url"].combine_chunks(), HOST), "host")
        odd = pc.is_null(hosts)
        rest = [bare(host_of(row)) or None for row in sites.filter(odd).to_pylist()]
        plain = pc.replace_substring_regex(pc.utf8_lower(hosts), r"^www\.", "")
        hosts = pc.replace_with_mask(plain, odd, pa.array(rest, pa.string()))
        known = pc.is_valid(hosts)
        ids = sites["firm_id"].combine_chunks()
        parts.append(pa.table({"firm_id": ids.filter(known), "host": hosts.filter(known)}))
    return _Hosts(pa.concat_tables(parts), firms, imported)


def _tasks(lake: Lake, hosts: _Hosts) -> list[MatchTask]:
    """What to compare: all firms, or those about which something changed, and whoever shares a site with them."""
    noted = json.loads(lake.notes("matches").get(NOTE, "{}"))
    changed: set[str] = set()
    known = noted.get("firmscope") == version("firmscope") and noted.get("matches") == lake.rows_now("matches")
    for name, columns in MATTERS.items() if known else ():
        of_table = changed_firms(lake, name, noted.get(name), columns)
        if of_table is None:
            known = False
            break
        changed |= of_table
    if not known:
        return [MatchTask(shard, None) for shard in range(lake.shards)]
    if changed:
        before = {row["site"] for row in _rows_of(lake, "matches", changed, ["firm_id", "site"])}
        changed |= hosts.at(hosts.of(changed) | {bare(host) for host in before})
    by_shard: dict[int, set[str]] = defaultdict(set)
    for firm_id in changed:
        by_shard[shard_of(firm_id, lake.shards)].add(firm_id)
    return [MatchTask(shard, frozenset(ids)) for shard, ids in sorted(by_shard.items())]


def _rows_of(lake: Lake, name: str, firm_ids: set[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.read_firms(name, firm_ids, columns).to_pylist()
    return rows


def _settled_tasks(settled: Mapping[str, Match], shards: int) -> list[MatchTask]:
    by_shard: dict[int, dict[str, Match]] = defaultdict(dict)
    for firm_id, match in settled.items():
        by_shard[shard_of(firm_id, shards)][firm_id] = match
    return [MatchTask(shard, frozenset(of), of) for shard, of in sorted(by_shard.items())]


def _part(task: MatchTask) -> str:
    return f"shard {task.shard}" if task.firm_ids is None else firms_of_part(task.firm_ids)


def _count(run: Run, counts: StageCounts, hosts: _Hosts, failed: Sequence[MatchTask], rewritten: int) -> None:
    """Every firm of the list: compared, or not, and why not; the note tells what stands in the table."""
    import pyarrow.compute as pc

    lake, held, compared = run.workspace.lake, Counter[str](), 0
    for shard in range(lake.shards):
        matches = lake.read_arrow("matches", ["firm_id", "matched"], [shard])
        held["compared"] += len(matches)
        held["matched"] += pc.sum(matches["matched"]).as_py() or 0
        of_shard = [task for task in failed if task.shard == shard]
        if of_shard:
            dropped = _left_out(lake, shard, matches["firm_id"].to_pylist(), of_shard)
        else:
            without_site = hosts.imported[shard]
            dropped = {NO_SITE: without_site, NO_PAGE: hosts.firms[shard] - without_site - len(matches)}
        counts.rows_in += hosts.firms[shard]
        counts.dropped.update({reason: firms for reason, firms in dropped.items() if firms})
        compared += hosts.firms[shard] - sum(dropped.values())
    counts.rows_out = min(rewritten, compared)
    counts.unchanged = compared - counts.rows_out
    run.notes["match"] = dict(held) | {"not_recognised": held["compared"] - held["matched"]}


def _left_out(lake: Lake, shard: int, held: Iterable[str], failed: Sequence[MatchTask]) -> dict[str, int]:
    """Listed firms of a shard that were not compared, by reason, where tasks failed; ``held`` have a match."""
    listed = set(lake.read_arrow("firms", ["firm_id"], [shard])["firm_id"].to_pylist())
    sites = lake.read_arrow("sites", ["firm_id", "source"], [shard]).to_pylist()
    imported = {row["firm_id"] for row in sites if row["source"] == IMPORTED}
    as_they_were = {firm_id for task in failed for firm_id in (listed if task.firm_ids is None else task.firm_ids)}
    rest = listed - as_they_were
    return {
        FAILED: len(listed & as_they_were),
        NO_SITE: len(rest & imported),
        NO_PAGE: len(rest - imported - set(held)),
    }


def _remember(lake: Lake, before: Mapping[str, int | None]) -> None:
    """Note what the rows of ``matches`` were made from; its own addresses in ``premises`` are part of it."""
    made_from = dict(before) | {"premises": lake.snapshot("premises"), "matches": lake.rows_now("matches")}
    lake.note("matches", {NOTE: json.dumps(made_from | {"firmscope": version("firmscope")})})
