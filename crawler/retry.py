"""When a failed request is worth another try, and how long to wait before it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crawler.reply import Reply

BUSY = {429, 500, 502, 503, 504}
ONCE_MORE = {"truncated", "dns_failed"}  # a second identical answer is the site's, not the line's
FIRST_WAIT_S = 1.0
MAX_WAIT_S = 300.0


def should_retry(reply: Reply, tries: int, retries: int) -> bool:
    """Whether to ask again after ``tries`` requests, of which ``retries`` may be repeats."""
    if reply.outcome in ONCE_MORE:
        return tries <= min(1, retries)
    busy = reply.outcome == "http_error" and reply.status in BUSY
    return (busy or reply.outcome == "connect_failed") and tries <= retries


def wait_before(reply: Reply, tries: int, delay_s: float, now: datetime | None = None) -> float:
    """Seconds to wait before the next try: what ``Retry-After`` asks, else doubling; at most ``MAX_WAIT_S``.

    Args:
        reply: The failed reply.
        tries: Requests made so far, at least 1.
        delay_s: The crawl's own spacing, under which no wait goes.
        now: For tests; the present instant by default.
    """
    asked = _retry_after(reply.retry_after, now or datetime.now(UTC))
    wait = asked if asked is not None else FIRST_WAIT_S * 2 ** (tries - 1)
    return min(MAX_WAIT_S, max(delay_s, wait))


def _retry_after(value: str, now: datetime) -> float | None:
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
