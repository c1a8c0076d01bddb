"""Sites read from what others collected: Common Crawl, WET files, browsertrix."""

from __future__ import annotations

import asyncio
import io
import warnings
from hashlib import sha256
from pathlib import Path

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawler.archive import Archive, read_record
from crawler.captures import CaptureIndex
from crawler.collected import replay_collected
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.urls import start_urls
from crawler.warc import file_digest, site_of

WORDS = "We design and build precision hydraulic presses for the aerospace industry in the Midlands. "
ABOUT = "Founded in 1974 by two engineers from Derby, we employ forty people in two large halls. "
LATER = "We moved to Leeds in the year 2020, where we now make presses for the whole of the north. "
HTML = (("Content-Type", "text/html; charset=utf-8"),)
EARLY, LATE = "2025-02-01T10:00:00Z", "2026-02-01T10:00:00Z"


def html(title: str, words: str, links: str = "") -> bytes:
    return f"<html lang=en><title>{title}</title><body><main><p>{words * 3}</p>{links}</main></body></html>".encode()


class Collected:
    """A file in the making, as another crawler writes it."""

    def __init__(self, version: str = "1.0") -> None:
        self.out = io.BytesIO()
        self.writer = WARCWriter(self.out, gzip=True, warc_version=version)

    def add(
        self, url: str, body: bytes, status: str = "200 OK", headers: tuple[tuple[str, str], ...] = HTML,
        kind: str = "response",
        at: str = EARLY,
        fields: dict[str, str] | None = None,
    ) -> Collected:  # fmt: skip
        described = {"WARC-Date": at} | (fields or {})
        http = StatusAndHeaders(status, list(headers), protocol="HTTP/1.1") if kind in {"response", "revisit"} else None
        record = self.writer.create_warc_record(
            url, kind, payload=io.BytesIO(body), http_headers=http, warc_headers_dict=described
        )
        self.writer.write_record(record)
        return self


def visit(tmp_path: Path, website: str, *files: Collected, settings: CrawlSettings | None = None) -> list[SiteCrawl]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        paths = [tmp_path / f"{number}.warc.gz" for number in range(len(files))]
        for path, file in zip(paths, files, strict=True):
            path.write_bytes(file.out.getvalue())
    index = CaptureIndex(tmp_path / "index", "test")
    sites = frozenset(site_of(url) for url in start_urls(website))
    digests = [index.add(path, file_digest(path), sites).digest for path in paths]
    archive = Archive(tmp_path / "archive", "firmscope/0 (+test)")
    settings = settings or CrawlSettings(contact="crawl@example.org")
    found = asyncio.run(replay_collected(CrawlTarget("F", website), index.of(sites, digests), settings, archive))
    archive.close()
    index.close()
    for site in found:
        for fetch in site.fetches:
            if fetch.body_digest and fetch.chosen != "robots.txt":
                body = read_record(tmp_path / "archive", fetch.archive_ref).body
                assert sha256(body).hexdigest() == fetch.body_digest, "every text has its record in our archive"
    return found


def titles(found: list[SiteCrawl]) -> list[str]:
    return [page.title for site in found for page in site.pages]


@pytest.fixture(autouse=True)
def _temporary_files_of_warcio() -> None:
    warnings.filterwarnings("ignore", category=ResourceWarning, message=".*SpooledTemporaryFile.*")


def test_common_crawl(tmp_path: Path) -> None:
    """Links lead where they lead, what nothing links to comes afterwards, what is not held costs nothing."""
    links = "<a href='/about'>About</a>" + "".join(f"<a href='/products/{n}'>Product {n}</a>" for n in range(40))
    file = (
        Collected()
        .add("https://www.firm.co.uk/", html("Firm", WORDS, links))
        .add("http://firm.co.uk/about/", html("About", ABOUT))
        .add("https://www.firm.co.uk/services", html("Services", LATER))
        .add("https://www.firm.co.uk/logo.png", b"\x89PNG", headers=(("Content-Type", "image/png"),))
        .add("https://other.co.uk/", html("Other", WORDS))
    )
    (site,) = visit(tmp_path, "firm.co.uk", file)
    assert (site.outcome, site.website, site.final_url) == ("ok", "firm.co.uk", "https://www.firm.co.uk/")
    assert titles([site]) == ["Firm", "About", "Services"]
    assert [fetch.url for fetch in site.fetches if fetch.outcome == "ok"] == [page.url for page in site.pages]
    assert {fetch.fetched_at.isoformat() for fetch in site.fetches} == {"2025-02-01T10:00:00+00:00"}
    assert site.started_at == site.ended_at == site.fetches[0].fetched_at


def test_newest_answer_counts_unless_it_says_nothing(tmp_path: Path) -> None:
    old = (
        Collected().add("https://firm.co.uk/", html("Old", WORDS)).add("https://firm.co.uk/about", html("About", ABOUT))
    )
    new = (
        Collected()
        .add("https://firm.co.uk/", html("New", LATER, "<a href=/about>About</a>"), at=LATE)
        .add("https://firm.co.uk/about", b"", status="503 Busy", at=LATE)
    )
    assert titles(visit(tmp_path, "https://firm.co.uk", new, old)) == ["New", "About"]


@pytest.mark.parametrize(
    ("held", "first"),
    [
        ({"/services": "Services", "/news/2024/fair": "Fair", "/team": "Team"}, "Services"),
        ({"/": "Home", "/services": "Services"}, "Home"),
        ({"/index.html": "Index", "/services": "Services"}, "Index"),
    ],
    ids=["none", "there", "by another name"],
)
def test_a_missing_home_page_is_stood_in_for(tmp_path: Path, held: dict[str, str], first: str) -> None:
    file = Collected()
    for number, (path, title) in enumerate(held.items()):
        file.add(f"https://firm.co.uk{path}", html(title, f"{WORDS} Number {number}. "))
    (site,) = visit(tmp_path, "firm.co.uk", file)
    assert titles([site])[0] == first
    assert set(titles([site])) == set(held.values())
    assert site.pages[0].kind == "home"


ROBOTS = (("Content-Type", "text/plain"),)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "pages"),
    [
        ("200 OK", b"User-agent: *\nDisallow: /about\n", "ok", ["Firm"]),
        ("200 OK", b"User-agent: firmscope\nDisallow: /\n", "robots_disallowed", []),
        ("404 Not Found", b"", "ok", ["Firm", "About"]),
        ("503 Busy", b"", "robots_unreachable", []),
    ],
    ids=["some", "all", "none", "busy"],
)
def test_robots_txt_of_the_archive_decides(
    tmp_path: Path, status: str, body: bytes, outcome: str, pages: list[str]
) -> None:
    file = (
        Collected()
        .add("https://firm.co.uk/robots.txt", body, status=status, headers=ROBOTS)
        .add("https://firm.co.uk/", html("Firm", WORDS, "<a href=/about>About</a>"))
        .add("https://firm.co.uk/about", html("About", ABOUT))
    )
    (site,) = visit(tmp_path, "https://firm.co.uk", file)
    assert (site.outcome, titles([site])) == (outcome, pages)


def test_who_asked_to_be_left_alone_is_left_alone_here_too(tmp_path: Path) -> None:
    file = Collected().add("https://firm.co.uk/", html("Firm", WORDS))
    settings = CrawlSettings(contact="crawl@example.org", opt_out=("firm.co.uk",))
    found = visit(tmp_path, "firm.co.uk", file, settings=settings)
    assert not titles(found)


def test_wet_file(tmp_path: Path) -> None:
    text = {"Content-Type": "text/plain"}
    file = (
        Collected()
        .add("https://firm.co.uk/", f"Firm Presses\n{WORDS * 3}".encode(), kind="conversion", fields=text)
        .add("https://firm.co.uk/about", f"About us\n{ABOUT * 3}".encode(), kind="conversion", fields=text)
        .add("https://other.co.uk/", f"Other\n{ABOUT * 3}".encode(), kind="conversion", fields=text)
    )
    (site,) = visit(tmp_path, "firm.co.uk", file)
    assert titles([site]) == ["Firm Presses", "About us"]
    assert all(page.language == "en" and page.text.startswith(page.title) for page in site.pages)


def test_browsertrix(tmp_path: Path) -> None:
    """A page that scripts draw has its words in a record of its own; page information and pictures are no pages."""
    shell = b"<html><title>Firm</title><body><div id=root></div><script src=/app.js></script></body></html>"
    text = {"Content-Type": 'text/plain; charset="UTF-8"'}
    file = (
        Collected("1.1")
        .add("https://firm.co.uk/", shell)
        .add("urn:pageinfo:https://firm.co.uk/", b"{}", kind="resource", fields={"Content-Type": "application/json"})
        .add("urn:text:https://firm.co.uk/", WORDS.encode() * 3, kind="resource", fields=text)
        .add("urn:textFinal:https://firm.co.uk/about", ABOUT.encode() * 3, kind="resource", at=LATE, fields=text)
        .add("urn:view:https://firm.co.uk/", b"\x89PNG", kind="resource", fields={"Content-Type": "image/png"})
        .add("https://firm.co.uk/app.js", b"draw()", headers=(("Content-Type", "text/javascript"),))
    )
    (site,) = visit(tmp_path, "firm.co.uk", file)
    assert [page.url for page in site.pages] == ["https://firm.co.uk/", "https://firm.co.uk/about"]
    assert site.pages[0].title == "Firm"
    assert WORDS.strip() in site.pages[0].text
    assert "needs_script" not in site.flags


def test_a_revisit_has_the_words_of_the_record_before_it(tmp_path: Path) -> None:
    profile = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
    body = html("Firm", WORDS)
    file = (
        Collected()
        .add("https://firm.co.uk/", body)
        .add("https://firm.co.uk/", b"", kind="revisit", at=LATE, fields={"WARC-Profile": profile})
    )
    (site,) = visit(tmp_path, "https://firm.co.uk", file)
    assert titles([site]) == ["Firm"]
    assert site.fetches[0].fetched_at.year == 2026
    assert site.fetches[0].body_digest == sha256(body).hexdigest()


@pytest.mark.parametrize(("truncated", "outcome"), [("length", "too_big"), ("disconnect", "truncated")])
def test_half_a_page_is_no_page(tmp_path: Path, truncated: str, outcome: str) -> None:
    file = Collected().add("https://firm.co.uk/", html("Firm", WORDS), fields={"WARC-Truncated": truncated})
    (site,) = visit(tmp_path, "https://firm.co.uk", file)
    assert (site.outcome, titles([site])) == (outcome, [])


def test_chunked_bodies_and_bracketed_addresses(tmp_path: Path) -> None:
    """As wget writes them."""
    body = html("Firm", WORDS)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    headers = (*HTML, ("Transfer-Encoding", "chunked"))
    (site,) = visit(tmp_path, "firm.co.uk", Collected().add("<https://firm.co.uk/>", chunked, headers=headers))
    assert titles([site]) == ["Firm"]


def test_neighbours_on_one_site_are_told_apart(tmp_path: Path) -> None:
    file = (
        Collected()
        .add("https://park.co.uk/firm/", html("Firm", WORDS))
        .add("https://park.co.uk/firm/about", html("About", ABOUT))
        .add("https://park.co.uk/firmly/", html("Neighbour", LATER))
        .add("https://park.co.uk/", html("Park", LATER))
    )
    assert titles(visit(tmp_path, "park.co.uk/firm/", file)) == ["Firm", "About"]


def test_nothing_held_is_no_visit(tmp_path: Path) -> None:
    file = Collected().add("https://other.co.uk/", html("Other", WORDS))
    assert visit(tmp_path, "firm.co.uk", file) == []
