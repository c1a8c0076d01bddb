"""Scores and assignments written as a classify would leave them, drawn by chance and not read from any words.

For lists so long that encoding them would take a night: what comes after classify costs the same whoever decided.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.firm_texts import site_digests
from pipelines.schemas import arrow_schema
from pipelines.store import shard_of
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy
    from pipelines.runs import Run

IN_A_SECTOR = 0.25  # of the firms; each of these in one of them, and in its parents
SENTENCE = "We design and build what firm {} is known for, in our own works and to our own drawings."


def write_decisions(run: Run, taxonomy: Taxonomy, model_id: str, changed: Collection[str], night: int) -> None:
    """Decide anew on firms that changed, every third of them otherwise than before."""
    lake = run.workspace.lake
    keys = taxonomy.keys
    by_shard: dict[int, list[str]] = {}
    for firm_id in sorted(changed):
        by_shard.setdefault(shard_of(firm_id, lake.shards), []).append(firm_id)
    for shard, firm_ids in by_shard.items():
        digests = site_digests(lake, [shard])
        number = np.array([int(firm_id.split("-")[1]) for firm_id in firm_ids])
        otherwise = (number % 3 == 0) * night
        inside = np.array([_chance(one, again) < IN_A_SECTOR for one, again in zip(number, otherwise, strict=True)])
        sector = (number * 7 + otherwise) % len(keys)
        told = [digests[firm_id] for firm_id in firm_ids]
        rows = []
        for at, firm_id in enumerate(firm_ids):
            held = [keys[sector[at]], *sorted(taxonomy.ancestors(keys[sector[at]]))] if inside[at] else ["none"]
            rows += [_assignment(firm_id, key, model_id, told[at], int(number[at])) for key in held]
        lake.replace_firms("assignments", firm_ids, rows, run.run_id)
        size = len(firm_ids) * len(keys)
        chances = np.full((len(firm_ids), len(keys)), 0.02)
        chances[inside, sector[inside]] = 0.8
        each = pa.array(np.repeat(np.arange(len(firm_ids)), len(keys)))
        columns = {
            "shard": pa.array(np.full(size, shard)), "firm_id": pa.array(firm_ids).take(each),
            "sector": pa.array(list(keys) * len(firm_ids)),
            "probability": pa.array(chances.ravel() + (number % 97)[:, None].repeat(len(keys), 1).ravel() / 10_000),
            "model_id": pa.repeat(model_id, size),
            "text_digest": pa.array(told).take(each),
        }  # fmt: skip
        schema = arrow_schema(TABLES["scores"])
        lake.replace_firms(
            "scores", firm_ids, pa.table([columns[name] for name in schema.names], schema=schema), run.run_id
        )


def _chance(number: int, again: int) -> float:
    return float(((number + 1) * 2_654_435_761 + again * 40_503_977) % 2**32 / 2**32)


def _assignment(firm_id: str, key: str, model_id: str, digest: str, number: int) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "text": "",
        "texts": [],
        "int": 0,
        "float": 0.0,
        "bool": False,
        "instant": datetime.now(UTC),
    }
    found = {
        column.name: None if column.optional else empty[column.kind] for column in TABLES["assignments"].columns[1:]
    }
    found |= {"firm_id": firm_id, "sector": key, "assigned": key != "none", "reason": "decided by chance",
              "model_id": model_id, "text_digest": digest}  # fmt: skip
    if key != "none":
        found |= {"probability": 0.8, "threshold": 0.5, "since": datetime(2026, 11, 1, tzinfo=UTC),
                  "evidence_sentence": SENTENCE.format(number), "evidence_url": f"https://www.firm-{number}.example/",
                  "evidence_terms": ["design", "build", "drawings"]}  # fmt: skip
    return found
