"""A crawl process that dies costs the sites that killed it, not the crawl; a full disk ends it at once."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from crawler import process
from crawler.errors import ArchiveError
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

Crawl = Callable[..., dict[str, SiteCrawl]]
TEXT = "We repair presses of all makes in our Derby works. " * 3


def child() -> psutil.Process:
    found = [p for p in psutil.Process().children() if "crawler.run" in " ".join(p.cmdline())]
    assert len(found) == 1, "one child at a time"
    return found[0]


def killer(number: signal.Signals, times: int = 1_000) -> Callable[..., Any]:
    """A page that ends the crawl process while it is being read, ``times`` times, and then is a page."""
    left = [times]

    async def answer(hit: Any, writer: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            child().send_signal(number)
            await asyncio.sleep(5)
        else:
            writer.write(b"HTTP/1.1 200 X\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>" + TEXT.encode())
            writer.close()

    return answer


def names(work: Path) -> list[str]:
    return sorted(path.name for path in work.iterdir())


def test_a_site_that_kills_the_process_costs_itself_alone(
    web: Any, run_crawl: Crawl, settings: CrawlSettings, tmp_path: Path
) -> None:
    deadly = [web.add({"/": killer(number)}) for number in (signal.SIGKILL, signal.SIGSEGV)]
    good = [web.add({"/": web.page(f"Good {n}", web.filler)}) for n in range(6)]
    websites = {f"good{n}": web.url(site) for n, site in enumerate(good[:3])}
    websites |= {f"deadly{n}": web.url(site) for n, site in enumerate(deadly)}
    websites |= {f"good{n}": web.url(site) for n, site in enumerate(good[3:], start=3)}
    found = run_crawl(websites, replace(settings, concurrent_sites=2))
    ended = {firm_id: site.outcome for firm_id, site in found.items()}
    expected = {firm_id: "internal_error" if "deadly" in firm_id else "ok" for firm_id in websites}
    assert ended == expected
    assert "SIGKILL" in found["deadly0"].reason
    assert "SIGSEGV" in found["deadly1"].reason
    # The first to die may take the other along before that one's home page was asked for.
    assert sorted(site.paths.count("/") for site in deadly) in ([1, 2], [2, 2]), "tried once more and no oftener"
    assert names(tmp_path / "work") == ["crawl.log"]


def test_a_site_that_was_only_beside_a_death_is_read_after_all(web: Any, run_crawl: Crawl) -> None:
    once = web.add({"/": killer(signal.SIGABRT, times=1)})
    found = run_crawl({"once": web.url(once)})["once"]
    assert (found.outcome, once.paths.count("/")) == ("ok", 2), found.reason


def test_second_tries_are_made_one_site_at_a_time(web: Any, run_crawl: Crawl, settings: CrawlSettings) -> None:
    killed: list[bool] = []

    async def slow(hit: Any, writer: Any) -> None:
        if not killed:
            await asyncio.sleep(20)
        writer.write(web.page("Slow", web.filler))

    sites = [web.add({"/": slow, "/about": web.page("About", "Founded in 1974 by two engineers.")}) for _ in range(3)]

    async def deadly(hit: Any, writer: Any) -> None:
        while not all("/" in site.paths for site in sites):
            await asyncio.sleep(0.02)
        killed.append(True)
        child().kill()

    websites = {f"slow{n}": web.url(site) for n, site in enumerate(sites)} | {"deadly": web.url(web.add({"/": deadly}))}
    found = run_crawl(websites, replace(settings, timeout_s=15))
    assert len(killed) == 2
    assert {site.outcome for firm_id, site in found.items() if firm_id != "deadly"} == {"ok"}
    spans = sorted((found[f"slow{n}"].started_at, found[f"slow{n}"].ended_at) for n in range(3))
    assert spans[0][1] <= spans[1][0]
    assert spans[1][1] <= spans[2][0]


def test_memory_limit_below_what_the_process_needs_ends_with_a_word_for_every_firm(
    web: Any, run_crawl: Crawl, settings: CrawlSettings
) -> None:
    sites = {f"firm{n}": web.url(web.add({"/": web.silence})) for n in range(3)}
    found = run_crawl(sites, replace(settings, memory_limit_mb=1, timeout_s=30))
    assert {site.outcome for site in found.values()} <= {"internal_error", "not_attempted"}
    assert all("memory limit" in site.reason for site in found.values())


def test_a_machine_on_which_everything_dies_is_given_up(
    web: Any, run_crawl: Crawl, settings: CrawlSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MAX_RESTARTS", 2)
    sites = {f"firm{n:02}": web.add({"/robots.txt": killer(signal.SIGKILL)}) for n in range(5)}
    found = run_crawl({name: web.url(site) for name, site in sites.items()}, replace(settings, concurrent_sites=1))
    assert sum(len(site.hits) for site in sites.values()) == 3
    assert [site.outcome for _, site in sorted(found.items())] == ["internal_error"] * 3 + ["not_attempted"] * 2
    assert all("given up" in site.reason for site in found.values())


def test_a_process_that_is_asked_to_stop_is_not_started_again(web: Any, run_crawl: Crawl) -> None:
    stopped = web.add({"/": killer(signal.SIGTERM)})
    found = run_crawl({"firm": web.url(stopped)})["firm"]
    assert (found.outcome, stopped.paths.count("/")) == ("not_attempted", 1)


def test_closing_the_generator_stops_the_second_child_too(web: Any, settings: CrawlSettings, tmp_path: Path) -> None:
    deadly = web.add({"/": killer(signal.SIGKILL)})
    quick = web.add({"/": web.page("Quick", web.filler)})
    stuck = web.add({"/": web.silence})
    targets = [CrawlTarget(name, web.url(site)) for name, site in (("d", deadly), ("q", quick), ("s", stuck))]
    using = replace(settings, timeout_s=60, concurrent_sites=1)
    running = crawl(targets, using, tmp_path / "archive", tmp_path / "work")
    assert next(running).firm_id == "q"
    second = child()
    running.close()  # type: ignore[attr-defined]
    assert not second.is_running()
    assert names(tmp_path / "work") == ["crawl.log"]


def test_archive_folder_that_cannot_be_used_ends_the_crawl(web: Any, run_crawl: Crawl, tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file where the folder should be")
    site = web.add({"/": web.page("Site", web.filler)})
    with pytest.raises(ArchiveError, match="archive folder") as raised:
        run_crawl({"firm": web.url(site)})
    assert raised.value.errno == errno.EEXIST
    assert site.hits == []


@pytest.mark.parametrize("limit", [0, 4_096], ids=["nothing more can be written", "the archive cannot"])
def test_full_disk_ends_the_crawl_with_the_systems_own_number(
    web: Any, run_crawl: Crawl, tmp_path: Path, limit: int
) -> None:
    """A limit on file sizes stands in for a full disk: both refuse a write, after a first part of it."""
    noise = random.Random(1).randbytes(200_000).hex()

    async def answer(hit: Any, writer: Any) -> None:
        child().rlimit(psutil.RLIMIT_FSIZE, (limit, limit))
        writer.write(web.answer(f"<p>{noise}</p>"))

    site = web.add({"/": answer, "/robots.txt": web.answer("", 404)})
    later = web.add({"/": web.page("Later", web.filler)})
    with pytest.raises(ArchiveError) as raised:
        run_crawl({"firm": web.url(site)})
    assert raised.value.errno == errno.EFBIG
    assert isinstance(raised.value.__cause__, OSError)
    assert os.strerror(errno.EFBIG) in str(raised.value)
    assert site.paths.count("/") == 1, "not tried again"
    assert names(tmp_path / "work") == ["crawl.log"]
    assert run_crawl({"later": web.url(later)})["later"].outcome == "ok"
    assert not list((tmp_path / "archive").glob("*.open"))


def test_a_process_that_hangs_in_native_code_ends_itself() -> None:
    code = (
        "import asyncio, time\nfrom crawler import spider\nspider.BEAT_S, spider.HUNG_S = 0.05, 0.5\n"
        "async def main():\n    beat = asyncio.create_task(spider._beat())\n    await asyncio.sleep(1)\n"
        "    print('alive', flush=True)\n    time.sleep(60)\nasyncio.run(main())"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=50)
    assert (ended.returncode, ended.stdout) == (1, "alive\n")
    assert "Timeout" in ended.stderr, "the log says where it hung"
