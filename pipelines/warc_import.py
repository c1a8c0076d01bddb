"""``import warc``: let records of WARC and WET files stand in for a crawl of the firms whose sites they hold.

Files are indexed first, one after the other, then every firm's site is visited in the index as it would be on the web.
A firm that was visited since keeps what it has, which is also why a second import of the same files changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from crawler.archive import Archive
from crawler.captures import Capture, CaptureIndex, IndexedFile
from crawler.collected import replay_collected
from crawler.errors import BadWebsiteError
from crawler.opt_out import parse
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.replay import replay_visits
from crawler.settings import user_agent
from crawler.urls import start_urls
from crawler.warc import Tally, file_digest, records, site_of
from pipelines.changes import PASSING
from pipelines.crawling import BATCH_S, BATCH_SITES, commit
from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.site_owners import SiteOwners
from pipelines.store import shard_of
from pipelines.workspace import Workspace

STAGE = "import"
FOLDER = "warc-import"  # in the workspace, until the import has ended: what has been read of the files so far
NOBODY = "nobody@example.org"  # an archive is not told who reads it
HELD = ["firm_id", "source", "website", "final_url", "outcome", "crawled_at", "last_ok_at", "aliases"]

READ_SINCE = "the site was read at that time or since"

Progress = Callable[[int, int], None]


@dataclass
class WarcImport:
    """What came of an import: files read, files known from before, firms taken, the others by reason, and speed."""

    files: list[IndexedFile] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)
    taken: int = 0
    left: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def megabytes_per_s(self) -> float:
        """Speed of reading the files, as they lie on the disk; 0 when none had to be read."""
        return sum(file.size for file in self.files) / 1e6 / self.seconds if self.seconds else 0.0


def import_warc(run: Run, paths: Sequence[Path], reading: Progress, visiting: Progress) -> WarcImport:
    """Read files and visit in them the sites of all firms that they hold.

    Args:
        run: The run to work for.
        paths: WARC or WET files.
        reading: Called with bytes read and bytes in all.
        visiting: Called with firms done and firms in all.

    Raises:
        UsageError: A file cannot be read, or is no WARC file; nothing was written.
    """
    workspace, lake = run.workspace, run.workspace.lake
    found = WarcImport()
    archive = Archive(workspace.archive_folder, user_agent(workspace.config.crawl.contact or NOBODY))
    for path in paths:
        _refuse_unreadable(path)
    firms = lake.read_arrow("firms", ["firm_id", "website"]).to_pylist()
    held = {row["firm_id"]: row for row in lake.read_arrow("sites", HELD).to_pylist()}
    sites = {firm["firm_id"]: _sites(firm["website"], held.get(firm["firm_id"])) for firm in firms}
    wanted = frozenset(site for of_firm in sites.values() for site in of_firm)
    index = CaptureIndex(workspace.folder / FOLDER, _purpose(firms))
    done = False
    try:
        with run.stage(STAGE) as counts:
            counts.rows_in = len(firms)
            imported = set(lake.read_arrow("warc_files", ["digest"])["digest"].to_pylist())
            anew = any(firm["website"] and firm["firm_id"] not in held for firm in firms)
            _read(paths, set() if anew else imported, wanted, index, found, reading)
            _visit(run, archive, index, firms, held, sites, found, visiting)
            counts.rows_out, counts.unchanged = found.taken, found.left.total()
            rows = [_file_row(file) for file in found.files if file.digest not in imported]
            counts.written["warc_files"] = lake.append("warc_files", rows, run.run_id)
            run.notes["left_as_they_were"] = dict(sorted(found.left.items()))
        done = True
    finally:
        index.close(remove=done)
        archive.close()
    return found


def warc_settings(workspace: Workspace) -> CrawlSettings:
    """How archived sites are read: as the crawl reads them, except for what only the web asks for.

    Raises:
        SettingsError: A line of the opt-out list names no site.
    """
    config, listed = workspace.config.crawl, workspace.opt_out_file
    return CrawlSettings(
        contact=config.contact or NOBODY,
        delay_s=0,
        page_budget=config.page_budget,
        depth=config.depth,
        allow_addresses=tuple(config.allow_addresses),
        tls=config.tls,
        opt_out=parse(listed.read_text(encoding="utf-8")) if listed.is_file() else (),
        language=config.language,
    )


def _refuse_unreadable(path: Path) -> None:
    try:
        if next(records(path, tally := Tally()), None) is None:
            why = f" ({tally.fault})" if tally.fault else ""
            raise UsageError(f"{path}: no WARC record in it{why}; expected a WARC or WET file, compressed or not")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error


def _read(
    paths: Sequence[Path],
    imported: set[str],
    wanted: frozenset[str],
    index: CaptureIndex,
    found: WarcImport,
    progress: Progress,
) -> None:
    sizes = [path.stat().st_size for path in paths]
    before = 0
    progress(0, sum(sizes))
    done = index.files()
    for path, size in zip(paths, sizes, strict=True):
        begun = time.monotonic()
        digest = file_digest(path)
        if digest in imported:
            found.known.append(path)
        elif digest in done:  # by an import that was interrupted
            found.files += [done[digest]] if done[digest] not in found.files else []
        else:
            reached = partial(_reached, progress, before, sum(sizes))
            done[digest] = index.add(path, digest, wanted, reached)
            found.files.append(done[digest])
            found.seconds += time.monotonic() - begun
        before += size
        progress(before, sum(sizes))


def _reached(progress: Progress, before: int, total: int, at: int) -> None:
    progress(before + at, total)


def _visit(
    run: Run,
    archive: Archive,
    index: CaptureIndex,
    firms: Sequence[dict[str, Any]],
    held: dict[str, dict[str, Any]],
    sites: dict[str, set[str]],
    found: WarcImport,
    progress: Progress,
) -> None:
    lake, settings, owners = run.workspace.lake, warc_settings(run.workspace), SiteOwners(run.workspace.lake)
    digests = {file.digest for file in found.files}
    firms_of = Counter(site for of_firm in sites.values() for site in of_firm)
    batch: list[list[SiteCrawl]] = []
    since = time.monotonic()
    in_order = sorted(firms, key=lambda firm: (shard_of(firm["firm_id"], lake.shards), firm["firm_id"]))
    for done, firm in enumerate(in_order, start=1):
        firm_id, site = firm["firm_id"], held.get(firm["firm_id"])
        captures = index.of(sites[firm_id], digests)
        why = _why_left(firm, site, captures)
        if not why:
            target = CrawlTarget(firm_id, firm["website"])
            alone = all(firms_of[key] == 1 for key in sites[firm_id])
            replay = replay_visits if alone and all(capture.own for capture in captures) else replay_collected
            visits = asyncio.run(replay(target, captures, settings, archive))
            news = [visit for visit in visits if _is_news(visit, firm, site)]
            why = "" if news else READ_SINCE if visits else "no page of the site can be read in these files"
        if why:
            found.left[why] += 1
        else:
            batch.append(news)
            found.taken += 1
        if len(batch) >= BATCH_SITES or time.monotonic() - since > BATCH_S or done == len(in_order):
            archive.sync()
            _commit(run, batch, owners)
            batch, since = [], time.monotonic()
        progress(done, len(in_order))


def _commit(run: Run, batch: Sequence[Sequence[SiteCrawl]], owners: SiteOwners) -> None:
    """Commit all firms' first visits, then their second ones: each is news about the one before."""
    for place in range(max((len(visits) for visits in batch), default=0)):
        visits = [of_firm[place] for of_firm in batch if place < len(of_firm)]
        commit(run, visits, source="warc", stage=STAGE, owners=owners)


def _why_left(firm: dict[str, Any], site: dict[str, Any] | None, captures: Sequence[Capture]) -> str:
    if not firm["website"]:
        return "the firm list gives no website"
    if not captures:
        return "these files hold nothing of the site"
    if site is not None and site["source"] == "texts":
        return "the firm's words were imported from a file of texts"
    known = _same_website(firm, site)
    if known and known["outcome"] not in PASSING and max(one.at for one in captures) <= known["crawled_at"]:
        return READ_SINCE
    return ""


def _is_news(visit: SiteCrawl, firm: dict[str, Any], site: dict[str, Any] | None) -> bool:
    """Whether a visit is newer than what the tables say; words also when since then the site could not be read."""
    known = _same_website(firm, site)
    if known is None or visit.ended_at > known["crawled_at"]:
        return True
    newer = known["last_ok_at"] is None or visit.ended_at > known["last_ok_at"]
    return bool(known["outcome"] in PASSING and visit.pages and newer)


def _same_website(firm: dict[str, Any], site: dict[str, Any] | None) -> dict[str, Any] | None:
    return site if site is not None and site["website"] == firm["website"] else None


def _sites(website: str | None, held: dict[str, Any] | None) -> set[str]:
    """Keys of the sites at which a firm's pages may lie: its website, and where that led before."""
    urls: list[str] = []
    if website:
        try:
            urls += start_urls(website)
        except BadWebsiteError:
            return set()
        if held is not None and held["website"] == website:
            urls += [held["final_url"] or "", *(f"http://{alias}/" for alias in held["aliases"] or ())]
    return _keys(urls)


def _purpose(firms: Sequence[dict[str, Any]]) -> str:
    keys = {key for firm in firms for key in _sites(firm["website"], None)}
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def _keys(urls: Iterable[str]) -> set[str]:
    return {key for url in urls if (key := site_of(url))}


def _file_row(file: IndexedFile) -> dict[str, Any]:
    return {
        "digest": file.digest, "name": file.path.name, "imported_at": datetime.now(UTC), "bytes": file.size,
        "records": file.records, "responses": file.answers, "taken": file.wanted,
        "skipped": max(0, file.answers - file.wanted),
    }  # fmt: skip
