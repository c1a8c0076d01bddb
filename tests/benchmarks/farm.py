"""A farm of generated sites on loopback addresses 127.60.x.y and up, in a process of its own.

Pages are put together from ready paragraphs, so that the server's share of the machine is small and the same for every
crawler, and ten thousand sites need no memory. It counts requests itself: a crawler's own count is not believed. Ends
when its standard input closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.machine import BenchmarkError
from tests.benchmarks.processes import ROOT

LATENCY_S = 0.02
PATHS = (
    "/", "/about", "/services", "/products", "/technology", "/sectors", "/solutions", "/engineering", "/capabilities",
    "/contact", "/quality", "/manufacturing", "/design", "/research", "/industries", "/applications", "/platform",
    "/consulting", "/equipment", "/markets",
)  # fmt: skip
FORBIDDEN = "/private/list"
ROBOTS = b"User-agent: *\nDisallow: /private/\n"
CONTROL = "127.60.255.1"  # asked for the log; no site
PAGE_BYTES = 40_000  # the median page of 386 captured ones has 39,724
BLOCKS = 12
POOL = 2_000  # paragraphs to draw from; each gets its page's name as well, so that no page repeats another
VOCABULARY = """
    precision hydraulic presses aerospace rail bearings inspection tolerance customers midlands workshop design build
    supply chain quality assured engineers software monitoring sensors battery recycling composite castings tooling
    laser cutting assembly export certified laboratory testing clinical devices packaging logistics fleet charging
    energy storage hydrogen turbines water treatment crops satellites imaging data analytics robotics training advice
"""
WORDS = VOCABULARY.split()


@dataclass(frozen=True)
class Visit:
    """What the farm saw of one crawl: pages answered with 200, robots.txt asked for, and first to last request."""

    pages: int
    distinct_pages: int
    robots: int
    forbidden: int
    other: int
    seconds: float


@dataclass(frozen=True)
class Farm:
    """A running farm."""

    port: int
    sites: int
    pages: int

    @property
    def websites(self) -> list[str]:
        """Home pages of all sites."""
        return [f"http://{address(number)}:{self.port}/" for number in range(self.sites)]

    def take(self) -> Visit:
        """What was asked since the last ``take``."""
        connection = http.client.HTTPConnection(CONTROL, self.port, timeout=30)
        connection.request("GET", "/log")
        hits = [(float(at), str(site), str(path)) for at, site, path in json.loads(connection.getresponse().read())]
        connection.close()
        if not hits:
            raise BenchmarkError("the farm saw no request at all")
        pages = [(site, path) for _, site, path in hits if path in PATHS[: self.pages]]
        robots = sum(path == "/robots.txt" for _, _, path in hits)
        forbidden = sum(path == FORBIDDEN for _, _, path in hits)
        times = [at for at, _, _ in hits]
        other = len(hits) - len(pages) - robots - forbidden
        return Visit(len(pages), len(set(pages)), robots, forbidden, other, max(times) - min(times))


def address(number: int) -> str:
    """Loopback address of a site."""
    return f"127.{60 + number // 50_000}.{number // 250 % 200}.{number % 250 + 1}"


@contextmanager
def running_farm(sites: int, pages: int) -> Iterator[Farm]:
    """Serve so many sites of so many pages (at most ``len(PATHS)``) while the block runs."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.farm", str(sites), str(pages)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
        if not line.strip().isdigit():
            raise BenchmarkError("the farm did not start; run python -m tests.benchmarks.farm to see why")
        yield Farm(int(line), sites, pages)
    finally:
        child.stdin.close()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()


class Pages:
    """Renders the pages: menu, paragraphs, footer, and a style sheet of the usual weight."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        draw = random.Random(7)
        self._paragraphs = [" ".join(draw.choices(WORDS, k=60)).capitalize() for _ in range(POOL)]
        self._menu = "".join(f"<li><a href='{to}'>{to.strip('/').title() or 'Home'}</a></li>" for to in paths)
        self._menu += f"<li><a href='{FORBIDDEN}'>List</a></li>"
        weight = PAGE_BYTES - BLOCKS * len(self._paragraphs[0]) - 3_000
        rules = (f".c{n}{{margin:{n % 99}px;color:#{draw.randrange(16**6):06x}}}\n" for n in range(weight // 30))
        self._style = "".join(rules)

    def render(self, number: int, path: str) -> bytes:
        """One page of one site."""
        name = f"{path.strip('/').title() or 'Home'} of firm {number}"
        draw = random.Random(f"{number}{path}")
        blocks = "".join(
            f"<h2>{name}, part {block}</h2><p>{text}, says {name}.</p>"
            for block, text in enumerate(draw.sample(self._paragraphs, BLOCKS))
        )
        return (
            f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{name}</title>"
            f"<style>{self._style}</style></head><body><nav><ul>{self._menu}</ul></nav><main><h1>{name}</h1>{blocks}"
            f"</main><footer><p>Firm {number} Limited, registered in England no. {number:08d}.</p></footer>"
            "</body></html>"
        ).encode()


class _Server:
    def __init__(self, sites: int, paths: tuple[str, ...]) -> None:
        self.hits: list[tuple[float, str, str]] = []
        self._numbers = {address(number): number for number in range(sites)}
        self._paths = frozenset(paths)
        self._pages = Pages(paths)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        site = str(writer.get_extra_info("sockname")[0])
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._reply(site, head.split(b" ", 2)[1].decode("latin-1")))
                await writer.drain()
        writer.close()

    async def _reply(self, site: str, path: str) -> bytes:
        if site == CONTROL:
            hits, self.hits = self.hits, []
            return _answer("application/json", json.dumps(hits).encode())
        self.hits.append((time.monotonic(), site, path))
        await asyncio.sleep(LATENCY_S)
        if path == "/robots.txt":
            return _answer("text/plain", ROBOTS)
        if path not in self._paths:
            return _answer("text/html", b"<p>no such page</p>", "404 Not Found")
        return _answer("text/html; charset=utf-8", self._pages.render(self._numbers[site], path))


def _answer(content_type: str, body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _serve(sites: int, pages: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a listening socket for every site
    farm = _Server(sites, PATHS[:pages])
    first = await asyncio.start_server(farm.talk, CONTROL, 0)
    port = first.sockets[0].getsockname()[1]
    await asyncio.start_server(farm.talk, [address(number) for number in range(sites)], port, backlog=512)
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
