"""Mark in a firm's words what speaks for a sector, and find the sentences that say most about it.

Words are cut as keyword rules cut them (``labels.words``), so that what is marked is what a search would find.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from classifier.quotable import Kind, pieces
from labels.errors import LabelsError
from labels.keyword_matching import IndexedText, Phrase
from labels.keywords import parse_rule
from labels.words import word_spans, words_of

MAX_SENTENCES = 5  # what a person reads before judging; the whole text stands below
MAX_SEARCHED_CHARS = 60_000  # of a page; more is a list or a dump, and its reading time would be felt
PART_WORTH = {"keyword": 3.0, "term": 1.5, "topic": 0.5}
"""What a distinct phrase adds to a sentence's rank. Set by eye on some of the shared sites, not measured: keywords were
written for the sector, terms were learnt, topic words only stand in its name or definition."""
_TOO_SHORT = 4  # letters; shorter words of a definition are rarely its topic

MarkKind = Literal["", "keyword", "term", "topic"]


@dataclass(frozen=True)
class Segment:
    """A stretch of text, and what it is marked as."""

    text: str
    mark: MarkKind = ""


@dataclass(frozen=True)
class Marker:
    """What to look for: keywords before terms where both stand."""

    keywords: tuple[Phrase, ...] = ()
    terms: tuple[Phrase, ...] = ()
    topic: tuple[Phrase, ...] = ()  # counts for sentences, is not marked


@dataclass(frozen=True)
class Quote:
    """A sentence worth reading first."""

    segments: tuple[Segment, ...]
    page: int  # place of its page
    carries: bool = False  # the model's own evidence


def marker(rules: Iterable[str], terms: Iterable[str], topic: str = "") -> Marker:
    """What a sector's keyword rules, a model's terms and a definition look for; a rule that cannot be read is passed
    over, as everywhere but in ``taxonomy check``."""
    keywords: list[Phrase] = []
    for rule in rules:
        try:
            keywords += parse_rule(rule).sought()
        except LabelsError:
            continue
    learnt = [Phrase(words) for term in terms if (words := words_of(term))]
    about = {word: Phrase((word,)) for word in words_of(topic) if len(word) >= _TOO_SHORT}
    return Marker(tuple(dict.fromkeys(keywords)), tuple(learnt), tuple(about.values()))


def marked(text: str, look_for: Marker) -> tuple[Segment, ...]:
    """The text in stretches; joined together they are the text."""
    spans = list(word_spans(text))
    kinds: list[MarkKind] = [""] * len(spans)
    indexed = IndexedText(text)
    if len(indexed.words) != len(spans):  # the two ways of cutting must agree; text is shown in any case
        return (Segment(text),) if text else ()
    for kind, phrases in (("term", look_for.terms), ("keyword", look_for.keywords)):
        for phrase in phrases:
            for start in phrase.starts(indexed):
                kinds[start : start + len(phrase.words)] = [kind] * len(phrase.words)  # type: ignore[list-item]
    return tuple(_joined(text, spans, kinds))


def best_sentences(texts: Sequence[str], look_for: Marker, evidence: str = "") -> tuple[Quote, ...]:
    """Up to ``MAX_SENTENCES`` pieces of the pages: the model's evidence first, then those with the most to say.

    Where no page says anything that is looked for, the first sentences of the first page are taken.

    Args:
        texts: Words of each page, in the order in which they were read.
        look_for: The sector's keywords, terms and topic.
        evidence: Sentence that carries most of the model's probability, if any.
    """
    ranked: list[tuple[float, int, int, str]] = []
    seen: set[str] = set()
    wanted = " ".join(evidence.removesuffix("…").split())
    proof: tuple[int, str] | None = None
    for page, text in enumerate(texts):
        for place, piece in enumerate(_quotable(text)):
            plain = " ".join(piece.split())
            if wanted and proof is None and (wanted in plain or plain in wanted):
                proof = (page, piece)
                seen.add(plain.casefold())
            elif plain.casefold() not in seen:
                seen.add(plain.casefold())
                ranked.append((-_worth(piece, look_for), page, place, piece))
    chosen = sorted(ranked)[:MAX_SENTENCES]
    if chosen and chosen[0][0] < 0:
        chosen = [found for found in chosen if found[0] < 0]
    quotes = [Quote(marked(proof[1], look_for), proof[0], True)] if proof else []
    quotes += [Quote(marked(piece, look_for), page) for _, page, _, piece in chosen]
    return tuple(quotes[:MAX_SENTENCES])


def _quotable(text: str) -> Iterator[str]:
    for line in text[:MAX_SEARCHED_CHARS].splitlines():
        if line.strip():
            yield from (piece.text for piece in pieces(line) if piece.kind in (Kind.SENTENCE, Kind.PHRASE))


def _worth(piece: str, look_for: Marker) -> float:
    indexed = IndexedText(piece)
    return sum(
        worth * sum(phrase.matches(indexed) for phrase in phrases)
        for worth, phrases in (
            (PART_WORTH["keyword"], look_for.keywords),
            (PART_WORTH["term"], look_for.terms),
            (PART_WORTH["topic"], look_for.topic),
        )
    )


def _joined(text: str, spans: Sequence[tuple[str, int, int]], kinds: Sequence[MarkKind]) -> Iterator[Segment]:
    """Neighbouring words of one mark become one stretch, with what stands between them."""
    at = place = 0
    while place < len(spans):
        kind, first = kinds[place], place
        while place < len(spans) and kinds[place] == kind:
            place += 1
        if not kind:
            continue
        start, end = spans[first][1], spans[place - 1][2]
        if start > at:
            yield Segment(text[at:start])
        yield Segment(text[start:end], kind)
        at = end
    if at < len(text):
        yield Segment(text[at:])
