"""Lists held in columns: the bytes that rows would give, whatever stands in them, and no row lost between tables."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from labels.taxonomy import NONE, Sector, Taxonomy
from pipelines import export
from pipelines.export_files import write_list
from pipelines.exporting.columns import CELLS_EXPORT, SCORES_EXPORT
from pipelines.exporting.long_lists import export_schema, in_short
from pipelines.exporting.made import MadeList
from pipelines.frames import as_frame, rows
from pipelines.provenance import Provenance

TAXONOMY = Taxonomy("t", 1, (Sector("air", "Air"), Sector("space", "Space", parents=("air",))), "c" * 64)
PROVENANCE = Provenance.of(TAXONOMY, "20260301T000000Z-aaaaaa", "2026-03-01", "m1", "rules", "boundaries")
TEXTS = (
    "", "plain", "a,b", 'he said "x"', "=1+1", " blank ", "two\nlines", "cr\rhere", "null\x00byte", "\u202eturned",
    "'=x", "naïve", "🙂", "-5", "@home", ";;", "NA", "None",
)  # fmt: skip
NUMBERS = (None, 0.0, -0.0, 1.0, -1.5, 1e15, 1e16, 1e-7, 123456789.0, 0.1 + 0.2, 1 / 3, 5e-324)
LISTS: tuple[list[str], ...] = ([], [""], ["a"], ["a", "b"], ["=x", "y,z"], ["", ""])
COLUMNS = {"scores": SCORES_EXPORT, "cells": CELLS_EXPORT}


def any_row(name: str, draw: random.Random) -> list[Any]:
    of_kind: dict[str, Callable[[], Any]] = {
        "text": lambda: draw.choice(TEXTS), "texts": lambda: draw.choice(LISTS), "float": lambda: draw.choice(NUMBERS),
        "int": lambda: draw.randrange(-5, 10**18), "bool": lambda: draw.random() < 0.5,
    }  # fmt: skip
    return [
        None if column.optional and draw.random() < 0.1 else of_kind[column.kind]() for column in COLUMNS[name]
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, 400])
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
@pytest.mark.parametrize("name", COLUMNS)
def test_columns_give_the_bytes_of_rows(tmp_path: Path, name: str, file_format: str, size: int) -> None:
    draw = random.Random(size)
    listed = [any_row(name, draw) for _ in range(size)]
    schema = export_schema(COLUMNS[name])
    table = pa.table([pa.array(values, field.type) for values, field in zip(
        list(zip(*listed, strict=True)) or [()] * len(schema), schema, strict=True
    )], schema=schema)  # fmt: skip
    told = [
        write_list(MadeList(name, found), tmp_path / f"{place}.{file_format}", file_format, PROVENANCE)
        for place, found in enumerate((as_frame(table), table, in_short([table[:7], table[7:]])))
    ]
    by_rows, by_columns, by_short_columns = (
        (tmp_path / f"{place}.{file_format}").read_bytes() for place in range(3)
    )  # fmt: skip
    assert by_rows == by_columns == by_short_columns
    assert len({(found.sha256, found.replaced, found.rows) for found in told}) == 1


def as_before(firms: pd.DataFrame, sites: pd.DataFrame, scores: pd.DataFrame, made: pd.DataFrame) -> list[Any]:
    """Scores as their rule says it, firm by firm."""
    outcomes = {row[0]: row[1] for row in rows(sites, ("firm_id", "outcome"))}
    found: list[tuple[Any, ...]] = []
    for (firm_id,) in sorted(rows(firms, ("firm_id",))):
        decided = [row for row in rows(made, list(made.columns)) if row[0] == firm_id]
        mine = {row[1]: row for row in decided if row[2]}
        chances = {sector: row[4] for sector, row in mine.items()}
        for of, sector, chance, model in rows(scores, list(scores.columns)):
            if of == firm_id and all(model == row[5] for row in decided):
                chances[sector] = chance
        order = {"air": 0, "space": 1}
        for sector in sorted(chances, key=lambda key: (order.get(key, 2), key)):
            reason = mine[sector][3] if sector in mine else export.BELOW_THRESHOLD
            found.append((firm_id, sector, chances[sector], sector in mine, reason.replace("a@b.example", "[e-mail]")))
        if not chances:
            outcome = outcomes.get(firm_id, "not_attempted")
            stated = next((row[3] for row in decided if row[1] == NONE), export.NOT_CLASSIFIED)
            found.append((firm_id, NONE, None, False, stated if outcome == "ok" else outcome))
    return found


@pytest.mark.parametrize("seed", range(25))
def test_scores_are_put_together_as_their_rule_says(seed: int) -> None:
    """Firms without scores, scores of another model, of firms not listed and of sectors that are gone."""
    draw = random.Random(seed)
    talks = 0.0 if seed == 0 else 0.8  # nobody has been classified
    everybody = [f"F{number}" for number in range(12)]
    draw.shuffle(everybody)
    firms = pd.DataFrame({"firm_id": everybody[:9]})
    sites = pd.DataFrame(
        [(firm_id, draw.choice(["ok", "timeout"]), "why") for firm_id in everybody[:7]],
        columns=["firm_id", "outcome", "reason"],
    )
    made: list[tuple[Any, ...]] = []
    scores: list[tuple[Any, ...]] = []
    for firm_id in everybody:
        model = draw.choice(["m1", "m2", None])
        sectors = draw.sample(["air", "space", "gone"], draw.randrange(3))
        if draw.random() < talks:
            made += [(firm_id, sector, True, f"mail a@b.example {sector}", draw.random(), model) for sector in sectors]
            made += [] if sectors else [(firm_id, NONE, False, draw.choice(["no text", "below"]), None, model)]
        if draw.random() < talks:
            by = draw.choice(["m1", "m2"])
            scores += [(firm_id, sector, draw.random(), by) for sector in draw.sample(["air", "space", "old"], 2)]
    columns = ["firm_id", "sector", "assigned", "reason", "probability", "model_id"]
    assignments = pd.DataFrame(made, columns=columns).astype({"assigned": bool})
    scored = pd.DataFrame(scores, columns=["firm_id", "sector", "probability", "model_id"])
    found = export.scores_export(TAXONOMY, firms, sites, scored, assignments)
    assert list(rows(found, found.column_names)) == as_before(firms, sites, scored, assignments)
