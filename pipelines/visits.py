"""What a visit makes of what is known of a site: pure functions from a visit and held rows to new rows.

An outage is news about a server, not about a firm: pages that could not be read tonight stay, with the date at which
they were read, until a stated age. They go at once when the site says so (robots.txt, parked, empty, moved) or when the
firm names another website.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from crawler.records import Fetch, SiteCrawl
from pipelines.changes import (
    GONE_SITE,
    PARTIAL,
    PASSING,
    READ,
    WORDLESS,
    Known,
    Row,
    ending_of,
    history_after,
    is_changed,
    is_failure,
    last_ok,
)
from pipelines.scheduling import UNVISITED, Bounds, next_due

GONE = frozenset({404, 410})


@dataclass(frozen=True)
class Rules:
    """When a site is visited again, and how long words outlive their site."""

    bounds: Bounds
    keep_text: timedelta


@dataclass(frozen=True)
class After:
    """The same, after a visit."""

    site: Row
    pages: list[Row]
    fetches: list[Row]
    marks: list[Row]


def no_website(firm_id: str, now: datetime) -> SiteCrawl:
    """The visit of a firm that has no website."""
    return SiteCrawl(
        firm_id=firm_id, website="", final_url="", outcome="bad_url", reason="the firm list gives no website",
        started_at=now, ended_at=now,
    )  # fmt: skip


def after_visit(visit: SiteCrawl, known: Known, rules: Rules, source: str = "crawl") -> After:
    """What is known of a firm's site after a visit.

    Args:
        visit: The visit.
        known: What was known before.
        rules: Settings that decide on dates.
        source: Where the words come from: ``crawl``, or ``warc`` when an archive stood in for the site.

    Returns:
        All rows of the firm in ``sites``, ``pages``, ``fetches`` and ``marks``. A visit that found nothing new is
        ``unchanged`` and leaves pages as they stand, titles included, unless their records were lost; a site that
        failed until its words were too old to be kept is ``gone``.
    """
    if known.site is not None and known.site["website"] != (visit.website or None):
        known = Known()  # what another website said, and how it behaved, is no news about this one
    outcome, reason = visit.outcome, visit.reason
    changed = is_changed(visit, known)
    last_ok_at = visit.ended_at if outcome in READ else last_ok(known)
    if outcome == "ok" and changed is False:
        outcome, pages = "unchanged", _with_records(sorted(known.pages, key=lambda row: row["position"]), visit)
    elif outcome in WORDLESS and _is_old(last_ok_at, visit, rules):
        pages = []
    elif is_failure(outcome) and last_ok_at is not None and _is_old(last_ok_at, visit, rules):
        days = f"{rules.keep_text / timedelta(days=1):g} days"
        reason = f"last read on {last_ok_at:%d %B %Y}, more than {days} ago; now {outcome}: {reason}"
        outcome, pages = GONE_SITE, []
    else:
        pages = page_rows(visit, known)
    history = history_after(visit, known, changed)
    not_before = visit.not_before
    if visit.outcome in UNVISITED and known.site is not None:
        not_before = not_before or known.site.get("not_before")
    read = {page.url for page in visit.pages}
    kept = {row["url"] for row in pages} - read
    held_aliases = (known.site or {}).get("aliases") or []
    held_flags, held_url = (known.site["flags"], known.site["final_url"]) if known.site and kept else ((), None)
    site = {
        "firm_id": visit.firm_id, "source": source, "website": visit.website or None,
        "final_url": visit.final_url or held_url, "outcome": outcome, "reason": reason,
        "crawled_at": visit.ended_at, "requests": visit.requests, "bytes_read": visit.bytes_read, "pages": len(pages),
        "flags": sorted({*visit.flags, *held_flags}),
        "aliases": list(visit.aliases) if visit.outcome in READ else sorted({*visit.aliases, *held_aliases}),
        "due_at": next_due(visit.firm_id, history, ending_of(visit), visit.ended_at, rules.bounds, not_before),
        "not_before": not_before, "last_ok_at": last_ok_at, "failures": history.failures, "visits": history.visits,
        "changes": history.changes, "watched_h": history.watched_h,
    }  # fmt: skip
    return After(site, pages, fetch_rows(visit, known, kept), mark_rows(visit, known, kept))


def keeps_words(visit: SiteCrawl) -> bool:
    """Whether words that were read earlier may stay beside those of this visit."""
    return visit.outcome in PASSING | WORDLESS or PARTIAL in visit.flags


def _is_old(last_ok_at: datetime | None, visit: SiteCrawl, rules: Rules) -> bool:
    return last_ok_at is not None and visit.ended_at - last_ok_at >= rules.keep_text


def page_rows(visit: SiteCrawl, known: Known) -> list[Row]:
    """Pages of the firm after a visit: those read tonight, then those kept from earlier visits.

    A page that says what it said keeps the date and the archive record of its first reading, so that a night on which
    no page changed leaves the table as it was. One whose record was lost takes those of tonight.
    """
    fetched = {fetch.url: fetch for fetch in visit.fetches}
    before = {(row["url"], row["text_digest"]): row for row in known.pages}
    read: list[Row] = []
    for page in visit.pages:
        fetch, same = fetched.get(page.url), before.get((page.url, page.text_digest))
        read_at = fetch.fetched_at if fetch else visit.ended_at
        archive_ref = (fetch.archive_ref if fetch else None) or None
        if same and archive_ref and not same["archive_ref"]:
            same = None
        read.append(
            {
                "firm_id": visit.firm_id, "url": page.url, "title": page.title, "language": page.language,
                "text": page.text, "text_digest": page.text_digest, "kind": page.kind,
                "read_at": same["read_at"] if same else read_at,
                "archive_ref": same["archive_ref"] if same else archive_ref,
            }
        )  # fmt: skip
    kept = _kept(visit, known, {row["url"] for row in read}, fetched)
    return [row | {"position": position} for position, row in enumerate([*read, *kept])]


def fetch_rows(visit: SiteCrawl, known: Known, kept: Collection[str]) -> list[Row]:
    """One row per URL: of a URL that was tried again, the last try; of ``kept`` pages not tried, the row held."""
    last = {fetch.url: fetch for fetch in visit.fetches}
    untried = {url for url in kept if url not in last or last[url].outcome == "skipped"}
    rows = [
        {
            "firm_id": visit.firm_id, "url": fetch.url, "outcome": fetch.outcome, "http_status": fetch.http_status,
            "fetched_at": fetch.fetched_at, "etag": fetch.etag or None, "last_modified": fetch.last_modified or None,
            "body_digest": fetch.body_digest or None, "text_digest": fetch.text_digest or None,
            "archive_ref": fetch.archive_ref or None, "chosen": fetch.chosen or None,
        }
        for fetch in last.values()
        if fetch.url not in untried
    ]  # fmt: skip
    held = {row["url"]: row for row in known.fetches if row["url"] in untried}
    return [*rows, *(held[url] for url in sorted(held))]


def mark_rows(visit: SiteCrawl, known: Known, kept: Collection[str]) -> list[Row]:
    """Marks found tonight, and those held of pages that are ``kept`` from earlier visits."""
    rows = {
        (mark.kind, mark.value, mark.url): {
            "firm_id": visit.firm_id, "url": mark.url, "kind": mark.kind, "value": mark.value, "label": mark.label,
            "page_kind": mark.page_kind,
        }
        for mark in visit.marks
    }  # fmt: skip
    held = {(row["kind"], row["value"], row["url"]): row for row in known.marks if row["url"] in kept}
    return list((held | rows).values())


def _with_records(pages: list[Row], visit: SiteCrawl) -> list[Row]:
    """Pages that a visit found as they stand; those whose archive record was lost take date and record of tonight."""
    fetched = {fetch.url: fetch for fetch in visit.fetches if fetch.archive_ref}
    read = {(page.url, page.text_digest) for page in visit.pages if page.url in fetched}
    return [
        row | {"read_at": fetched[row["url"]].fetched_at, "archive_ref": fetched[row["url"]].archive_ref}
        if not row["archive_ref"] and (row["url"], row["text_digest"]) in read
        else row
        for row in pages
    ]


def _kept(visit: SiteCrawl, known: Known, read: set[str], fetched: dict[str, Fetch]) -> list[Row]:
    if not keeps_words(visit):
        return []
    in_order = sorted(known.pages, key=lambda row: row["position"])
    wordless = (
        visit.outcome in WORDLESS
    )  # its home page stands for a firm that says nothing now, not for a page that went
    return [row for row in in_order if row["url"] not in read and (wordless or not _is_gone(fetched.get(row["url"])))]


def _is_gone(fetch: Fetch | None) -> bool:
    """Whether the site has answered for this page, and it is no longer one."""
    if fetch is None or fetch.outcome == "skipped":
        return False
    return fetch.http_status in GONE or fetch.outcome not in PASSING
