"""Which of a site's sitemap files to read, and the pages they list together.

Every file is a request that a page could have had, so few are read: those named after pages before those of products,
posts and pictures, two of a kind at most, and no product or post files once enough pages are known.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from crawler.errors import BadUrlError
from crawler.reply import Reply
from crawler.sitemap_files import MAX_URLS, Sitemap, parse_sitemap
from crawler.urls import canonical_url, page_key, same_site

USUAL_PLACE = "/sitemap.xml"
MAX_LEVELS = 3
MAX_REQUESTS = 3  # without an index: robots.txt of some shops names a file per language and shop
MAX_INDEXED = 10
MAX_STATED = 50
MAX_REDIRECTS = 3
MAX_OF_A_KIND = 2  # product-sitemap7.xml adds nothing to product-sitemap1.xml that a budget of 20 pages could use
ENOUGH = 100  # URLs; five times the default page budget

NEVER = re.compile(r"image|video|author|users?[-_.]|post_tag|[-_]tags?[-_.]|attachment|archive|comment|taxonomies-post")
# Later names win: wp-sitemap-posts-page-1.xml holds pages, product_cat-sitemap.xml overviews. Smaller is earlier.
KINDS = (
    (re.compile(r"post|news|blog|article|event|press|aktuell|categor|job|recipe|forum"), 60),
    (re.compile(r"product|item|shop|listing|propert"), 40),
    (re.compile(r"product_cat|collection|product[-_]categor"), 20),
    (re.compile(r"service|solution|sector|industr|practice|leistung"), 10),
    (re.compile(r"page|static|main|core"), 0),
)
UNNAMED = 15
OTHER_LANGUAGE = 30
LATE = 40  # from here on: products and posts


class Mapped(NamedTuple):
    """What a site's sitemaps list.

    ``urls`` are page URLs as they stand there, once each, at most ``MAX_URLS``, of this site only. ``notes`` say what
    came of each file: ``https://firm.com/sitemap.xml: 40 pages, 0 files``.
    """

    urls: list[str]
    notes: tuple[str, ...]


async def read_sitemaps(
    stated: Sequence[str], home: str, get: Callable[[str], Awaitable[Reply]], language: str = ""
) -> Mapped:
    """Read the sitemaps of one site, at most ``MAX_REQUESTS`` requests, ``MAX_INDEXED`` where there is an index.

    Args:
        stated: Sitemaps that robots.txt names; where none is on this site, the usual place is tried.
        home: Canonical URL of the home page.
        get: Fetches one URL, without following redirects; robots rules, guard, spacing and archive are its business.
        language: ISO 639-1 code of the language to read, where files or entries come in several; empty: all.
    """
    found: dict[str, None] = {}
    notes: list[str] = []
    waiting = _Waiting(home, language.lower())
    for url in stated[:MAX_STATED]:
        waiting.add(url, home, 1)
    if not waiting:
        waiting.add(USUAL_PLACE, home, 1)
    while len(found) < MAX_URLS and (best := waiting.pop(len(found))):
        url, level = best
        sitemap, note = await _read(url, waiting, get)
        notes.append(f"{url}: {note}")
        for page in sitemap.pages[: MAX_URLS - len(found)]:
            if waiting.holds(page):
                found[page] = None
        for further in sitemap.maps:
            waiting.add(further, url, level + 1)
    return Mapped(list(found), tuple(notes))


class _Waiting:
    """Files still to be read, best named first, and the requests that may still be made."""

    def __init__(self, home: str, language: str) -> None:
        self.home = home
        self.language = language
        self.requests = 0
        self._limit = MAX_REQUESTS
        self._files: list[tuple[int, int, str, int]] = []
        self._seen: set[str] = set()
        self._kinds: Counter[str] = Counter()
        self._hosts: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    def add(self, url: str, base: str, level: int) -> None:
        """Note a file, unless it lies elsewhere, is known, or leads too deep."""
        address = _on_site(url, base, self.home)
        worth = name_rank(address, self.language) if address else None
        if worth is None or level > MAX_LEVELS or not self.first_time(address):
            return
        if level > 1:
            self._limit = MAX_INDEXED
        heapq.heappush(self._files, (worth, len(self._seen), address, level))

    def holds(self, page: str) -> bool:
        """Whether a page is of this site; 5,000 pages have few hosts, and each is looked at once."""
        host = "/".join(page.split("/", 3)[:3]).lower()
        if host not in self._hosts:
            self._hosts[host] = bool(_on_site(host, self.home, self.home))
        return self._hosts[host]

    def first_time(self, url: str) -> bool:
        """Whether this file was not named before; remembers it."""
        known = page_key(url) in self._seen
        self._seen.add(page_key(url))
        return not known

    def spend(self) -> bool:
        """Whether one more request may be made; counts it."""
        self.requests += 1
        return self.requests <= self._limit

    def pop(self, known: int) -> tuple[str, int] | None:
        """The best file and its level, given how many pages are known."""
        while self._files and self.requests < self._limit:
            worth, _, url, level = heapq.heappop(self._files)
            kind = re.sub(r"\d+", "", url.partition("?")[0])
            if (worth >= LATE and known >= ENOUGH) or self._kinds[kind] >= MAX_OF_A_KIND:
                continue
            self._kinds[kind] += 1
            return url, level
        return None


def name_rank(url: str, language: str) -> int | None:
    """How late a file is read, by its name; ``None``: never, as it lists pictures or archives."""
    name = urlsplit(url).path.lower().rpartition("/")[2].replace("sitemap", "")  # which has an "item" in it
    if NEVER.search(name):
        return None
    rank = next((rank for pattern, rank in reversed(KINDS) if pattern.search(name)), UNNAMED)
    codes = set(
        re.findall(r"(?<![a-z])(en|de|fr|es|it|nl|pl|pt|ru|zh|ja|cs|sv|da|fi|tr)(?![a-z])", urlsplit(url).path.lower())
    )
    return rank + OTHER_LANGUAGE if language and codes and language not in codes else rank


async def _read(url: str, waiting: _Waiting, get: Callable[[str], Awaitable[Reply]]) -> tuple[Sitemap, str]:
    for _ in range(MAX_REDIRECTS + 1):
        if not waiting.spend():
            return Sitemap(), "request budget used up"
        reply = await get(url)
        if reply.outcome != "ok":
            return Sitemap(), f"{reply.outcome} {reply.status or ''}".strip()
        if reply.unchanged or not 300 <= (reply.status or 0) < 400:
            sitemap = parse_sitemap(reply.body, url, waiting.language)
            flags = "".join(f", {flag}" for flag in sitemap.flags)
            return sitemap, f"{len(sitemap.pages)} pages, {len(sitemap.maps)} files{flags}"
        url = _on_site(reply.location, url, waiting.home) if reply.location else ""
        if not url:
            return Sitemap(), "redirected to another site"
        if not waiting.first_time(url):
            return Sitemap(), "redirected to a file already named"
    return Sitemap(), f"redirected more than {MAX_REDIRECTS} times"


def _on_site(url: str, base: str, home: str) -> str:
    try:
        address = canonical_url(url, base)
    except BadUrlError:
        return ""
    return address if same_site(address, home) else ""
