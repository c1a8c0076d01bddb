"""Read a taxonomy's keyword rules.

A rule is made of words, ``"phrases"``, ``prefix*``, ``AND``, ``OR``, ``NOT``, brackets and ``NEAR("a" "b", 3)``. Bare
words side by side are a phrase, not alternatives: ``heat pump*`` is written as an analyst would say it.
"""

from __future__ import annotations

import re

from labels.errors import LabelsError
from labels.keyword_matching import AllOf, AnyOf, IndexedText, Near, Not, Phrase, Rule, words_of

MAX_RULE_CHARS = 2_000  # a page of alternatives; a longer rule is a list, and a list has several entries
MAX_DEPTH = 40  # brackets and NOTs inside each other
DEFAULT_NEAR_WORDS = 10
_OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR"})
_TOKEN = re.compile(r'"([^"]*)"|([(),])|([^\s"(),]+)')


class KeywordError(LabelsError):
    """A keyword rule that cannot be read; the message quotes it and says what was expected."""


def parse_rule(rule: str) -> Rule:
    """Read one entry of a sector's ``keywords``.

    Raises:
        KeywordError: Not a rule, or one that a text without any words would meet.
    """
    if len(rule) > MAX_RULE_CHARS:
        message = (
            f"keyword rule of {len(rule):,} characters ({rule[:40]}...): expected {MAX_RULE_CHARS:,} at most; split it"
        )
        raise KeywordError(message)
    parser = _Parser(rule)
    parsed = parser.alternatives(0)
    parser.end()
    if parsed.matches(IndexedText("")):
        raise parser.wrong(
            "it is met by firms for what they do not say; join NOT to something sought: satellite NOT dish"
        )
    return parsed


class _Parser:
    """Recursive descent over the rule's tokens: OR binds less than AND, AND less than NOT."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.tokens: list[tuple[str, str]] = []  # kind: quoted, mark, bare
        at = 0
        for found in _TOKEN.finditer(rule):
            self._gap(at, found.start())
            kind = ("quoted", "mark", "bare")[(found.lastindex or 1) - 1]
            self.tokens.append((kind, found.group(found.lastindex or 1)))
            at = found.end()
        self._gap(at, len(rule))
        self.at = 0

    def wrong(self, why: str) -> KeywordError:
        return KeywordError(f"keyword rule {self.rule!r}: {why}")

    def alternatives(self, depth: int) -> Rule:
        parts = [self.conjunction(depth)]
        while self._take("OR"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def conjunction(self, depth: int) -> Rule:
        parts = [self.term(depth)]
        while self._take("AND") or self._is("NOT"):
            parts.append(self.term(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def term(self, depth: int) -> Rule:
        if depth > MAX_DEPTH:
            raise self.wrong(f"more than {MAX_DEPTH} brackets inside each other; write it as several rules")
        if self._take("NOT"):
            return Not(self.term(depth + 1))
        if self._take("NEAR"):
            return self.near()
        if self._mark("("):
            inner = self.alternatives(depth + 1)
            self._expect(")")
            return inner
        return self.phrase()

    def phrase(self) -> Phrase:
        kind, text = self._next("a word, a phrase or a bracket")
        if kind == "quoted":
            return self._words(text)
        texts = [text]
        while self.at < len(self.tokens) and self.tokens[self.at][0] == "bare" and not self._is(*_OPERATORS):
            texts.append(self.tokens[self.at][1])
            self.at += 1
        return self._words(" ".join(texts))

    def near(self) -> Near:
        self._expect("(")
        phrases = []
        while self.at < len(self.tokens) and not self._is_mark(",") and not self._is_mark(")"):
            phrases.append(self._words(self._next("a phrase")[1]))
        words_between = DEFAULT_NEAR_WORDS
        if self._mark(","):
            number = self._next("a number of words")[1]
            if not number.isdecimal() or len(number) > 4:
                raise self.wrong(f'{number!r} is no number of words; expected as in NEAR("earth" "observation", 3)')
            words_between = int(number)
        self._expect(")")
        if len(phrases) < 2:
            raise self.wrong('NEAR wants two phrases or more, as in NEAR("earth" "observation", 3)')
        return Near(tuple(phrases), words_between)

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise self.wrong(f"{self.tokens[self.at][1]!r} was not expected; join parts with AND, OR or NOT")

    def _words(self, text: str) -> Phrase:
        found: list[str] = []
        for piece in text.split():
            words = words_of(piece)
            if "*" in piece.rstrip("*") or piece.endswith("**") or (piece.endswith("*") and not words):
                raise self.wrong(f"the star of {piece!r} must stand once, at the end of a word, as in satellite*")
            found += [*words[:-1], f"{words[-1]}*"] if piece.endswith("*") else words
        if not found:
            raise self.wrong(f"{text!r} has no word")
        return Phrase(tuple(found))

    def _gap(self, start: int, end: int) -> None:
        if self.rule[start:end].strip():
            raise self.wrong('a quotation mark has no partner; write phrases as "earth observation"')

    def _is(self, *operators: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][0] == "bare" and self.tokens[self.at][1] in operators

    def _is_mark(self, mark: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at] == ("mark", mark)

    def _take(self, operator: str) -> bool:
        taken = self._is(operator)
        self.at += taken
        return taken

    def _mark(self, mark: str) -> bool:
        taken = self._is_mark(mark)
        self.at += taken
        return taken

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            seen = repr(self.tokens[self.at][1]) if self.at < len(self.tokens) else "the end"
            raise self.wrong(f"expected {mark!r}, found {seen}")

    def _next(self, expected: str) -> tuple[str, str]:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "mark" or self._is(*_OPERATORS):
            seen = repr(self.tokens[self.at][1]) if self.at < len(self.tokens) else "the end"
            raise self.wrong(f"expected {expected}, found {seen}")
        self.at += 1
        return self.tokens[self.at - 1]
