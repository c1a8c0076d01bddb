"""A site held in a table, for rules that want no socket: what each address answers, and what was asked of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crawler.records import CrawlSettings, CrawlTarget, KnownPage, SiteCrawl, utc_now
from crawler.reply import Reply
from crawler.visit import SiteVisit

HOME = "https://firm.co.uk/"
TEXT = "We design and build hydraulic presses for the makers of railway and aerospace parts. " * 4
SETTINGS = CrawlSettings(contact="crawl@example.org", delay_s=0)


@dataclass
class Table:
    """A web as a table from URL to reply, and what was asked of it."""

    replies: dict[str, Reply]
    asked: list[tuple[str, KnownPage | None]] = field(default_factory=list)

    async def get(self, url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:
        assert timeout_s > 0
        self.asked.append((url, known))
        return self.replies.get(url) or Reply(url, "http_error", "HTTP 404", utc_now(), 404)

    @property
    def urls(self) -> list[str]:
        return [url for url, _ in self.asked if not url.endswith("/sitemap.xml")]


def page(url: str, text: str = TEXT, links: str = "", head: str = "", **fields: Any) -> Reply:
    body = f"<html><head><title>T</title>{head}</head><body>{links}<main><p>{text}</p></main></body></html>".encode()
    usual: dict[str, Any] = {
        "status": 200,
        "content_type": "text/html",
        "body_digest": hashlib.sha256(body).hexdigest(),
    }
    return Reply(url, "ok", "", utc_now(), body=body, **(usual | fields))


def to(url: str, location: str, status: int = 301) -> Reply:
    return Reply(url, "ok", "", utc_now(), status, location=location)


def visit(
    *replies: Reply, settings: CrawlSettings = SETTINGS, known: tuple[KnownPage, ...] = (), extra: Sequence[str] = ()
) -> tuple[SiteCrawl, Table]:
    table = Table({reply.url: reply for reply in replies})
    target = CrawlTarget("F1", HOME, known)
    return asyncio.run(SiteVisit(target, settings, table.get, extra=extra).run()), table


def outcomes(site: SiteCrawl) -> dict[str, str]:
    return {fetch.url: fetch.outcome for fetch in site.fetches if not fetch.url.endswith("/sitemap.xml")}
