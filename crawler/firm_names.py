"""Names of firms in running text: words in capitals up to a legal form, such as "Acme Widgets (Leeds) Ltd".

Only names that end in a legal form are taken, so that no person's name is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_NAMES = 400  # looked at per page
MAX_WORDS = 9
MAX_CHARS = 110  # looked back from the legal form; the register allows 160, seven in a thousand reach 60

# Sorted by first letters, because a pattern that begins with one of a few letters is found much sooner.
_FORM = re.compile(
    r"(?:L(?<![\w/]L)(?:imited(?: Liability Partnership)?|IMITED|[Tt][Dd]|LP|LC)"
    r"|P(?<![\w/]P)(?:(?:rivate|ublic) Limited(?: Liability Partnership)?|LC|lc|\.L\.C)"
    r"|C(?<![\w/]C)(?:IC|\.I\.C|IO|ommunity Interest Company|OMMUNITY INTEREST COMPANY|yf(?:yngedig)?|YF)"
    r"|I(?<![\w/]I)nc|G(?<![\w/]G)mbH|p(?<![\w/]p)lc|l(?<![\w/]l)(?:imited liability partnership|td|lp)"
    r")(?!\w)(?:\.(?!\w))?"
)
# Before "of" these belong to a name; other words there are a person or an office: "a director of Acme Ltd".
_OF = frozenset(
    """
    bank house university college church friends society school institute institution museum isle city port king
    queen academy guild duchy county town borough university's art world home heart sons centre
    """.split()  # noqa: SIM905
)
# "WITHOUT ANY LIMITED" is no name.
_NO_NAME = frozenset("any be not is are to if when where will only strictly been was were very".split(" "))  # noqa: SIM905
_LOWER = frozenset(("and", "of", "the", "in", "de", "la", "le", "y", "a", "&", "+", "-"))
_LEADING = re.compile(
    r"^(?:(?:copyright|©|\(c\)|\d{4}(?:[-/]\d{2,4})?|the|by|at|and|of|for|in|to|with|from|we|is|are|our|us|this|"
    r"that|website|site|"
    r"registered|company|name|contact|welcome|about|all|part|a|an|or|trading|as|t/a|on|behalf|controller|legal|"
    r"entity|"
    r"address|&|-|,|where|when|if|between|please|owner|operator|designed|built|client|customer|supplier|by:|parent|"
    r"mr|mrs|ms|seller|landlord)[\s:,.]+)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FirmName:
    """A firm's name as it stands, and where."""

    value: str
    start: int
    end: int


def firm_names(text: str) -> Iterator[FirmName]:
    """Names with a legal form, in the order in which they stand.

    Args:
        text: Text with single spaces and line breaks.
    """
    for count, form in enumerate(_FORM.finditer(text)):
        if count >= MAX_NAMES:
            return
        begin = max(0, form.start() - MAX_CHARS)
        line = text[begin : form.start()]
        line = line[line.rfind("\n") + 1 :]
        words = _words_before(line)
        while words and words[-1].lower() in _LOWER:
            words.pop()
        name = " ".join(reversed(words))
        name = _LEADING.sub("", f"{name} ").strip(" ,.-:|\"'")
        if not re.search(r"[^\W_]{2}", name) or name.rsplit(" ", 1)[-1].lower() in _NO_NAME:
            continue
        value = f"{name} {form[0].rstrip('.')}"
        start = text.rfind(name, begin, form.start())
        yield FirmName(value, start, form.end())


def _words_before(line: str) -> list[str]:
    """Words of the name at the end of a line, last word first."""
    words: list[str] = []
    before = line.split()
    for place in range(len(before) - 1, max(-1, len(before) - 1 - MAX_WORDS), -1):
        word = before[place]
        if not _belongs(word, bool(words)):
            break
        if word.lower() == "of" and (not place or before[place - 1].lower() not in _OF):
            break
        words.append(word)
    return words


def _belongs(word: str, inside: bool) -> bool:
    """Whether a word can be part of a name, read from its end backwards."""
    if inside and word[-1] in ",.;:!?|" and not re.fullmatch(r"(?:[A-Z]\.)+|St\.|Bros\.|Co\.|Dr\.", word):
        return False
    bare = word.strip("()[]\"',.")
    if not bare:
        return word in {"&", "+", "-"}
    return bare[0].isupper() or bare[0].isdigit() or (inside and bare.lower() in _LOWER) or bare in {"&", "+"}
