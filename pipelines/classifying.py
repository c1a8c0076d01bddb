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

from labels.taxonomy import NONE, Taxonomy, load_taxonomy
from models.encoder import load_encoder
from pipelines.embedding import vectors_for
from pipelines.evidence_rows import Embed, evidence_columns, weighed
from pipelines.firm_texts import firm_texts, site_digests
from pipelines.matching import not_recognised
from pipelines.runs import Run, StageCounts
from pipelines.screen import Screen
from pipelines.store import Lake
from pipelines.training import current_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.evidence import Evidence, NearMiss
    from classifier.features import FirmText, Vectors
    from classifier.model import SectorModel
    from models.encoder import TextEncoder

NO_VISIT = "not visited yet"
NOT_OWN = "site not recognised as the firm's own"
ABSTAINED = "not judged: "  # begins the reason of a firm whose words the model cannot judge; it has no scores


@dataclass(frozen=True)
class _Shard:
    """What the lake holds about one shard's firms."""

    number: int
    digests: Mapping[str, str]  # of the words of firms that have any
    reasons: Mapping[str, str]  # why a firm without words has none, for every firm
    assignments: Mapping[str, list[dict[str, Any]]]
    scored: Mapping[str, tuple[str, str]]  # model and words of the scores held
    strangers: frozenset[str]  # classified once, no longer in the firm list


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
    encoder = load_encoder(run.workspace.config.encoder.name)
    with run.stage("classify") as counts, screen.bar("Classifying firms") as progress:
        for number in range(lake.shards):
            shard = _read(lake, number, run.workspace.config.match.require)
            counts.rows_in += len(shard.reasons)
            spoken = [firm_id for firm_id in shard.digests if not _is_done(shard, firm_id, model.model_id)]
            silent = [firm_id for firm_id in shard.reasons if firm_id not in shard.digests]
            stated = [firm_id for firm_id in silent if not _is_stated(shard, firm_id)]
            counts.unchanged += len(shard.reasons) - len(spoken) - len(stated)
            made = _Made([_silent_row(shard, firm_id, run.started_at) for firm_id in stated], [], [])
            if spoken:
                texts = firm_texts(lake, [number])
                read = [model.judgeable(texts[firm_id]) for firm_id in sorted(spoken)]
                refused = [(one.firm.firm_id, one.reason) for one in read if one.reason]
                made += _Made([_refused_row(model, shard, *one, run.started_at) for one in refused], [], [])
                firms = [one.firm for one in read if not one.reason]
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


def _read(lake: Lake, number: int, own_site_only: bool) -> _Shard:
    outcome = {
        row["firm_id"]: f"{row['outcome']}: {row['reason']}"
        for row in lake.read_arrow("sites", ["firm_id", "outcome", "reason"], [number]).to_pylist()
    }
    listed = lake.read_arrow("firms", ["firm_id"], [number])["firm_id"].to_pylist()
    assignments: dict[str, list[dict[str, Any]]] = {}
    for row in lake.read_arrow("assignments", shards=[number]).to_pylist():
        assignments.setdefault(row["firm_id"], []).append(row)
    scored = {
        row["firm_id"]: (row["model_id"], row["text_digest"])
        for row in lake.read_arrow("scores", ["firm_id", "model_id", "text_digest"], [number]).to_pylist()
    }
    reasons = {firm_id: outcome.get(firm_id, NO_VISIT) for firm_id in sorted(listed)}
    digests = {firm_id: digest for firm_id, digest in site_digests(lake, [number]).items() if firm_id in reasons}
    if own_site_only:
        for firm_id, reason in not_recognised(lake, [number]).items():
            if digests.pop(firm_id, None):
                reasons[firm_id] = f"{NOT_OWN}: {reason}"
    strangers = frozenset(assignments.keys() | scored.keys()) - reasons.keys()
    return _Shard(number, digests, reasons, assignments, scored, frozenset(strangers))


def _is_done(shard: _Shard, firm_id: str, model_id: str) -> bool:
    held = shard.assignments.get(firm_id, [])
    decided_on = (model_id, shard.digests[firm_id])
    if {(row["model_id"], row["text_digest"]) for row in held} != {decided_on}:
        return False
    refused = held[0]["reason"].startswith(ABSTAINED)
    return shard.scored.get(firm_id) == (None if refused else decided_on)


def _is_stated(shard: _Shard, firm_id: str) -> bool:
    held = shard.assignments.get(firm_id, [])
    stated = [(row["sector"], row["reason"]) for row in held] == [(NONE, shard.reasons[firm_id])]
    return stated and firm_id not in shard.scored


def _silent_row(shard: _Shard, firm_id: str, now: datetime) -> dict[str, Any]:
    return _row(firm_id, NONE, False, shard.reasons[firm_id], _since(shard, firm_id, NONE, now))


def _refused_row(model: SectorModel, shard: _Shard, firm_id: str, reason: str, now: datetime) -> dict[str, Any]:
    row = _row(firm_id, NONE, False, f"{ABSTAINED}{reason}", _since(shard, firm_id, NONE, now))
    return row | {"model_id": model.model_id, "text_digest": shard.digests[firm_id]}


def _embedder(run: Run, encoder: TextEncoder, shard: int, screen: Screen) -> Embed:
    def embed(texts: Sequence[str]) -> Vectors:
        with screen.bar(f"Reading sites, part {shard + 1} of {run.workspace.lake.shards}") as progress:
            return vectors_for(run.workspace.lake, encoder, {shard: texts}, run.run_id, progress)

    return embed


def _classified(
    taxonomy: Taxonomy, model: SectorModel, firms: Sequence[FirmText], vectors: Vectors, embed: Embed, shard: _Shard,
    now: datetime,
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
        made.scores.extend(
            {
                "firm_id": firm_id, "sector": key, "probability": float(chances[column]), "model_id": model.model_id,
                "text_digest": shard.digests[firm_id],
            }
            for column, key in enumerate(taxonomy.keys)
        )  # fmt: skip
        if not carriers[place]:
            made.assignments.append(_none_row(taxonomy, model, firm_id, miss, shard, now))
        for column, carrier in carriers[place].items():
            made.assignments.append(
                _assigned_row(taxonomy, model, firm_id, chances, column, carrier, shard, now)
                | evidence_columns(evidence[place][carrier])
            )
        if miss:
            made.near_misses.append(_near_miss_row(taxonomy, model, firm_id, miss, evidence[place][miss.column]))
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


def _none_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, miss: NearMiss | None, shard: _Shard, now: datetime
) -> dict[str, Any]:
    since = _since(shard, firm_id, NONE, now)
    decided_on = {"model_id": model.model_id, "text_digest": shard.digests[firm_id]}
    if miss is None:
        return _row(firm_id, NONE, False, "no sector is likely at all", since) | decided_on
    reason = (
        f"no sector reached its threshold; nearest is {taxonomy.keys[miss.column]} with {miss.probability:.2f} of "
        f"{miss.threshold:.2f}"
    )
    chance = {"probability": miss.probability, "threshold": miss.threshold}
    return _row(firm_id, NONE, False, reason, since) | chance | decided_on


def _assigned_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, chances: NDArray[np.float64], column: int, carrier: int,
    shard: _Shard, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    key = taxonomy.keys[column]
    chance, threshold = float(chances[column]), float(model.thresholds[column])
    if carrier != column:
        reason = f"in its part {taxonomy.keys[carrier]}"
    elif chance >= threshold:
        reason = f"probability {chance:.2f} reaches the threshold {threshold:.2f}"
    else:
        reason = f"in it before, and probability {chance:.2f} is not below {float(model.leave_thresholds[column]):.2f}"
    row = _row(firm_id, key, True, reason, _since(shard, firm_id, key, now))
    decided_on = {"model_id": model.model_id, "text_digest": shard.digests[firm_id]}
    return row | {"probability": chance, "threshold": threshold} | decided_on


def _near_miss_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, miss: NearMiss, found: Evidence
) -> dict[str, Any]:
    row = {"firm_id": firm_id, "sector": taxonomy.keys[miss.column], "model_id": model.model_id}
    return (
        row | {"probability": miss.probability, "threshold": miss.threshold} | evidence_columns(found, assigned=False)
    )


def _row(firm_id: str, sector: str, assigned: bool, reason: str, since: datetime) -> dict[str, Any]:
    return dict.fromkeys(("probability", "threshold", "model_id", "text_digest")) | evidence_columns(None) | {
        "firm_id": firm_id, "sector": sector, "assigned": assigned, "reason": reason, "since": since,
    }  # fmt: skip


def _since(shard: _Shard, firm_id: str, sector: str, now: datetime) -> datetime:
    for row in shard.assignments.get(firm_id, []):
        if row["sector"] == sector:
            since: datetime = row["since"]
            return since
    return now
