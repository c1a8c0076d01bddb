"""Sites that want our memory or our time, read one after the other, so that what each one costs can be told."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from crawler.errors import BodyError
from crawler.extract import HtmlPage
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl, utc_now
from crawler.reply import Reply
from crawler.visit import SiteVisit

TIMEOUT_S = 2.5
MB = 1024 * 1024
BOMB_BYTES = 200_000_000
LETTERS = 20 * b"We build presses. "
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HTML + b"Transfer-Encoding: chunked\r\n\r\n"


def zeros() -> Iterator[bytes]:
    return itertools.repeat(bytes(1_000_000), BOMB_BYTES // 1_000_000)


def deflated() -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return b"".join(map(packer.compress, zeros())) + packer.flush()


def brotli_bomb() -> bytes:
    import brotli

    packer = brotli.Compressor(quality=5)
    return b"".join(map(packer.process, zeros())) + bytes(packer.finish())


def zstd_bomb() -> bytes:
    from backports import zstd

    packer = zstd.ZstdCompressor()
    return b"".join(map(packer.compress, zeros())) + packer.flush()


def flood(first: bytes, more: bytes, wait_s: float = 0.0) -> Callable[..., Any]:
    """An answer that goes on for ever."""

    async def answer(hit: Any, writer: Any) -> None:
        writer.write(first)
        while True:
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(wait_s)

    return answer


def html(body: bytes, content_type: str = "text/html") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + b"<html><head><title>Presses</title></head><body>"[: len(body)] + body[47:]


def page(inner: bytes, content_type: str = "text/html") -> bytes:
    return html(b"." * 47 + inner + b"</body></html>", content_type)


@dataclass(frozen=True)
class Case:
    """What a site answers, its outcome word, and the most it may cost.

    Where a page takes reading rather than waiting, ``cpu_s`` is what counts: the machine may be busy with other tests.
    """

    id: str
    home: Callable[[], Any]
    outcome: str
    seconds: float = 2.0
    grown_mb: float = 64
    cpu_s: float = 5.0


RAW = deflated()
GZIP = b"\x1f\x8b\x08" + bytes(7) + RAW + bytes(8)  # nobody gets as far as the check sums
DEEP = LETTERS + b"%b" + b"<p>The tail of the page: we export to Norway.</p>"
COOKIES = b"".join(b"Set-Cookie: c%d=" % n + b"x" * 4_000 + b"\r\n" for n in range(2_000))


def words(count: int) -> bytes:
    return b" ".join(b"abc-%d" % (number % 9_000) for number in range(count))


def packed(encoding: str, body: bytes) -> bytes:
    return HTML + f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


CASES = [
    Case("H01 gzip bomb", lambda: packed("gzip", GZIP), "too_big"),
    Case("H01 gzip of gzip", lambda: packed("gzip, gzip", gzip.compress(GZIP)), "too_big"),
    Case("H02 deflate bomb", lambda: packed("deflate", b"\x78\xda" + RAW + bytes(4)), "too_big"),
    Case("H02 raw deflate bomb", lambda: packed("deflate", RAW), "too_big"),
    Case("H02 brotli bomb", lambda: packed("br", brotli_bomb()), "too_big"),
    Case("H02 zstd bomb", lambda: packed("zstd", zstd_bomb()), "too_big"),
    Case("H04 endless headers", lambda: flood(HTML, b"X: " + b"z" * 1_000 + b"\r\n"), "bad_response", grown_mb=16),
    Case("H04 endless short headers", lambda: flood(HTML, 100 * b"X: z\r\n"), "bad_response", grown_mb=16),
    Case("H04 one endless header", lambda: flood(HTML + b"X: ", b"z" * 10_000), "bad_response", grown_mb=16),
    Case("H05 cookies", lambda: HTML + COOKIES + b"Content-Length: 0\r\n\r\n", "bad_response", grown_mb=16),
    Case("H06 endless body", lambda: flood(CHUNKED, b"10000\r\n" + b"y" * 65_536 + b"\r\n"), "too_big"),
    Case("H06 endless chunk extension", lambda: flood(CHUNKED + b"5;", b"x" * 10_000), "bad_response", grown_mb=16),
    Case("H06 chunk of 40 digits", lambda: CHUNKED + b"f" * 40 + b"\r\n" + b"y" * 10_000, "bad_response", grown_mb=16),
    Case("H08 flood of 100 Continue", lambda: flood(b"", 50 * b"HTTP/1.1 100 C\r\n\r\n"), "bad_response", cpu_s=1),
    Case("H08 drip of 100 Continue", lambda: flood(b"", b"HTTP/1.1 100 C\r\n\r\n", 0.1), "timeout", 3.5, 16, 1.25),
    Case("H09 in the header", lambda: page(b"<p>" + words(220_000), "text/html; charset=punycode"), "ok", 20, cpu_s=2),
    Case("H09 in the page", lambda: page(b"<meta charset=punycode><p>" + words(220_000)), "ok", 20, cpu_s=2),
    Case("H09 no large page", lambda: page(b"<meta charset=punycode><p>" + words(30_000)), "ok", 20, cpu_s=2),
    Case("H11 5,000 levels", lambda: page(DEEP % (b"<div>" * 5_000)), "ok", 20, cpu_s=2),
    Case("H11 1,000,000 levels", lambda: page(DEEP % (b"<div>" * 1_000_000)), "ok", 30, 450, 4),
    Case("H12 400,000 elements", lambda: page(b"".join(map(elements, range(200_000)))), "ok", 30, 300),
    Case("H12 attribute of 7 MB", lambda: page(b"<p title='" + b"t" * 7_000_000 + b"'>" + LETTERS), "ok", 30, 300),
    Case("H12 100,000 links", lambda: page(LETTERS + b"".join(map(link, range(100_000)))), "ok", 30, 300),
]


def elements(number: int) -> bytes:
    return b"<b>press %d</b><i>of kind %d</i> " % (number, number % 977)


def link(number: int) -> bytes:
    return b"<a href='/products/%d'>Press number %d</a> " % (number, number)


class Costs:
    """The crawl, and for each site the span from its first request to the next site's."""

    def __init__(self, web: Any, watched_crawl: Callable[..., Any]) -> None:
        warm = page(words(60_000))  # large, so that the reading process is there
        good = web.page("Presses", web.filler)
        self.sites = {"first": web.add({"/": warm})} | {case.id: web.add({"/": case.home()}) for case in CASES}
        self.sites["last"] = web.add({"/": good})
        settings = CrawlSettings(
            contact="crawl@example.org",
            delay_s=0,
            timeout_s=TIMEOUT_S,
            page_budget=3,
            concurrent_sites=1,
            allow_addresses=web.allow,
        )
        self.crawl = watched_crawl({name: web.url(site) for name, site in self.sites.items()}, settings)
        self.warm_bytes = self.crawl.during(*self.span("first"))[-1].all_bytes

    def span(self, name: str) -> tuple[float, float]:
        names = list(self.sites)
        after = self.sites[names[names.index(name) + 1]]
        return self.sites[name].hits[0].at, after.hits[0].at

    def site(self, name: str) -> SiteCrawl:
        site: SiteCrawl = self.crawl.results[name]
        return site


@pytest.fixture(scope="module")
def costs(web: Any, watched_crawl: Callable[..., Any]) -> Costs:
    return Costs(web, watched_crawl)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_what_a_site_costs(costs: Costs, case: Case) -> None:
    site, samples = costs.site(case.id), costs.crawl.during(*costs.span(case.id))
    assert site.outcome == case.outcome, site.reason
    assert (site.ended_at - site.started_at).total_seconds() < case.seconds
    before = max(samples[0].all_bytes, costs.warm_bytes)
    assert max(sample.all_bytes for sample in samples) - before < case.grown_mb * MB
    assert samples[-1].cpu_s - samples[0].cpu_s < case.cpu_s
    if case.outcome in {"too_big", "bad_response"}:
        assert costs.sites[case.id].paths == ["/robots.txt", "/"], "not tried again"


def test_next_site_is_read_after_each(costs: Costs) -> None:
    costs.crawl.check()
    assert [costs.site(name).outcome for name in ("first", "last")] == ["ok", "ok"]
    assert len(costs.crawl.of("started")) < 2 + 3, "the crawl process and at most a few reading processes"


def test_h05_no_cookie_comes_back(costs: Costs) -> None:
    assert not [hit for site in costs.sites.values() for hit in site.hits if "cookie" in hit.headers]


@pytest.mark.parametrize("name", [case.id for case in CASES if case.id.startswith("H11")])
def test_h11_deep_page_keeps_its_tail_and_is_flagged(costs: Costs, name: str) -> None:
    site = costs.site(name)
    assert "we export to Norway" in site.pages[0].text
    assert "parse_cut" in site.flags


def test_h12_few_of_many_links_are_taken(costs: Costs) -> None:
    site = costs.site("H12 100,000 links")
    assert 2 <= len([path for path in costs.sites[site.firm_id].paths if "products" in path]) <= 12
    assert len(site.fetches) < 150


@pytest.mark.parametrize("name", [case.id for case in CASES if case.id.startswith("H09")])
def test_h09_words_are_read_all_the_same(costs: Costs, name: str) -> None:
    assert "abc-4 abc-5" in costs.site(name).pages[0].text


def test_page_that_ends_its_reader_is_a_bad_response() -> None:
    async def get(url: str, timeout_s: float, known: object = None) -> Reply:
        return Reply(url, "ok", "", utc_now(), 200, LETTERS, "text/html")

    async def read(body: bytes, url: str, content_type: str, kind: str) -> HtmlPage:
        raise BodyError("bad_response", "the page takes more than 30 s to read")

    visit = SiteVisit(CrawlTarget("f", "http://firm.co.uk/"), CrawlSettings(contact="a@example.org"), get, read)
    site = asyncio.run(visit.run())
    assert (site.outcome, site.fetches[-1].outcome) == ("bad_response", "bad_response")
    assert "30 s" in site.reason
