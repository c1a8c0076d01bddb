"""Say whether a text meets a keyword rule that ``labels.keywords`` has read.

A text is cut into words once and no rule is a regular expression: matching takes time in proportion to the text,
whatever a rule says.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

_WORD = re.compile(r"\w+")


class IndexedText:
    """A text cut into lower-case words, with the places of each."""

    def __init__(self, text: str) -> None:
        """Cut ``text``; letters and digits make words, everything else parts them."""
        self.words = words_of(text)
        self.places: dict[str, list[int]] = {}
        for place, word in enumerate(self.words):
            self.places.setdefault(word, []).append(place)

    @cached_property
    def vocabulary(self) -> list[str]:
        """Distinct words in order."""
        return sorted(self.places)

    def starting_with(self, prefix: str) -> list[int]:
        """Places of words that begin with ``prefix``, ascending."""
        found: list[int] = []
        at = bisect_left(self.vocabulary, prefix)
        while at < len(self.vocabulary) and self.vocabulary[at].startswith(prefix):
            found += self.places[self.vocabulary[at]]
            at += 1
        return sorted(found)


class Rule(Protocol):
    """A rule, or a part of one."""

    def matches(self, text: IndexedText) -> bool:
        """Whether the text meets it."""


@dataclass(frozen=True)
class Phrase:
    """Words that follow each other; those ending in ``*`` are beginnings of words."""

    words: tuple[str, ...]

    def starts(self, text: IndexedText) -> list[int]:
        """Places at which the phrase begins, ascending."""
        first = self.words[0]
        places = text.starting_with(first[:-1]) if first.endswith("*") else text.places.get(first, [])
        last = len(text.words) - len(self.words)
        return [place for place in places if place <= last and self._follows(text.words, place)]

    def _follows(self, words: Sequence[str], place: int) -> bool:
        return all(
            word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted
            for wanted, word in zip(self.words[1:], words[place + 1 : place + len(self.words)], strict=True)
        )

    def matches(self, text: IndexedText) -> bool:
        """Whether it stands anywhere."""
        return bool(self.starts(text))


@dataclass(frozen=True)
class Near:
    """All phrases, in any order, with at most ``words_between`` words from the end of the first to the last's start."""

    phrases: tuple[Phrase, ...]
    words_between: int

    def matches(self, text: IndexedText) -> bool:
        """Whether they stand together anywhere: every place is passed once."""
        starts = [phrase.starts(text) for phrase in self.phrases]
        at = [0] * len(starts)
        while all(place < len(of) for place, of in zip(at, starts, strict=True)):
            now = [of[place] for place, of in zip(at, starts, strict=True)]
            first = min(range(len(now)), key=now.__getitem__)
            if max(now) - now[first] - len(self.phrases[first].words) <= self.words_between:
                return True
            at[first] += 1
        return False


@dataclass(frozen=True)
class AllOf:
    """``AND``."""

    parts: tuple[Rule, ...]

    def matches(self, text: IndexedText) -> bool:
        """Whether every part is met."""
        return all(part.matches(text) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """``OR``."""

    parts: tuple[Rule, ...]

    def matches(self, text: IndexedText) -> bool:
        """Whether a part is met."""
        return any(part.matches(text) for part in self.parts)


@dataclass(frozen=True)
class Not:
    """``NOT``."""

    part: Rule

    def matches(self, text: IndexedText) -> bool:
        """Whether the part is not met."""
        return not self.part.matches(text)


def words_of(text: str) -> tuple[str, ...]:
    """Lower-case words of a text, compatibility forms (full-width letters, ligatures) written plainly."""
    return tuple(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
