"""What a visit makes of what is known of a site: pure functions from a visit and held rows to new rows.

An outage is news about a server, not about a firm: pages that could not be read tonight stay, with the date at which
they were read. They go when the site says so (robots.txt, parked, empty, moved) or when the firm names another website.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from crawler.records import Fetch, SiteCrawl

Row = dict[str, Any]

# Outcomes that say something about tonight's connection, not about the site.
PASSING = frozenset(
    {
        "dns_failed", "connect_failed", "tls_failed", "timeout", "truncated", "http_error", "robots_unreachable",
        "bad_response", "too_big", "trap_limit", "internal_error", "not_attempted", "blocked_address",
    }
)  # fmt: skip
GONE = frozenset({404, 410})
PARTIAL = "partial"  # flag of a visit that a budget or repeated failures ended early


def no_website(firm_id: str, now: datetime) -> SiteCrawl:
    """The visit of a firm that has no website."""
    return SiteCrawl(
        firm_id=firm_id, website="", final_url="", outcome="bad_url", reason="the firm list gives no website",
        started_at=now, ended_at=now,
    )  # fmt: skip


def page_rows(visit: SiteCrawl, held_site: Row | None, held_pages: Sequence[Row]) -> list[Row]:
    """Pages of the firm after a visit: those read tonight, then those kept from earlier visits.

    A page that says what it said keeps the date and the archive record of its first reading, so that a night on which
    no page changed leaves the table as it was.
    """
    fetched = {fetch.url: fetch for fetch in visit.fetches}
    before = {(row["url"], row["text_digest"]): row for row in held_pages}
    read: list[Row] = []
    for page in visit.pages:
        fetch, same = fetched.get(page.url), before.get((page.url, page.text_digest))
        read_at = fetch.fetched_at if fetch else visit.ended_at
        archive_ref = (fetch.archive_ref if fetch else None) or None
        read.append(
            {
                "firm_id": visit.firm_id, "url": page.url, "title": page.title, "language": page.language,
                "text": page.text, "text_digest": page.text_digest, "kind": page.kind,
                "read_at": same["read_at"] if same else read_at,
                "archive_ref": same["archive_ref"] if same else archive_ref,
            }
        )  # fmt: skip
    kept = _kept(visit, held_site, held_pages, {row["url"] for row in read}, fetched)
    return [row | {"position": position} for position, row in enumerate([*read, *kept])]


def site_row(visit: SiteCrawl, pages: int) -> Row:
    """The ledger's row of a visit; ``pages`` are all pages the firm has after it."""
    return {
        "firm_id": visit.firm_id, "source": "crawl", "website": visit.website or None,
        "final_url": visit.final_url or None, "outcome": visit.outcome, "reason": visit.reason,
        "crawled_at": visit.ended_at, "requests": visit.requests, "bytes_read": visit.bytes_read, "pages": pages,
        "flags": list(visit.flags),
    }  # fmt: skip


def fetch_rows(visit: SiteCrawl) -> list[Row]:
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


def _kept(
    visit: SiteCrawl, held_site: Row | None, held: Sequence[Row], read: set[str], fetched: dict[str, Fetch]
) -> list[Row]:
    moved = held_site is not None and held_site["website"] != (visit.website or None)
    if moved or not (visit.outcome in PASSING or PARTIAL in visit.flags):
        return []
    in_order = sorted(held, key=lambda row: row["position"])
    return [row for row in in_order if row["url"] not in read and not _is_gone(fetched.get(row["url"]))]


def _is_gone(fetch: Fetch | None) -> bool:
    """Whether the site has answered for this page, and it is no longer one."""
    return fetch is not None and (fetch.http_status in GONE or fetch.outcome not in PASSING)
