"""One request at a time through Scrapy: from a URL to a ``Reply``, archived, decoded and named.

Nothing here raises for what a site does; a reply always carries an outcome word. Only a broken archive or a
missing guard end the crawl.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK

from crawler.archive import Archive, ArchivedResponse, read_record
from crawler.bodies import ACCEPT_ENCODING, decode_body
from crawler.errors import ArchiveError, BodyError, GuardError
from crawler.failures import failure_of
from crawler.handler import LENGTH_FLAG, UNVERIFIED
from crawler.records import CrawlSettings, KnownPage, utc_now
from crawler.reply import Reply
from crawler.resolver import installed_guard, peer_refusal
from crawler.robots_middleware import RobotsRefusedError
from crawler.urls import DEFAULT_PORTS

MAX_HEADER_CHARS = 4_000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """A page known from an earlier crawl, and its answer as it was archived."""

    page: KnownPage
    record: ArchivedResponse


class Fetcher:
    """Makes the requests of all sites; Scrapy's downloader spaces those to one host."""

    def __init__(self, crawler: Crawler, settings: CrawlSettings, archive: Archive) -> None:
        self.crawler = crawler
        self.settings = settings
        self.archive = archive
        self.guard = installed_guard()

    async def get(self, url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:
        """Request a URL once; redirects come back as they are.

        What is ``known`` is asked for conditionally, if the archive still has it whole: where the server answers 304,
        the reply holds the archived body.

        A host whose certificate cannot be verified is asked once more without, unless the settings say ``verify``;
        its replies carry the flag ``tls_unverified``.

        Raises:
            ArchiveError: The response cannot be kept.
        """
        parts = urlsplit(url)
        peer = (parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme])
        held = self._held(known) if known is not None else None
        reply = await self._get(url, timeout_s, held)
        if reply.outcome == "tls_failed" and self.settings.tls == "record" and peer not in UNVERIFIED:
            UNVERIFIED.add(peer)
            again = await self._get(url, timeout_s, held)
            reply = replace(again, robots=(*reply.robots, *again.robots))
        if parts.scheme == "https" and peer in UNVERIFIED and reply.outcome != "tls_failed":
            reply = replace(reply, flags=(*reply.flags, "tls_unverified"))
        return reply

    async def _get(self, url: str, timeout_s: float, held: Held | None) -> Reply:
        meta: dict[str, Any] = {
            "download_slot": urlsplit(url).hostname,
            "download_timeout": max(0.05, timeout_s),
            "robots_requests": [],
        }
        headers = {"Accept-Encoding": ACCEPT_ENCODING}
        if held is not None and held.page.etag:
            headers["If-None-Match"] = held.page.etag
        if held is not None and held.page.last_modified:
            headers["If-Modified-Since"] = held.page.last_modified
        started = utc_now()
        try:
            request = Request(url, callback=NO_CALLBACK, dont_filter=True, meta=meta, headers=headers)
            meta = request.meta  # a copy; the middleware and the handler write to it
            response = await self.crawler.engine.download_async(request)
        except (ArchiveError, GuardError):
            raise
        except Exception as error:
            failure = failure_of(error, url, self.guard)
            if failure.outcome == "internal_error":
                log.exception("request failed")
            asked = ""
            if isinstance(error, RobotsRefusedError):
                asked = error.retry_after
            else:
                self.archive.add_failure(url, failure.outcome, failure.reason, started)
            robots = tuple(meta["robots_requests"])
            return Reply(url, failure.outcome, failure.reason, started, retry_after=asked, robots=robots)
        return self._reply(url, response, meta, held)

    def _reply(self, url: str, response: Response, meta: dict[str, Any], held: Held | None) -> Reply:
        at = utc_now()
        parts = urlsplit(url)
        common: dict[str, Any] = {
            "robots": tuple(meta["robots_requests"]),
            "sitemaps": tuple(meta.get("robots_sitemaps") or ()),
            "flags": tuple(flag for flag in (meta.get("robots_flag"), meta.get(LENGTH_FLAG)) if flag),
        }
        why = peer_refusal(response, parts.port or DEFAULT_PORTS[parts.scheme], self.guard.policy)
        if why:
            reason = f"blocked address {response.ip_address} ({why})"
            self.crawler.stats.inc_value("guard/peer_refused")
            self.archive.add_failure(url, "blocked_address", reason, at)
            return Reply(url, "blocked_address", reason, at, **common)
        pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        if response.status == 304 and held is not None:
            return self._unchanged(response, pairs, held, at, common)
        encoding = b",".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
        outcome, reason, body = "ok", "", b""
        try:
            body = decode_body(response.body, encoding, self.settings.max_body_bytes)
        except BodyError as error:
            outcome, reason = error.outcome, str(error)
        if response.status >= 400:
            outcome, reason = "http_error", f"HTTP {response.status}"
        digest = hashlib.sha256(body).hexdigest() if body else ""
        if outcome == "ok" and held is not None and response.status == 200 and digest == held.page.body_digest:
            ref = held.page.archive_ref
            self.archive.add_revisit(url, 200, pairs, at, ref, held.record.url, held.record.fetched_at)
        else:
            ref = self.archive.add(url, response.status, pairs, response.body, str(response.ip_address), at)
        return Reply(
            url=url,
            outcome=outcome,
            reason=reason,
            fetched_at=at,
            status=response.status,
            body=body,
            content_type=_field(response, "Content-Type"),
            location=_field(response, "Location"),
            retry_after=_field(response, "Retry-After"),
            etag=_field(response, "ETag"),
            last_modified=_field(response, "Last-Modified"),
            body_digest=digest,
            archive_ref=ref,
            bytes_read=len(response.body),
            robots_tag=_robots_tag(response),
            **common,
        )

    def _held(self, known: KnownPage) -> Held | None:
        """The archived answer of a known page, if it is whole and still the one that is meant."""
        if not known.archive_ref or not known.body_digest:
            return None
        try:
            record = read_record(self.archive.folder, known.archive_ref)
        except (ArchiveError, BodyError) as error:
            log.warning("%s cannot be asked for conditionally: %s", known.url, error)
            return None
        whole = hashlib.sha256(record.body).hexdigest() == known.body_digest
        return Held(known, record) if whole and record.status == 200 else None

    def _unchanged(
        self, response: Response, pairs: list[tuple[str, str]], held: Held, at: datetime, common: dict[str, Any]
    ) -> Reply:
        """What the archive holds of a page that the server says is unchanged."""
        page, record = held.page, held.record
        self.archive.add_revisit(page.url, 304, pairs, at, page.archive_ref, record.url, record.fetched_at)
        before = {name.lower(): value for name, value in record.headers}
        return Reply(
            url=page.url,
            outcome="ok",
            reason="",
            fetched_at=at,
            status=304,
            body=record.body,
            content_type=before.get("content-type", ""),
            etag=_field(response, "ETag") or page.etag,
            last_modified=_field(response, "Last-Modified") or page.last_modified,
            body_digest=page.body_digest,
            archive_ref=page.archive_ref,
            bytes_read=len(response.body),
            robots_tag=_robots_tag(response) or before.get("x-robots-tag", ""),
            unchanged=True,
            **common,
        )


def _field(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("utf-8", "replace")[:MAX_HEADER_CHARS]


def _robots_tag(response: Response) -> str:
    values = response.headers.getlist("X-Robots-Tag")
    return "\n".join(value.decode("utf-8", "replace")[:MAX_HEADER_CHARS] for value in values)
