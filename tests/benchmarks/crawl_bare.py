"""The peer of the crawl benchmark: a bare Scrapy spider that obeys robots.txt, follows links and stores nothing.

As many requests side by side as we have sites in work, no delay; how many may go to one host is the first argument.
All else is Scrapy's default. Its page count goes to standard output.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response, TextResponse


class BareSpider(Spider):
    """Every link of every page, within the hosts it was started on."""

    name = "bare"
    pages = 0

    def __init__(self, websites: list[str]) -> None:
        super().__init__()
        self.start_urls = websites
        self.allowed_domains = [website.split("/")[2].partition(":")[0] for website in websites]

    async def start(self) -> AsyncIterator[Any]:
        """One request per home page."""
        for url in self.start_urls:
            yield Request(url)

    def parse(self, response: Response, **_: Any) -> Iterator[Request]:
        """Count the page and follow its links."""
        type(self).pages += 1
        if isinstance(response, TextResponse):
            yield from response.follow_all(css="a")


def main(per_host: int, websites: list[str]) -> None:
    """Crawl to the end."""
    process = CrawlerProcess(
        {
            "ROBOTSTXT_OBEY": True,
            "CONCURRENT_REQUESTS": min(200, len(websites)),
            "CONCURRENT_REQUESTS_PER_DOMAIN": per_host,
            "DOWNLOAD_DELAY": 0,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_LEVEL": "ERROR",
        }
    )
    process.crawl(BareSpider, websites=websites)
    process.start()
    print(BareSpider.pages)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8").split())
