"""Which page of a site to read next, and what kind of page it is.

Decided from the URL's words and the link's words alone, before anything is fetched: twenty pages must be enough
to say what a firm does, and a news archive would eat them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from crawler.languages import language_named, language_of_url
from crawler.topics import IDENTITY, NEVER, NEVER_ALONE, TOPICS, plain

# Read first what says what the firm does; one legal and one contact page are bought early for identity, after the
# core pages; people and news come last and only if the budget is not used up.
SCORES = {
    "about": 100,
    "service": 96,
    "product": 95,
    "technology": 90,
    "sector": 88,
    "contact": 70,
    "legal": 60,
    "other": 50,
    "people": 15,
    "news": 10,
}
KINDS = {"technology": "service", "sector": "service", "people": "other"}
ONCE = frozenset({"contact", "legal"})
PER_PART = 6  # each further path part, each further click: what is deeper says less of the whole firm
PER_CLICK = 5
FOR_QUERY = 8
FOR_HOST = 30  # shop.firm.com after www.firm.com
FOR_FOLDER = 25  # outside the folder in which the home page lies: another tenant of a shared host, more often than not
FOR_UNLINKED = 12  # only the sitemap names it
FOR_LANGUAGE = 40
FOR_ENGLISH = 5  # an English page beside its original
TO_VERSION = 60  # the first page of the wanted version


_IN_SHOP = frozenset({"service", "technology", "sector"})


@dataclass(frozen=True, slots=True)
class Rank:
    """How early a link is read (higher is earlier) and what kind of page it leads to; ``None`` score: never."""

    score: int | None
    topic: str

    @property
    def kind(self) -> str:
        """The page kind of ``records.PAGE_KINDS``."""
        return KINDS.get(self.topic, self.topic)


def rank(url: str, anchor: str, depth: int, home: str, own: str | None = None, preferred: str = "") -> Rank:
    """Rank a link of a site.

    Args:
        url: Canonical URL of the link.
        anchor: Its visible words.
        depth: Clicks from the home page.
        home: Canonical URL of the site's home page, for its host and folder.
        own: Language that the addresses of the pages to read state, see ``language_of_url``; by default the home's.
        preferred: Language version that is wanted, if any.
    """
    parts = urlsplit(url)
    segments = [plain(unquote(part)) for part in parts.path.split("/") if part]
    words = plain(anchor)[:80]
    last = re.sub(r"\.\w{2,5}$", "", segments[-1]) if segments else ""
    for text in (last, words):
        if text in NEVER_ALONE or _NEVER.search(text):
            return Rank(None, "never")
    topic = _page_topic(segments, last, words, parts.query)
    score = SCORES[topic] - PER_PART * max(0, len(segments) - 1) - PER_CLICK * max(0, depth - 1)
    if topic == "legal" and not (_IDENTITY.search(last) or _IDENTITY.search(words)):
        score -= 3
    if parts.query:
        score -= FOR_QUERY
    return Rank(score + _language_bonus(url, words, len(segments), home, own, preferred) + _place(url, home), topic)


def _page_topic(segments: list[str], last: str, words: str, query: str) -> str:
    folders = [_topic(segment) for segment in segments[:-1]]
    if "news" in folders or _topic(last) == "news":
        return "news"  # an article about a product is still an article
    named = _topic(last) or _topic(words)
    if not named and query:
        named = next(filter(None, (_topic(plain(value)) for _, value in parse_qsl(query)[:5])), "")
    if named in _IN_SHOP and "product" in folders:
        return "product"  # "/product/engineering-kit" is one more article of the shop
    return named or next(filter(None, reversed(folders)), "other")


def _language_bonus(url: str, words: str, parts: int, home: str, own: str | None, preferred: str) -> int:
    wanted = preferred or "en"
    own = language_of_url(home) if own is None else own
    language = language_of_url(url)
    if language and language != own:
        if language != wanted:
            return -FOR_LANGUAGE
        return TO_VERSION if parts <= 1 else -FOR_ENGLISH
    return TO_VERSION if not language and own != wanted and _named(words) == wanted else 0


def _named(words: str) -> str:
    return "en" if words in {"in english", "english site"} else language_named(words)


def _place(url: str, home: str) -> int:
    ours, theirs = urlsplit(home), urlsplit(url)
    if theirs.netloc.removeprefix("www.") != ours.netloc.removeprefix("www."):
        return -FOR_HOST
    folder = ours.path.rpartition("/")[0]
    return -FOR_FOLDER if folder and not language_of_url(home) and not theirs.path.startswith(folder) else 0


def _stem_pattern(stems: tuple[str, ...]) -> str:
    parts = [re.escape(stem.rstrip("$")) + (r"(?![a-z0-9])" if stem.endswith("$") else "") for stem in stems]
    return "|".join(parts)


# One search finds the first topic named, and of two that begin at one place the earlier in the table.
_TOPIC = re.compile(
    rf"(?<![a-z0-9])(?:{'|'.join(f'(?P<{topic}>{_stem_pattern(stems)})' for topic, stems in TOPICS.items())})"
)
_NEVER = re.compile(rf"(?<![a-z0-9])(?:{_stem_pattern(NEVER)})")
_IDENTITY = re.compile(rf"(?<![a-z0-9])(?:{_stem_pattern(IDENTITY)})")


@lru_cache(8192)
def _topic(text: str) -> str:
    """The first topic named in the text, so that "about our products" is about and "products and news" is products."""
    match = _TOPIC.search(text)
    return (match.lastgroup or "") if match else ""
