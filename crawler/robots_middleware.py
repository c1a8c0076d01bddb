"""Refuse every request that robots.txt does not allow, closing the site when robots.txt cannot be read.

Rules are kept by (scheme, host, port) as RFC 9309 wants it, and for at most a day. A middleware rather than a
step of the site visit, so that no request, whoever makes it, can go round it.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, StopDownload
from scrapy.http.request import NO_CALLBACK

from crawler.bodies import decode_body
from crawler.errors import BadUrlError, BodyError
from crawler.failures import failure_of
from crawler.records import utc_now
from crawler.reply import RobotsRequest
from crawler.resolver import installed_guard, peer_refusal
from crawler.robots import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, RobotsRules, rules_of
from crawler.urls import DEFAULT_PORTS, canonical_url

MAX_AGE_S = 24 * 3600.0  # RFC 9309 section 2.4
MAX_KEPT = 5_000
SKIP = "firmscope_robots_request"
# A host that cannot even be reached is told by its own word; robots.txt only gets the blame when it has a say.
OWN_WORDS = {"blocked_address", "dns_failed", "connect_failed", "tls_failed"}


class RobotsRefusedError(IgnoreRequest):
    """The request may not be made; carries the outcome word."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class RobotsMiddleware:
    """In place of Scrapy's ``RobotsTxtMiddleware``."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        crawler.signals.connect(self._stop_at_limit, signal=signals.bytes_received)
        self._rules: OrderedDict[str, tuple[float, asyncio.Future[RobotsRules]]] = OrderedDict()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy calls it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let the request pass or raise ``RobotsRefusedError``."""
        if request.meta.get(SKIP):
            return
        rules = await self.rules(request.url, request.meta)
        request.meta["robots_flag"] = rules.flag
        outcome, reason = rules.refusal(request.url)
        if outcome:
            raise RobotsRefusedError(outcome, reason)
        if rules.delay_s:
            self._slow_down(request, rules.delay_s)

    async def rules(self, url: str, meta: dict[str, Any]) -> RobotsRules:
        """The rules for a URL's (scheme, host, port), fetched at most once a day."""
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"
        known = self._rules.get(key)
        if known and time.monotonic() - known[0] < MAX_AGE_S:
            return await asyncio.shield(known[1])
        future: asyncio.Future[RobotsRules] = asyncio.get_running_loop().create_future()
        self._rules[key] = (time.monotonic(), future)
        while len(self._rules) > MAX_KEPT:
            self._rules.popitem(last=False)
        try:
            rules = await self._fetch(f"{parts.scheme}://{parts.netloc}/robots.txt", meta)
        except Exception as error:
            rules = RobotsRules("internal_error", f"robots.txt could not be judged: {type(error).__name__}")
            future.set_result(rules)
            raise
        except BaseException:
            del self._rules[key]
            future.cancel()
            raise
        if rules.outcome in OWN_WORDS:
            del self._rules[key]  # a retry of the page should find out afresh
        future.set_result(rules)
        return rules

    async def _fetch(self, url: str, meta: dict[str, Any]) -> RobotsRules:
        guard = installed_guard()
        for hop in range(MAX_ROBOTS_REDIRECTS + 1):
            request = Request(
                url,
                callback=NO_CALLBACK,
                dont_filter=True,
                headers={"Accept": "text/plain,*/*;q=0.5", "Accept-Encoding": "identity"},
                meta={
                    SKIP: True,
                    "download_slot": urlsplit(url).hostname,
                    "download_timeout": meta.get("download_timeout"),
                    "download_maxsize": 0,  # bounded by _stop_at_limit, which keeps the first part
                },
            )
            started = utc_now()
            try:
                response = await self.crawler.engine.download_async(request)
                why = peer_refusal(response, _port(url), guard.policy)
                if why:
                    return RobotsRules(
                        "blocked_address" if hop == 0 else "robots_unreachable",
                        f"blocked address {response.ip_address}: {why}",
                    )
            except Exception as error:
                failure = failure_of(error, url, guard)
                if "robots_requests" in meta:
                    meta["robots_requests"].append(RobotsRequest(url, failure.outcome, None, started, 0))
                word = (
                    failure.outcome
                    if hop == 0 and failure.outcome in OWN_WORDS and not failure.connected
                    else "robots_unreachable"
                )
                if word in OWN_WORDS:
                    return RobotsRules(word, failure.reason)
                return RobotsRules(word, f"robots.txt could not be read ({failure.reason}); everything is disallowed")
            if "robots_requests" in meta:
                meta["robots_requests"].append(RobotsRequest(url, "ok", response.status, started, len(response.body)))
            location = response.headers.get("Location")
            if response.status in {301, 302, 303, 307, 308} and location:
                try:
                    url = canonical_url(location.decode("utf-8", "replace"), url)
                except BadUrlError as error:
                    return RobotsRules(reason=f"robots.txt redirects to no URL ({error})", flag="robots_redirects")
                continue
            try:
                encoding = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
                body = decode_body(response.body, encoding, self.crawler.settings.getint("DOWNLOAD_MAXSIZE"))
            except BodyError as error:
                return RobotsRules(
                    "robots_unreachable", f"robots.txt could not be read ({error}); everything is disallowed"
                )
            return rules_of(response.status, body)
        return RobotsRules(
            reason=f"robots.txt redirects more than {MAX_ROBOTS_REDIRECTS} times", flag="robots_redirects"
        )

    def _stop_at_limit(self, data: bytes, request: Request) -> None:
        """A robots.txt without end is read as far as its rules count."""
        if request.meta.get(SKIP):
            request.meta["received"] = request.meta.get("received", 0) + len(data)
            if request.meta["received"] > MAX_ROBOTS_BYTES:
                raise StopDownload(fail=False)

    def _slow_down(self, request: Request, delay_s: float) -> None:
        """Stretch the host's spacing to its Crawl-delay; never shorten ours."""
        slots = self.crawler.engine.downloader.slots
        slot = slots.get(str(request.meta.get("download_slot") or urlsplit(request.url).hostname))
        if slot is not None:
            slot.delay = max(slot.delay, delay_s)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or DEFAULT_PORTS[parts.scheme]
