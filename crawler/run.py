"""The child process of a crawl: ``python -m crawler.run JOB``; started by ``crawler.process`` only.

Ends when its work is done, on SIGTERM, and when the parent's end of its standard input closes, so that a killed
parent never leaves a crawler behind.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import overload

from crawler.child import last_words
from crawler.children import log_to_stderr, signal_when_parent_dies
from crawler.errors import ArchiveError, GuardError
from crawler.records import CrawlSettings, CrawlTarget

GRACE_S = 5.0
EXIT_UNABLE = 3


class JobTargets(Sequence[CrawlTarget]):
    """The targets of a job file, read when asked for: what is known of ten thousand sites would fill 200 MB.

    The file's first line is ``job``, each further one a target.
    """

    def __init__(self, path: Path) -> None:
        self._lines = path.open("rb")
        self.job = json.loads(self._lines.readline())
        self._places: list[int] = []
        place = self._lines.tell()
        for line in self._lines:
            self._places.append(place)
            place += len(line)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> CrawlTarget: ...
    @overload
    def __getitem__(self, index: slice) -> list[CrawlTarget]: ...
    def __getitem__(self, index: int | slice) -> CrawlTarget | list[CrawlTarget]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        self._lines.seek(self._places[index])
        return CrawlTarget.from_dict(json.loads(self._lines.readline()))


def main() -> int:
    """Run the job described in the file named on the command line."""
    targets = JobTargets(Path(sys.argv[1]))
    job = targets.job
    settings = CrawlSettings(**job["settings"])
    _die_with_parent(job["parent"])
    log_to_stderr()
    # Standard output is kept for last words; whatever else would print to it goes to the log.
    voice = os.dup(1)
    os.dup2(2, 1)
    try:
        _crawl(settings, targets, Path(job["archive_dir"]), Path(job["out"]), job["pause_s"])
    except (ArchiveError, GuardError) as error:
        os.write(voice, last_words(error))
        return EXIT_UNABLE
    return 0


def _crawl(
    settings: CrawlSettings, targets: Sequence[CrawlTarget], archive_dir: Path, out: Path, pause_s: float
) -> None:
    _wait_by_a_steady_clock()
    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.archive import Archive
    from crawler.settings import scrapy_settings, user_agent
    from crawler.spider import SiteSpider

    archive = Archive(archive_dir, user_agent(settings.contact))
    using = scrapy_settings(settings)
    if settings.render:
        from crawler.browser import rendering_settings

        using |= rendering_settings(using["DOWNLOAD_HANDLERS"])
    process = AsyncCrawlerProcess(using)
    require_guard(process.settings)
    logging.getLogger("scrapy.core.engine").setLevel(logging.WARNING)
    crawler = process.create_crawler(SiteSpider)
    process.crawl(crawler, targets=targets, settings_=settings, archive=archive, out=out, pause_s=pause_s)
    process.start()
    if isinstance(crawler.spider, SiteSpider) and crawler.spider.failure:
        raise crawler.spider.failure  # and leave the file open: the next crawl cuts what was half written
    archive.close()


def require_guard(settings: object) -> None:
    """Refuse to start when a setting would let requests go round the address guard.

    Raises:
        GuardError: Resolver, handler, reactor or proxy setting is not ours.
    """
    from crawler.rendering import DRAWING_HANDLER, DRAWING_SCHEME
    from crawler.settings import HANDLER, RESOLVER, ROBOTS

    get = settings.get  # type: ignore[attr-defined]
    handlers = {**settings.getwithbase("DOWNLOAD_HANDLERS")}  # type: ignore[attr-defined]
    wrong = [
        name
        for name, right in (
            ("TWISTED_DNS_RESOLVER", get("TWISTED_DNS_RESOLVER") == RESOLVER),
            ("TWISTED_REACTOR_ENABLED", bool(get("TWISTED_REACTOR_ENABLED"))),
            ("HTTPPROXY_ENABLED", not get("HTTPPROXY_ENABLED")),
            ("DOWNLOAD_HANDLERS", {k for k, v in handlers.items() if v} - {DRAWING_SCHEME} == {"http", "https"}),
            ("DOWNLOAD_HANDLERS", handlers.get(DRAWING_SCHEME) in {None, DRAWING_HANDLER}),
            ("DOWNLOAD_HANDLERS", handlers.get("http") == HANDLER and handlers.get("https") == HANDLER),
            ("DOWNLOADER_MIDDLEWARES", ROBOTS in settings.getwithbase("DOWNLOADER_MIDDLEWARES")),  # type: ignore[attr-defined]
        )
        if not right
    ]
    if wrong:
        raise GuardError(f"address guard not installed: {', '.join(dict.fromkeys(wrong))} is not this package's own")


def _wait_by_a_steady_clock() -> None:
    """Twisted waits by the time of day: set forward by an hour, it would end every request that is under way."""
    from twisted.internet.base import ReactorBase

    ReactorBase.seconds = staticmethod(time.monotonic)


def _die_with_parent(parent: int) -> None:
    signal_when_parent_dies(signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    """Standard input is a pipe that only the parent holds open."""
    while os.read(0, 1):  # not sys.stdin, whose lock a daemon thread would hold at exit
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    timer = threading.Timer(GRACE_S, os._exit, (1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
