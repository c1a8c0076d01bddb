"""Turn a keyword rule into a query of SQLite's full-text index (FTS5), exactly where that can be, else as a bound.

The index knows no rule that is met by what a text does not say, so such a part is carried as its opposite until it
stands beside something sought: ``a AND (b OR NOT c)`` is asked as ``a NOT (c NOT b)``. It knows a beginning only at the
end of a phrase: ``smal* satell*`` is asked as both beginnings anywhere, and the texts found have to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from labels.keyword_matching import AllOf, AnyOf, Near, Not, Phrase, Rule

TOKENIZER = "ascii tokenchars '+#'"
"""Parts what is indexed at spaces, and nothing else: the index is given ``labels.words``, joined by spaces. Of letters
beyond ASCII this tokenizer knows nothing, and so keeps them as they are."""


MAX_BRACKETS = 20
"""Brackets inside each other that SQLite is given; its parser holds a hundred symbols, and each takes three."""


@dataclass(frozen=True)
class FullTextQuery:
    """A query that every text meeting the rule answers; if ``exact``, no other text does."""

    expression: str
    exact: bool


@dataclass(frozen=True)
class _Bounds:
    """Queries for a set of texts, or for all texts outside that set: one that finds too many, and one too few."""

    outside: bool
    over: str
    under: str | None  # None finds nothing


def full_text_query(rule: Rule) -> FullTextQuery:
    """The query for a rule that ``labels.keywords.parse_rule`` has let pass."""
    found = _bounds(rule)
    if found.outside:
        raise ValueError(f"{rule} is met by a text without words: parse_rule refuses such a rule")
    if _brackets(found.over) <= MAX_BRACKETS:
        return FullTextQuery(found.over, found.over == found.under)
    return FullTextQuery(_joined("OR", [part.over for part in _leaves(rule)]), exact=False)


def _bounds(rule: Rule) -> _Bounds:
    if isinstance(rule, Phrase):
        return _phrase(rule)
    if isinstance(rule, Near):
        return _near(rule)
    if isinstance(rule, Not):
        part = _bounds(rule.part)
        return _Bounds(not part.outside, part.over, part.under)
    if isinstance(rule, AllOf | AnyOf):
        parts = [_bounds(part) for part in rule.parts]
        within = [part for part in parts if not part.outside]
        without = [part for part in parts if part.outside]
        if isinstance(rule, AllOf):
            return _but_not(within, without, False) if within else _union(without, True)
        return _but_not(without, within, True) if without else _union(within, False)
    raise TypeError(f"{rule!r} is no keyword rule")


def _leaves(rule: Rule) -> list[_Bounds]:
    """Everything that a rule speaks of: a text with none of it is to the rule as one without words."""
    if isinstance(rule, Not):
        return _leaves(rule.part)
    if isinstance(rule, AllOf | AnyOf):
        return [leaf for part in rule.parts for leaf in _leaves(part)]
    return [_bounds(rule)]


def _brackets(query: str) -> int:
    """How many stand inside each other; words hold none."""
    steps = ({"(": 1, ")": -1}.get(character, 0) for character in query)
    return max(accumulate(steps), default=0)


def _union(parts: Sequence[_Bounds], outside: bool) -> _Bounds:
    under = [part.under for part in parts if part.under is not None]
    return _Bounds(outside, _joined("OR", [part.over for part in parts]), _joined("OR", under) if under else None)


def _but_not(all_of: Sequence[_Bounds], none_of: Sequence[_Bounds], outside: bool) -> _Bounds:
    """Texts in all of the first sets and in none of the second."""
    certain = [part.under for part in all_of if part.under is not None]
    sure_to_go = [part.under for part in none_of if part.under is not None]
    over = _less(_joined("AND", [part.over for part in all_of]), sure_to_go)
    under = _less(_joined("AND", certain), [part.over for part in none_of]) if len(certain) == len(all_of) else None
    return _Bounds(outside, over, under)


def _less(query: str, removed: Sequence[str]) -> str:
    return f"({query} NOT {_joined('OR', removed)})" if removed else query


def _phrase(phrase: Phrase) -> _Bounds:
    parts = _pieces(phrase)
    over = _joined("AND", [_quoted(part) for part in parts])
    return _Bounds(False, over, over if len(parts) == 1 else None)


def _near(rule: Near) -> _Bounds:
    pieces = [_quoted(piece) for phrase in rule.phrases for piece in _pieces(phrase)]
    if len(pieces) == len(rule.phrases):
        query = f"NEAR({' '.join(pieces)}, {rule.words_between})"
        return _Bounds(False, query, query)
    return _Bounds(False, _joined("AND", pieces), None)


def _pieces(phrase: Phrase) -> list[tuple[str, ...]]:
    """The phrase, cut behind every beginning of a word."""
    pieces: list[tuple[str, ...]] = []
    start = 0
    for place, word in enumerate(phrase.words, start=1):
        if word.endswith("*") or place == len(phrase.words):
            pieces.append(phrase.words[start:place])
            start = place
    return pieces


def _quoted(words: Sequence[str]) -> str:
    text = " ".join(words)
    return f'"{text[:-1]}"*' if text.endswith("*") else f'"{text}"'


def _joined(operator: str, queries: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(queries))
    return distinct[0] if len(distinct) == 1 else f"({f' {operator} '.join(distinct)})"
