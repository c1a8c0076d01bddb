"""Cut texts into the words that keyword rules speak of.

A word is a run of letters and digits of any script, lower case, accents off: ``Café`` is ``cafe``. Everything else
parts words, hyphens, apostrophes and ``&`` too, so ``R&D`` is ``r d`` in rule and text alike and also finds ``R & D``.
``C++`` and ``C#`` (one letter before the mark) are words of their own, and ``C`` does not find them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_MARKED_WORD = re.compile(r"(?<![^\W_])[a-z](?:\+\+|#(?![^\W_]))|[^\W_]+")
_PIECE = re.compile(r"\S+")
_ACCENTS = re.compile("[\u0300-\u036f]+")  # marks of other scripts change the word, and stay
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]+")  # soft hyphens and joiners stand inside words
_SIGNS = re.compile(
    "[\N{TRADE MARK SIGN}\N{SERVICE MARK}\u00bc-\u00be\u2150-\u215f]"
)  # else kevlartm, and 10½ were 101


def words_of(text: str) -> tuple[str, ...]:
    """Words of a text, in order; those of two texts with a space between are those of the one, then of the other."""
    folded = folded_text(text)
    return tuple(_pattern(folded).findall(folded))


def word_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of ``words_of``, each with its start and end in ``text`` as it stands there, neither ever going back.

    One character may make two words (``m/s`` written as one sign); their places are the same.
    """
    if text.isascii():
        folded = text.lower()
        yield from ((found.group(), *found.span()) for found in _pattern(folded).finditer(folded))
        return
    for piece in _PIECE.finditer(text):
        folded, origins = _with_origins(piece.group())
        for found in _pattern(folded).finditer(folded):
            first, last = origins[found.start()], origins[found.end() - 1]
            yield found.group(), piece.start() + first, piece.start() + last + 1


def folded_text(text: str) -> str:
    """A text as words are cut from it; every character is folded for itself, whatever stands beside it."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", _SIGNS.sub(" ", _INVISIBLE.sub("", text)))
    return _ACCENTS.sub("", plain).casefold()


def _pattern(folded: str) -> re.Pattern[str]:
    return _MARKED_WORD if "++" in folded or "#" in folded else _WORD


def _with_origins(piece: str) -> tuple[str, range | list[int]]:
    """``folded_text`` of a piece, and for each of its characters the place it came from."""
    if piece.isascii():
        return piece.lower(), range(len(piece))
    parts = [folded_text(character) for character in piece]
    return "".join(parts), [place for place, part in enumerate(parts) for _ in part]
