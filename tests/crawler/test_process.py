"""The child process: budgets, falls from https to http, and what is left when it dies or is not wanted any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

Crawl = Callable[..., dict[str, SiteCrawl]]


def children() -> list[psutil.Process]:
    return [p for p in psutil.Process().children() if "crawler.run" in " ".join(p.cmdline())]


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def many_pages(web: Any, count: int) -> dict[str, bytes]:
    links = "".join(f"<a href='/products/p{n}'>Product {n}</a>" for n in range(count))
    pages = {
        f"/products/p{n}": web.page(f"Product {n}", f"Product number {n} is a press like no other.")
        for n in range(count)
    }
    return {"/": web.page("Home", web.filler, links), **pages}


def test_page_budget_bounds_the_pages(web: Any, run_crawl: Crawl, settings: CrawlSettings) -> None:
    site = web.add(many_pages(web, 30))
    result = run_crawl({"firm": web.url(site)}, replace(settings, page_budget=5))["firm"]
    # Besides the five pages: robots.txt, sitemap.xml and the dead About link of the menu.
    assert (len(result.pages), result.requests, len(site.hits)) == (5, 8, 8)


def test_trap_without_end_is_left_at_the_budget(web: Any, run_crawl: Crawl, settings: CrawlSettings) -> None:
    async def next_page(hit: Any, writer: Any) -> None:
        number = len(site.hits)
        writer.write(
            web.page(f"Part {number}", f"Part number {number} of an endless list.", f"<a href='/part{number}'>next</a>")
        )

    site = web.add({"/robots.txt": web.answer("", 404), "*": next_page})
    result = run_crawl({"firm": web.url(site)}, replace(settings, depth=1000))["firm"]
    asked = [path for path in site.paths if path not in ("/robots.txt", "/sitemap.xml")]
    assert (result.outcome, len(asked)) == ("ok", settings.page_budget)


def test_without_a_scheme_https_is_tried_first_and_http_if_there_is_none(web: Any, run_crawl: Crawl) -> None:
    site = web.add({"/": web.page("Plain", web.filler)})
    result = run_crawl({"firm": web.url(site).removeprefix("http://")})["firm"]
    assert (result.outcome, result.final_url) == ("ok", web.url(site))
    assert result.fetches[0].url.startswith("https://")
    assert result.fetches[0].outcome in {"tls_failed", "connect_failed"}


def test_killed_child_leaves_every_firm_with_one_outcome(web: Any, tmp_path: Path, settings: CrawlSettings) -> None:
    stuck = [web.add({"/": web.silence}) for _ in range(3)]
    quick = web.add({"/": web.page("Quick", web.filler)})
    targets = [CrawlTarget("quick", web.url(quick))] + [
        CrawlTarget(f"stuck{n}", web.url(s)) for n, s in enumerate(stuck)
    ]
    using = replace(settings, concurrent_sites=2, timeout_s=1.5)
    running = crawl(targets, using, tmp_path / "archive", tmp_path / "work")
    found = [next(running)]
    wait_until(lambda: any(site.hits for site in stuck))
    children()[0].send_signal(signal.SIGKILL)
    found += running
    assert sorted(site.firm_id for site in found) == ["quick", "stuck0", "stuck1", "stuck2"]
    assert [site.outcome for site in found] == ["ok", "timeout", "timeout", "timeout"]
    assert not list((tmp_path / "archive").glob("*.open")), "what the killed crawl left open is finished by the next"


def test_closing_the_generator_stops_the_child(web: Any, tmp_path: Path, settings: CrawlSettings) -> None:
    stuck = web.add({"/": web.silence})
    quick = web.add({"/": web.page("Quick", web.filler)})
    targets = [CrawlTarget("quick", web.url(quick)), CrawlTarget("stuck", web.url(stuck))]
    running = crawl(targets, replace(settings, timeout_s=60), tmp_path / "archive", tmp_path / "work")
    next(running)
    child = children()[0]
    started = time.monotonic()
    running.close()  # type: ignore[attr-defined]
    assert not child.is_running()
    assert time.monotonic() - started < 10
    assert not list((tmp_path / "archive").glob("*.open"))
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["crawl.log"]


def test_child_does_not_outlive_a_killed_parent(web: Any, tmp_path: Path) -> None:
    stuck = web.add({"/": web.silence})
    code = (
        "from pathlib import Path\nfrom crawler.process import crawl\nfrom crawler.records import *\n"
        f"settings = CrawlSettings('a@example.org', timeout_s=60, allow_addresses={web.allow!r})\n"
        f"list(crawl([CrawlTarget('f', {web.url(stuck)!r})], settings, Path('archive'), Path('work')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    wait_until(lambda: "/" in stuck.paths)
    orphans = psutil.Process(parent.pid).children()
    assert len(orphans) == 1
    parent.kill()
    parent.wait()
    wait_until(lambda: not orphans[0].is_running() or orphans[0].status() == psutil.STATUS_ZOMBIE, 5)


def test_child_listens_on_no_socket(web: Any, tmp_path: Path, settings: CrawlSettings) -> None:
    stuck = web.add({"/": web.silence})
    quick = web.add({"/": web.page("Quick", web.filler)})
    targets = [CrawlTarget("quick", web.url(quick)), CrawlTarget("stuck", web.url(stuck))]
    running = crawl(targets, replace(settings, timeout_s=60), tmp_path / "archive", tmp_path / "work")
    next(running)
    assert [c for c in children()[0].net_connections() if c.status == psutil.CONN_LISTEN] == []
    running.close()  # type: ignore[attr-defined]
