"""Say whether a text meets a keyword rule that ``labels.keywords`` has read.

A text is cut into words once and no rule is a regular expression: matching takes time in proportion to the text,
whatever a rule says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from labels.words import words_of


class IndexedText:
    """A text cut into words, with the places of each."""

    def __init__(self, text: str) -> None:
        """Cut ``text`` as ``labels.words`` says."""
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

    def sought(self) -> tuple[Phrase, ...]:
        """Phrases that speak for it, in the rule's order; what stands behind a NOT is not sought."""


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

    def sought(self) -> tuple[Phrase, ...]:
        """Itself."""
        return (self,)


@dataclass(frozen=True)
class Near:
    """All phrases, in any order, with at most ``words_between`` from the end of the first to end to the last's start.

    Phrases may overlap; then there are no words between them.
    """

    phrases: tuple[Phrase, ...]
    words_between: int

    def matches(self, text: IndexedText) -> bool:
        """Whether they stand together anywhere: every place is passed once."""
        starts = [phrase.starts(text) for phrase in self.phrases]
        if not all(starts):
            return False
        reach = [len(phrase.words) + self.words_between for phrase in self.phrases]
        at = [0] * len(starts)
        last = max(places[0] for places in starts)
        while True:
            for number, places in enumerate(starts):
                while places[at[number]] < last - reach[number]:
                    at[number] += 1
                    if at[number] == len(places):
                        return False
            begins = max(places[place] for places, place in zip(starts, at, strict=True))
            if begins == last:
                return True
            last = begins

    def sought(self) -> tuple[Phrase, ...]:
        """Its phrases."""
        return self.phrases


@dataclass(frozen=True)
class AllOf:
    """``AND``."""

    parts: tuple[Rule, ...]

    def matches(self, text: IndexedText) -> bool:
        """Whether every part is met."""
        return all(part.matches(text) for part in self.parts)

    def sought(self) -> tuple[Phrase, ...]:
        """What the parts seek."""
        return tuple(phrase for part in self.parts for phrase in part.sought())


@dataclass(frozen=True)
class AnyOf:
    """``OR``."""

    parts: tuple[Rule, ...]

    def matches(self, text: IndexedText) -> bool:
        """Whether a part is met."""
        return any(part.matches(text) for part in self.parts)

    def sought(self) -> tuple[Phrase, ...]:
        """What the parts seek."""
        return tuple(phrase for part in self.parts for phrase in part.sought())


@dataclass(frozen=True)
class Not:
    """``NOT``."""

    part: Rule

    def matches(self, text: IndexedText) -> bool:
        """Whether the part is not met."""
        return not self.part.matches(text)

    def sought(self) -> tuple[Phrase, ...]:
        """Nothing."""
        return ()
