"""Which page of a site to read next, and what kind of page it is.

Decided from the URL's words and the link's words alone, before anything is fetched: twenty pages must be enough
to say what a firm does, and a news archive would eat them all.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from crawler.topics import NEVER, TOPICS

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
LANGUAGES = frozenset(
    "en de fr es it nl pl pt ru zh cn jp ja ko cs sv no da fi hu tr ar ro el uk bg sk sl hr he th vi id fa".split()  # noqa: SIM905
)
ENGLISH_ANCHORS = frozenset({"english", "en", "eng", "english version", "in english", "uk", "gb"})


@dataclass(frozen=True, slots=True)
class Rank:
    """How early a link is read (higher is earlier) and what kind of page it leads to; ``None`` score: never."""

    score: int | None
    topic: str

    @property
    def kind(self) -> str:
        """The page kind of ``records.PAGE_KINDS``."""
        return KINDS.get(self.topic, self.topic)


def rank(url: str, anchor: str, depth: int, home: str) -> Rank:
    """Rank a link of a site.

    Args:
        url: Canonical URL of the link.
        anchor: Its visible words.
        depth: Clicks from the home page.
        home: Canonical URL of the site's home page, for its host and language folder.
    """
    parts = urlsplit(url)
    segments = [plain(unquote(part)) for part in parts.path.split("/") if part]
    words = plain(anchor)[:80]
    last = re.sub(r"\.\w{2,5}$", "", segments[-1]) if segments else ""
    for text in (last, words):
        if _matches(text, NEVER):
            return Rank(None, "never")
    topic = _topic(last) or _topic(words) or next(filter(None, map(_topic, segments[-2::-1])), "other")
    if any(_topic(segment) == "news" for segment in segments):
        topic = "news"  # an article about a product is still an article
    score = SCORES[topic] - 6 * max(0, len(segments) - 1) - 5 * max(0, depth - 1) - (8 if parts.query else 0)
    home_parts = urlsplit(home)
    language, home_language = _language(segments), _language(home_parts.path.lower().split("/")[1:])
    if language != home_language and language:
        score += 60 if language == "en" and len(segments) == 1 else (-5 if language == "en" else -40)
    elif words in ENGLISH_ANCHORS and home_language != "en":
        score += 60
    if parts.netloc.removeprefix("www.") != home_parts.netloc.removeprefix("www."):
        score -= 30
    return Rank(score, topic)


def plain(text: str) -> str:
    """Lower case, accents off, single spaces, so that one spelling per stem is enough."""
    folded = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("ł", "l"))
    return " ".join("".join(char for char in folded if not unicodedata.combining(char)).replace("_", "-").split())


def _matches(text: str, stems: tuple[str, ...]) -> bool:
    return bool(text) and bool(_pattern(stems).search(text))


def _topic(text: str) -> str:
    """The first topic named in the text, so that "about our products" is about and "products and news" is products."""
    if not text:
        return ""
    found = [
        (match.start(), order, topic)
        for order, (topic, stems) in enumerate(TOPICS.items())
        if (match := _pattern(stems).search(text))
    ]
    return min(found)[2] if found else ""


_PATTERNS: dict[tuple[str, ...], re.Pattern[str]] = {}


def _pattern(stems: tuple[str, ...]) -> re.Pattern[str]:
    if stems not in _PATTERNS:
        parts = [re.escape(stem.rstrip("$")) + (r"(?![a-z0-9])" if stem.endswith("$") else "") for stem in stems]
        _PATTERNS[stems] = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(parts)})")
    return _PATTERNS[stems]


def _language(segments: list[str]) -> str:
    first = segments[0] if segments else ""
    code = re.fullmatch(r"([a-z]{2})(?:-[a-z]{2})?", first)
    return code[1] if code and code[1] in LANGUAGES else ""
