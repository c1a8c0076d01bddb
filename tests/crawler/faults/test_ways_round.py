"""Ways round the address guard: other runners, other handlers, a peer that is another, a switch that is none."""

from __future__ import annotations

import ast
import asyncio
import ipaddress
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import HtmlResponse
from scrapy.settings import Settings

from crawler.archive import Archive
from crawler.errors import GuardError
from crawler.fetcher import Fetcher
from crawler.guard import AddressPolicy
from crawler.records import CrawlSettings
from crawler.resolver import AddressGuardResolver
from crawler.run import require_guard
from crawler.settings import scrapy_settings

ROOT = Path(__file__).resolve().parents[3]


def test_s11_other_ways_to_start_a_crawl_are_refused(web: Any, tmp_path: Path) -> None:
    """A runner does not install the resolver, so nothing is asked for and the crawl says why."""
    site = web.add({"*": web.answer("<p>never read")})
    program = f"""
import asyncio
from pathlib import Path
from scrapy.utils.reactor import install_reactor
install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
from scrapy.crawler import AsyncCrawlerRunner
from twisted.internet import reactor
from crawler.archive import Archive
from crawler.records import CrawlSettings, CrawlTarget
from crawler.settings import scrapy_settings
from crawler.spider import SiteSpider
settings = CrawlSettings("a@example.org", allow_addresses={web.allow!r})
runner = AsyncCrawlerRunner(scrapy_settings(settings))
crawler = runner.create_crawler(SiteSpider)
async def crawl():
    archive = Archive(Path("archive"), "test")
    await runner.crawl(crawler, targets=[CrawlTarget("f", {web.url(site)!r})], settings_=settings, archive=archive,
                       out=Path("out"))
    print(type(crawler.spider.failure).__name__, crawler.spider.failure)
    reactor.stop()
reactor.callWhenRunning(lambda: asyncio.get_event_loop().create_task(crawl()))
reactor.run()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert "GuardError address guard not installed" in done.stdout, done.stderr
    assert site.hits == []


OTHER_HANDLERS = ["_aiohttp.AiohttpDownloadHandler", "_httpx.HttpxDownloadHandler", "http11.HTTP11DownloadHandler"]


@pytest.mark.parametrize("handler", OTHER_HANDLERS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_s13_other_handlers_are_refused(settings: CrawlSettings, handler: str, scheme: str) -> None:
    built = Settings(scrapy_settings(settings))
    handlers = {**built.getwithbase("DOWNLOAD_HANDLERS"), scheme: f"scrapy.core.downloader.handlers.{handler}"}
    built.set("DOWNLOAD_HANDLERS", handlers)
    with pytest.raises(GuardError, match="address guard not installed: DOWNLOAD_HANDLERS"):
        require_guard(built)


PEERS = [("127.0.0.1", "blocked_address"), (None, "blocked_address"), ("8.8.8.8", "ok")]


@pytest.mark.parametrize(("peer", "outcome"), PEERS)
def test_s14_answer_from_another_address_is_dropped_and_counted(
    settings: CrawlSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peer: str | None, outcome: str
) -> None:
    from scrapy.statscollectors import MemoryStatsCollector
    from scrapy.utils.test import get_crawler

    guard = AddressGuardResolver(SimpleNamespace(nameResolver=None), AddressPolicy())
    monkeypatch.setattr("crawler.fetcher.installed_guard", lambda: guard)

    async def answer(request: Any) -> HtmlResponse:
        address: Any = ipaddress.ip_address(peer) if peer else None
        return HtmlResponse(request.url, body=b"<p>words", request=request, ip_address=address)

    scrapy_crawler = get_crawler()
    crawler: Any = SimpleNamespace(
        engine=SimpleNamespace(download_async=answer), stats=MemoryStatsCollector(scrapy_crawler)
    )
    archive = Archive(tmp_path, "test")
    reply = asyncio.run(Fetcher(crawler, settings, archive).get("http://firm.co.uk/", 1))
    archive.close()
    assert (reply.outcome, bool(reply.body), bool(reply.archive_ref)) == (outcome, outcome == "ok", outcome == "ok")
    assert crawler.stats.get_value("guard/peer_refused", 0) == (outcome != "ok")


PACKAGES = ("crawler", "pipelines", "classifier", "labels", "models")


def calls_of(name: str) -> set[str]:
    """Files of the packages in which a name is called, as ``crawler/guard.py: arguments``."""
    found = set()
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
                found.add(f"{path.relative_to(ROOT)}: {', '.join(map(ast.unparse, (*node.args, *node.keywords)))}")
    return found


def test_s15_what_is_allowed_comes_from_the_settings_alone() -> None:
    """By whom a policy is made, and of what; whoever adds a way has to add it here."""
    assert calls_of("AddressPolicy") == {
        "crawler/landing.py: settings.allow_addresses",
        "crawler/resolver.py: crawler.settings.getlist('FIRMSCOPE_ALLOW_ADDRESSES')",
    }
    assert CrawlSettings(contact="a@example.org").allow_addresses == ()
    assert scrapy_settings(CrawlSettings(contact="a@example.org"))["FIRMSCOPE_ALLOW_ADDRESSES"] == []
    made = {call for call in calls_of("CrawlSettings") if "allow_addresses" in call}
    assert {re.sub(r".*allow_addresses=([^,]+),?.*", r"\1", call) for call in made} == {"tuple(config.allow_addresses)"}
    readers = {path.name for path in (ROOT / "crawler").glob("*.py") if "environ" in path.read_text(encoding="utf-8")}
    assert {name for name in readers if "os.environ" in (ROOT / "crawler" / name).read_text(encoding="utf-8")} <= {
        "children.py",  # all but proxies, for the crawl process
        "rendering.py",  # paths and language, for the browser
    }


@pytest.mark.parametrize("allowed", ["", "127.9.0.0/16"])
def test_s15_crawl_says_what_it_was_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], allowed: str
) -> None:
    from pipelines.cli import main

    firms = tmp_path / "firms.csv"
    firms.write_text("firm_id,name,website\na,Presses,http://presses.example.com\n")
    folder = tmp_path / "ws"
    for command in (
        ["init", str(folder)],
        ["config", "set", "crawl.contact", "a@example.org"],
        ["config", "set", "crawl.allow_addresses", allowed],
        ["import", "firms", str(firms)],
        ["crawl"],
    ):
        if command == ["crawl"]:
            (folder / "opt-out.txt").write_text("presses.example.com\n")  # nobody to ask, so no process either
        place = [] if command[0] == "init" else ["--workspace", str(folder)]
        monkeypatch.setattr(sys, "argv", ["firmscope", *place, *command])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    said = capsys.readouterr().out
    assert "opted_out 1" in said
    assert ("crawl.allow_addresses: 127.9.0.0/16" in said.partition("Outcomes")[2]) == bool(allowed)
    notes = [json.loads(path.read_text())["notes"] for path in (folder / "runs").glob("*/manifest.json")]
    assert [note["allowed_addresses"] for note in notes if "allowed_addresses" in note] == [[allowed]] * bool(allowed)
