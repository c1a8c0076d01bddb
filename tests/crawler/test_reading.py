"""Large pages are read beside the crawl: nothing waits for them, and what hangs or dies over one costs that page."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from crawler.errors import BodyError
from crawler.page_reading import read_page
from crawler.reading import Reader

T = TypeVar("T")
SMALL = b"<html><head><title>Presses</title></head><body><p>We make presses in Derby.</p></body></html>"
LIMIT_BYTES = 1_000
LARGE = SMALL + b"<p>We repair presses of all makes.</p>" * 50


def workers() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "crawler.reading_worker" in " ".join(p.cmdline())]


def using(work: Callable[[Reader], Awaitable[T]], reader: Reader | None = None) -> T:
    async def run() -> T:
        used = reader or Reader(LIMIT_BYTES)
        try:
            return await work(used)
        finally:
            await used.close()

    try:
        return asyncio.run(run())
    finally:
        assert workers() == []


def test_page_is_the_same_wherever_it_is_read() -> None:
    async def work(reader: Reader) -> None:
        url = "http://f.com/"
        assert await reader.read(SMALL, url, "text/html", "home") == read_page(SMALL, url, "text/html", "home")
        assert workers() == [], "nothing is started for small pages"
        assert await reader.read(LARGE, url, "text/html", "home") == read_page(LARGE, url, "text/html", "home")
        first = workers()
        await asyncio.gather(*(reader.read(LARGE, "http://f.com/") for _ in range(3)))
        assert [worker.pid for worker in workers()] == [first[0].pid], "one process for all"

    using(work)


def test_later_small_pages_are_read_beside_the_crawl() -> None:
    async def work(reader: Reader) -> None:
        pages = [await reader.read(SMALL, "http://f.com/", "text/html", "home") for _ in range(3)]
        assert pages[0] == pages[1] == pages[2]
        assert len(workers()) == 1
        await reader.read(LARGE, "http://f.com/")
        assert len(workers()) == 2, "a large page holds up nobody"

    using(work, Reader(LIMIT_BYTES, here=1))


SLOW = [
    ("huge", b"<html><body>" + b"<div><p>word <a href='/x'>link</a></p></div>" * 25_000),
    ("small and nothing but tags", b"<html><body>word " + b"<ul><li>x" * 5_100),
]


@pytest.mark.parametrize("slow", [s[1] for s in SLOW], ids=[s[0] for s in SLOW])
def test_the_loop_runs_on_while_a_slow_page_is_read(slow: bytes) -> None:
    async def work(reader: Reader) -> float:
        longest, last = 0.0, time.monotonic()
        reading = asyncio.ensure_future(reader.read(slow, "http://f.com/"))
        while not reading.done():
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert "word" in (await reading).words.text
        return longest

    assert using(work, Reader()) < 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_page_that_kills_its_reader_costs_itself_alone(number: signal.Signals) -> None:
    async def work(reader: Reader) -> None:
        await reader.read(LARGE, "http://f.com/")
        worker = workers()[0]
        worker.suspend()
        deadly = asyncio.ensure_future(reader.read(LARGE, "http://deadly.com/"))
        after = asyncio.ensure_future(reader.read(LARGE, "http://after.com/"))
        await asyncio.sleep(0.1)
        worker.send_signal(number)
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.resume()
        with pytest.raises(BodyError, match="ended the process") as raised:
            await deadly
        assert raised.value.outcome == "bad_response"
        assert "presses" in (await after).words.text

    using(work)


def test_page_that_hangs_is_given_up() -> None:
    async def work(reader: Reader) -> None:
        await reader.read(LARGE, "http://f.com/")
        stuck = workers()[0]
        stuck.suspend()
        with pytest.raises(BodyError, match="more than 1 s"):
            await reader.read(LARGE, "http://stuck.com/")
        assert not stuck.is_running()
        assert "presses" in (await reader.read(LARGE, "http://after.com/")).words.text

    using(work, Reader(LIMIT_BYTES, limit_s=1))


def test_reader_does_not_outlive_a_killed_crawl(tmp_path: Path) -> None:
    code = (
        "import asyncio, time\nfrom crawler.reading import Reader\n"
        "async def main():\n    await Reader().read(b'<p>word</p>' * 50_000, 'u')\n    print('read', flush=True)\n"
        "    time.sleep(60)\nasyncio.run(main())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"read\n"
    orphans = psutil.Process(parent.pid).children()
    assert len(orphans) == 1
    parent.kill()
    parent.wait()
    parent.stdout.close()
    psutil.wait_procs(orphans, timeout=5)
    assert not orphans[0].is_running() or orphans[0].status() == psutil.STATUS_ZOMBIE
