"""A raw-socket web of misbehaving sites on loopback, and one crawl over all of them.

Every site has an address of its own in 127.9.0.0/16, so that politeness, robots.txt and the site rule apply as
they do outside; all of 127/8 is loopback on Linux.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from tests.crawler.server_thread import ServerThread

ALLOW = ("127.9.0.0/16",)
Handler = Callable[["Hit", asyncio.StreamWriter], object]
FILLER = "We design and build precision hydraulic presses for the aerospace industry in the Midlands. " * 3


@dataclass(frozen=True)
class Hit:
    """One request as a site saw it."""

    at: float
    path: str
    headers: dict[str, str]


@dataclass
class Site:
    """A site on an address of its own; ``pages`` maps a path to an answer or to a coroutine that writes one."""

    address: str
    pages: dict[str, bytes | Handler]
    hits: list[Hit] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [hit.path for hit in self.hits]


def answer(
    body: str | bytes = b"", status: int = 200, content_type: str = "text/html; charset=utf-8", **headers: str
) -> bytes:
    """A whole HTTP response; underscores in header names become hyphens."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", f"Content-Type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def page(title: str, text: str, links: str = "") -> bytes:
    """An HTML page with navigation and a cookie banner."""
    nav = "<nav><ul><li><a href='/'>Home</a><li><a href='/about'>About us</a></ul></nav>"
    banner = "<div id='cc'><p>We use cookies to improve your experience. Accept all cookies.</p></div>"
    footer = "<div class='foot'><p>Registered in England 01234567. Unit 4, Station Road, Derby.</p></div>"
    return answer(
        f"<html lang='en'><head><title>{title}</title></head><body>{nav}{banner}<main><h1>{title}</h1><p>{text}</p>"
        f"{links}</main>{footer}</body></html>"
    )


async def silence(hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.sleep(60)


async def drip(hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Send a byte every 0.2 s."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n")
    for _ in range(200):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.2)


async def endless(hit: Hit, writer: asyncio.StreamWriter) -> None:
    """A body without end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(100_000):
        writer.write(b"10000\r\n" + b"y" * 65536 + b"\r\n")
        await writer.drain()


async def endless_headers(hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Headers without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        writer.write(b"X-Header-%d: " % number + b"z" * 1000 + b"\r\n")
        await writer.drain()


async def short_body(hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Promise more than is sent."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n<p>half")
    await writer.drain()
    writer.close()


async def reset(hit: Hit, writer: asyncio.StreamWriter) -> None:
    """Hang up without a word."""
    writer.transport.abort()


def bomb() -> bytes:
    """200 MB of zeros in 200 kB."""
    return answer(gzip.compress(b"\0" * 200_000_000, 9), Content_Encoding="gzip")


class Web(ServerThread):
    """All sites of a test session, served from one thread."""

    # Tests take the fixture, and find the answers on it.
    answer = staticmethod(answer)
    page = staticmethod(page)
    silence = staticmethod(silence)
    drip = staticmethod(drip)
    endless = staticmethod(endless)
    endless_headers = staticmethod(endless_headers)
    short_body = staticmethod(short_body)
    reset = staticmethod(reset)
    bomb = staticmethod(bomb)
    allow = ALLOW
    filler = FILLER

    def __init__(self) -> None:
        super().__init__()
        self.sites: dict[str, Site] = {}
        self.port = 0
        self._count = 0

    def add(self, pages: dict[str, bytes | Handler], address: str = "") -> Site:
        """Serve a new site; its port is the same for all sites."""
        if address in self.sites:
            self.sites[address].pages = pages
            self.sites[address].hits.clear()
            return self.sites[address]
        self._count += 1
        site = Site(address or f"127.9.{self._count // 250}.{self._count % 250 + 1}", pages)
        self.sites[site.address] = site
        self.port = self.listen(self._serve, site.address, self.port)
        return site

    def url(self, site: Site | str, path: str = "/") -> str:
        """Address of a path on a site."""
        return f"http://{site if isinstance(site, str) else site.address}:{self.port}{path}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site = self.sites[writer.get_extra_info("sockname")[0]]
        try:
            while True:
                first = await reader.readexactly(1)
                if first == b"\x16":  # a TLS greeting; like most plain servers, hang up
                    return
                head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                path = head[0].split(" ")[1]
                headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
                hit = Hit(time.monotonic(), path, headers)
                site.hits.append(hit)
                reply = site.pages.get(path) or site.pages.get("*") or answer("<p>no such page</p>", 404)
                if callable(reply):
                    await reply(hit, writer)  # type: ignore[misc]
                else:
                    writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            with contextlib.suppress(Exception):
                writer.close()


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    """The loopback web."""
    with Web() as running:
        yield running


@pytest.fixture
def settings() -> CrawlSettings:
    """Fast settings for loopback."""
    return CrawlSettings(contact="crawl@example.org", delay_s=0, timeout_s=3, allow_addresses=ALLOW, retries=1)


Crawl = Callable[..., dict[str, SiteCrawl]]


@pytest.fixture
def run_crawl(tmp_path: Path, settings: CrawlSettings) -> Crawl:
    """Crawl websites, given by firm_id, to their end; returns the results by firm_id."""

    def run(websites: dict[str, str], using: CrawlSettings = settings) -> dict[str, SiteCrawl]:
        targets = [CrawlTarget(firm_id, website) for firm_id, website in websites.items()]
        found = list(crawl(targets, using, tmp_path / "archive", tmp_path / "work"))
        assert sorted(site.firm_id for site in found) == sorted(websites)
        return {site.firm_id: site for site in found}

    return run
