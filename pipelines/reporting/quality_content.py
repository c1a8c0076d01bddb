"""What the page on quality shows, as values: who was read, what audits found, how far probabilities mean what they say.

A coder is counted and never named: a published page is no place for the names of those who judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """Firms of one area or size that count, and those of them that were read and classified; parts of a firm add up."""

    name: str
    firms: float
    read: float

    @property
    def share(self) -> float | None:
        """Share read, 0 to 1; None where there is no firm."""
        return self.read / self.firms if self.firms else None


@dataclass(frozen=True)
class Measure:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Audited:
    """What an audit says of one sector; None where too little is judged to say it."""

    sector: str
    audit_id: str
    drawn_on: str  # ISO date
    drawn: int
    known: int  # judged, and agreed or settled where several coders judged
    twice: int  # judged by two coders, or settled
    by_coder: tuple[int, ...]  # firms that each coder judged, most first
    precision: Measure | None
    recall: Measure | None
    this_model: bool = True  # drawn from the lists of the model that made these figures


@dataclass(frozen=True)
class Calibration:
    """Stated probabilities of one sector against the share that belongs: (firms, stated, observed, low, high)."""

    sector: str
    bins: tuple[tuple[int, float, float, float, float], ...]


@dataclass(frozen=True)
class Calibrated:
    """Calibration as the newest evaluation found it."""

    evaluated_on: str
    run_id: str
    sectors: tuple[Calibration, ...]


@dataclass(frozen=True)
class CardPart:
    """A section of a model card: paragraphs, list items and tables as they follow each other."""

    heading: str
    blocks: tuple[CardBlock, ...]


@dataclass(frozen=True)
class CardBlock:
    """One paragraph (``text``), one list (``items``) or one table (``rows``, the first its heading)."""

    text: str = ""
    items: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class QualityInput:
    """Everything of the page on quality that is not in the report's tables."""

    by_area: tuple[Reach, ...] = ()
    area_kind: str = ""
    by_size: tuple[Reach, ...] = ()
    audits: tuple[Audited, ...] = ()
    calibrated: Calibrated | None = None
    card: tuple[CardPart, ...] = ()
    trained_on: tuple[int, int] | None = None  # labelled firms, seed examples


def card_parts(markdown: str) -> tuple[CardPart, ...]:
    """A model card out of its Markdown: headings, paragraphs, lists and tables; anything else is a paragraph.

    Every word stays as it is: nothing in a card becomes a link or an element.
    """
    parts: list[tuple[str, list[CardBlock]]] = [("", [])]
    for lines in _blocks(markdown):
        first = lines[0]
        if first.startswith("#"):
            parts.append((first.lstrip("#").strip(), []))
        elif all(line.startswith("|") for line in lines):
            parts[-1][1].append(CardBlock(rows=_table(lines)))
        elif all(line.startswith(("- ", "* ")) for line in lines):
            parts[-1][1].append(CardBlock(items=tuple(line[2:].strip() for line in lines)))
        else:
            parts[-1][1].append(CardBlock(text=" ".join(lines)))
    return tuple(CardPart(heading, tuple(blocks)) for heading, blocks in parts if heading or blocks)


def _blocks(markdown: str) -> list[list[str]]:
    """Lines that belong together; a heading stands alone."""
    found: list[list[str]] = [[]]
    for line in map(str.strip, markdown.splitlines()):
        if not line:
            found.append([])
        elif line.startswith("#"):
            found += [[line], []]
        else:
            found[-1].append(line)
    return [lines for lines in found if lines]


def _table(lines: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    split = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return tuple(row for row in split if any(cell.strip("-: ") for cell in row))
