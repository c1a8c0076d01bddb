"""What a visit says about the visits before it: whether the site changed, failed, or does not want us.

A change is one of the words: digests of pages' texts are compared, so that nonces, menus and build stamps do not count.
Where a visit saw too little to tell, nothing is counted either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crawler.records import SiteCrawl
from pipelines.scheduling import UNVISITED, Ending, History

Row = dict[str, Any]

READ = frozenset({"ok", "unchanged"})
GONE_SITE = "gone"  # outcome of a site that could not be read for so long that its words went

# Outcomes that say something about tonight's connection, not about the site.
PASSING = UNVISITED | {
    "dns_failed", "connect_failed", "tls_failed", "timeout", "truncated", "http_error", "robots_unreachable",
    "bad_response", "too_big", "trap_limit", "blocked_address",
}  # fmt: skip
# The site answers and says nothing of the firm: a parked domain, a bot wall, a log-in. Earlier words are kept for a
# while, as they are when it is down, but it was read, so it is no failure.
WORDLESS = frozenset({"parked", "empty"})
LEFT_ALONE = frozenset({"robots_disallowed", "noindex", "opted_out"})
REFUSALS = frozenset({401, 403})
ROBOTS = "robots.txt"  # why a robots.txt was fetched
PARTIAL = "partial"  # flag of a visit that a budget or repeated failures ended early
CUT = "parse_cut"  # flag of a visit on which a page was too deep or too long to be read whole


@dataclass(frozen=True)
class Known:
    """What the tables hold about one firm's site, rows without ``shard``; pages in their order, and without ``text``.

    ``fetches`` and ``marks`` are only asked for where a visit keeps words of earlier ones.
    """

    site: Row | None = None
    pages: list[Row] = field(default_factory=list)
    fetches: list[Row] = field(default_factory=list)
    marks: list[Row] = field(default_factory=list)


def is_changed(visit: SiteCrawl, known: Known) -> bool | None:
    """Whether the site says something else than before; ``None`` where that cannot be told.

    It cannot after a failure, when a page was cut on one of the two visits only, and when one of them ended early and
    no page that both read differs. A site that is parked, empty or forbidden and was so before is unchanged.
    """
    held = known.site
    if held is None or visit.outcome in PASSING:
        return None
    before = {(row["url"], row["text_digest"]) for row in known.pages}
    if not before:
        settled = held["outcome"] not in PASSING | {GONE_SITE}
        return (held["outcome"] != visit.outcome or bool(visit.pages)) if settled else None
    if visit.outcome not in READ:
        return None if held["outcome"] in PASSING | {GONE_SITE} else bool(held["outcome"] != visit.outcome)
    if (CUT in visit.flags) != (CUT in held["flags"]):
        return None
    now = {(page.url, page.text_digest) for page in visit.pages}
    if now == before:  # pages younger than the ledger: a run was killed between the two, and its news is still news
        return any(row["read_at"] > held["crawled_at"] for row in known.pages)
    if PARTIAL in visit.flags or PARTIAL in held["flags"]:
        urls = {url for url, _ in before} & {url for url, _ in now}
        return True if any(url in urls for url, _ in before ^ now) else None
    return True


def history_after(visit: SiteCrawl, known: Known, changed: bool | None) -> History:
    """The site's history with this visit; one that we did not make leaves it as it was."""
    held = known.site or {}
    past = History(
        held.get("visits") or 0, held.get("changes") or 0, held.get("watched_h") or 0.0, held.get("failures") or 0
    )
    if visit.outcome in UNVISITED:
        return past
    failures = past.failures + 1 if is_failure(visit.outcome) else 0
    if changed is not None:
        since = last_ok(known) if known.pages and held["outcome"] not in WORDLESS else held["crawled_at"]
        past = past.compared((visit.ended_at - (since or held["crawled_at"])) / timedelta(hours=1), changed)
    return History(past.visits, past.changes, past.watched_h, failures)


def ending_of(visit: SiteCrawl) -> Ending:
    """What the visit's outcome means for the next one."""
    if visit.outcome in UNVISITED:
        return Ending.UNVISITED
    if visit.outcome in LEFT_ALONE:
        return Ending.LEFT_ALONE
    if visit.outcome not in PASSING:
        return Ending.ANSWERED
    answers = [fetch.http_status for fetch in visit.fetches if fetch.http_status and fetch.chosen != ROBOTS]
    return Ending.REFUSED if answers and set(answers) <= REFUSALS else Ending.FAILED


def is_failure(outcome: str) -> bool:
    """Whether an outcome says that the site could not be read, and that it may be another time."""
    return outcome in PASSING and outcome not in UNVISITED


def last_ok(known: Known) -> datetime | None:
    """When the site's words were last read; a lake of an earlier release knows it by the outcome, or by its pages."""
    if known.site is None:
        return None
    if known.site.get("last_ok_at") is not None or known.site["outcome"] in READ:
        found: datetime = known.site.get("last_ok_at") or known.site["crawled_at"]
        return found
    return max((row["read_at"] for row in known.pages), default=None)
