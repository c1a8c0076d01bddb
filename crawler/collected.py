"""Visit a site in what others have collected of it: files of Common Crawl, browsertrix, or of several origins.

Such files hold no visit: the newest answer of each URL counts, and only pages that are held are offered to the visit,
those that nothing links to last. Where the home page is missing, the best page stands in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from crawler.answers import Answers
from crawler.archive import Archive
from crawler.captures import Capture
from crawler.errors import ArchiveError, BadUrlError, BadWebsiteError
from crawler.extract import HtmlPage, PageText, read_html
from crawler.ledger import MIN_TEXT_CHARS
from crawler.links import Link
from crawler.page_reading import with_marks
from crawler.priority import rank
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.replay import REDIRECTS, Replay, run_visit
from crawler.stored import read_at
from crawler.text import clean_text, language_of
from crawler.urls import canonical_url, page_key, same_site, start_urls

MAX_TITLE = 300
MAX_FULL_TEXT = 200_000
NO_PAGES = {"robots.txt"}
BUSY = {429, 500, 502, 503, 504}


class Newest(Replay):
    """Answers every request for a URL with its newest capture; another spelling of the address will do."""

    def __init__(self, answers: Answers, starts: Sequence[str]) -> None:
        super().__init__(answers, {})
        self._starts = starts
        self._by_url: dict[str, Capture] = {}
        self._texts: dict[str, Capture] = {}
        self._by_key: dict[str, Capture] = {}
        self._drawn: set[str] = set()
        for capture in sorted(answers.captures, key=_weight):
            if capture.kind == "text":
                self._texts[page_key(capture.url)] = capture
            else:
                self._by_url[capture.url] = capture
        for capture in sorted([*self._texts.values(), *self._by_url.values()], key=_weight):
            if capture.status not in REDIRECTS and (
                capture.kind != "text" or page_key(capture.url) not in self._by_key
            ):
                self._by_key[page_key(capture.url)] = capture

    def find(self, url: str) -> Capture | None:
        """The newest capture of the URL, else of another spelling of it that holds a page."""
        return self._by_url.get(url) or self._by_key.get(page_key(url))

    def pages(self) -> list[str]:
        """URLs that may be pages, each in the spelling in which it is held.

        Where the website is a folder of a site, others may live beside it: only pages of the folder are named.
        """
        folder = urlsplit(self._starts[0]).path.rpartition("/")[0]
        held = [one for one in self._by_key.values() if one.status in {200, 304} and _within(one.url, folder)]
        return sorted(one.url for one in held if PurePosixPath(urlsplit(one.url).path).name not in NO_PAGES)

    def home(self) -> str:
        """Where the visit begins: the home page in one of its spellings, else the page that ranks best; or nowhere."""
        starts = self._starts
        for start in starts:
            found = self.find(start)
            if found is not None:
                return start if start in self._by_url else found.url
        pages = [url for url in self.pages() if same_site(url, starts[0])]
        roots = [url for url in pages if urlsplit(url).path == "/" and not urlsplit(url).query]
        return min(
            roots or pages, key=lambda url: (-(rank(url, "", 1, starts[0]).score or 0), len(url), url), default=""
        )

    async def read(self, body: bytes, url: str, content_type: str, kind: str) -> HtmlPage:
        """A page with those of its links that are held; words drawn by a browser where the page itself has none."""
        capture = self.find(url)
        if capture is not None and capture.kind == "text":
            return with_marks(plain_page(body), url, kind)
        page = read_html(body, url, content_type)
        drawn = self._texts.get(page_key(url))
        if drawn is not None and (page.script_only or len(page.words.text) < MIN_TEXT_CHARS):
            try:
                words = plain_page(read_at(drawn.path, drawn.offset).body)
            except ArchiveError:
                pass
            else:
                page = replace(page, words=replace(words.words, title=page.words.title or words.words.title))
                page = replace(page, full_text=words.full_text, script_only=False)
        return replace(with_marks(page, url, kind), links=self._held(page, url), alternates=())

    def _held(self, page: HtmlPage, url: str) -> list[Link]:
        found = []
        for link in page.links:
            try:
                base = canonical_url(page.base, url) if page.base else url
                capture = self.find(canonical_url(link.href, base))
            except BadUrlError:
                continue
            if capture is not None:
                found.append(Link(capture.url, link.anchor))
        return found


def plain_page(body: bytes) -> HtmlPage:
    """A page of which only the words are held; its first line is its title."""
    text = clean_text(body.decode("utf-8", "replace"))
    title = next((line.strip() for line in text.splitlines() if line.strip()), "")[:MAX_TITLE]
    words = PageText(text, title, language_of(text, ""))
    return HtmlPage(words, [], "", None, frozenset(), "utf-8", full_text=text[:MAX_FULL_TEXT])


async def replay_collected(
    target: CrawlTarget, captures: Sequence[Capture], settings: CrawlSettings, archive: Archive
) -> list[SiteCrawl]:
    """The one visit that can be made of a site in captures of any origin; none when no page of it is held.

    Args:
        target: The firm.
        captures: Of its site, in any order.
        settings: Budgets; delays do not matter.
        archive: Our archive, into which used records are copied.

    Raises:
        ArchiveError: The archive cannot be written.
    """
    try:
        starts = start_urls(target.website)
    except BadWebsiteError:
        return []
    newest = Newest(Answers(captures, settings, archive), starts)
    home = newest.home()
    if not home:
        return []
    stood_in = replace(target, website=home, known=())
    crawl = await run_visit(stood_in, settings, newest, read=newest.read, extra=newest.pages())
    return [replace(crawl, website=target.website)] if crawl.fetches else []


def _within(url: str, folder: str) -> bool:
    return f"{urlsplit(url).path}/".startswith(f"{folder}/")


def _weight(capture: Capture) -> tuple[bool, datetime]:
    """Newer weighs more; an answer that says nothing of the page weighs less than any that does."""
    return (capture.kind != "failure" and capture.status not in BUSY, capture.at)
