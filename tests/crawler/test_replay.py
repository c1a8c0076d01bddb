"""A crawl's own archive, read back, gives what the crawl gave: two nights over a web of odd sites."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from crawler.archive import Archive, read_record
from crawler.captures import CaptureIndex
from crawler.errors import ArchiveError
from crawler.mending import salvage
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, Fetch, KnownPage, SiteCrawl
from crawler.replay import replay_visits
from crawler.stored import read_at
from crawler.urls import start_urls
from crawler.warc import file_digest, site_of

SOFTWARE = "firmscope/0 (+test)"


class Fleet:
    """What two nights of crawling gave, and where their archive lies."""

    def __init__(self, web: Any, folder: Path) -> None:
        self.archive = folder / "archive"
        self.settings = CrawlSettings(
            contact="crawl@example.org", delay_s=0, timeout_s=1, retries=1, allow_addresses=web.allow
        )
        self.sites = build(web)
        self.nights: list[dict[str, SiteCrawl]] = []
        for night in range(2):
            known = self.nights[-1] if self.nights else {}
            targets = [
                CrawlTarget(name, web.url(site), known_pages(known.get(name))) for name, site in self.sites.items()
            ]
            found = crawl(targets, self.settings, self.archive, folder / f"work-{night}")
            self.nights.append({site.firm_id: site for site in found})
        self.files = sorted(self.archive.glob("*.warc.gz"))
        self.websites = {name: web.url(site) for name, site in self.sites.items()}

    def replayed(self, name: str, files: list[Path], archive: Path, work: Path) -> list[SiteCrawl]:
        """The visits of one site in some files."""
        index = CaptureIndex(work, "test")
        sites = frozenset(site_of(url) for url in start_urls(self.websites[name]))
        digests = [index.add(path, file_digest(path), sites).digest for path in files]
        writer = Archive(archive, SOFTWARE)
        target = CrawlTarget(name, self.websites[name])
        visits = asyncio.run(replay_visits(target, index.of(sites, digests), self.settings, writer))
        writer.close()
        index.close()
        return visits


def known_pages(site: SiteCrawl | None) -> tuple[KnownPage, ...]:
    fetches = site.fetches if site is not None else ()
    return tuple(
        KnownPage(fetch.url, fetch.etag, fetch.last_modified, fetch.body_digest, fetch.archive_ref)
        for fetch in fetches
        if fetch.http_status in {200, 304} and fetch.archive_ref
    )


def now_and_then(*answers: bytes) -> Callable[[Any, Any], Any]:
    """The next answer at each request, the last one for ever."""
    left = list(answers)

    async def handler(hit: Any, writer: Any) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return handler


def if_changed(body: bytes, etag: str) -> Callable[[Any, Any], Any]:
    """304 to whoever knows the page."""

    async def handler(hit: Any, writer: Any) -> None:
        known = hit.headers.get("if-none-match") == etag.lower()
        head, _, rest = body.partition(b"\r\n")
        same = f"HTTP/1.1 304 X\r\nETag: {etag}\r\n\r\n".encode()
        writer.write(same if known else b"%b\r\nETag: %b\r\n%b" % (head, etag.encode(), rest))

    return handler


def build(web: Any) -> dict[str, Any]:
    page, answer, text = web.page, web.answer, web.filler
    links = "<a href='/about'>About us</a><a href='/products'>Products</a><a href='/gone'>Services</a>"
    about = page("About us", "Founded in 1974 by two engineers from Derby, we employ forty people in two halls.")
    products = page("Products", "Benders, stamping presses and spare parts for all makes of hydraulic press.")
    away = web.add({"/": page("Elsewhere", "Another firm entirely. " * 10)})
    sites = {
        "plain": {"/": page("Presses", text, links), "/about": about, "/products": products},
        "moved": {
            "/": answer("", 302, Location="/start"), "/start": page("Start", text, links),
            "/about": answer("", 301, Location="/about-us"), "/about-us": about,
            "/products": answer("", 302, Location=web.url(away)),
        },
        "robots": {
            "/robots.txt": answer("User-agent: *\nDisallow: /products", content_type="text/plain"),
            "/": page("Robots", text, links), "/about": about, "/products": products,
        },
        "closed": {"/robots.txt": answer("User-agent: *\nDisallow: /", content_type="text/plain"), "/": products},
        "busy": {
            "/": now_and_then(answer("", 503), page("Busy", text, links)),
            "/about": now_and_then(answer("", 503), about), "/products": products,
        },
        "silent": {"/": page("Silent", text, links), "/about": web.silence, "/products": products},
        "known": {
            "/": if_changed(page("Known", text, links), '"a1"'), "/about": if_changed(about, '"b2"'),
            "/products": products,
        },
        "changing": {
            "/": now_and_then(page("Monday", text, links), page("Tuesday", text + " We moved.", links)),
            "/about": about, "/products": now_and_then(products, answer("<p>gone</p>", 410)),
        },
        "broken": {"/": web.reset},
        "noindex": {"/": page("No", text, links), "/about": answer("<p>" + text, X_Robots_Tag="noindex")},
        "bomb": {"/": page("Bomb", text, links), "/about": web.bomb()},
        "paper": {"/": page("Paper", text, links), "/about": answer(b"%PDF-1.7 \0", content_type="application/pdf")},
    }  # fmt: skip
    return {name: web.add(pages) for name, pages in sites.items()}


@pytest.fixture(scope="module")
def fleet(web: Any, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(web, tmp_path_factory.mktemp("replay"))


def comparable(site: SiteCrawl) -> dict[str, Any]:
    """A result without what no record can tell: when a visit began and ended, and when robots.txt stopped a request.

    Of robots.txt itself, the archive knows when the answer came, the crawl when it asked.
    """
    return {
        name: [_comparable(fetch) for fetch in site.fetches] if name == "fetches" else getattr(site, name)
        for name in SiteCrawl.__dataclass_fields__
        if name not in {"started_at", "ended_at"}
    }


def _comparable(fetch: Fetch) -> Fetch:
    untold = fetch.chosen == "robots.txt" or fetch.outcome in {"skipped", "robots_disallowed"}
    return replace(fetch, fetched_at=None) if untold else fetch  # type: ignore[arg-type]


WHOLE = "plain moved robots busy silent known changing broken noindex bomb paper".split()  # noqa: SIM905


@pytest.mark.parametrize("name", WHOLE)
def test_both_nights_come_out_as_they_were(fleet: Fleet, tmp_path: Path, name: str) -> None:
    visits = fleet.replayed(name, fleet.files, fleet.archive, tmp_path / "work")
    assert len(visits) == 2
    for visit, night in zip(visits, fleet.nights, strict=True):
        there = comparable(night[name])
        for field, value in comparable(visit).items():
            assert value == there[field], field
        assert abs((visit.ended_at - night[name].ended_at).total_seconds()) < 5
    assert fleet.files == sorted(fleet.archive.glob("*.warc.gz")), "nothing is copied that lies there already"


def test_a_night_without_a_request_leaves_no_record(fleet: Fleet, tmp_path: Path) -> None:
    visits = fleet.replayed("closed", fleet.files, fleet.archive, tmp_path / "work")
    assert [comparable(visit) for visit in visits] == [comparable(fleet.nights[0]["closed"])]
    assert fleet.nights[1]["closed"].requests == 0


@pytest.mark.parametrize("name", ["known", "busy", "moved"])
def test_an_archive_from_elsewhere_is_copied_as_far_as_it_is_used(fleet: Fleet, tmp_path: Path, name: str) -> None:
    visits = fleet.replayed(name, fleet.files, tmp_path / "ours", tmp_path / "work")
    for visit, night in zip(visits, fleet.nights, strict=True):
        assert visit.pages == night[name].pages
        for fetch in visit.fetches:
            if fetch.http_status and fetch.chosen != "robots.txt" and fetch.body_digest:
                body = read_record(tmp_path / "ours", fetch.archive_ref).body
                assert sha256(body).hexdigest() == fetch.body_digest
    again = fleet.replayed(name, sorted((tmp_path / "ours").glob("*.warc.gz")), tmp_path / "ours", tmp_path / "again")
    assert [comparable(visit) for visit in again] == [comparable(visit) for visit in visits]


def test_a_killed_visit_counts_only_where_nothing_else_is_held(fleet: Fleet, tmp_path: Path) -> None:
    first, _ = fleet.files
    torn = [tmp_path / "torn-1.warc.gz", tmp_path / "torn-2.warc.gz"]
    for path, half in zip(fleet.files, torn, strict=True):
        ours = [place for place in salvage(path) if url_at(path, place, fleet.websites["plain"])]
        half.write_bytes(path.read_bytes()[: ours[-1]])
    both = fleet.replayed("plain", [first, torn[1]], tmp_path / "ours", tmp_path / "both")
    assert [visit.pages for visit in both] == [fleet.nights[0]["plain"].pages]
    (alone,) = fleet.replayed("plain", [torn[0]], tmp_path / "ours", tmp_path / "alone")
    whole = [page.url for page in fleet.nights[0]["plain"].pages]
    assert [page.url for page in alone.pages] == whole[: len(alone.pages)]
    assert 0 < len(alone.pages) < len(whole)
    assert "partial" in alone.flags
    assert {fetch.outcome for fetch in alone.fetches} <= {"ok", "http_error", "skipped"}


def url_at(path: Path, place: int, website: str) -> str:
    with contextlib.suppress(ArchiveError, ValueError):
        url = read_at(path, place).url
        return url if url.startswith(website) else ""
    return ""
