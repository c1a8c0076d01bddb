"""Sitemaps: what one file lists, however odd or hostile, and which files of a site are read."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable

import pytest

from crawler.records import utc_now
from crawler.reply import Reply
from crawler.sitemap_files import MAX_DECOMPRESSED, MAX_MAPS, MAX_URLS, Sitemap, parse_sitemap
from crawler.sitemaps import MAX_INDEXED, MAX_LEVELS, MAX_REQUESTS, Mapped, name_rank, read_sitemaps

HOME = "https://firm.com/"
NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def urlset(*paths: str, root: str = f"urlset {NAMESPACE}") -> bytes:
    body = "".join(f"<url><loc>{HOME}{path}</loc><lastmod>2020-01-01</lastmod></url>\n" for path in paths)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{body}</{root.split()[0]}>'.encode()


def index(*names: str) -> bytes:
    body = "".join(f"<sitemap><loc>{HOME}{name}</loc></sitemap>" for name in names)
    return f"<sitemapindex {NAMESPACE}>{body}</sitemapindex>".encode()


def alternates(*pairs: tuple[str, str]) -> str:
    return "".join(f'<xhtml:link rel="alternate" hreflang="{tag}" href="{HOME}{path}"/>' for tag, path in pairs)


ONE = urlset("a")
IMAGE = (
    b"<urlset><url><loc>https://firm.com/a</loc><image:image><image:loc>https://firm.com/x</image:loc></image:image>"
)
FILES = [
    ("plain", urlset("a", "b"), ["a", "b"], ""),
    ("no namespace", urlset("a", root="urlset"), ["a"], ""),
    ("wrong namespace", urlset("a", root='urlset xmlns="http://www.google.com/x"'), ["a"], ""),
    ("prefixed", b"<s:urlset><s:url><s:loc> https://firm.com/a\n</s:loc></s:url></s:urlset>", ["a"], ""),
    ("capitals", b"<URLSET><URL><LOC>https://firm.com/a</LOC></URL></URLSET>", ["a"], ""),
    ("CDATA", b"<urlset><url><loc><![CDATA[https://firm.com/a?b=1&c=2]]></loc></url></urlset>", ["a?b=1&c=2"], ""),
    ("escaped ampersand", urlset("a?b=1&amp;c=2"), ["a?b=1&c=2"], ""),
    ("bare ampersand", urlset("a?b=1&c=2"), ["a?b=1&c=2"], ""),
    ("byte order mark", b"\xef\xbb\xbf" + ONE, ["a"], ""),
    ("UTF-16", ONE.decode().replace("UTF-8", "UTF-16").encode("utf-16"), ["a"], ""),
    ("Latin-1", urlset("é").decode().replace("UTF-8", "ISO-8859-1").encode("latin-1"), ["é"], ""),
    ("unknown encoding", ONE.replace(b"UTF-8", b"klingon"), ["a"], ""),
    ("encoding that is none of text", ONE.replace(b"UTF-8", b"zlib"), ["a"], ""),
    ("blank lines before", b"\n\n  " + ONE, ["a"], ""),
    ("style sheet and comment before", b"<?xml-stylesheet href='x'?><!-- <html> -->" + urlset("a"), ["a"], ""),
    ("entry commented out", b"<urlset><!-- <url><loc>https://firm.com/x</loc></url> -->" + ONE, ["a"], ""),
    ("comment without end", ONE.replace(b"</urlset>", b"<!-- <loc>https://firm.com/x</loc>"), ["a"], ""),
    ("ends in the middle", urlset("a", "b")[:-40], ["a", "b"], ""),
    ("no url elements", b"<urlset><loc>https://firm.com/a</loc><loc>https://firm.com/b</loc></urlset>", ["a", "b"], ""),
    ("the same twice", urlset("a", "a"), ["a"], ""),
    ("pictures are no pages", IMAGE, ["a"], ""),
    ("not http", b"<urlset><url><loc>file:///etc/passwd</loc></url><url><loc>/a</loc></url></urlset>", [], ""),
    ("gzip", gzip.compress(ONE), ["a"], ""),
    ("gzip in gzip", gzip.compress(gzip.compress(ONE)), ["a"], ""),
    ("gzip of two members", gzip.compress(ONE[:90]) + gzip.compress(ONE[90:]), ["a"], ""),
    ("gzip cut short", gzip.compress(urlset(*map(str, range(99))), 0)[:300], ["0", "1"], "broken"),
    ("gzip damaged at once", b"\x1f\x8bnonsense", [], "not a sitemap"),
    ("plain text", b"https://firm.com/a\r\n\r\nhttps://firm.com/b\n", ["a", "b"], ""),
    ("plain text with a remark", b"https://firm.com/a\n# old\nhttps://firm.com/b", ["a", "b"], ""),
    ("prose", b"Sorry, no sitemap here. https://firm.com/a", [], "not a sitemap"),
    ("empty", b"", [], "not a sitemap"),
    ("HTML", b"<!DOCTYPE html><html><a href='https://firm.com/a'>x</a></html>", [], "not a sitemap"),
    ("RSS", b"<rss version='2.0'><channel><link>https://firm.com/a</link></channel></rss>", [], "feed"),
    ("Atom", b"<feed xmlns='http://www.w3.org/2005/Atom'><link href='https://firm.com/a'/></feed>", [], "feed"),
    ("RDF", b"<rdf:RDF><item rdf:about='x'><link>https://firm.com/a</link></item></rdf:RDF>", [], "feed"),
    ("local file by entity", b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + ONE, [], "entities"),
    ("entity bomb", b"<!DOCTYPE l [<!ENTITY a '&b;&b;'><!ENTITY b '&c;&c;'>]>" + ONE, [], "entities"),
    ("another document's DTD", b"<!DOCTYPE urlset SYSTEM 'http://firm.com/x.dtd'>" + ONE, ["a"], ""),
]


@pytest.mark.parametrize(("body", "paths", "flag"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_file(body: bytes, paths: list[str], flag: str) -> None:
    found = parse_sitemap(body, HOME + "sitemap.xml")
    assert [page.removeprefix(HOME) for page in found.pages][: max(1, len(paths))] == paths
    assert found.flags == ((flag,) if flag else ())


def test_index_lists_files_and_never_itself() -> None:
    found = parse_sitemap(index("sitemap.xml", "one.xml", "two.xml.gz"), HOME + "sitemap.xml")
    assert found == Sitemap((), (HOME + "one.xml", HOME + "two.xml.gz"))


BOTH = f"<urlset><url><loc>{HOME}de/a</loc>{alternates(('de', 'de/a'), ('en-GB', 'gb/a'), ('en', 'a'))}</url></urlset>"


@pytest.mark.parametrize(
    ("language", "page"), [("", "de/a"), ("de", "de/a"), ("en", "a"), ("fr", "de/a")], ids=["none", "own", "en", "fr"]
)
def test_language_version_of_an_entry(language: str, page: str) -> None:
    assert parse_sitemap(BOTH.encode(), HOME, language).pages == (HOME + page,)


HOSTILE: list[tuple[str, Callable[[], bytes]]] = [
    ("a million URLs", lambda: b"<urlset>" + b"<url><loc>https://firm.com/%d</loc></url>" * 1_000_000),
    ("one URL of 50 MB", lambda: b"<urlset><url><loc>https://firm.com/" + b"a" * 50_000_000),
    ("tags and nothing else", lambda: b"<urlset>" + b"<url>" * 2_000_000),
    ("tags without end", lambda: b"<urlset>" + b"<loc " * 2_000_000),
    ("comments without end", lambda: b"<urlset>" + b"<!--" * 2_000_000),
    ("empty comments", lambda: b"<urlset>" + b"<!---->" * 1_500_000),
    ("entities without end", lambda: b"<urlset>" + b"<!DOCTYPE" * 1_000_000),
    ("lines", lambda: b"https://firm.com/a\n" * 1_000_000),
    ("blank", lambda: b" " * 12_000_000),
    ("bomb", lambda: gzip.compress(b"<urlset>" + b" " * 40_000_000, 1)),
    ("bomb in a bomb", lambda: gzip.compress(gzip.compress(b"<urlset>" + b" " * 40_000_000, 1), 1)),
    ("many members", lambda: gzip.compress(b"<urlset> ") * 300_000),
]


@pytest.mark.parametrize("body", [case[1] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_hostile_file_costs_little(body: Callable[[], bytes]) -> None:
    made = body()
    started = time.process_time()
    found = parse_sitemap(made, HOME)
    assert time.process_time() - started < 3
    assert len(found.pages) <= MAX_URLS
    assert sum(map(len, found.pages)) <= MAX_DECOMPRESSED


def test_long_lists_are_cut_and_say_so() -> None:
    pages = parse_sitemap(urlset(*map(str, range(MAX_URLS + 1))), HOME)
    assert (len(pages.pages), pages.flags) == (MAX_URLS, ("cut",))
    maps = parse_sitemap(index(*map(str, range(MAX_MAPS + 1))), HOME)
    assert (len(maps.maps), maps.flags) == (MAX_MAPS, ("cut",))


NAMES = [
    "page-sitemap.xml",
    "services-sitemap.xml",
    "sitemap.xml",
    "product_cat-sitemap.xml",
    "sitemap_products_1.xml",
    "post-sitemap.xml",
]


def test_files_of_pages_come_before_those_of_products_and_posts() -> None:
    ranks = [name_rank(HOME + name, "") for name in NAMES]
    assert None not in ranks
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    assert len(set(ranks)) == len(ranks)
    assert name_rank(HOME + "wp-sitemap-posts-page-1.xml", "") == name_rank(HOME + "page-sitemap.xml", "")
    for name in (
        "image-sitemap.xml",
        "video.xml",
        "author-sitemap.xml",
        "wp-sitemap-users-1.xml",
        "post_tag-sitemap.xml",
    ):
        assert name_rank(HOME + name, "") is None


def read(
    answers: dict[str, bytes | str | int], stated: tuple[str, ...] = (), language: str = ""
) -> tuple[Mapped, list[str]]:
    """Read a site whose files are ``answers``: bytes are a body, text a redirect, a number a status."""
    asked: list[str] = []

    async def get(url: str) -> Reply:
        asked.append(url.removeprefix(HOME))
        answer = answers.get(url.removeprefix(HOME), 404)
        if isinstance(answer, int):
            return Reply(url, "http_error", f"HTTP {answer}", utc_now(), answer)
        if isinstance(answer, str):
            return Reply(url, "ok", "", utc_now(), 301, location=answer)
        return Reply(url, "ok", "", utc_now(), 200, answer)

    return asyncio.run(read_sitemaps(stated, HOME, get, language)), asked


def test_the_usual_place_is_tried_only_where_robots_names_none() -> None:
    found, asked = read({"sitemap.xml": urlset("a", "b")})
    assert (found.urls, asked) == ([HOME + "a", HOME + "b"], ["sitemap.xml"])
    assert found.notes == (f"{HOME}sitemap.xml: 2 pages, 0 files",)
    assert read({"x.xml": ONE}, ("https://other.com/sitemap.xml", "/x.xml"))[1] == ["x.xml"]
    assert read({}, ("https://other.com/sitemap.xml", "http://[", "mailto:x"))[1] == ["sitemap.xml"]


def test_a_missing_file_is_noted_and_ends_it() -> None:
    found, asked = read({})
    assert (found.urls, found.notes) == ([], (f"{HOME}sitemap.xml: http_error 404",))
    assert asked == ["sitemap.xml"]


def test_pages_of_other_sites_are_left_out() -> None:
    elsewhere = ONE.replace(b"firm.com/a", b"other.com/a</loc></url><url><loc>https://www.firm.com/b")
    assert read({"sitemap.xml": elsewhere})[0].urls == ["https://www.firm.com/b"]


def test_pages_first_and_products_only_until_there_are_enough() -> None:
    files: dict[str, bytes | str | int] = {
        "sitemap.xml": index(
            "image-sitemap.xml", "post-sitemap.xml", *(f"product{n}.xml" for n in range(9)), "page.xml"
        ),
        "page.xml": urlset("about", "services"),
        **{f"product{n}.xml": urlset(*(f"product/{n}-{m}" for m in range(20))) for n in range(9)},
        "post-sitemap.xml": urlset("blog/1"),
    }
    found, asked = read(files)
    assert asked == ["sitemap.xml", "page.xml", "product0.xml", "product1.xml", "post-sitemap.xml"]
    assert found.urls[:2] == [HOME + "about", HOME + "services"]
    files["page.xml"] = urlset(*map(str, range(100)))
    assert read(files)[1] == ["sitemap.xml", "page.xml"]


def test_redirects_are_followed_within_the_site() -> None:
    assert read({"sitemap.xml": "/sitemap_index.xml", "sitemap_index.xml": ONE})[0].urls == [HOME + "a"]
    assert read({"sitemap.xml": "https://other.com/sitemap.xml"})[1] == ["sitemap.xml"]
    loop, asked = read({"sitemap.xml": "/b.xml", "b.xml": "/sitemap.xml"})
    assert (loop.urls, asked) == ([], ["sitemap.xml", "b.xml"])


ENDLESS: list[tuple[str, Callable[[int], bytes | str], int]] = [
    ("index of itself", lambda _: index("0.xml", "0.xml?x=1#y"), 2),
    ("index without bottom", lambda n: index(f"{n + 1}.xml"), MAX_LEVELS),
    ("redirects without end", lambda n: f"/{n + 1}.xml", MAX_REQUESTS),
]


@pytest.mark.parametrize(("answer", "most"), [case[1:] for case in ENDLESS], ids=[case[0] for case in ENDLESS])
def test_endless_files_are_bounded(answer: Callable[[int], bytes | str], most: int) -> None:
    found, asked = read({f"{n}.xml": answer(n) for n in range(50)}, ("/0.xml",))
    assert len(asked) <= most
    assert found.urls == []


def test_requests_are_bounded() -> None:
    names = [f"{letter}{letter}{letter}.xml" for letter in "abcdefghijklmnopqrstuvwxyz"]
    bodies: dict[str, bytes | str | int] = {name: urlset(name) for name in names}
    assert len(read(bodies, tuple(names))[1]) == MAX_REQUESTS
    assert len(read({**bodies, "sitemap.xml": index(*names)})[1]) == MAX_INDEXED
    many: dict[str, bytes | str | int] = {name: urlset(*(f"{name}/{n}" for n in range(3_000))) for name in names}
    assert len(read(many, tuple(names))[0].urls) == MAX_URLS


def test_files_of_another_language_come_last() -> None:
    bodies: dict[str, bytes | str | int] = {
        f"sitemap-{code}.xml": urlset(f"{code}/a") for code in ("de", "en", "fr", "es")
    }
    assert read(bodies, tuple(bodies), "en")[1][0] == "sitemap-en.xml"
    assert read(bodies, tuple(bodies))[1][0] == "sitemap-de.xml"
