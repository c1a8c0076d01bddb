"""What a reader of a list has to know, as rows for the first sheet of a workbook, and its columns for the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipelines.exporting.columns import FIRM_FLAGS
from pipelines.exporting.made import Page
from pipelines.statistics.flags import FLAGS

if TYPE_CHECKING:
    from pipelines.tables import Column

Line = tuple[str, str | int | float | None]

WORDS = {  # of the note, as a reader knows them
    "run_id": "run that made the figures", "data_date": "newest visit to a website", "model_id": "model",
    "taxonomy_id": "taxonomy", "taxonomy_version": "version of the taxonomy",
    "taxonomy_digest": "SHA-256 of the taxonomy",
    "rules": "rules of counting", "boundaries": "boundaries of areas",
    "gate": "what the gate said", "firmscope": "version of firmscope",
}  # fmt: skip
KIND_WORDS = {
    "text": "text", "texts": "texts joined by ;", "int": "whole number", "float": "number", "bool": "true or false",
    "instant": "instant, UTC", "date": "date", "vector": "numbers joined by ;",
}  # fmt: skip
CAVEATS: dict[str, tuple[str, ...]] = {
    "firms": (
        "A model put these firms into sectors by the words of their websites; it errs in both directions. The sentence "
        "beside each firm is what spoke most for it, not a proof.",
        "A firm may be in several sectors, and stands on the sheet of each: the sheets overlap and do not add up.",
        "A probability says how often the model is right where it says so; it is no measure of size or quality.",
        "Firms without a website that could be read are in no sector, whatever they do; the column left_out says so.",
        "A firm stands at its registered office where that is known, which need not be where its people work.",
        "Employees and turnover are the newest known figures of the whole firm, of different years; many small firms "
        "state none.",
    ),
    "scores": (
        "A probability below the threshold of its sector is no membership: the column assigned says who is in.",
    ),
    "cells": (
        "Clusters overlap, so that they do not add up to all firms; areas of one kind do add up to the whole list.",
        "A count without _corrected takes the classifier's word for every firm; the flags say what each figure cannot "
        "say, and what stands behind it.",
        "A share of the UK is a share of the whole list: it is the UK's where the list is.",
    ),
    "evidence": (
        "A near miss is not in its sector; it is shown so that a reader can say that it should be.",
        "A sentence is what spoke most for the sector on the firm's website, not a proof.",
    ),
}
HOW_TO_ANSWER = (
    "To dispute the list, fill in wrong and missing and send the file back. wrong: the sectors that a firm is not in, "
    "by key or name, joined by ; (x is enough where the row is about one sector). missing: sectors that it is in. "
    "What is left empty says nothing. The answers come in by: firmscope labels import FILE --coder NAME"
)


def about_lines(page: Page, sheets: Sequence[tuple[str, int]], further: dict[str, int]) -> Iterator[Line]:
    """Label and value of each row of the sheet ``About``; a label alone is a heading.

    Args:
        page: The list.
        sheets: The other sheets and their rows.
        further: What had to be done to rows, by its name in the note.
    """
    made = page.made
    yield f"firmscope: {made.name}", None
    for name, value in {**asdict(page.provenance), "firmscope": page.note()["firmscope"]}.items():
        yield WORDS.get(name, name.replace("_", " ")), value
    yield "Coverage", None
    for name, value in made.coverage.items():
        yield {"firms": "firms in the whole list", "classified": "of these classified"}.get(name, name), value
    if made.coverage.get("firms"):
        yield "share classified", round(made.coverage.get("classified", 0) / made.coverage["firms"], 4)
    yield "Rows", None
    yield "rows of the list", len(made.frame)
    yield "rows left out by the filters", made.rows_left_out
    for name, value in made.filters.as_note().items():
        yield f"filter: {name.replace('_', ' ')}", "; ".join(value) if isinstance(value, list) else value
    for name, count in further.items():
        yield name.replace("_", " "), count
    yield "Sheets", None
    yield from sheets
    yield "What this list cannot say", None
    yield from (("", caveat) for caveat in CAVEATS[made.name])
    if len(page.columns) > len(page.plain_columns):
        yield "How to dispute it", None
        yield "", HOW_TO_ANSWER


def column_lines(tables: Sequence[tuple[str, Sequence[Column]]]) -> Iterator[tuple[str, str, str, str]]:
    """Sheet, column, kind and meaning; then the flags."""
    for sheet, columns in tables:
        for column in columns:
            yield sheet, column.name, KIND_WORDS[column.kind], column.meaning
    has_flags = {sheet for sheet, columns in tables for column in columns if column.name == "flags"}
    flags = FLAGS if has_flags == {"cells"} else FIRM_FLAGS
    if has_flags:
        for name, sentence in flags.items():
            yield "flags", name, "flag", sentence
