"""Follow one URL of a site through redirects and refreshes to a page, or to a named reason why there is none.

Only the home page may lead to another registered domain, which is then an alias of the site; anywhere else such a
redirect is written down and not followed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

from crawler.e_mail import has_e_mail
from crawler.errors import BadUrlError, BodyError
from crawler.extract import HtmlPage
from crawler.guard import AddressPolicy
from crawler.ledger import Ledger
from crawler.opt_out import opted_out
from crawler.platforms import owner_of
from crawler.records import CrawlSettings, KnownPage, utc_now
from crawler.reply import Reply
from crawler.retry import not_before, should_retry, wait_before
from crawler.sniff import page_type
from crawler.urls import DEFAULT_PORTS, canonical_url, is_ip, page_key, registered_domain, same_site

MAX_REDIRECTS = 5
MAX_REFRESH_DELAY_S = 10.0
REDIRECTS = {301, 302, 303, 307, 308}

Read = Callable[[bytes, str, str, str], Awaitable[HtmlPage]]
Sleep = Callable[[float], Awaitable[None]]


class Get(Protocol):
    """Fetches one URL within so many seconds; spacing between requests is its business."""

    async def __call__(self, url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:
        """Ask for ``url``, conditionally when an earlier answer is ``known``."""
        ...


@dataclass(frozen=True, slots=True)
class Landing:
    """Where following one URL ended: an outcome word, and the page when there is a new one to read."""

    outcome: str
    reason: str
    url: str
    row: int
    status: int | None = None
    html: HtmlPage | None = None
    robots_tag: str = ""
    sitemaps: tuple[str, ...] = ()


class Lander:
    """Requests of one site's visit, one after the other, each with its row in the ledger.

    Args:
        settings: Limits and manners.
        ledger: The visit's books.
        known: What earlier crawls kept, by URL.
        get: Makes one request.
        read: Turns a body into a page.
        sleep: Waits between tries.
    """

    def __init__(
        self,
        settings: CrawlSettings,
        ledger: Ledger,
        known: tuple[KnownPage, ...],
        get: Get,
        read: Read,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self.deadline = time.monotonic() + settings.max_site_seconds
        self._ledger = ledger
        self._known = {page.url: page for page in known}
        self._get = get
        self._read = read
        self._sleep = sleep
        self._policy = AddressPolicy(settings.allow_addresses)

    async def land(
        self,
        url: str,
        chosen: str,
        home: str,
        retries: int,
        seen: Callable[[str], bool] | None = None,
        kind: str = "home",
        at_once: frozenset[str] = frozenset(),
    ) -> Landing:
        """Follow ``url`` to its page.

        Args:
            url: Where to begin.
            chosen: Why, for the books.
            home: Home page of the site; a home page itself is landed on with its own URL.
            retries: Further tries of each request.
            seen: Whether a page has been queued or read; remembers it. ``None`` for a home page.
            kind: What kind of page is expected there.
            at_once: Outcomes that are taken as they come, because there is another URL to try.
        """
        hops: list[str] = []
        while True:
            reply = await self.request(url, retries, at_once)
            row = self._ledger.record(reply, chosen)
            if reply.outcome != "ok":
                return Landing(reply.outcome, reply.reason, url, row, reply.status)
            html: HtmlPage | None = None
            following, how = reply.location if reply.status in REDIRECTS else "", "redirect"
            if not following:
                landing = await self._page(reply, url, row, kind)
                html = landing.html
                following, how = _refresh_target(html, url), "meta refresh"
                if not following:
                    return landing
            try:
                target = canonical_url(following, url)
            except BadUrlError as error:
                return self._stop(row, "bad_response", f"{how} to no URL: {error}", url)
            hops.append(url)
            outcome, reason = self._refusal(target, home, leaving=seen is None)
            if outcome:
                return self._stop(row, outcome, f"{how} to {reason}", url)
            if not same_site(target, home):
                self._ledger.moved(registered_domain(urlsplit(home).hostname or ""))
                home = target
            if target in hops or len(hops) > MAX_REDIRECTS:
                trail = " > ".join(hop[:80] for hop in hops)
                return self._stop(row, "trap_limit", f"redirected {len(hops)} times: {trail}", url)
            if seen is not None and page_key(target) != page_key(url) and seen(target):
                self._ledger.amend(row, note=f"{how} to a page already read")
                return Landing("ok", "already read", url, row, reply.status)
            self._ledger.html_pages -= html is not None
            url, chosen = target, f"{how} from {chosen}"

    async def request(self, url: str, retries: int, at_once: frozenset[str] = frozenset()) -> Reply:
        """Fetch one URL, trying again where that may help."""
        tries = 0
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0:
                return Reply(url, "timeout", "the site's time budget is used up", utc_now())
            reply = await self._get(url, min(self.settings.timeout_s, left), self._known.get(url))
            tries += 1
            self._ledger.count(reply)
            wait = wait_before(reply, tries, self.settings.delay_s)
            again = reply.outcome not in at_once and should_retry(reply, tries, retries)
            again = again and wait < self.deadline - time.monotonic()
            if not again:
                self._ledger.asked_to_wait(not_before(reply, reply.fetched_at))
                return reply
            await self._sleep(wait)

    def _refusal(self, target: str, home: str, *, leaving: bool) -> tuple[str, str]:
        """Outcome and reason why a redirect is not followed; names are the resolver's to judge, literals ours."""
        parts = urlsplit(target)
        host = parts.hostname or ""
        why = self._policy.refusal(host, parts.port or DEFAULT_PORTS[parts.scheme]) if is_ip(host) else ""
        if why:
            return "blocked_address", f"blocked address {host} ({why})"
        if opted_out(host, self.settings.opt_out):
            return "opted_out", f"{host}, which asked to be left alone"
        if has_e_mail(unquote(target)):
            return "bad_response", "an address that holds somebody's e-mail address"
        if same_site(target, home):
            return "", ""
        owner = owner_of(registered_domain(host))
        if leaving and owner == "parking":
            return "parked", f"a place where domains are sold: {target[:200]}"
        if not leaving or owner:
            return "redirect_offsite", f"another site: {target[:200]}"
        return "", ""

    async def _page(self, reply: Reply, url: str, row: int, kind: str) -> Landing:
        word, reason = page_type(reply.body, reply.content_type)
        if reply.status is None or (reply.status >= 300 and not reply.unchanged):
            word, reason = "bad_response", f"HTTP {reply.status} without a place to go"
        if word:
            return self._stop(row, word, reason, url)
        self._ledger.html_pages += 1
        try:
            html = await self._read(reply.body, url, reply.content_type, kind)
        except BodyError as error:
            return self._stop(row, error.outcome, str(error), url)
        return Landing("ok", "", url, row, reply.status, html, reply.robots_tag, reply.sitemaps)

    def _stop(self, row: int, outcome: str, reason: str, url: str) -> Landing:
        self._ledger.amend(row, outcome=outcome, note=reason)
        return Landing(outcome, reason, url, row)


def _refresh_target(html: HtmlPage | None, url: str) -> str:
    if html is None or html.refresh is None or html.refresh[0] > MAX_REFRESH_DELAY_S:
        return ""
    try:
        target = canonical_url(html.refresh[1], url)
    except BadUrlError:
        return ""
    return "" if target == url else target
