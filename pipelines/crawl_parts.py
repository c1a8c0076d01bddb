"""Sites that are due, in parts: a part is crawled in a process of its own, and no site is in two of them.

Firms whose websites share a registered domain go together, because the pause between two requests is kept by the
process that makes them. Only firm_id and website of each are in memory; what is known of pages is read part by part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from crawler.errors import BadWebsiteError, CrawlPausedError
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.rendering import crawl_and_render
from crawler.urls import registered_domain, start_urls
from pipelines.crawl_sign import Watch
from pipelines.known_pages import known_pages
from pipelines.lake_reading import TableReader
from pipelines.pinned_lake import PinnedLake
from pipelines.scheduling import Bounds, is_due
from pipelines.store import Lake

INPUTS = ("fetches",)
PART_SITES = 200  # of a worker: what its death loses. At a pause of 1 s and 20 pages a site half a minute
STREAM_SITES = 10_000  # here, where sites are committed as they finish: what is known of their pages takes 100 MB
DUE_BY = ["firm_id", "source", "website", "outcome", "crawled_at", "due_at", "not_before"]

Part = tuple[tuple[str, str, bool], ...]  # firm_id, website, and whether that site was visited before


@dataclass(frozen=True)
class Due:
    """What a crawl has to do."""

    firms: int  # in the list
    sites: tuple[tuple[str, str, bool], ...]  # in the order of the tables
    without_website: tuple[str, ...]


@dataclass(frozen=True)
class CrawlJob:
    """What all parts share; both folders are the workspace's, at the same place on every machine."""

    lake: PinnedLake
    settings: CrawlSettings
    archive: Path
    work: Path
    sign: str  # name of a file in the archive, there while the crawl lives


@dataclass(frozen=True)
class CrawledPart:
    """Sites of one part, every one of them, and why the crawl paused, if it did."""

    visits: tuple[SiteCrawl, ...]
    paused: str = ""
    said: str = ""


def due_sites(lake: Lake, now: datetime, bounds: Bounds) -> Due:
    """Firms that are due, read shard by shard."""
    firms, sites, without = 0, list[tuple[str, str, bool]](), list[str]()
    for shard in range(lake.shards):
        held = {row["firm_id"]: row for row in lake.read_arrow("sites", DUE_BY, [shard]).to_pylist()}
        listed = lake.read_arrow("firms", ["firm_id", "website"], [shard]).to_pylist()
        firms += len(listed)
        for firm in sorted(listed, key=lambda row: str(row["firm_id"])):
            firm_id, website = firm["firm_id"], firm["website"]
            before = held.get(firm_id)
            if not is_due(before, website, now, bounds):
                continue
            if website:
                sites.append((firm_id, website, before is not None and before["website"] == website))
            else:
                without.append(firm_id)
    return Due(firms, tuple(sites), tuple(without))


def parts_of(due: Due, size: int) -> list[Part]:
    """Parts of about ``size`` sites, in the order of the tables; firms of one domain are in one part."""
    domains = [_domain(website) for _, website, _ in due.sites]
    many = {domain for domain, firms in Counter(domains).items() if firms > 1}
    together: dict[str, list[tuple[str, str, bool]]] = {}
    for domain, site in zip(domains, due.sites, strict=True):
        if domain in many:
            together.setdefault(domain, []).append(site)
    parts: list[list[tuple[str, str, bool]]] = [[]]
    for domain, site in zip(domains, due.sites, strict=True):
        if len(parts[-1]) >= size:
            parts.append([])
        if domain not in many:
            parts[-1].append(site)
        elif domain in together:
            parts[-1].extend(together.pop(domain))
    return [tuple(part) for part in parts if part]


def targets_of(lake: TableReader, part: Part) -> list[CrawlTarget]:
    """A part's sites, with what is known of their pages."""
    known = known_pages(lake, [firm_id for firm_id, _, visited in part if visited])
    return [CrawlTarget(firm_id, website, known.pop(firm_id, ())) for firm_id, website, _ in part]


def visits_of(job: CrawlJob, part: Part, watch: Callable[[], None] = lambda: None) -> Iterator[SiteCrawl]:
    """Crawl a part, and hand each site over as it is finished; what ``watch`` raises meanwhile ends the crawl."""
    return crawl_and_render(targets_of(job.lake, part), job.settings, job.archive, job.work, watch)


def crawl_part(job: CrawlJob, part: Part) -> CrawledPart:
    """Crawl a part as a whole, for a worker.

    Raises:
        UsageError: The workspace's folder is not there.
        PartAbandonedError: The crawl that asked for the part has ended.
    """
    watch = Watch(job.archive / job.sign)
    visits: list[SiteCrawl] = []
    try:
        visits.extend(visits_of(job, part, watch))
    except CrawlPausedError as error:
        return CrawledPart(tuple(visits), error.cause, str(error))
    return CrawledPart(tuple(visits))


def _domain(website: str) -> str:
    try:
        host = urlsplit(start_urls(website)[0]).hostname or ""
    except BadWebsiteError:
        return website
    return registered_domain(host)
