"""The queue of one site's pages still to be read, best first.

Links and sitemap share one queue, and a page's worth falls with each page of its template that was taken. Holds a
bounded number of URLs and never the pages themselves, so that a site of a million links costs no more memory than one
of a thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from urllib.parse import urlsplit

from crawler.errors import BadUrlError
from crawler.languages import AMBIGUOUS, language_named, language_of_url, neutral_key
from crawler.links import FILE, NOT_SITES, Link, is_trap, refusal
from crawler.priority import FOR_UNLINKED, ONCE, Rank, rank
from crawler.skipped import Skipped
from crawler.templates import Templates, template_keys
from crawler.topics import HOME_AGAIN, plain
from crawler.urls import canonical_url, page_key, same_site

MAX_QUEUED = 2_000
MAX_SEEN = 10_000
MAX_LINKS_PER_PAGE = 1_000
MAX_LISTED = 5_000
MAX_LISTED_PER_FOLDER = 100  # of a sitemap's 5,000 variants none needs ranking but a sample, spread over the list
MAX_RANKED = 1_500  # 0.15 ms each, during which no other site is served; those near the home page first
MAX_HOSTS = 5  # wildcard DNS makes hosts without end; real firms keep what matters on one or two
MAX_LEFT = 20
SPLASH_LINKS = 3  # a home page with fewer links is a doorway, and its "Home" is the site's real first page
UNUSED = "page budget used up"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page waiting to be read."""

    url: str
    depth: int
    rank: Rank
    chosen: str
    language: str = ""
    templates: tuple[str, str, str] = ("", "", "")


class Frontier:
    """Queue of one site; knows what was seen and how many hosts are in use.

    Args:
        home: Canonical URL of the home page as it was reached.
        max_depth: Clicks from the home page at most.
        language: ISO 639-1 code of the language version to read, where there is one; empty: the home page's.

    Attributes:
        traps: Links refused because they look like pages without end.
    """

    def __init__(self, home: str, max_depth: int, language: str = "") -> None:
        self.home = home
        self.max_depth = max_depth
        self.language = language.lower()
        self.traps = 0
        self._own = language_of_url(home)
        self._foreign: set[str] = set()
        self._queue: dict[bytes, Candidate] = {}
        self._seen = {_digest(page_key(home))}
        self._versions: set[bytes] = {_digest(neutral_key(home))}
        self._hosts = {_bare(home)}
        self._read: set[bytes] = set()
        self._links: set[int] = set()
        self._taken: set[str] = set()
        self._templates = Templates()
        self._skipped = Skipped()
        self._begun = False
        self._splash = False

    def add(self, links: Sequence[Link], base: str, depth: int) -> None:
        """Queue those links of a page that lead on within the site; ``depth`` is that of the page they stand on."""
        if depth >= self.max_depth:
            return
        fresh = [link for link in links[:MAX_LINKS_PER_PAGE] if self._fresh(link, base, depth)]
        found = [(url, link.anchor) for link in fresh if (url := self._on_site(link.href, base))]
        if not self._begun and depth == 0:
            self._learn(found)
        for url, anchor in found:
            self._add(url, anchor, depth + 1)

    def add_sitemap(self, urls: Sequence[str]) -> None:
        """Queue pages that only a sitemap may name; of a folder with very many, a sample spread over the list."""
        if not self.max_depth:
            return
        folders: dict[str, list[str]] = {}
        for url in urls[:MAX_LISTED]:
            folder = url.partition("?")[0].rstrip("/").rpartition("/")[0]
            folders.setdefault(folder, []).append(url)
        sample: list[str] = []
        for folder, listed in sorted(folders.items(), key=lambda item: item[0].count("/")):
            most = MAX_LISTED_PER_FOLDER * (1 if folder.count("/") > 2 else 5)
            sample += listed[:: -(-len(listed) // most)]
        for url in sample[:MAX_RANKED]:
            if canonical := self._on_site(url, self.home):
                self._add(canonical, "", min(2, self.max_depth), listed=True)

    def seen(self, url: str) -> bool:
        """Whether this page was taken before; remembers it.

        A page that only waits is no longer queued and counts as new: whoever asks has it before them, by a redirect or
        as the canonical address of what was read.
        """
        key = _digest(page_key(url))
        known = key in self._seen and self._queue.pop(key, None) is None
        if known or len(self._seen) < MAX_SEEN:
            self._seen.add(key)
        return known

    def pop(self) -> Candidate | None:
        """The best page left, or ``None``. Contact and legal pages come out once each."""
        while self._queue:
            key, worth = self._best()
            best = self._queue.pop(key)
            why = self._refused_late(best)
            if why:
                self._skipped.add(best.url, why)
                continue
            self._templates.take(best.templates)
            self._versions.add(_digest(neutral_key(best.url)))
            less = f", {best.rank.score} before others like it" if worth != best.rank.score else ""
            return replace(best, chosen=f"{best.chosen}, score {worth}{less}")
        return None

    def took(self, candidate: Candidate) -> None:
        """Note that a page was read: not again in other letters, nor its topic where one page of it is enough."""
        self._read.add(_folded(candidate.url))
        if candidate.rank.topic in ONCE:
            self._taken.add(candidate.rank.topic)

    def skipped(self) -> list[tuple[str, str]]:
        """``(URL, why)`` of links that were refused: a bounded sample, with an example of each reason first."""
        return self._skipped.sample()

    def left(self) -> list[tuple[str, str]]:
        """``(URL, why)`` of the best pages that were never taken; bounded."""
        waiting = [candidate for candidate in self._queue.values() if not self._refused_late(candidate)]
        waiting.sort(key=self._worth, reverse=True)
        return [(candidate.url, UNUSED) for candidate in waiting[:MAX_LEFT]]

    def _best(self) -> tuple[bytes, int]:
        found, most = b"", -(10**6)
        for key, candidate in self._queue.items():
            if (candidate.rank.score or 0) > most and (worth := self._worth(candidate)) > most:
                found, most = key, worth
        return found, most

    def _worth(self, candidate: Candidate) -> int:
        return (candidate.rank.score or 0) - self._templates.discount(candidate.templates, candidate.rank.topic)

    def _fresh(self, link: Link, base: str, depth: int) -> bool:
        """Whether this very link was not on an earlier page: most links of a page are the site's menu."""
        whole = link.href[:1] == "/" or "://" in link.href[:8]
        mark = hash(
            ("/".join(base.split("/", 3)[:3]) if whole else base.partition("?")[0], link.href, link.anchor, depth)
        )
        if mark in self._links:
            return False
        if len(self._links) < MAX_SEEN:
            self._links.add(mark)
        return True

    def _on_site(self, href: str, base: str) -> str:
        try:
            url = canonical_url(href, base)
        except BadUrlError:
            return ""
        return url if same_site(url, self.home) else ""

    def _learn(self, found: list[tuple[str, str]]) -> None:
        """From the home page's links: the language its pages' addresses state, and whether it is but a doorway."""
        self._begun = True
        pages = {page_key(url): url for url, _ in found}
        self._splash = len(pages) < SPLASH_LINKS
        stated = Counter(language_of_url(url) for url in pages.values())
        if self.language in stated:
            self._own = self.language
        elif not self._own and stated:
            self._own = stated.most_common(1)[0][0]
        named = {code for url, anchor in found if (code := language_of_url(url)) and _names(anchor, code)}
        folders = {code for code in stated if code and code not in AMBIGUOUS}
        self._foreign = (named | (set(stated) if len(folders) > 1 else set())) - {self._own, "", self.language or "en"}

    def _add(self, url: str, anchor: str, depth: int, *, listed: bool = False) -> None:
        key = _digest(page_key(url))
        waiting = self._queue.get(key)
        if key in self._seen and waiting is None:
            return
        why = self._refused(url, anchor)
        if why:
            self.traps += is_trap(why)
            self._skipped.add(url, why)
            return
        ranked = rank(url, anchor, depth, self.home, self._own, self.language)
        if ranked.score is None:
            self._skipped.add(url, "not a page about the firm")
            return
        if listed:
            ranked = replace(ranked, score=ranked.score - FOR_UNLINKED)
        if waiting is not None and (waiting.rank.score or 0) >= (ranked.score or 0):
            return
        if waiting is None and not self._has_room(url):
            return
        self._seen.add(key)
        origin = "page of the sitemap" if listed else f"link, depth {depth}"
        language, templates = language_of_url(url), template_keys(url, ranked.topic)
        self._queue[key] = Candidate(url, depth, ranked, f"{ranked.topic} {origin}", language, templates)

    def _has_room(self, url: str) -> bool:
        host = _bare(url)
        if host not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            self.traps += 1
            self._skipped.add(url, f"on more than {MAX_HOSTS} hosts")
            return False
        if len(self._queue) >= MAX_QUEUED or len(self._seen) >= MAX_SEEN:
            self._skipped.add(url, "more pages than are looked at")
            return False
        self._hosts.add(host)
        return True

    def _refused(self, url: str, anchor: str) -> str:
        """Why a URL never enters the queue."""
        parts = urlsplit(url)
        host, path = _bare(url), parts.path.rstrip("/")
        if host != _bare(self.home) and NOT_SITES.fullmatch(host.partition(".")[0]):
            return FILE
        if why := refusal(url):
            return why
        if path.endswith("/amp") and _digest(page_key(url.partition("?")[0].rstrip("/")[:-4])) in self._seen:
            return "copy for telephones" if path.count("/") > 1 else ""
        name = plain(path.lstrip("/").partition(".")[0])
        again = name in HOME_AGAIN or (not path and plain(anchor) in HOME_AGAIN)
        return "the home page again" if again and not parts.query and not self._splash else ""

    def _refused_late(self, candidate: Candidate) -> str:
        """Why a queued page is not read after all, knowing what was read since."""
        if candidate.rank.topic in self._taken:
            return f"a {candidate.rank.topic} page was read"
        if _folded(candidate.url) in self._read:
            return "read under another spelling"
        if candidate.language in self._foreign:
            return "another language version"
        version = candidate.language not in {self._own, self.language or "en"} and candidate.language not in AMBIGUOUS
        if version and _digest(neutral_key(candidate.url)) in self._versions:
            return "another language version of a page that was read"
        return ""


def _names(anchor: str, code: str) -> bool:
    return language_named(anchor, codes=code not in AMBIGUOUS) == code


def _bare(url: str) -> str:
    return urlsplit(url).netloc.removeprefix("www.")


def _folded(url: str) -> bytes:
    return _digest(page_key(url).lower())


def _digest(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=12).digest()
