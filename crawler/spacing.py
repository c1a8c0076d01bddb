"""The distance between two requests to one host, whoever makes them and for whichever firm.

Scrapy's downloader spaces requests by slot; here one slot is one host, ``www.`` or not, whatever the scheme and port.
A host that says it is busy is left alone by all its visitors, not only by the one who was told.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawler.records import utc_now
from crawler.retry import ASKS_FOR_TIME, pause_s

MAX_BUSY_KEPT = 10_000


def slot_of(url: str) -> str:
    """Name of the slot in which a URL's requests wait for each other."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


class Spacing:
    """Keeps the slots of one crawl's downloader."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._busy: OrderedDict[str, int] = OrderedDict()

    def assign(self, request: Request) -> None:
        """Put a request into its host's slot."""
        request.meta["download_slot"] = slot_of(request.url)

    def stretch(self, url: str, delay_s: float) -> None:
        """Widen a host's distance to its Crawl-delay; ours is never shortened."""
        downloader = self._crawler.engine.downloader
        delay_s = max(delay_s, self._crawler.settings.getfloat("DOWNLOAD_DELAY"))
        downloader.per_slot_settings[slot_of(url)] = {"delay": delay_s}  # for slots yet to be made
        slot = self._slot(url)
        if slot is not None:
            slot.delay = max(slot.delay, delay_s)

    def answered(self, response: Response) -> None:
        """Hold a host's next request back when it has just said that it is busy, longer each time in a row."""
        key = slot_of(response.url)
        if response.status not in ASKS_FOR_TIME:
            self._busy.pop(key, None)
            return
        self._busy[key] = self._busy.pop(key, 0) + 1
        while len(self._busy) > MAX_BUSY_KEPT:
            self._busy.popitem(last=False)
        asked = (response.headers.get("Retry-After") or b"").decode("latin-1")
        slot = self._slot(response.url)
        if slot is not None and slot.delay:  # without a distance there is nobody to be polite to: a test, a benchmark
            wait = pause_s(asked, self._busy[key], utc_now())
            slot.lastseen = max(slot.lastseen, time.monotonic() + wait - slot.delay)

    def _slot(self, url: str) -> Any:
        return self._crawler.engine.downloader.slots.get(slot_of(url))
