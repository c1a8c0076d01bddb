"""The one spider: visits many sites side by side and writes each as it is finished.

Sites are visits of their own (see ``visit``); Scrapy's scheduler is not used, because each site chooses its next
page from what it has just read. Scrapy's downloader still spaces the requests to a host and holds the guard.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from scrapy import Spider, signals
from scrapy.crawler import Crawler

from crawler.archive import Archive
from crawler.errors import ArchiveError, CrawlerError, GuardError
from crawler.fetcher import Fetcher
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl, utc_now
from crawler.visit import SiteVisit

log = logging.getLogger(__name__)


class SiteSpider(Spider):
    """Reads the home pages and best pages of all targets.

    Args:
        targets: Sites to visit, one target each.
        settings_: The crawl's own settings.
        archive: Where raw responses go.
        out: File that takes one JSON line per event, see ``child``.

    ``failure`` is what ended the crawl early, if it would end the next one too.
    """

    name = "firmscope"

    def __init__(self, targets: Sequence[CrawlTarget], settings_: CrawlSettings, archive: Archive, out: Path) -> None:
        super().__init__()
        self.waiting = deque(enumerate(targets))
        self.crawl_settings = settings_
        self.archive = archive
        self.out = out.open("ab", buffering=0)
        self.failure: CrawlerError | None = None
        self._workers: list[asyncio.Task[None]] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        """As Scrapy calls it."""
        spider: SiteSpider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.closed_down, signal=signals.spider_closed)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Do the whole crawl; yields nothing, since every request is made by a visit."""
        try:
            fetcher = Fetcher(self.crawler, self.crawl_settings, self.archive)
            count = min(self.crawl_settings.concurrent_sites, len(self.waiting))
            self._workers = [asyncio.create_task(self._work(fetcher)) for _ in range(count)]
            await asyncio.gather(*self._workers)
        except (ArchiveError, GuardError) as error:
            log.error("crawl stops: %s", error)
            self.failure = error
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
        return
        yield

    def closed_down(self, reason: str) -> None:
        """Stop the visits still running when Scrapy closes the spider, for instance at the memory limit."""
        if reason != "finished":
            self._event({"stopped": reason})
        self.waiting.clear()
        for worker in self._workers:
            worker.cancel()

    async def _work(self, fetcher: Fetcher) -> None:
        while self.waiting:
            index, target = self.waiting.popleft()
            self._event({"started": index})
            site = await self._visit(target, fetcher)
            self.archive.sync()
            self._write(b'{"done":%d,"site":%s}\n' % (index, site.to_json().encode("ascii")))

    async def _visit(self, target: CrawlTarget, fetcher: Fetcher) -> SiteCrawl:
        started = utc_now()
        try:
            return await SiteVisit(target, self.crawl_settings, fetcher.get).run()
        except (ArchiveError, GuardError):
            raise
        except Exception as error:
            log.exception("visit of firm %r failed", target.firm_id)
            reason = f"unexpected {type(error).__name__} while reading the site; see the crawl log"
            return SiteCrawl(target.firm_id, target.website, "", "internal_error", reason, started, utc_now())

    def _event(self, event: dict[str, Any]) -> None:
        self._write(json.dumps(event).encode("ascii") + b"\n")

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        try:
            while view:
                view = view[self.out.write(view) :]
        except OSError as error:
            message = f"cannot write the crawl's work file ({error}): free space or mend the folder, then crawl again"
            raise ArchiveError(message) from error
