"""The crawl stage: visit the sites that are due and put what they say into sites, pages and fetches.

Sites are committed in batches, ``sites`` last: a firm counts as visited only when everything about it is in the lake.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from crawler.errors import CrawlerError
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from pipelines.errors import FirmscopeError, UsageError
from pipelines.runs import Run
from pipelines.visits import Row, fetch_rows, no_website, page_rows, site_row

# A kill loses at most this much; every commit rewrites the shards that it touches.
BATCH_SITES = 500
BATCH_S = 30.0

# Outcomes that are ours, not the site's: such a firm stays due.
UNVISITED = frozenset({"internal_error", "not_attempted"})

Progress = Callable[[int, int], None]


def run_crawl(run: Run, progress: Progress, now: datetime | None = None) -> None:
    """Visit every firm's site that is due; firms without a website are stated as such.

    Args:
        run: The run to work for.
        progress: Called with sites done and sites due.
        now: Instant against which sites are due; the present when not given.

    Raises:
        UsageError: ``crawl.contact`` is not set.
    """
    lake, config = run.workspace.lake, run.workspace.config
    now = now or datetime.now(UTC)
    firms = lake.read_arrow("firms", ["firm_id", "website"]).to_pylist()
    held = {row["firm_id"]: row for row in lake.read_arrow("sites").to_pylist()}
    websites: dict[str, str | None] = {row["firm_id"]: row["website"] for row in firms}
    recrawl_after = timedelta(hours=config.crawl.recrawl_after_h)
    due = sorted(
        firm_id for firm_id, website in websites.items() if is_due(held.get(firm_id), website, now, recrawl_after)
    )
    with run.stage("crawl") as counts:
        counts.rows_in = len(websites)
        counts.unchanged = len(websites) - len(due)
        targets = [CrawlTarget(firm_id, website) for firm_id in due if (website := websites[firm_id])]
        if targets and not config.crawl.contact:
            raise UsageError(
                "crawl.contact is not set: site owners must be able to reach you; set it with: "
                "firmscope config set crawl.contact YOU@YOUR-ORGANISATION"
            )
        commit(run, [no_website(firm_id, now) for firm_id in due if not websites[firm_id]])
        if targets:
            _visit(run, targets, progress)
        run.notes["outcomes"] = outcome_counts(run)
        _refuse_broken_crawl(run, targets)


def commit(run: Run, visits: Sequence[SiteCrawl]) -> None:
    """Put visits into pages, fetches and sites, in this order."""
    lake, counts = run.workspace.lake, run.stages["crawl"]
    ids = {visit.firm_id for visit in visits}
    if not ids:
        return
    sites = {row["firm_id"]: row for row in lake.read_arrow("sites").to_pylist() if row["firm_id"] in ids}
    held: dict[str, list[Row]] = {firm_id: [] for firm_id in ids}
    for row in lake.read_arrow("pages").to_pylist():
        if row["firm_id"] in ids:
            held[row["firm_id"]].append(row)
    pages = {visit.firm_id: page_rows(visit, sites.get(visit.firm_id), held[visit.firm_id]) for visit in visits}
    for name, rows in (
        ("pages", [row for of_firm in pages.values() for row in of_firm]),
        ("fetches", [row for visit in visits for row in fetch_rows(visit)]),
        ("sites", [site_row(visit, len(pages[visit.firm_id])) for visit in visits]),
    ):
        counts.written[name] = counts.written.get(name, 0) + lake.replace_firms(name, ids, rows, run.run_id)
    counts.rows_out += len(visits)
    for visit in visits:
        run.log("site", firm_id=visit.firm_id, outcome=visit.outcome, reason=visit.reason, pages=len(visit.pages))


def _visit(run: Run, targets: Sequence[CrawlTarget], progress: Progress) -> None:
    batch: list[SiteCrawl] = []
    since = time.monotonic()
    progress(0, len(targets))
    try:
        visits = crawl(targets, _settings(run), run.workspace.archive_folder, run.folder)
        for done, visit in enumerate(visits, start=1):
            batch.append(visit)
            progress(done, len(targets))
            if len(batch) >= BATCH_SITES or time.monotonic() - since > BATCH_S:
                commit(run, batch)
                batch, since = [], time.monotonic()
    except (KeyboardInterrupt, CrawlerError):
        commit(run, batch)
        raise
    commit(run, batch)


def _refuse_broken_crawl(run: Run, targets: Sequence[CrawlTarget]) -> None:
    """A crawl that hardly happened must not go on to be published as figures."""
    due = {target.firm_id for target in targets}
    ended = run.workspace.lake.read_arrow("sites", ["firm_id", "outcome", "reason"]).to_pylist()
    unvisited = [row for row in ended if row["firm_id"] in due and row["outcome"] in UNVISITED]
    if len(unvisited) > len(due) / 2:
        raise FirmscopeError(
            f"{len(unvisited)} of {len(due)} sites were not visited ({unvisited[0]['reason']}); nothing was published: "
            f"look into {run.folder / 'crawl.log'}, then run this again"
        )


def is_due(held: Row | None, website: str | None, now: datetime, recrawl_after: timedelta) -> bool:
    """Whether a firm is to be visited: never seen, its website changed, or long enough ago. Imported words stay."""
    if held is None:
        return True
    if held["source"] != "crawl":
        return False
    if held["website"] != website or held["outcome"] in UNVISITED:
        return True
    return website is not None and now - held["crawled_at"] >= recrawl_after


def outcome_counts(run: Run) -> dict[str, int]:
    """Firms per outcome word of their newest visit; firms whose words were imported were not visited."""
    sites = run.workspace.lake.read_arrow("sites", ["source", "outcome"]).to_pylist()
    return dict(sorted(Counter(row["outcome"] for row in sites if row["source"] == "crawl").items()))


def _settings(run: Run) -> CrawlSettings:
    config = run.workspace.config.crawl
    if config.allow_addresses:
        run.notes["allowed_addresses"] = list(config.allow_addresses)
    return CrawlSettings(
        contact=config.contact,
        delay_s=config.delay_s,
        page_budget=config.page_budget,
        depth=config.depth,
        timeout_s=config.timeout_s,
        concurrent_sites=config.concurrent_sites,
        allow_addresses=tuple(config.allow_addresses),
    )
