"""Read keyword rules, as analysts write them.

    rule        = conjunction, { "OR", conjunction } ;
    conjunction = term, { "AND", term | "NOT", term } ;
    term        = "NOT", term | "(", rule, ")" | near | phrase ;
    near        = "NEAR", "(", item, item, { item }, [ ",", number ], ")" ;
    phrase      = quoted | word, { word } ;
    item        = quoted | word ;
    quoted      = '"', word, { word }, '"' ;
    word        = characters with a letter or digit among them, none of them a space, a quotation mark, a bracket or a
                  comma, [ "*" ] ;

Operators are upper case. Bare words side by side are a phrase, not alternatives: ``heat pump*`` is written as an
analyst would say it. Words are cut as ``labels.words`` cuts a text's, so ``e-bike*`` is a phrase too.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn

from labels.errors import LabelsError
from labels.keyword_matching import AllOf, AnyOf, IndexedText, Near, Not, Phrase, Rule
from labels.words import words_of

MAX_RULE_CHARS = 2_000  # a page of alternatives; a longer rule is a list, and a list has several entries
MAX_WORD_CHARS = 200  # the longest word of a real text is a chemical's name; beyond, something else was pasted
MAX_DEPTH = 40  # brackets and NOTs inside each other
MAX_WORDS_BETWEEN = 9_999
MAX_NEAR_PHRASES = 20  # the index takes time with their number, and analysts name two or three
DEFAULT_NEAR_WORDS = 10
SHOWN_CHARS = 60  # of a long rule, around the character that is wrong
_OPERATORS = frozenset({"AND", "OR", "NOT", "NEAR"})
_TOKEN = re.compile(r'(?P<quoted>"[^"]*")|(?P<mark>[(),])|(?P<bare>[^\s"(),]+)|(?P<open>")')
_TYPED_QUOTES = str.maketrans(dict.fromkeys("“”„‟", '"'))  # as word processors write them


class KeywordError(LabelsError):
    """A keyword rule that cannot be read.

    The message quotes the rule, says what was expected, and points at the character; ``summary`` does so in one line.
    """

    def __init__(self, reason: str, rule: str, position: int) -> None:
        """Args: what is wrong; the rule as written; place of the character, counted from 0, the end being one more."""
        self.reason = reason
        self.rule = rule
        self.position = position
        quoted = rule if len(rule) <= SHOWN_CHARS else f"{rule[:SHOWN_CHARS]}..."
        self.summary = f"keyword rule {quoted!r}: {reason}"
        super().__init__(f"{self.summary}\n{pointed(rule, position)}")


def pointed(rule: str, position: int) -> str:
    """The rule, or the part of it around ``position``, on one line, and a caret under the character on the next."""
    start = max(0, min(position - SHOWN_CHARS // 2, len(rule) - SHOWN_CHARS))
    before, after = "..." if start else "", "..." if start + SHOWN_CHARS < len(rule) else ""
    line = "".join(character if character.isprintable() else " " for character in rule[start : start + SHOWN_CHARS])
    columns = sum(_columns(character) for character in line[: position - start])
    return f"  {before}{line}{after}\n  {' ' * (len(before) + columns)}^"


def parse_rule(rule: str) -> Rule:
    """Read one entry of a sector's ``keywords``, or what was typed into a search box.

    Raises:
        KeywordError: Not a rule, or one that a text without any words would meet.
    """
    if len(rule) > MAX_RULE_CHARS:
        raise KeywordError(
            f"it has {len(rule):,} characters, expected {MAX_RULE_CHARS:,} at most; split it into several rules",
            rule, MAX_RULE_CHARS,
        )  # fmt: skip
    parser = _Parser(rule)
    parsed = parser.alternatives(0)
    parser.end()
    if parsed.matches(IndexedText("")):
        parser.wrong(
            "it is met by firms for what they do not say; join NOT to something sought: satellite NOT dish",
            parser.first("NOT"),
        )
    return parsed


class _Parser:
    """Recursive descent over the rule's tokens: OR binds less than AND, AND less than NOT."""

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.tokens: list[tuple[str, str, int]] = []  # kind (quoted, mark or bare), text, place
        for found in _TOKEN.finditer(rule.translate(_TYPED_QUOTES)):
            if found.lastgroup == "open":
                self.wrong('this quotation mark has no partner; write phrases as "earth observation"', found.start())
            self.tokens.append((str(found.lastgroup), found.group(), found.start()))
        self.at = 0

    def wrong(self, reason: str, position: int) -> NoReturn:
        raise KeywordError(reason, self.rule, position)

    def first(self, operator: str) -> int:
        return next((place for kind, text, place in self.tokens if (kind, text) == ("bare", operator)), 0)

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
            self.wrong(f"more than {MAX_DEPTH} brackets inside each other; write it as several rules", self._here())
        if self._take("NOT"):
            return Not(self.term(depth + 1))
        if self._take("NEAR"):
            return self.near()
        if self._mark("("):
            inner = self.alternatives(depth + 1)
            self._expect(")", "AND, OR, NOT or ')'")
            return inner
        return self.phrase()

    def phrase(self) -> Phrase:
        kind, text, place = self._next("a word, a phrase or a bracket")
        found = self._words(kind, text, place)
        while kind == "bare" and self.at < len(self.tokens) and self._is_bare_word():
            found += self._words(*self.tokens[self.at])
            self.at += 1
        return Phrase(found)

    def near(self) -> Near:
        opening = self._here()
        self._expect("(", """'(', as in NEAR("earth" "observation", 3)""")
        phrases = []
        while not self._is_mark(",") and not self._is_mark(")"):
            phrases.append(Phrase(self._words(*self._next("a phrase, a comma or ')'"))))
        words_between = DEFAULT_NEAR_WORDS
        if self._mark(","):
            words_between = self._number()
        self._expect(")", "')'")
        if len(phrases) < 2:
            self.wrong('NEAR wants two phrases or more, as in NEAR("earth" "observation", 3)', opening)
        if len(phrases) > MAX_NEAR_PHRASES:
            self.wrong(f"NEAR of {len(phrases)} phrases, expected {MAX_NEAR_PHRASES} at most", opening)
        return Near(tuple(phrases), words_between)

    def end(self) -> None:
        if self.at < len(self.tokens):
            _, text, place = self.tokens[self.at]
            self.wrong(f"{text!r} was not expected here; join parts with AND, OR or NOT", place)

    def _number(self) -> int:
        place = self._here()
        _, text, _ = self._next("a number of words")
        if not (text.isascii() and text.isdecimal()) or int(text) > MAX_WORDS_BETWEEN:
            self.wrong(
                f"{text!r} is no number of words up to {MAX_WORDS_BETWEEN:,}; expected phrases side by side and one "
                'number behind them, as in NEAR("earth" "observation", 3)',
                place,
            )  # fmt: skip
        return int(text)

    def _words(self, kind: str, text: str, place: int) -> tuple[str, ...]:
        """Words of a token, the last of each piece with its star."""
        inside, start = (text[1:-1], place + 1) if kind == "quoted" else (text, place)
        found: list[str] = []
        for piece in re.finditer(r"\S+", inside):
            written, at = piece.group(), start + piece.start()
            words, star = words_of(written), written.find("*")
            if star >= 0 and (star != len(written) - 1 or not words or not _ends_word(written[:-1])):
                self.wrong(
                    f"the star of {written!r} must stand once, at the end of a word, as in satellite*", at + star
                )
            if any(len(word) > MAX_WORD_CHARS for word in words):
                self.wrong(f"a word of more than {MAX_WORD_CHARS} characters; no text is expected to hold it", at)
            found += [*words[:-1], f"{words[-1]}*"] if star >= 0 else words
        if not found:
            self.wrong(f"{text} has no word: expected a letter or a digit in it", place)
        return tuple(found)

    def _here(self) -> int:
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.rule)

    def _is(self, *operators: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][0] == "bare" and self.tokens[self.at][1] in operators

    def _is_bare_word(self) -> bool:
        return self.tokens[self.at][0] == "bare" and not self._is(*_OPERATORS)

    def _is_mark(self, mark: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][:2] == ("mark", mark)

    def _take(self, operator: str) -> bool:
        taken = self._is(operator)
        self.at += taken
        return taken

    def _mark(self, mark: str) -> bool:
        taken = self._is_mark(mark)
        self.at += taken
        return taken

    def _expect(self, mark: str, expected: str) -> None:
        if not self._mark(mark):
            self._unexpected(expected)

    def _next(self, expected: str) -> tuple[str, str, int]:
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "mark" or self._is(*_OPERATORS):
            self._unexpected(expected)
        self.at += 1
        return self.tokens[self.at - 1]

    def _unexpected(self, expected: str) -> NoReturn:
        seen = repr(self.tokens[self.at][1]) if self.at < len(self.tokens) else "the end"
        self.wrong(f"expected {expected}, found {seen}", self._here())


def _ends_word(text: str) -> bool:
    """Whether the last character belongs to the text's last word, so that a star behind it can only mean that word."""
    last = text[-1]
    return bool(words_of(last)) or bool(unicodedata.combining(last)) or words_of(text)[-1].endswith(last)


def _columns(character: str) -> int:
    """Columns that a terminal gives to a character."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
