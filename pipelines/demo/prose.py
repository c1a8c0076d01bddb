"""Parse the small Markdown of the demo pages into blocks that a template can lay out.

Only what the pages use is understood; anything else is a paragraph, so a slip in the data shows on the page instead of
vanishing from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["paragraph", "heading", "list", "table", "quote"]

_LINK = re.compile(r"\[([^\]]+)\]\((/[^)\s]*)\)")


@dataclass(frozen=True)
class Span:
    """A run of text; ``href`` is empty when it is no link."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class Block:
    """One block: a paragraph, heading or quote has one row of one cell, a list one row an item, a table its rows."""

    kind: BlockKind
    rows: tuple[tuple[tuple[Span, ...], ...], ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """The first cell: all there is of a paragraph, heading or quotation."""
        return self.rows[0][0]


def parse_blocks(text: str) -> tuple[Block, ...]:
    """Blocks of ``text`` in order; blocks are parted by blank lines, lines within a paragraph are joined."""
    parts = (part.strip().splitlines() for part in re.split(r"\n\s*\n", text))
    return tuple(_block([line.strip() for line in lines]) for lines in parts if lines)


def parse_spans(text: str) -> tuple[Span, ...]:
    """``text`` as runs of plain text and links."""
    spans: list[Span] = []
    end = 0
    for match in _LINK.finditer(text):
        if match.start() > end:
            spans.append(Span(text[end : match.start()]))
        spans.append(Span(match[1], match[2]))
        end = match.end()
    if end < len(text):
        spans.append(Span(text[end:]))
    return tuple(spans)


def plain_text(text: str) -> str:
    """The words of ``text``, one block a line, marks removed."""
    return "\n".join(
        " ".join("".join(span.text for span in cell) for row in block.rows for cell in row)
        for block in parse_blocks(text)
    )


def _block(lines: list[str]) -> Block:
    if all(line.startswith("- ") for line in lines):
        return Block("list", tuple((parse_spans(line[2:]),) for line in lines))
    if all(line.startswith("|") for line in lines):
        cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
        return Block("table", tuple(tuple(parse_spans(cell) for cell in row) for row in cells))
    if all(line.startswith("> ") for line in lines):
        return Block("quote", ((parse_spans(" ".join(line[2:] for line in lines)),),))
    if len(lines) == 1 and lines[0].startswith("## "):
        return Block("heading", ((parse_spans(lines[0][3:]),),))
    return Block("paragraph", ((parse_spans(" ".join(lines)),),))
