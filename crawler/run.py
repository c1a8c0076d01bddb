"""The child process of a crawl: ``python -m crawler.run JOB``; started by ``crawler.process`` only.

Ends when its work is done, on SIGTERM, and when the parent's end of its standard input closes, so that a killed
parent never leaves a crawler behind.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from crawler.child import last_words
from crawler.errors import ArchiveError, GuardError
from crawler.records import CrawlSettings, CrawlTarget

PR_SET_PDEATHSIG = 1
GRACE_S = 5.0
LOG_CHARS = 500
EXIT_UNABLE = 3


class _Tame(logging.Formatter):
    """One escaped line per message, so that a stranger's text cannot fake or flood the log."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        limit = 8 * LOG_CHARS if record.exc_info else LOG_CHARS
        return text[:limit].encode("unicode_escape").decode("ascii")


def main() -> int:
    """Run the job described in the file named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = CrawlSettings(**job["settings"])
    targets = [CrawlTarget(**target) for target in job["targets"]]
    _die_with_parent(job["parent"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Tame("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Standard output is kept for last words; whatever else would print to it goes to the log.
    voice = os.dup(1)
    os.dup2(2, 1)
    try:
        _crawl(settings, targets, Path(job["archive_dir"]), Path(job["out"]))
    except (ArchiveError, GuardError) as error:
        os.write(voice, last_words(error))
        return EXIT_UNABLE
    return 0


def _crawl(settings: CrawlSettings, targets: list[CrawlTarget], archive_dir: Path, out: Path) -> None:
    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.archive import Archive
    from crawler.settings import scrapy_settings, user_agent
    from crawler.spider import SiteSpider

    archive = Archive(archive_dir, user_agent(settings.contact))
    process = AsyncCrawlerProcess(scrapy_settings(settings))
    require_guard(process.settings)
    logging.getLogger("scrapy.core.engine").setLevel(logging.WARNING)
    crawler = process.create_crawler(SiteSpider)
    process.crawl(crawler, targets=targets, settings_=settings, archive=archive, out=out)
    process.start()
    if isinstance(crawler.spider, SiteSpider) and crawler.spider.failure:
        raise crawler.spider.failure  # and leave the file open: the next crawl cuts what was half written
    archive.close()


def require_guard(settings: object) -> None:
    """Refuse to start when a setting would let requests go round the address guard.

    Raises:
        GuardError: Resolver, handler, reactor or proxy setting is not ours.
    """
    from crawler.settings import HANDLER, RESOLVER, ROBOTS

    get = settings.get  # type: ignore[attr-defined]
    handlers = {**settings.getwithbase("DOWNLOAD_HANDLERS")}  # type: ignore[attr-defined]
    wrong = [
        name
        for name, right in (
            ("TWISTED_DNS_RESOLVER", get("TWISTED_DNS_RESOLVER") == RESOLVER),
            ("TWISTED_REACTOR_ENABLED", bool(get("TWISTED_REACTOR_ENABLED"))),
            ("HTTPPROXY_ENABLED", not get("HTTPPROXY_ENABLED")),
            ("DOWNLOAD_HANDLERS", {k for k, v in handlers.items() if v} == {"http", "https"}),
            ("DOWNLOAD_HANDLERS", handlers.get("http") == HANDLER and handlers.get("https") == HANDLER),
            ("DOWNLOADER_MIDDLEWARES", ROBOTS in settings.getwithbase("DOWNLOADER_MIDDLEWARES")),  # type: ignore[attr-defined]
        )
        if not right
    ]
    if wrong:
        raise GuardError(f"address guard not installed: {', '.join(dict.fromkeys(wrong))} is not this package's own")


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
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
