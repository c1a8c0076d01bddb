"""What the page shows of one firm and sector, before anything becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labels.taxonomy import Sector, Taxonomy
from pipelines.labelling.marking import Marker, Quote, Segment, best_sentences, marked, marker
from pipelines.labelling.reasons import Told
from pipelines.labelling.shelf import FirmRecord, PageHeld
from pipelines.outside_text import safe_link

MAX_SHOWN_CHARS = 20_000  # of one page's words; the rest is said to be there
MAX_OTHER_SECTORS = 8  # number keys 2 to 9
LIKELY = 0.05  # probability from which a sector is offered beside the one asked about


@dataclass(frozen=True)
class ShownPage:
    """A page's words, marked."""

    url: str | None  # None where a reader may not be sent there
    address: str
    title: str
    kind: str
    words: int
    paragraphs: tuple[tuple[Segment, ...], ...]
    left_out: int  # characters beyond those shown
    marks: int


@dataclass(frozen=True)
class SectorRow:
    """A sector that can be judged for the firm."""

    sector: Sector
    key: int  # number key; 0: none
    probability: float | None
    assigned: bool
    label: str  # this coder's word so far; empty when there is none
    note: str
    asked: bool  # the sector the firm was asked for


@dataclass(frozen=True)
class FirmView:
    """One firm, as a coder sees it."""

    record: FirmRecord
    link: str | None
    best: tuple[Quote, ...]
    pages: tuple[ShownPage, ...]
    sectors: tuple[SectorRow, ...]
    further: tuple[Sector, ...]  # all other sectors of the taxonomy
    told: Told | None  # the model's view; None while it has not been asked


def view_of(
    record: FirmRecord,
    sector: str,
    taxonomy: Taxonomy,
    words: Mapping[str, tuple[str, str]],
    told: Told | None,
) -> FirmView:
    """Put together what is shown.

    Args:
        record: The firm.
        sector: Key of the sector asked about.
        taxonomy: The sectors.
        words: This coder's last label and note on the firm, by sector.
        told: The model's view; None while it has not been asked.
    """
    asked = taxonomy.by_key[sector]
    shown = told.shown if told else None
    terms = [term for term, _ in shown.terms] if shown else []
    look_for = marker(asked.keywords, terms, f"{asked.name} {asked.definition}")
    texts = [page.text for page in record.pages]
    rows = _sector_rows(record, sector, taxonomy, words)
    offered = {found.sector.key for found in rows}
    return FirmView(
        record=record,
        link=safe_link(record.website),
        best=best_sentences(texts, look_for, (shown.sentence if shown else "") or ""),
        pages=tuple(_page(page, look_for) for page in record.pages),
        sectors=rows,
        told=told,
        further=tuple(found for found in taxonomy.sectors if found.key not in offered),
    )


def _page(page: PageHeld, look_for: Marker) -> ShownPage:
    text = page.text[:MAX_SHOWN_CHARS]
    paragraphs = tuple(marked(line.strip(), look_for) for line in text.splitlines() if line.strip())
    return ShownPage(
        url=safe_link(page.url),
        address=page.url,
        title=page.title,
        kind=page.kind,
        words=len(page.text.split()),
        paragraphs=paragraphs,
        left_out=len(page.text) - len(text),
        marks=sum(bool(segment.mark) for paragraph in paragraphs for segment in paragraph),
    )


def _sector_rows(
    record: FirmRecord, asked: str, taxonomy: Taxonomy, words: Mapping[str, tuple[str, str]]
) -> tuple[SectorRow, ...]:
    """The sector asked about, then those judged already, those the model sees, and its parents and children."""
    near = set(taxonomy.by_key[asked].parents) | {found.key for found in taxonomy.sectors if asked in found.parents}
    likely = sorted((-chance, key) for key, chance in record.chances.items() if chance >= LIKELY)
    order = dict.fromkeys([asked, *words, *record.rows, *(key for _, key in likely), *sorted(near)])
    keys = [key for key in order if key in taxonomy.by_key][: 1 + MAX_OTHER_SECTORS]
    return tuple(
        SectorRow(
            sector=taxonomy.by_key[key],
            key=number,
            probability=record.chances.get(key),
            assigned=bool(record.rows.get(key, {}).get("assigned")),
            label=words.get(key, ("", ""))[0],
            note=words.get(key, ("", ""))[1],
            asked=key == asked,
        )
        for number, key in enumerate(keys, start=1)
    )
