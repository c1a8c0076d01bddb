"""Show where a text speaks of what was sought: the stretch of it with most of the phrases, their words marked.

Words are found as rules find them and shown as they were written, accents, hyphens and all.
"""

from __future__ import annotations

from collections.abc import Sequence

from labels.keyword_matching import IndexedText, Phrase
from labels.words import word_spans

SNIPPET_WORDS = 36  # two lines of a wide screen
LEAD_WORDS = 8  # shown before the first word found
MAX_GAP_CHARS = 40  # of rulers, rows of stars and the like between two words
MAX_WORD_CHARS = 80  # of what is no word but a key or a file that somebody pasted

Snippet = tuple[tuple[str, bool], ...]
"""Parts of a text in order, and whether each is marked."""


def best_snippet(texts: Sequence[str], sought: Sequence[Phrase]) -> tuple[int, Snippet]:
    """The text that has most of the phrases, the first of equals, and its best stretch.

    Where no text has any (a phrase that runs from one page to the next), single words of the phrases are looked for;
    where those are missing too, the first text's beginning is shown.

    Args:
        texts: One or more, such as the pages of a firm.
        sought: What ``Rule.sought`` says.
    """
    phrases = list(dict.fromkeys(sought))
    for wanted in (phrases, [Phrase((word,)) for phrase in phrases for word in phrase.words]):
        starts = [_starts(text, wanted) for text in texts]
        best = max(range(len(texts)), key=lambda page: (len({which for _, which in starts[page]}), -page))
        if starts[best]:
            return best, _stretch(texts[best], starts[best], wanted)
    return 0, _stretch(texts[0], [], phrases)


def _starts(text: str, phrases: Sequence[Phrase]) -> list[tuple[int, int]]:
    """Places at which phrases begin, ascending, and which of them each is."""
    indexed = IndexedText(text)
    return sorted((place, which) for which, phrase in enumerate(phrases) for place in phrase.starts(indexed))


def _stretch(text: str, starts: Sequence[tuple[int, int]], phrases: Sequence[Phrase]) -> Snippet:
    spans = [(start, end) for _, start, end in word_spans(text)]
    first = max(0, min(_densest(starts) - LEAD_WORDS, len(spans) - SNIPPET_WORDS))
    shown = spans[first : first + SNIPPET_WORDS]
    if not shown:
        return ()
    found = [range(place, place + len(phrases[which].words)) for place, which in starts]
    marked = {number for places in found for number in places}
    inside = {number for places in found for number in places[1:]}  # a phrase is marked in one piece
    parts: list[tuple[str, bool]] = [("… ", False)] if first else []
    before = shown[0][0]
    for number, (start, end) in enumerate(shown, first):
        parts.append((_cut(text[before:start], MAX_GAP_CHARS), number in inside and number > first))
        parts.append((_cut(text[max(before, start) : end], MAX_WORD_CHARS), number in marked))
        before = end
    ends = first + SNIPPET_WORDS >= len(spans)
    parts.append((_cut(text[before:], MAX_GAP_CHARS) if ends else " …", False))
    return _merged(parts)


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[: chars - 1]}…"


def _densest(starts: Sequence[tuple[int, int]]) -> int:
    """Where the stretch begins that has most phrases, then most places; the first of equals."""
    best, found = (0, 0), 0
    until = 0
    for begin, (place, _) in enumerate(starts):
        while until < len(starts) and starts[until][0] < place + SNIPPET_WORDS - LEAD_WORDS:
            until += 1
        here = (len({which for _, which in starts[begin:until]}), until - begin)
        if here > best:
            best, found = here, place
    return found


def _merged(parts: Sequence[tuple[str, bool]]) -> Snippet:
    """Neighbours that are marked alike as one part, white space as single spaces."""
    found: list[tuple[str, bool]] = []
    for text, marked in parts:
        plain = _one_line(text)
        if not plain:
            continue
        if found and found[-1][1] == marked:
            found[-1] = (found[-1][0] + plain, marked)
        else:
            found.append((plain, marked))
    return tuple(found)


def _one_line(text: str) -> str:
    plain = " ".join(text.split())
    if not plain:
        return " " if text else ""
    return (" " if text[0].isspace() else "") + plain + (" " if text[-1].isspace() else "")
