"""The queue of one site's pages still to be read, best first.

Holds a bounded number of URLs and never the pages themselves, so that a site of a million links costs no more
memory than one of a thousand.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from urllib.parse import urlsplit

from crawler.errors import BadUrlError
from crawler.links import Link, refusal
from crawler.priority import ONCE, Rank, rank
from crawler.urls import canonical_url, page_key, same_site

MAX_QUEUED = 2_000
MAX_LINKS_PER_PAGE = 1_000
MAX_HOSTS = 5  # wildcard DNS makes hosts without end; real firms keep what matters on one or two


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page waiting to be read."""

    url: str
    depth: int
    rank: Rank
    chosen: str


class Frontier:
    """Queue of one site; knows what was seen and how many hosts are in use."""

    def __init__(self, home: str, max_depth: int) -> None:
        self.home = home
        self.max_depth = max_depth
        self.traps = 0
        self._heap: list[tuple[int, int, Candidate]] = []
        self._seen = {page_key(home)}
        self._hosts = {_bare(home)}
        self._taken: set[str] = set()
        self._order = 0

    def add(self, links: list[Link], base: str, depth: int) -> None:
        """Queue those links of a page that lead on within the site; ``depth`` is that of the page they stand on."""
        if depth >= self.max_depth:
            return
        for link in links[:MAX_LINKS_PER_PAGE]:
            self._add(link, base, depth + 1)

    def seen(self, url: str) -> bool:
        """Whether this page was queued or read before; remembers it."""
        key = page_key(url)
        known = key in self._seen
        self._seen.add(key)
        return known

    def pop(self) -> Candidate | None:
        """The best page left, or ``None``. Contact and legal pages come out once each."""
        while self._heap:
            candidate = heapq.heappop(self._heap)[2]
            if candidate.rank.topic not in self._taken:
                return candidate
        return None

    def took(self, candidate: Candidate) -> None:
        """Note that a page was read, so that its topic is not read again if once is enough."""
        if candidate.rank.topic in ONCE:
            self._taken.add(candidate.rank.topic)

    def _add(self, link: Link, base: str, depth: int) -> None:
        try:
            url = canonical_url(link.href, base)
        except BadUrlError:
            return
        if not same_site(url, self.home) or page_key(url) in self._seen or len(self._seen) >= MAX_QUEUED:
            return
        trap = refusal(url)
        if trap:
            self.traps += trap != "not a page"
            return
        ranked = rank(url, link.anchor, depth, self.home)
        if ranked.score is None:
            return
        if _bare(url) not in self._hosts:
            if len(self._hosts) >= MAX_HOSTS:
                self.traps += 1
                return
            self._hosts.add(_bare(url))
        self._seen.add(page_key(url))
        self._order += 1
        chosen = f"{ranked.topic} link, depth {depth}, score {ranked.score}"
        heapq.heappush(self._heap, (-ranked.score, self._order, Candidate(url, depth, ranked, chosen)))


def _bare(url: str) -> str:
    return urlsplit(url).netloc.removeprefix("www.")
