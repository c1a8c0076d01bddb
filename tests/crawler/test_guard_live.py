"""The guard in front of a real server: nothing reaches loopback unless the settings say so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crawler.errors import GuardError
from crawler.records import CrawlSettings, SiteCrawl
from crawler.run import require_guard
from crawler.settings import HANDLER, RESOLVER, ROBOTS, scrapy_settings

Crawl = Callable[..., dict[str, SiteCrawl]]


def test_loopback_is_never_reached_without_permission(web: Any, run_crawl: Crawl, settings: CrawlSettings) -> None:
    site = web.add({"*": web.page("Secret", web.filler)}, "127.0.0.1")
    hits_before = {address: len(served.hits) for address, served in web.sites.items()}
    spellings = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "localhost",
        "①②⑦.0.0.1",
        "user@127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        site.address,
        "169.254.169.254",
        "10.0.0.1",
    ]
    websites = {f"{n}": f"http://{spelling}:{web.port}/?{n}" for n, spelling in enumerate(spellings)}
    results = run_crawl(websites, replace(settings, allow_addresses=()))
    assert {site.outcome for site in results.values()} == {"blocked_address"}
    assert all("blocked address" in site.reason for site in results.values())
    assert all(len(site.fetches) <= 2 for site in results.values()), "a refusal is not tried again"
    assert {address: len(served.hits) for address, served in web.sites.items()} == hits_before


def test_ports_of_other_services_are_refused_by_the_list(run_crawl: Crawl, settings: CrawlSettings) -> None:
    results = run_crawl({"redis": "http://8.8.8.8:6379/"}, replace(settings, allow_addresses=()))
    assert (results["redis"].outcome, "6379" in results["redis"].reason) == ("blocked_address", True)


def test_proxy_variables_are_not_handed_down(web: Any, run_crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = web.add({"*": web.page("Proxy", web.filler)})
    site = web.add({"/": web.page("Site", web.filler)})
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, web.url(proxy))
    assert run_crawl({"firm": web.url(site)})["firm"].outcome == "ok"
    assert proxy.hits == []


WRONG = [
    ("TWISTED_DNS_RESOLVER", "scrapy.resolver.CachingThreadedResolver"),
    ("TWISTED_REACTOR_ENABLED", False),
    ("HTTPPROXY_ENABLED", True),
    ("DOWNLOAD_HANDLERS", {"http": "scrapy.core.downloader.handlers._aiohttp.AiohttpDownloadHandler"}),
    ("DOWNLOAD_HANDLERS", {"file": None, "data": None, "s3": None, "http": HANDLER, "https": HANDLER}),
    ("DOWNLOADER_MIDDLEWARES", {}),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{n}-{i}" for i, (n, _) in enumerate(WRONG)])
def test_start_is_refused_without_the_guard(settings: CrawlSettings, name: str, value: object) -> None:
    from scrapy.settings import Settings

    built = Settings(scrapy_settings(settings))
    require_guard(built)
    built.set(name, value)
    with pytest.raises(GuardError, match=name):
        require_guard(built)


def test_shipped_settings(settings: CrawlSettings) -> None:
    from scrapy.settings import Settings

    built = Settings(scrapy_settings(replace(settings, delay_s=1.0)))
    expected = {
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "TWISTED_DNS_RESOLVER": RESOLVER,
        "HTTPPROXY_ENABLED": False,
        "DOWNLOAD_MAXSIZE": 8 * 1024 * 1024,
        "DOWNLOAD_TIMEOUT": 3,
        "REDIRECT_MAX_TIMES": 5,
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": "firmscope",
        "REFERRER_POLICY": "no-referrer",
        "COOKIES_ENABLED": False,
        "MEMUSAGE_CHECK_INTERVAL_SECONDS": 5,
        "MEMUSAGE_LIMIT_MB": 1024,
        "DEPTH_LIMIT": 3,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": 1.0,
        "DOWNLOAD_DELAY_JITTER": 0,
        "AUTOTHROTTLE_ENABLED": False,
    }
    assert {name: built.get(name) for name in expected} == expected
    assert built.getint("METAREFRESH_MAXDELAY") <= 10
    handlers = {name: handler for name, handler in built.getwithbase("DOWNLOAD_HANDLERS").items() if handler}
    assert handlers == {"http": HANDLER, "https": HANDLER}
    middlewares = built.getwithbase("DOWNLOADER_MIDDLEWARES")
    assert middlewares[ROBOTS] == 100
    assert middlewares["scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware"] is None


def test_package_import_is_light() -> None:
    code = (
        "import sys, crawler, crawler.records, crawler.urls, crawler.process\n"
        "print(sorted({'scrapy', 'twisted', 'pandas', 'torch', 'sklearn', 'resiliparse'} & set(sys.modules)))"
    )
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
