"""A fetcher that draws the pages whose text only script can show, for the second pass.

What it replies looks like any other page, so the frontier, the budgets and the books of a visit know nothing of
browsers; only the flags ``rendered`` and ``render_failed`` tell.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

from playwright.async_api import Error as PlaywrightError
from scrapy.crawler import Crawler

from crawler.archive import Archive
from crawler.browser import drawing_request
from crawler.drawing import Drawing
from crawler.errors import ArchiveError, GuardError
from crawler.extract import read_html
from crawler.fetcher import Fetcher
from crawler.members import RENDERED_HEADER
from crawler.parts import Parts
from crawler.records import CrawlSettings, KnownPage, utc_now
from crawler.reply import Reply
from crawler.sniff import page_type

SPACED_PARTS = 30  # for which the delay between requests to one host is not taken off a drawing's time
TRIES = 2  # a browser can be lost through another page
BROWSER_LOST = "browser has been closed"  # Playwright's words; it does not export the error's class
MAX_SHELL_BYTES = 1024 * 1024  # a page without words is small; looking at a larger one would hold the crawl up
HTML = "text/html; charset=utf-8"

log = logging.getLogger(__name__)


class DrawingFetcher(Fetcher):
    """Fetches like its parent, and draws."""

    def __init__(self, crawler: Crawler, settings: CrawlSettings, archive: Archive) -> None:
        super().__init__(crawler, settings, archive)
        self._parts = Parts(super().get)

    async def get(self, url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:  # noqa: ARG002
        """Request a URL once, and draw it where it is a page without words that waits for script.

        Args:
            url: What to fetch.
            timeout_s: For the request; drawing may take as long again, and its waits between requests besides.
            known: Not used: an unchanged document may draw other words.

        Raises:
            ArchiveError: A response cannot be kept.
        """
        reply = await super().get(url, timeout_s)
        if not _waits_for_script(reply):
            return reply
        limit_s = timeout_s + SPACED_PARTS * self.settings.delay_s
        made: list[Reply] = []
        for _ in range(TRIES):
            drawing = Drawing(reply, self._parts, limit_s, self.settings.max_body_bytes)
            drawn = await self._draw(drawing)
            made += drawing.made
            if drawing.failure is not None:
                raise drawing.failure
            if drawn is not None:
                break
        reply = replace(
            reply,
            parts=len(made),
            bytes_read=reply.bytes_read + sum(part.bytes_read for part in made),
            robots=(*reply.robots, *(robots for part in made for robots in part.robots)),
        )
        if not drawn:
            return replace(reply, flags=(*reply.flags, "render_failed"))
        at = utc_now()
        headers = (("Content-Type", HTML), (RENDERED_HEADER, "1"))
        return replace(
            reply,
            body=drawn,
            content_type=HTML,
            fetched_at=at,
            etag="",
            last_modified="",
            body_digest=hashlib.sha256(drawn).hexdigest(),
            archive_ref=self.archive.add(url, 200, headers, drawn, "", at),
            flags=(*reply.flags, "rendered"),
        )

    async def _draw(self, drawing: Drawing) -> bytes | None:
        """The drawn page; empty when it would not be drawn, ``None`` when the browser was lost meanwhile.

        What a page does to the browser is no reason to stop the crawl.
        """
        url = drawing.document.url
        try:
            response = await self.crawler.engine.download_async(drawing_request(drawing))
        except (ArchiveError, GuardError):
            raise
        except (TimeoutError, ValueError, PlaywrightError) as error:
            log.warning("%.200r was not drawn: %s", url, str(error) or "its scripts did not come to an end")
            return None if BROWSER_LOST in str(error) else b""
        except Exception:
            log.exception("%.200r was not drawn", url)
            return b""
        return bytes(response.body)


def _waits_for_script(reply: Reply) -> bool:
    if reply.outcome != "ok" or reply.status != 200 or len(reply.body) > MAX_SHELL_BYTES:
        return False
    if page_type(reply.body, reply.content_type)[0]:
        return False
    return read_html(reply.body, reply.url, reply.content_type).script_only
