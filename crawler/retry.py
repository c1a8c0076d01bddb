"""When a failed request is worth another try, how long to wait before it, and when a host may be asked again at all.

A host that asks for more time than one visit has is not asked again in this visit: see ``not_before``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from crawler.reply import Reply

BUSY = {429, 500, 502, 503, 504}
ASKS_FOR_TIME = {429, 503}  # RFC 9110 section 10.2.3 and RFC 6585 section 4
ONCE_MORE = {"truncated", "dns_failed"}  # a second identical answer is the site's, not the line's
MAX_TRIES = 3
FIRST_WAIT_S = 1.0
MAX_WAIT_S = 300.0
LONGEST_ABSENCE = timedelta(days=30)  # a longer wish is a slip or a jest: 10**9 seconds are 32 years


def should_retry(reply: Reply, tries: int, retries: int) -> bool:
    """Whether to ask again after ``tries`` requests, of which ``retries`` may be repeats; ``MAX_TRIES`` in all."""
    if reply.outcome in ONCE_MORE:
        return tries <= min(1, retries)
    busy = reply.outcome == "http_error" and reply.status in BUSY
    return (busy or reply.outcome == "connect_failed") and tries <= retries and tries < MAX_TRIES


def wait_before(reply: Reply, tries: int, delay_s: float, now: datetime | None = None) -> float:
    """Seconds to wait before the next try: what ``Retry-After`` asks, else doubling; at most ``MAX_WAIT_S``.

    Args:
        reply: The failed reply.
        tries: Requests made so far, at least 1.
        delay_s: The crawl's own spacing, under which no wait goes.
        now: For tests; the present instant by default.
    """
    return min(MAX_WAIT_S, max(delay_s, pause_s(reply.retry_after, tries, now or datetime.now(UTC))))


def pause_s(retry_after: str, times: int, now: datetime) -> float:
    """Seconds to leave a host alone that has said ``times`` times in a row that it is busy."""
    asked = retry_after_s(retry_after, now)
    doubled = FIRST_WAIT_S * 2 ** min(times - 1, 20)
    return min(MAX_WAIT_S, asked if asked is not None else doubled)


def not_before(reply: Reply, now: datetime) -> datetime | None:
    """The instant before which the host asked us not to come back, at most ``LONGEST_ABSENCE`` ahead.

    Args:
        reply: A final reply, after the last try. One that robots.txt closed counts by robots.txt's own answer.
        now: When it came.
    """
    if reply.status not in ASKS_FOR_TIME and reply.outcome != "robots_unreachable":
        return None
    asked = retry_after_s(reply.retry_after, now)
    return now + min(timedelta(seconds=asked), LONGEST_ABSENCE) if asked else None


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for; ``None`` when it asks for nothing that can be kept to.

    A date that has passed is the word of a clock that is off, ours or theirs, and no leave to come back at once.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    ahead = (at - now).total_seconds()
    return ahead if ahead > 0 else None
