"""What the classify stage makes of some firms of one shard: their rows, with evidence, and vectors that were new.

Runs wherever the engine puts it; it reads and computes, and what it made is committed by ``classifying``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from labels.taxonomy import Taxonomy
from pipelines.assignment_rows import (
    assigned_row,
    near_miss_row,
    none_row,
    refused_row,
    settled_row,
    silent_row,
)
from pipelines.classified_shard import ClassifiedShard, is_done, is_stated, read_shard
from pipelines.embedding import FreshVectors
from pipelines.encoders import named_encoder
from pipelines.errors import UsageError
from pipelines.evidence_rows import Embed, evidence_columns, weighed
from pipelines.firm_texts import firm_texts
from pipelines.lake_reading import SomeFirms
from pipelines.pinned_lake import PinnedLake
from pipelines.settling import FastPath
from pipelines.table_rows import checked_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from classifier.features import FirmText, Vectors
    from classifier.model import SectorModel

INPUTS = ("firms", "sites", "pages", "matches", "assignments", "scores", "embeddings")
PART_FIRMS = 100  # about ten seconds of encoding on a core: what a worker's death loses
ROWS = ("assignments", "near_misses", "scores")  # in the order in which they are committed


@dataclass(frozen=True)
class ClassifyJob:
    """What all parts share."""

    lake: PinnedLake
    taxonomy: Taxonomy
    model: SectorModel
    fast: FastPath | None
    encoder: str  # name in the settings
    encoder_id: str
    own_site_only: bool
    now: datetime


@dataclass(frozen=True)
class Todo:
    """One shard: how many firms it has, and those of which something must be written, by why."""

    shard: int
    firms: int
    spoken: tuple[str, ...]  # have words that were not judged yet
    stated: tuple[str, ...]  # have none, and the tables do not say why
    strangers: tuple[str, ...]  # are no longer in the list


@dataclass(frozen=True)
class Part:
    """Firms of one shard."""

    shard: int
    firm_ids: tuple[str, ...]


@dataclass(frozen=True)
class ClassifiedPart:
    """Rows of those firms, by table."""

    shard: int
    rows: Mapping[str, pa.Table]
    embeddings: pa.Table


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


def look_at_shard(job: ClassifyJob, number: int) -> Todo:
    """Which firms of a shard need something written."""
    shard = read_shard(job.lake, number, job.own_site_only)
    settled = job.fast.reason if job.fast else ""
    return Todo(
        number,
        len(shard.reasons),
        tuple(sorted(one for one in shard.digests if not is_done(shard, one, job.model.model_id, settled))),
        tuple(one for one in shard.reasons if one not in shard.digests and not is_stated(shard, one)),
        tuple(sorted(shard.strangers)),
    )


def classify_part(job: ClassifyJob, part: Part) -> ClassifiedPart:
    """Judge some firms; one without words is stated, one that is no longer listed gets no row.

    Raises:
        UsageError: The encoder that is here is not the one that the model reads with.
    """
    some = SomeFirms(job.lake, part.firm_ids)
    shard = read_shard(some, part.shard, job.own_site_only)
    encoder = named_encoder(job.encoder, job.model)
    if encoder.encoder_id != job.encoder_id:
        raise UsageError(
            f"the encoder here is {encoder.encoder_id}, and {job.encoder_id} is wanted: give every machine of the "
            "cluster the same encoder"
        )
    vectors = FreshVectors(job.lake, encoder, part.shard)
    silent = [firm_id for firm_id in shard.reasons if firm_id not in shard.digests]
    made = _Made([silent_row(shard, firm_id, job.now) for firm_id in silent], [], [])
    texts = firm_texts(some, [part.shard]) if shard.digests else {}
    read = [job.model.judgeable(texts[firm_id]) for firm_id in sorted(shard.digests)]
    refused = [(one.firm.firm_id, one.reason) for one in read if one.reason]
    made += _Made([refused_row(job.model, shard, *one, job.now) for one in refused], [], [])
    firms = [one.firm for one in read if not one.reason]
    if job.fast:
        firms, clear = _settled(job.taxonomy, job.fast, firms, shard, job.now)
        made += clear
    wanted = vectors.embed([text for firm in firms for text in job.model.texts_to_embed(firm)])
    if firms:
        made += _classified(job.taxonomy, job.model, firms, wanted, vectors.embed, shard, job.now)
    rows = {name: checked_rows(name, getattr(made, name), job.lake.shards) for name in ROWS}
    return ClassifiedPart(part.shard, rows, vectors.rows())


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
