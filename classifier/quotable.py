"""Cut a chunk into pieces that may be quoted, and tell a sentence from a phrase, a heading, a menu and a banner.

A piece is exactly what is quoted *and* what is deleted to see what it carries: one that is too long to read is cut
into several, never shown in part and measured whole.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from models.chunking import split_sentences

MIN_SENTENCE_WORDS = 5  # "Cyber Clinic" or "What we do." proves little
MAX_PIECE_CHARS = 320
"""Two screen lines at 160 or four at 80. A page without full stops is one "sentence" of thousands of characters."""

MENU_CAPITALS = 0.7
"""Share of capitalised words from which five or more words without any small word are a menu or a list of names.
Set by eye on the cases in its test, not measured; look again when a real menu is quoted."""

_FUNCTION_WORDS = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "been", "by", "can", "for", "from", "has", "have", "in", "into",
        "is", "it", "its", "of", "on", "or", "our", "that", "the", "their", "they", "this", "to", "us", "was", "we",
        "were", "which", "who", "will", "with", "you", "your",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_][\w'\u2019&-]*")
_SENTENCE_END = re.compile(r"[.!?…][\"'\u201d\u2019)\]]*$")
_CLAUSE_END = re.compile(r"(?<=[;:,])\s+|\s+(?=[|•·\u2013\u2014]\s)")
_SEPARATORS = re.compile(r"[|•·\u203a»→]|\s/\s|>>")
# Words about the website, not about the firm. A bakery's cookies are left in peace: consent is what makes a banner.
_BANNER = re.compile(
    r"\b(?:we|site|website|page|browser|party|accept|reject|consent|manage|analytics|essential|necessary|set)\b"
    r"[^.!?]{0,60}\buses?\b[^.!?]{0,20}\bcookies\b"
    r"|\b(?:use|using|accept|reject|disable|manage|delete|block|set|allow|store|enable)(?: \w+){0,2} cookies\b"
    r"|\bcookies? (?:policy|settings|preferences|notice|consent|are|is|to|on your|that)\b"
    r"|\bprivacy (?:policy|notice|settings)\b|\bterms (?:and|&) conditions\b|\bterms of (?:use|service)\b"
    r"|\ball rights reserved\b|©|\(c\) ?(?:19|20)\d\d|\bcopyright (?:19|20|©)"
    r"|\b(?:enable|turn on|requires?|disabled) javascript\b|\bskip to (?:main )?content\b"
    r"|\b(?:sign up|subscribe) (?:to|for) (?:our|the) (?:\w+ )?(?:newsletter|mailing list|updates)\b"
    r"|\byour browser (?:does not|doesn't|is)\b",
    re.IGNORECASE,
)


class Kind(IntEnum):
    """What a piece of text is, the best to quote first."""

    SENTENCE = 0
    PHRASE = 1  # words that say something, without a full stop
    HEADING = 2
    FURNITURE = 3  # menu, banner, small print: never quoted


@dataclass(frozen=True)
class Piece:
    """A piece of a chunk, and the chunk without it."""

    text: str
    kind: Kind
    start: int  # where it stands in the chunk, in characters
    rest: str  # the chunk's text without the piece; empty when nothing else stands in it


def pieces(chunk_text: str) -> tuple[Piece, ...]:
    """Every piece of a chunk in reading order; a repeated piece is taken out once, where it stands."""
    found, at = [], 0
    for sentence in split_sentences(chunk_text):
        for text in _shorter(sentence):
            start = chunk_text.index(text, at)
            at = start + len(text)
            found.append(Piece(text, kind_of(text), start, _joined(chunk_text[:start], chunk_text[at:])))
    return tuple(found)


def kind_of(text: str) -> Kind:
    """What a piece of text is, judged by its form; the rules are English."""
    words = _WORD.findall(text)
    if not words or _BANNER.search(text):
        return Kind.FURNITURE
    small = any(word in _FUNCTION_WORDS for word in words)  # as written: "About Us" is a menu's
    ends = bool(_SENTENCE_END.search(text))
    if len(_SEPARATORS.findall(text)) >= 2 and not ends:
        return Kind.FURNITURE
    if len(words) < MIN_SENTENCE_WORDS:
        return Kind.HEADING
    if not small and not ends:
        capitals = sum(word[0].isupper() for word in words)
        return Kind.FURNITURE if capitals >= MENU_CAPITALS * len(words) else Kind.HEADING
    return Kind.SENTENCE if ends else Kind.PHRASE


def _shorter(sentence: str) -> list[str]:
    """A sentence as it stands, or cut between clauses, else between words, where it is too long to quote."""
    if len(sentence) <= MAX_PIECE_CHARS:
        return [sentence]
    found: list[str] = []
    start = end = 0
    for stop in [*(match.start() for match in _CLAUSE_END.finditer(sentence)), len(sentence)]:
        if stop - start > MAX_PIECE_CHARS and end > start:
            found.append(sentence[start:end].strip())
            start = end
        end = stop
        while end - start > MAX_PIECE_CHARS:  # no clause ends here
            space = sentence.rfind(" ", start + 1, start + MAX_PIECE_CHARS)
            cut = space if space > start else start + MAX_PIECE_CHARS
            found.append(sentence[start:cut].strip())
            start = cut
    found.append(sentence[start:end].strip())
    return [part for part in found if part]


def _joined(before: str, after: str) -> str:
    """What stands before and after a piece, without an empty line or two spaces where it stood."""
    before, after = before.rstrip(" "), after.lstrip(" ")
    if not before or before.endswith("\n"):
        return before + after.lstrip("\n") if after.strip() else before.rstrip("\n")
    return (before if after.startswith("\n") or not after else before + " ") + after
