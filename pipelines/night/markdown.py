"""A night as Markdown, for a mail, a chat or a repository; nothing that a stranger wrote becomes markup or a link."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from pipelines.night.wording import Line, Outside, Rows, Told

# What CommonMark and its GitHub form read as markup inside a line: emphasis, code, links, HTML, tables, struck text,
# entities, and addresses that become links by themselves. An underscore within a word is none.
_MARKUP = re.compile(
    r"[\\`*\[\]<>|~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|:(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.|@", re.IGNORECASE
)
_AT_START = re.compile(r"^(\s*)(#|[-+=]|\d+(?=[.)](?:\s|$)))")
_TURNING = frozenset({"R", "AL", "AN"})


def as_markdown(told: Told) -> str:
    """The document as Markdown, ending in a newline."""
    return "\n".join(_blocks(told)).rstrip() + "\n"


def inert(text: str) -> str:
    """``text`` as Markdown that reads as it stands."""
    escaped = _MARKUP.sub(lambda found: f"\\{found.group()}", text)
    return _AT_START.sub(lambda found: f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}", escaped)


def isolated(text: str) -> str:
    """``text`` set apart where it is written from right to left, so that it does not turn what stands beside it."""
    turns = any(unicodedata.bidirectional(char) in _TURNING for char in text)
    return f"\u2068{text}\u2069" if turns else text


def joined(line: Line) -> str:
    """A sentence in one piece, words of strangers set apart."""
    return "".join(isolated(piece) if isinstance(piece, Outside) else piece for piece in line)


def _blocks(told: Told) -> Iterator[str]:
    yield f"# {inert(told.headline)}"
    yield ""
    if told.reasons:
        yield from _list(told.reasons)
    for part in told.parts:
        yield f"## {inert(part.title)}"
        yield ""
        if part.lines:
            yield from _list(part.lines)
        if part.table:
            yield from _table(part.table)
        if part.after:
            yield from _list(part.after)
        if part.commands:
            yield from ("```", *part.commands, "```", "")


def _list(lines: Iterable[Line]) -> Iterator[str]:
    yield from (f"- {inert(joined(line))}" for line in lines)
    yield ""


def _table(table: Rows) -> Iterator[str]:
    yield f"| {' | '.join(inert(column.heading) for column in table.columns)} |"
    yield f"|{'|'.join('---:' if column.number else '---' for column in table.columns)}|"
    for row in table.rows:
        yield f"| {' | '.join(inert(joined((cell,))) for cell in row)} |"
    yield ""
