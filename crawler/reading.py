"""Read pages without holding up the crawl: in processes beside it, one for most pages and one for large ones.

Reading takes as much of a processor as fetching does, so a second one makes a crawl faster. A large page takes up to
seconds of native code, in which no timeout of the crawl could fire, so it has a process of its own. Both end with the
crawl, are replaced when a page hangs or kills them, and cost that page alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import struct
import sys
from typing import TYPE_CHECKING

from crawler.children import environment
from crawler.errors import BodyError

if TYPE_CHECKING:
    from crawler.extract import HtmlPage

SMALL_BYTES = 256 * 1024
# 250 kB of nested lists hold 50,000 tags and take 12 s; 557 real pages below that size hold 5,778 at most.
SMALL_TAGS = 10_000
LANES = 2  # one would wait for the crawl between any two pages: a third of its time on two cores
HERE = 100  # a process costs a second to start, more than the pages of a small crawl
LIMIT_S = 30.0
START_S = 30.0  # for the process to import what it needs, on a busy machine
LENGTH = struct.Struct(">Q")

log = logging.getLogger(__name__)


class Reader:
    """Reads the pages of one crawl: the first small ones here, later ones and large ones in a process each.

    Args:
        small_bytes: Pages of at least this size are large, and so are smaller ones that are nothing but tags.
        limit_s: Seconds that a page may take beside the crawl.
        here: Small pages read in this process before one is started for them.
    """

    def __init__(self, small_bytes: int = SMALL_BYTES, limit_s: float = LIMIT_S, here: int = HERE) -> None:
        self._small_bytes = small_bytes
        self._here = here
        self._small = [Lane(limit_s) for _ in range(LANES)]
        self._large = Lane(limit_s)

    async def read(self, body: bytes, url: str, content_type: str = "", kind: str = "other") -> HtmlPage:
        """Turn a body into a page, as ``page_reading.read_page`` does.

        Raises:
            BodyError: The page could not be read, with the outcome word ``bad_response``.
        """
        if len(body) >= self._small_bytes or body.count(b"<") >= SMALL_TAGS:
            return await self._large.read(body, url, content_type, kind)
        if self._here > 0:
            from crawler.page_reading import read_page

            self._here -= 1
            return read_page(body, url, content_type, kind)
        lane = min(
            self._small, key=lambda lane: lane.waiting
        )  # the first where none waits, so that few pages start one
        return await lane.read(body, url, content_type, kind)

    async def close(self) -> None:
        """End the processes."""
        for lane in (*self._small, self._large):
            await lane.close()


class Lane:
    """One process that reads page after page; started with the first, and again after one that kills it."""

    def __init__(self, limit_s: float) -> None:
        self.waiting = 0
        self._limit_s = limit_s
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def read(self, body: bytes, url: str, content_type: str, kind: str) -> HtmlPage:
        """As ``Reader.read``.

        Raises:
            BodyError: The page could not be read, with the outcome word ``bad_response``.
        """
        self.waiting += 1
        try:
            return await self._read(body, url, content_type, kind)
        finally:
            self.waiting -= 1

    async def _read(self, body: bytes, url: str, content_type: str, kind: str) -> HtmlPage:
        async with self._turn:
            process = self._process
            try:
                if process is None or process.returncode is not None:
                    process = self._process = await asyncio.wait_for(_started(), START_S)
                page, leaving = await asyncio.wait_for(_ask(process, body, url, content_type, kind), self._limit_s)
                if leaving:
                    await self._kill()
                return page
            except TimeoutError as error:
                await self._kill()
                log.warning("reading %.200r took more than %g s", url, self._limit_s)
                raise BodyError("bad_response", f"the page takes more than {self._limit_s:g} s to read") from error
            except (asyncio.IncompleteReadError, OSError) as error:
                await self._kill()
                log.warning("reading %.200r ended the reading process (%s)", url, type(error).__name__)
                raise BodyError("bad_response", "the page cannot be read: reading it ended the process") from error
            except BaseException:
                await self._kill()  # half an answer would be taken for the next page's
                raise

    async def close(self) -> None:
        """End the process, if there is one."""
        await self._kill()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _started() -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "crawler.reading_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    try:
        await process.stdout.readexactly(1)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    return process


async def _ask(
    process: asyncio.subprocess.Process, body: bytes, url: str, content_type: str, kind: str
) -> tuple[HtmlPage, bool]:
    assert process.stdin is not None  # noqa: S101 (both are pipes)
    assert process.stdout is not None  # noqa: S101
    message = pickle.dumps((body, url, content_type, kind))
    process.stdin.write(LENGTH.pack(len(message)))
    process.stdin.write(message)
    await process.stdin.drain()
    size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
    answer: tuple[HtmlPage, bool] = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301 (our own child)
    return answer
