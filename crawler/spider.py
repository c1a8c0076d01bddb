"""The one spider: visits many sites side by side and writes each as it is finished.

Sites are visits of their own (see ``visit``); Scrapy's scheduler is not used, because each site chooses its next
page from what it has just read. Scrapy's downloader still spaces the requests to a host and holds the guard.
"""

from __future__ import annotations

import asyncio
import faulthandler
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
from crawler.reading import Reader
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl, utc_now
from crawler.robots_cache import RobotsCache
from crawler.robots_middleware import robots_request
from crawler.robots_store import RobotsStore
from crawler.uplink import PAUSE_S, WITNESSES, Held, Uplink, is_silent
from crawler.visit import SiteVisit
from crawler.windows import is_open

WITNESS_TIMEOUT_S = 10.0
BEAT_S = 10.0
HUNG_S = 120.0  # nothing that is meant to run here takes a second; see reading

log = logging.getLogger(__name__)


class SiteSpider(Spider):
    """Reads the home pages and best pages of all targets.

    Args:
        targets: Sites to visit, one target each.
        settings_: The crawl's own settings.
        archive: Where raw responses go.
        out: File that takes one JSON line per event, see ``child``.
        pause_s: Seconds to wait before a connection that seems to be down is tried once more.

    ``failure`` is what ended the crawl early, if it would end the next one too.
    """

    name = "firmscope"

    def __init__(
        self,
        targets: Sequence[CrawlTarget],
        settings_: CrawlSettings,
        archive: Archive,
        out: Path,
        pause_s: float = PAUSE_S,
    ) -> None:
        super().__init__()
        self.targets = targets
        self.waiting = deque(range(len(targets)))
        self.crawl_settings = settings_
        self.archive = archive
        self.out = out.open("ab", buffering=0)
        self.robots = RobotsCache(RobotsStore(archive.folder))
        self.failure: CrawlerError | None = None
        self._pause_s = pause_s
        self._uplink = Uplink()
        self._line_is_down = False
        self._again: list[int] = []
        self._tried: set[int] = set()
        self._doubt = asyncio.Lock()
        self._reader = Reader()
        self._workers: list[asyncio.Task[None]] = []

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> SiteSpider:
        """As Scrapy calls it."""
        spider: SiteSpider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider.closed_down, signal=signals.spider_closed)
        return spider

    async def start(self) -> AsyncIterator[Any]:
        """Do the whole crawl; yields nothing, since every request is made by a visit."""
        beat = asyncio.create_task(_beat())
        try:
            fetcher = self._fetcher()
            while self.waiting:
                count = min(self.crawl_settings.concurrent_sites, len(self.waiting))
                self._workers = [asyncio.create_task(self._work(fetcher)) for _ in range(count)]
                await asyncio.gather(*self._workers)
                if self._uplink.in_doubt and not self._line_is_down:
                    await self._look_at_the_line(fetcher)
                self.waiting.extend(self._again)
                self._again.clear()
            if not self._line_is_down:
                self._hand_out(self._uplink.release())
        except (ArchiveError, GuardError) as error:
            log.error("crawl stops: %s", error)
            self.failure = error
        finally:
            beat.cancel()
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            await self._reader.close()
        return
        yield

    def _fetcher(self) -> Fetcher:
        if not self.crawl_settings.render:
            return Fetcher(self.crawler, self.crawl_settings, self.archive)
        from crawler.drawn import DrawingFetcher

        return DrawingFetcher(self.crawler, self.crawl_settings, self.archive)

    def closed_down(self, reason: str) -> None:
        """Stop the visits still running when Scrapy closes the spider, for instance at the memory limit."""
        if reason != "finished":
            self._event({"stopped": reason})
        self._begin_no_more()
        for worker in self._workers:
            worker.cancel()

    async def _work(self, fetcher: Fetcher) -> None:
        while self.waiting:
            async with self._doubt:
                if self._uplink.in_doubt and not self._line_is_down:
                    await self._look_at_the_line(fetcher)
            if not is_open(utc_now(), self.crawl_settings.window, self.crawl_settings.window_zone):
                self._stop("window")
            if not self.waiting:
                return
            place = self.waiting.popleft()
            self._event({"started": place})
            again = place in self._tried
            self._tried.add(place)
            site = await self._visit(self.targets[place], fetcher)
            self._hand_out(self._uplink.took(Held(place, site, again)))

    async def _look_at_the_line(self, fetcher: Fetcher) -> None:
        """Find out whether anybody answers; if so the silent sites are tried again, if not the crawl ends here.

        Asked are hosts that answered in an earlier crawl, and where there are none, one of the silent sites.
        """
        log.warning("%d sites in a row could not be reached", len(self._uplink.held))
        probed: Held | None = None
        up = await self._somebody_answers()
        if not up:
            await asyncio.sleep(self._pause_s)
            up = await self._somebody_answers()
        self.robots.forget_failures()
        if not up and self._uplink.in_doubt:
            places = [held.place for held in self._uplink.held]
            place = next((place for place in places if self.targets[place].known), places[0])
            probed = Held(place, await self._visit(self.targets[place], fetcher))
            up = not is_silent(probed.site)
        if not self._uplink.in_doubt:
            return  # a site that was still being read has answered
        if not up:
            self._line_is_down = True
            self._uplink.release()
            self._stop("uplink")
            return
        known, again = self._uplink.found_up()
        if probed is not None and probed.place in again:
            again.remove(probed.place)
            known.append(probed)
        self._hand_out(known)
        self._again.extend(again)

    async def _somebody_answers(self) -> bool:
        """Whether a host that answered not long ago still does; asked for its robots.txt, which is nobody's burden."""
        for authority in self.robots.store.newest(WITNESSES):
            try:
                await self.crawler.engine.download_async(robots_request(f"{authority}/robots.txt", WITNESS_TIMEOUT_S))
            except Exception as error:
                log.info("%s does not answer: %s", authority, type(error).__name__)
            else:
                return True
        return False

    async def _visit(self, target: CrawlTarget, fetcher: Fetcher) -> SiteCrawl:
        started = utc_now()
        try:
            return await SiteVisit(target, self.crawl_settings, fetcher.get, self._reader.read).run()
        except (ArchiveError, GuardError):
            raise
        except Exception as error:
            log.exception("visit of firm %r failed", target.firm_id)
            reason = f"unexpected {type(error).__name__} while reading the site; see the crawl log"
            return SiteCrawl(target.firm_id, target.website, "", "internal_error", reason, started, utc_now())

    def _hand_out(self, results: Sequence[Held]) -> None:
        if results:
            self.archive.sync()
        for result in results:
            self._write(b'{"done":%d,"site":%s}\n' % (result.place, result.site.to_json().encode("ascii")))

    def _stop(self, cause: str) -> None:
        """Begin no further site and say why; those being read are finished."""
        self._event({"stopped": cause})
        self._begin_no_more()

    def _begin_no_more(self) -> None:
        self.waiting.clear()
        self._again.clear()

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


async def _beat() -> None:
    """End the process when it hangs in native code, where nothing else could: a dead child is started again."""
    try:
        while True:
            faulthandler.dump_traceback_later(HUNG_S, exit=True)
            await asyncio.sleep(BEAT_S)
    finally:
        faulthandler.cancel_dump_traceback_later()
