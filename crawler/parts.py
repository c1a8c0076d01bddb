"""What a page asks for besides itself: whether it may have it, and where it has been fetched before.

Kept in memory for the length of the crawl process, so that the scripts of a site are asked for once and not once per
page; their caching headers are not consulted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler.errors import BadUrlError
from crawler.reply import Reply
from crawler.urls import canonical_url, registered_domain, same_site

MAX_HOPS = 5
REDIRECTS = {301, 302, 303, 307, 308}
MAX_KEPT_BYTES = 64 * 1024 * 1024
MAX_KEPT = 2_000
# Counters of visitors. A robot has no place in a firm's visitor figures, and no words come from them.
COUNTERS = frozenset(
    {
        "amplitude.com",
        "bugsnag.com",
        "clarity.ms",
        "doubleclick.net",
        "facebook.com",
        "facebook.net",
        "fullstory.com",
        "google-analytics.com",
        "googlesyndication.com",
        "googletagmanager.com",
        "hotjar.com",
        "hs-analytics.net",
        "hs-scripts.com",
        "licdn.com",
        "linkedin.com",
        "mixpanel.com",
        "newrelic.com",
        "nr-data.net",
        "segment.com",
        "segment.io",
        "sentry.io",
    }
)

Get = Callable[[str, float], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Part:
    """An answer for the browser; never a redirect."""

    status: int
    content_type: str
    body: bytes


def refusal(url: str, page: str) -> str:
    """Why a page may not have what it asks for, or an empty string; addresses and robots.txt are judged later.

    From its own site anything, from elsewhere what comes encrypted, from counters of visitors nothing.
    """
    if "@" in urlsplit(url).netloc:
        return "credentials in the address"
    try:
        target = canonical_url(url)
    except BadUrlError as error:
        return str(error)
    parts = urlsplit(target)
    if registered_domain(parts.hostname or "") in COUNTERS:
        return "a counter of visitors"
    if not same_site(target, page) and parts.scheme != "https":
        return "another site, not encrypted"
    return ""


class Parts:
    """Fetches parts through ``get`` and keeps them, failures but for timeouts too."""

    def __init__(self, get: Get) -> None:
        self._get = get
        self._kept: OrderedDict[str, Part | None] = OrderedDict()
        self._bytes = 0

    async def get(self, url: str, page: str, timeout_s: float, made: list[Reply]) -> Part | None:
        """One part, redirects followed, or ``None`` when it cannot be had.

        Args:
            url: As the page asks for it.
            page: Address of the page.
            timeout_s: For each request.
            made: Takes a reply for each request made.
        """
        if url in self._kept:
            self._kept.move_to_end(url)
            return self._kept[url]
        part = await self._fetch(url, page, timeout_s, made)
        if part is None and made and made[-1].outcome == "timeout":
            return None  # perhaps ours: a drawing near its end gives little time
        self._bytes -= len(old.body) if (old := self._kept.pop(url, None)) else 0
        self._kept[url] = part
        self._bytes += len(part.body) if part else 0
        while len(self._kept) > MAX_KEPT or self._bytes > MAX_KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.body) if oldest else 0
        return part

    async def _fetch(self, url: str, page: str, timeout_s: float, made: list[Reply]) -> Part | None:
        for _ in range(MAX_HOPS + 1):
            if refusal(url, page):
                return None
            reply = await self._get(url.partition("#")[0], timeout_s)
            made.append(reply)
            if reply.status in REDIRECTS and reply.location:
                try:
                    url = canonical_url(reply.location, url)
                except BadUrlError:
                    return None
                continue
            if reply.status is None or reply.outcome not in {"ok", "http_error"}:
                return None
            return Part(reply.status, reply.content_type or "application/octet-stream", reply.body)
        return None
