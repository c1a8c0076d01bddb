"""The classify stage: put firms whose words or model changed into sectors, with evidence, and state every 'none'.

Assignments are committed before scores: a firm counts as classified only when its scores name the model and the words
read, so that a run killed between the two does that firm again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.assignment_rows import (
    assigned_row,
    near_miss_row,
    none_row,
    refused_row,
    settled_row,
    silent_row,
)
from pipelines.classified_shard import ClassifiedShard, is_done, is_stated, read_shard
from pipelines.embedding import vectors_for
from pipelines.encoders import encoder_of
from pipelines.evidence_rows import Embed, evidence_columns, weighed
from pipelines.firm_texts import firm_texts
from pipelines.runs import Run, StageCounts
from pipelines.screen import Screen
from pipelines.settling import FastPath, fast_path
from pipelines.training import current_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.features import FirmText, Vectors
    from classifier.model import SectorModel
    from models.encoder import TextEncoder


@dataclass(frozen=True)
class _Made:
    """Rows for the tables, in the order in which they are committed."""

    assignments: list[dict[str, Any]]
    near_misses: list[dict[str, Any]]
    scores: list[dict[str, Any]]

    def __add__(self, other: _Made) -> _Made:
        return _Made(
            self.assignments + other.assignments, self.near_misses + other.near_misses, self.scores + other.scores
        )


def run_classify(run: Run, screen: Screen) -> None:
    """Classify what changed.

    Raises:
        UsageError: There is no model, or not one for this taxonomy and encoder.
    """
    lake = run.workspace.lake
    taxonomy = load_taxonomy(run.workspace.taxonomy_file)
    model = current_model(run.workspace, taxonomy)
    run.notes["model_id"] = model.model_id
    encoder = encoder_of(run.workspace, model)
    fast = fast_path(run.workspace, model)
    settled = fast.reason if fast else ""
    with run.stage("classify") as counts, screen.bar("Classifying firms") as progress:
        for number in range(lake.shards):
            shard = read_shard(lake, number, run.workspace.config.match.require)
            counts.rows_in += len(shard.reasons)
            spoken = [firm_id for firm_id in shard.digests if not is_done(shard, firm_id, model.model_id, settled)]
            silent = [firm_id for firm_id in shard.reasons if firm_id not in shard.digests]
            stated = [firm_id for firm_id in silent if not is_stated(shard, firm_id)]
            counts.unchanged += len(shard.reasons) - len(spoken) - len(stated)
            made = _Made([silent_row(shard, firm_id, run.started_at) for firm_id in stated], [], [])
            if spoken:
                texts = firm_texts(lake, [number])
                read = [model.judgeable(texts[firm_id]) for firm_id in sorted(spoken)]
                refused = [(one.firm.firm_id, one.reason) for one in read if one.reason]
                made += _Made([refused_row(model, shard, *one, run.started_at) for one in refused], [], [])
                firms = [one.firm for one in read if not one.reason]
                if fast:
                    firms, clear = _settled(taxonomy, fast, firms, shard, run.started_at)
                    made += clear
                embed = _embedder(run, encoder, number, screen)
                vectors = embed([text for firm in firms for text in model.texts_to_embed(firm)])
                made += _classified(taxonomy, model, firms, vectors, embed, shard, run.started_at)
            _commit(run, counts, sorted({*spoken, *stated, *shard.strangers}), made)
            counts.rows_out += len(spoken) + len(stated)
            progress(number + 1, lake.shards)


def standing(taxonomy: Taxonomy, held: Sequence[Sequence[Mapping[str, Any]]]) -> NDArray[np.bool_]:
    """Sectors that firms are in by their own score; one that only followed from a child goes with the child.

    Args:
        taxonomy: ``n_sectors`` sectors.
        held: For each of ``n_firms`` firms its rows of ``assignments``.

    Returns:
        ``(n_firms, n_sectors) bool``, columns in taxonomy order.
    """
    found = np.zeros((len(held), len(taxonomy.keys)), dtype=bool)
    for place, rows in enumerate(held):
        assigned = {row["sector"]: row for row in rows if row["assigned"]}
        implied = set[str]().union(*(taxonomy.ancestors(key) for key in assigned if key in taxonomy.by_key))
        own = {key for key, row in assigned.items() if key not in implied or row["probability"] >= row["threshold"]}
        found[place] = [key in own for key in taxonomy.keys]
    return found


def _commit(run: Run, counts: StageCounts, ids: Sequence[str], made: _Made) -> None:
    if not ids:
        return
    lake = run.workspace.lake
    for name, rows in (
        ("assignments", made.assignments), ("near_misses", made.near_misses), ("scores", made.scores),
    ):  # fmt: skip
        counts.written[name] = counts.written.get(name, 0) + lake.replace_firms(name, ids, rows, run.run_id)


def _settled(
    taxonomy: Taxonomy, fast: FastPath, firms: Sequence[FirmText], shard: ClassifiedShard, now: datetime
) -> tuple[list[FirmText], _Made]:
    """Firms for the full model, and the rows of the others."""

    def is_member(firm_id: str) -> bool:
        return any(row["assigned"] for row in shard.assignments.get(firm_id, []))

    rest, clear = fast.split(firms, is_member)
    rows = [settled_row(fast.model, shard, firm_id, fast.reason, now) for firm_id, _ in clear]
    scores = [row for scored in clear for row in _scores(taxonomy, fast.model, shard, *scored)]
    return rest, _Made(rows, [], scores)


def _scores(
    taxonomy: Taxonomy, model: SectorModel, shard: ClassifiedShard, firm_id: str, chances: NDArray[np.float64]
) -> list[dict[str, Any]]:
    read = {"firm_id": firm_id, "model_id": model.model_id, "text_digest": shard.digests[firm_id]}
    return [read | {"sector": key, "probability": float(chances[at])} for at, key in enumerate(taxonomy.keys)]


def _embedder(run: Run, encoder: TextEncoder, shard: int, screen: Screen) -> Embed:
    def embed(texts: Sequence[str]) -> Vectors:
        with screen.bar(f"Reading sites, part {shard + 1} of {run.workspace.lake.shards}") as progress:
            return vectors_for(run.workspace.lake, encoder, {shard: texts}, run.run_id, progress)

    return embed


def _classified(
    taxonomy: Taxonomy, model: SectorModel, firms: Sequence[FirmText], vectors: Vectors, embed: Embed,
    shard: ClassifiedShard, now: datetime,
) -> _Made:  # fmt: skip
    from classifier.evidence import near_miss

    probabilities = model.predict_proba(firms, vectors)
    assigned = model.assign(
        probabilities, standing(taxonomy, [shard.assignments.get(firm.firm_id, []) for firm in firms])
    )
    misses = [near_miss(model, probabilities[place], assigned[place]) for place in range(len(firms))]
    carriers = [
        {
            column: _carrier(taxonomy, model, firm, vectors, column, probabilities[place], assigned[place])
            for column in np.flatnonzero(assigned[place]).tolist()
        }
        for place, firm in enumerate(firms)
    ]
    wanted = [
        ({miss.column: miss.is_near} if miss else {}) | dict.fromkeys(carried.values(), True)
        for carried, miss in zip(carriers, misses, strict=True)
    ]
    evidence = weighed(model, firms, wanted, vectors, embed)
    made = _Made([], [], [])
    for place, firm in enumerate(firms):
        firm_id, chances, miss = firm.firm_id, probabilities[place], misses[place]
        made.scores.extend(_scores(taxonomy, model, shard, firm_id, chances))
        if not carriers[place]:
            made.assignments.append(none_row(taxonomy, model, firm_id, miss, shard, now))
        for column, carrier in carriers[place].items():
            made.assignments.append(
                assigned_row(taxonomy, model, firm_id, chances, column, carrier, shard, now)
                | evidence_columns(evidence[place][carrier])
            )
        if miss:
            made.near_misses.append(near_miss_row(taxonomy, model, firm_id, miss, evidence[place][miss.column]))
    return made


def _carrier(
    taxonomy: Taxonomy, model: SectorModel, firm: FirmText, vectors: Vectors, column: int,
    chances: NDArray[np.float64], assigned: NDArray[np.bool_],
) -> int:  # fmt: skip
    """Sector whose words put a firm into ``column``: itself, or the most probable part of it."""
    parts = [place for place, above in enumerate(taxonomy.parents) if column in above and assigned[place]]
    if not parts or model.own_probability(firm, taxonomy.keys[column], vectors) >= model.thresholds[column]:
        return column
    part = max(parts, key=lambda place: float(chances[place]))
    return _carrier(taxonomy, model, firm, vectors, part, chances, assigned)
