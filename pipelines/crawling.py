"""The crawl stage: visit the sites that are due and put what they say into sites, pages and fetches.

A site that is down tonight keeps the pages of its last good visit: an outage is news about a server, not about a firm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from pipelines.errors import FirmscopeError, UsageError
from pipelines.runs import Run

BATCH_SITES = 500  # sites per commit: a kill loses at most these; each commit rewrites the shards it touches

# Outcomes that say something about tonight's connection, not about the site: the last good pages stay.
PASSING = frozenset(
    {
        "dns_failed", "connect_failed", "tls_failed", "timeout", "truncated", "http_error", "robots_unreachable",
        "bad_response", "too_big", "trap_limit", "internal_error", "not_attempted", "blocked_address",
    }
)  # fmt: skip

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
    due = sorted(
        firm_id
        for firm_id, website in websites.items()
        if is_due(held.get(firm_id), website, now, timedelta(hours=config.crawl.recrawl_after_h))
    )
    with run.stage("crawl") as counts:
        counts.rows_in = len(websites)
        counts.unchanged = len(websites) - len(due)
        without = [firm_id for firm_id in due if not websites[firm_id]]
        targets = [CrawlTarget(firm_id, website) for firm_id in due if (website := websites[firm_id])]
        if targets and not config.crawl.contact:
            raise UsageError(
                "crawl.contact is not set: site owners must be able to reach you; set it with: "
                "firmscope config set crawl.contact YOU@YOUR-ORGANISATION"
            )
        if without:
            _commit(run, [_no_website(firm_id, now) for firm_id in without])
        counts.rows_out += len(without)
        if targets:
            visits = _watched(targets, run, progress)
            while batch := list(islice(visits, BATCH_SITES)):
                _commit(run, batch)
                counts.rows_out += len(batch)
        run.notes["outcomes"] = outcome_counts(run)
        _refuse_broken_crawl(run, targets)


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


def _watched(targets: Sequence[CrawlTarget], run: Run, progress: Progress) -> Iterator[SiteCrawl]:
    progress(0, len(targets))
    visits = crawl(targets, _settings(run), run.workspace.archive_folder, run.folder)
    for done, visit in enumerate(visits, start=1):
        progress(done, len(targets))
        yield visit


def is_due(held: dict[str, Any] | None, website: str | None, now: datetime, recrawl_after: timedelta) -> bool:
    """Whether a firm is to be visited: never seen, its website changed, or long enough ago. Imported words stay."""
    if held is None:
        return True
    if held["source"] != "crawl":
        return False
    if held["website"] != website or held["outcome"] in UNVISITED:
        return True
    return website is not None and now - held["crawled_at"] >= recrawl_after


def outcome_counts(run: Run) -> dict[str, int]:
    """Firms per outcome word, as the table ``sites`` has them."""
    outcomes = run.workspace.lake.read("sites", ["outcome"])["outcome"]
    return {str(outcome): int(count) for outcome, count in outcomes.value_counts().sort_index().items()}


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


def _no_website(firm_id: str, now: datetime) -> SiteCrawl:
    return SiteCrawl(
        firm_id=firm_id, website="", final_url="", outcome="bad_url", reason="the firm list gives no website",
        started_at=now, ended_at=now, requests=0, bytes_read=0, fetches=(), pages=(),
    )  # fmt: skip


def _commit(run: Run, visits: Iterable[SiteCrawl]) -> None:
    """Pages first, sites last: a firm counts as visited only when everything about it is in the lake."""
    lake = run.workspace.lake
    visits = list(visits)
    ids = [visit.firm_id for visit in visits]
    fresh = [visit for visit in visits if visit.outcome not in PASSING]
    written = run.stages["crawl"].written
    pages = [_page(visit, place) for visit in fresh for place in range(len(visit.pages))]
    kept = lake.read("pages", ["firm_id"])["firm_id"].value_counts().to_dict() if len(fresh) < len(visits) else {}
    for name, firm_ids, rows in (
        ("pages", [visit.firm_id for visit in fresh], pages),
        ("fetches", ids, [row for visit in visits for row in _fetches(visit)]),
        ("sites", ids, [_site(visit, int(kept.get(visit.firm_id, 0))) for visit in visits]),
    ):
        written[name] = written.get(name, 0) + lake.replace_firms(name, firm_ids, rows, run.run_id)
    for visit in visits:
        run.log("site", firm_id=visit.firm_id, outcome=visit.outcome, reason=visit.reason, pages=len(visit.pages))


def _site(visit: SiteCrawl, kept: int) -> dict[str, Any]:
    return {
        "firm_id": visit.firm_id, "source": "crawl", "website": visit.website or None,
        "final_url": visit.final_url or None, "outcome": visit.outcome, "reason": visit.reason,
        "crawled_at": visit.ended_at, "requests": visit.requests, "bytes_read": visit.bytes_read,
        "pages": kept if visit.outcome in PASSING else len(visit.pages),
        "flags": list(visit.flags),
    }  # fmt: skip


def _page(visit: SiteCrawl, place: int) -> dict[str, Any]:
    page = visit.pages[place]
    return {
        "firm_id": visit.firm_id, "url": page.url, "position": place, "title": page.title, "language": page.language,
        "text": page.text, "text_digest": page.text_digest, "kind": page.kind,
    }  # fmt: skip


def _fetches(visit: SiteCrawl) -> list[dict[str, Any]]:
    """One row per URL; of a URL that was tried again, the last try."""
    last = {fetch.url: fetch for fetch in visit.fetches}
    return [
        {
            "firm_id": visit.firm_id, "url": fetch.url, "outcome": fetch.outcome, "http_status": fetch.http_status,
            "fetched_at": fetch.fetched_at, "etag": fetch.etag or None, "last_modified": fetch.last_modified or None,
            "body_digest": fetch.body_digest or None, "text_digest": fetch.text_digest or None,
            "archive_ref": fetch.archive_ref or None, "chosen": fetch.chosen or None,
        }
        for fetch in last.values()
    ]  # fmt: skip
