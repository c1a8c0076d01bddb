"""The browser itself: what it would do if left to itself, that it dies with the crawl, what is said without one."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from crawler.child import Child
from crawler.records import CrawlSettings, CrawlTarget
from crawler.rendering import BrowserError, render

SETTINGS = CrawlSettings(contact="crawl@example.org", delay_s=0, timeout_s=2, retries=0)


def test_the_hostile_page_would_reach_them_from_a_browser_left_to_itself(browser: Path, forbidden: Any) -> None:
    """With Playwright's interception alone, and refusing everything: what the seals are for."""
    from playwright.sync_api import Route, sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = started.new_page()
        answers = {"http://site.example/": forbidden.page()}

        def answer(route: Route) -> None:
            body = answers.pop(route.request.url, None)
            route.fulfill(body=body, content_type="text/html") if body else route.abort("aborted")

        page.route("**/*", answer)
        page.goto("http://site.example/", wait_until="commit")
        deadline = time.monotonic() + 5
        while {heard[:3] for heard in forbidden.heard} != {"tcp", "udp"} and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        started.close()
    assert {heard[:3] for heard in forbidden.heard} == {"tcp", "udp"}


def test_a_script_without_end_costs_its_page_and_a_kill_leaves_no_browser_behind(
    web: Any, shell: Callable[..., str], tmp_path: Path
) -> None:
    targets = [CrawlTarget(name, web.url(web.add({"/": web.answer(shell("while (true) {}"))}))) for name in ("a", "b")]
    using = replace(SETTINGS, allow_addresses=web.allow, render=True, concurrent_sites=1)
    (tmp_path / "work").mkdir()
    child = Child(targets, using, tmp_path / "archive", tmp_path / "work")
    try:
        _, first = next(child.follow())
        assert (first.firm_id, first.outcome) == ("a", "empty")
        assert set(first.flags) == {"needs_script", "render_failed"}
        assert "was not drawn" in (tmp_path / "work" / "crawl.log").read_text()
        crawler = psutil.Process(child._process.pid)
        deadline = time.monotonic() + 60
        while not (drawing := _renderers(crawler)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert drawing
        descendants = crawler.children(recursive=True)
        os.kill(crawler.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(descendants, timeout=10)
        assert alive == []
    finally:
        child.stop()


def _renderers(process: psutil.Process) -> list[psutil.Process]:
    found = []
    for one in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=renderer" in one.cmdline():
                found.append(one)
    return found


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("", "apt-get install chromium"),
        ("#!/bin/sh\necho no usable sandbox >&2\nexit 1\n", "does not start.*no usable sandbox.*chromium-sandbox"),
        ("#!/nowhere/at/all\n", "does not run"),
    ],
    ids=["none", "does not start", "is no program"],
)
def test_without_a_browser_nothing_is_crawled(
    program: str, message: str, web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program:
        (tmp_path / "chromium").write_text(program)
        (tmp_path / "chromium").chmod(0o755)
    site = web.add({"/": web.page("Presses", web.filler)})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrowserError, match=message):
        render([CrawlTarget("f1", web.url(site))], SETTINGS, tmp_path / "archive", tmp_path / "work")
    assert site.hits == []
    assert not (tmp_path / "archive").exists()


def test_without_the_extra_nothing_is_crawled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BrowserError, match=r"firmscope\[js\]"):
        render([CrawlTarget("f1", "firm.example")], SETTINGS, tmp_path / "archive", tmp_path / "work")


def test_nothing_to_draw_needs_no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(render([], SETTINGS, tmp_path / "archive", tmp_path / "work")) == []
