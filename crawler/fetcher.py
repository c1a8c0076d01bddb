"""One request at a time through Scrapy: from a URL to a ``Reply``, archived, decoded and named.

Nothing here raises for what a site does; a reply always carries an outcome word. Only a broken archive or a
missing guard end the crawl.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.archive import Archive
from crawler.bodies import ACCEPT_ENCODING, decode_body
from crawler.errors import ArchiveError, BodyError, GuardError
from crawler.failures import failure_of
from crawler.handler import UNVERIFIED
from crawler.records import CrawlSettings, utc_now
from crawler.reply import Reply
from crawler.resolver import installed_guard, peer_refusal
from crawler.urls import DEFAULT_PORTS

MAX_LOCATION_CHARS = 4_000

log = logging.getLogger(__name__)


class Fetcher:
    """Makes the requests of all sites; Scrapy's downloader spaces those to one host."""

    def __init__(self, crawler: Crawler, settings: CrawlSettings, archive: Archive) -> None:
        self.crawler = crawler
        self.settings = settings
        self.archive = archive
        self.guard = installed_guard()

    async def get(self, url: str, timeout_s: float) -> Reply:
        """Request a URL once; redirects come back as they are.

        A host whose certificate cannot be verified is asked once more without, unless the settings say ``verify``;
        its replies carry the flag ``tls_unverified``.

        Raises:
            ArchiveError: The response cannot be kept.
        """
        parts = urlsplit(url)
        peer = (parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme])
        reply = await self._get(url, timeout_s)
        if reply.outcome == "tls_failed" and self.settings.tls == "record" and peer not in UNVERIFIED:
            UNVERIFIED.add(peer)
            again = await self._get(url, timeout_s)
            reply = replace(again, robots=(*reply.robots, *again.robots))
        if parts.scheme == "https" and peer in UNVERIFIED and reply.outcome != "tls_failed":
            reply = replace(reply, flags=(*reply.flags, "tls_unverified"))
        return reply

    async def _get(self, url: str, timeout_s: float) -> Reply:
        meta: dict[str, Any] = {
            "download_slot": urlsplit(url).hostname,
            "download_timeout": max(0.05, timeout_s),
            "robots_requests": [],
        }
        headers = {"Accept-Encoding": ACCEPT_ENCODING}
        started = utc_now()
        try:
            request = Request(url, callback=NO_CALLBACK, dont_filter=True, meta=meta, headers=headers)
            response = await self.crawler.engine.download_async(request)
        except (ArchiveError, GuardError):
            raise
        except Exception as error:
            failure = failure_of(error, url, self.guard)
            if failure.outcome == "internal_error":
                log.exception("request failed")
            return Reply(url, failure.outcome, failure.reason, started, robots=tuple(meta["robots_requests"]))
        return self._reply(url, response, meta)

    def _reply(self, url: str, response: Response, meta: dict[str, Any]) -> Reply:
        at = utc_now()
        robots = tuple(meta["robots_requests"])
        parts = urlsplit(url)
        why = peer_refusal(response, parts.port or DEFAULT_PORTS[parts.scheme], self.guard.policy)
        if why:
            reason = f"blocked address {response.ip_address} ({why})"
            self.crawler.stats.inc_value("guard/peer_refused")
            return Reply(url, "blocked_address", reason, at, robots=robots)
        fields = {
            name: (response.headers.get(name) or b"").decode("utf-8", "replace")[:MAX_LOCATION_CHARS]
            for name in ("Content-Type", "Location", "Retry-After", "ETag", "Last-Modified")
        }
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        ref = self.archive.add(url, response.status, pairs, response.body, str(response.ip_address), at)
        flags = tuple(flag for flag in (meta.get("robots_flag"),) if flag)
        encoding = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
        outcome, reason, body = "ok", "", b""
        try:
            body = decode_body(response.body, encoding, self.settings.max_body_bytes)
        except BodyError as error:
            outcome, reason = error.outcome, str(error)
        if response.status >= 400:
            outcome, reason = "http_error", f"HTTP {response.status}"
        return Reply(
            url=url,
            outcome=outcome,
            reason=reason,
            fetched_at=at,
            status=response.status,
            body=body,
            content_type=fields["Content-Type"],
            location=fields["Location"],
            retry_after=fields["Retry-After"],
            etag=fields["ETag"],
            last_modified=fields["Last-Modified"],
            body_digest=hashlib.sha256(body).hexdigest() if body else "",
            archive_ref=ref,
            bytes_read=len(response.body),
            flags=flags,
            robots=robots,
        )
