"""Refuse every request that robots.txt or the opt-out list does not allow, and ask for robots.txt where need be.

A middleware rather than a step of the site visit, so that no request, whoever makes it, can go round it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Self, cast
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, StopDownload
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.bodies import decode_body
from crawler.errors import ArchiveError, BadUrlError, BodyError
from crawler.failures import failure_of
from crawler.handler import UNVERIFIED
from crawler.opt_out import REASON, opted_out
from crawler.records import utc_now
from crawler.reply import RobotsRequest
from crawler.resolver import installed_guard, peer_refusal
from crawler.robots import MAX_ROBOTS_BYTES, MAX_ROBOTS_REDIRECTS, RobotsAnswer, RobotsRules, rules_of
from crawler.robots_cache import RobotsCache, has_own_word
from crawler.spacing import Spacing
from crawler.urls import DEFAULT_PORTS, canonical_url

SKIP = "firmscope_robots_request"
REDIRECTS = {301, 302, 303, 307, 308}


class RobotsRefusedError(IgnoreRequest):
    """The request may not be made; carries the outcome word and what a busy host answered to robots.txt."""

    def __init__(self, outcome: str, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.retry_after = retry_after


class RobotsMiddleware:
    """In place of Scrapy's ``RobotsTxtMiddleware``.

    The crawl's spider must have ``archive``, ``crawl_settings`` and ``robots``, a ``RobotsCache``.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._spider = cast(Any, crawler.spider)
        self._cache: RobotsCache = self._spider.robots
        self.spacing = Spacing(crawler)
        crawler.signals.connect(self._stop_at_limit, signal=signals.bytes_received)
        crawler.signals.connect(self._closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy calls it."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let the request pass or raise ``RobotsRefusedError``."""
        self.spacing.assign(request)
        if self._opted_out(request.url):
            raise RobotsRefusedError("opted_out", f"{urlsplit(request.url).hostname} is {REASON}")
        if request.meta.get(SKIP):
            return
        rules = await self.rules(request.url, request.meta)
        request.meta["robots_flag"] = rules.flag
        request.meta["robots_sitemaps"] = rules.sitemaps
        outcome, reason = rules.refusal(request.url)
        if outcome:
            raise RobotsRefusedError(outcome, reason, rules.retry_after)
        if rules.delay_s:
            self.spacing.stretch(request.url, rules.delay_s)

    def process_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002 (Scrapy's signature)
        """Note hosts that say they are busy."""
        self.spacing.answered(response)
        return response

    async def rules(self, url: str, meta: dict[str, Any]) -> RobotsRules:
        """The rules for a URL's (scheme, host, port), asked for at most once a day."""
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        authority = f"{parts.scheme}://{host}:{_port(url)}"
        return await self._cache.rules(
            authority, lambda: self._ask(f"{parts.scheme}://{parts.netloc}/robots.txt", meta)
        )

    async def _ask(self, url: str, meta: dict[str, Any]) -> RobotsAnswer:
        """Follow robots.txt to its final answer; every request and answer on the way is archived."""
        status: int | None = None
        for hop in range(MAX_ROBOTS_REDIRECTS + 1):
            if self._opted_out(url):
                return _closed(f"it redirects to {urlsplit(url).hostname}, {REASON}")
            started = utc_now()
            try:
                response = await self._download(url, hop)
            except ArchiveError:
                raise
            except Exception as error:
                return self._failed(error, url, hop, meta, started)
            why = peer_refusal(response, _port(url), installed_guard().policy)
            if why:
                reason = f"blocked address {response.ip_address}: {why}"
                return _closed(reason) if hop else RobotsAnswer(RobotsRules("blocked_address", reason))
            status = response.status
            self._archive(url, response, started)
            meta.setdefault("robots_requests", []).append(RobotsRequest(url, "ok", status, started, len(response.body)))
            location = response.headers.get("Location")
            if status in REDIRECTS and location:
                try:
                    url = canonical_url(location.decode("utf-8", "replace"), url)
                except BadUrlError as error:
                    return _unavailable(f"robots.txt redirects to no URL ({error})", status)
                continue
            return self._answer(response, url)
        return _unavailable(f"robots.txt redirects more than {MAX_ROBOTS_REDIRECTS} times", status)

    async def _download(self, url: str, hop: int) -> Response:
        """One request; a host met by a redirect whose certificate cannot be verified is asked once more without.

        Of the first host that is the fetcher's to do, which then asks for the page so as well.
        """
        settings, peer = self._spider.crawl_settings, (urlsplit(url).hostname or "", _port(url))
        request = robots_request(url, settings.timeout_s)  # not the page's own time, of which little may be left
        try:
            return await self.crawler.engine.download_async(request)
        except ArchiveError:
            raise
        except Exception as error:
            failed = failure_of(error, url, installed_guard()).outcome == "tls_failed"
            if not (failed and hop and settings.tls == "record") or peer in UNVERIFIED:
                raise
            UNVERIFIED.add(peer)
            return await self.crawler.engine.download_async(robots_request(url, settings.timeout_s))

    def _answer(self, response: Response, url: str) -> RobotsAnswer:
        limit = self.crawler.settings.getint("DOWNLOAD_MAXSIZE")
        try:
            encoding = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
            body = decode_body(response.body, encoding, limit)
        except BodyError as error:
            return _closed(str(error))
        rules = rules_of(response.status, body, url)
        if rules.outcome == "robots_unreachable":
            asked = (response.headers.get("Retry-After") or b"").decode("latin-1")
            rules = replace(rules, retry_after=asked[:200])
        return RobotsAnswer(rules, response.status, body)

    def _failed(self, error: Exception, url: str, hop: int, meta: dict[str, Any], at: datetime) -> RobotsAnswer:
        failure = failure_of(error, url, installed_guard())
        self._spider.archive.add_failure(url, failure.outcome, failure.reason, at, connected=failure.connected)
        meta.setdefault("robots_requests", []).append(RobotsRequest(url, failure.outcome, None, at, 0))
        if has_own_word(failure.outcome, hop) and not failure.connected:
            return RobotsAnswer(RobotsRules(failure.outcome, failure.reason))
        return _closed(failure.reason)

    def _archive(self, url: str, response: Response, at: datetime) -> None:
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        self._spider.archive.add(url, response.status, pairs, response.body, str(response.ip_address), at)

    def _opted_out(self, url: str) -> bool:
        return opted_out(urlsplit(url).hostname or "", self._spider.crawl_settings.opt_out)

    def _stop_at_limit(self, data: bytes, request: Request) -> None:
        """A robots.txt without end is read as far as its rules count."""
        if request.meta.get(SKIP):
            request.meta["received"] = request.meta.get("received", 0) + len(data)
            if request.meta["received"] > MAX_ROBOTS_BYTES:
                raise StopDownload(fail=False)

    def _closed(self) -> None:
        self._cache.store.close()


def robots_request(url: str, timeout_s: float | None) -> Request:
    """A request for a robots.txt, which this middleware lets pass unless the host has opted out."""
    return Request(
        url,
        callback=NO_CALLBACK,
        dont_filter=True,
        headers={"Accept": "text/plain,*/*;q=0.5", "Accept-Encoding": "identity"},
        # The size is bounded by _stop_at_limit, which keeps the first part.
        meta={SKIP: True, "download_timeout": timeout_s, "download_maxsize": 0},
    )


def _closed(reason: str) -> RobotsAnswer:
    return RobotsAnswer(
        RobotsRules("robots_unreachable", f"robots.txt could not be read ({reason}); everything is disallowed")
    )


def _unavailable(reason: str, status: int | None) -> RobotsAnswer:
    return RobotsAnswer(RobotsRules(reason=reason, flag="robots_redirects"), status)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or DEFAULT_PORTS[parts.scheme]
