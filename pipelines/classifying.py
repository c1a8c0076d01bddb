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
from pipelines.firm_texts import firm_texts, site_digests
from pipelines.matching import not_recognised
from pipelines.runs import Run, StageCounts
from pipelines.screen import Screen
from pipelines.store import Lake
from pipelines.training import current_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.features import FirmText, Vectors
    from classifier.model import SectorModel

NO_VISIT = "not visited yet"
NOT_OWN = "site not recognised as the firm's own"


@dataclass(frozen=True)
class _Shard:
    """What the lake holds about one shard's firms."""

    number: int
    digests: Mapping[str, str]  # of the words of firms that have any
    reasons: Mapping[str, str]  # why a firm without words has none, for every firm
    assignments: Mapping[str, list[dict[str, Any]]]
    scored: Mapping[str, tuple[str, str]]  # model and words of the scores held
    strangers: frozenset[str]  # classified once, no longer in the firm list


def run_classify(run: Run, screen: Screen) -> None:
    """Classify what changed.

    Raises:
        UsageError: There is no model, or not one for this taxonomy and encoder.
    """
    lake = run.workspace.lake
    taxonomy = load_taxonomy(run.workspace.taxonomy_file)
    model = current_model(run.workspace, taxonomy)
    run.notes["model_id"] = model.model_id
    with run.stage("classify") as counts, screen.bar("Classifying firms") as progress:
        for number in range(lake.shards):
            shard = _read(lake, number, run.workspace.config.match.require)
            counts.rows_in += len(shard.reasons)
            spoken = [firm_id for firm_id in shard.digests if not _is_done(shard, firm_id, model.model_id)]
            silent = [firm_id for firm_id in shard.reasons if firm_id not in shard.digests]
            stated = [firm_id for firm_id in silent if not _is_stated(shard, firm_id)]
            counts.unchanged += len(shard.reasons) - len(spoken) - len(stated)
            rows = [_silent_row(shard, firm_id, run.started_at) for firm_id in stated]
            scores: list[dict[str, Any]] = []
            if spoken:
                texts = firm_texts(lake, [number])
                firms = [texts[firm_id] for firm_id in sorted(spoken)]
                vectors = _vectors(run, model, firms, number, screen)
                made, scores = _classified(taxonomy, model, firms, vectors, shard, run.started_at)
                rows += made
            _commit(run, counts, sorted({*spoken, *stated, *shard.strangers}), rows, scores)
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


def _commit(
    run: Run, counts: StageCounts, ids: Sequence[str], rows: list[dict[str, Any]], scores: list[dict[str, Any]]
) -> None:
    if not ids:
        return
    for name, made in (("assignments", rows), ("scores", scores)):
        counts.written[name] = counts.written.get(name, 0) + run.workspace.lake.replace_firms(
            name, ids, made, run.run_id
        )


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
    decided_by = {row["model_id"] for row in shard.assignments.get(firm_id, [])}
    return decided_by == {model_id} and shard.scored.get(firm_id) == (model_id, shard.digests[firm_id])


def _is_stated(shard: _Shard, firm_id: str) -> bool:
    held = shard.assignments.get(firm_id, [])
    stated = [(row["sector"], row["reason"]) for row in held] == [(NONE, shard.reasons[firm_id])]
    return stated and firm_id not in shard.scored


def _silent_row(shard: _Shard, firm_id: str, now: datetime) -> dict[str, Any]:
    return _row(firm_id, NONE, False, shard.reasons[firm_id], _since(shard, firm_id, NONE, now))


def _vectors(run: Run, model: SectorModel, firms: Sequence[FirmText], shard: int, screen: Screen) -> Vectors:
    encoder = load_encoder(run.workspace.config.encoder.name)
    texts = [text for firm in firms for text in model.texts_to_embed(firm)]
    with screen.bar(f"Reading sites, part {shard + 1} of {run.workspace.lake.shards}") as progress:
        return vectors_for(run.workspace.lake, encoder, {shard: texts}, run.run_id, progress)


def _classified(
    taxonomy: Taxonomy, model: SectorModel, firms: Sequence[FirmText], vectors: Vectors, shard: _Shard, now: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of assignments and of scores."""
    probabilities = model.predict_proba(firms, vectors)
    assigned = model.assign(
        probabilities, standing(taxonomy, [shard.assignments.get(firm.firm_id, []) for firm in firms])
    )
    rows: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for place, firm in enumerate(firms):
        firm_id, chances = firm.firm_id, probabilities[place]
        scores.extend(
            {
                "firm_id": firm_id, "sector": key, "probability": float(chances[column]), "model_id": model.model_id,
                "text_digest": shard.digests[firm_id],
            }
            for column, key in enumerate(taxonomy.keys)
        )  # fmt: skip
        columns = np.flatnonzero(assigned[place])
        if not len(columns):
            rows.append(_none_row(taxonomy, model, firm_id, chances, shard, now))
        for column in columns:
            rows.append(
                _assigned_row(taxonomy, model, firm, vectors, chances, int(column), assigned[place], shard, now)
            )
    return rows, scores


def _none_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, chances: NDArray[np.float64], shard: _Shard, now: datetime
) -> dict[str, Any]:
    nearest = int(np.argmax(chances - model.thresholds))
    chance, threshold = float(chances[nearest]), float(model.thresholds[nearest])
    reason = (
        f"no sector reached its threshold; nearest is {taxonomy.keys[nearest]} with {chance:.2f} of {threshold:.2f}"
    )
    row = _row(firm_id, NONE, False, reason, _since(shard, firm_id, NONE, now))
    return row | {"probability": chance, "threshold": threshold, "model_id": model.model_id}


def _assigned_row(
    taxonomy: Taxonomy, model: SectorModel, firm: FirmText, vectors: Vectors, chances: NDArray[np.float64],
    column: int, assigned: NDArray[np.bool_], shard: _Shard, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    key = taxonomy.keys[column]
    chance, threshold = float(chances[column]), float(model.thresholds[column])
    children = [place for place, above in enumerate(taxonomy.parents) if column in above and assigned[place]]
    shown = key
    if model.own_probability(firm, key, vectors) >= threshold:
        reason = f"probability {chance:.2f} reaches the threshold {threshold:.2f}"
    elif children:
        child = max(children, key=lambda place: float(chances[place]))
        shown = taxonomy.keys[child]
        reason = f"in its part {shown}"
    else:
        reason = f"in it before, and probability {chance:.2f} is not below {float(model.leave_thresholds[column]):.2f}"
    found = model.evidence(firm, shown, vectors)
    return _row(firm.firm_id, key, True, reason, _since(shard, firm.firm_id, key, now)) | {
        "probability": chance, "threshold": threshold, "model_id": model.model_id,
        "evidence_url": found.page_url or None, "evidence_sentence": found.sentence or None,
        "evidence_terms": [term for term, _ in found.terms],
        "evidence_nearest": [name for name, _ in found.nearest],
    }  # fmt: skip


def _row(firm_id: str, sector: str, assigned: bool, reason: str, since: datetime) -> dict[str, Any]:
    empty = ("probability", "threshold", "evidence_url", "evidence_sentence", "evidence_terms", "evidence_nearest")
    return dict.fromkeys((*empty, "model_id")) | {
        "firm_id": firm_id, "sector": sector, "assigned": assigned, "reason": reason, "since": since,
    }  # fmt: skip


def _since(shard: _Shard, firm_id: str, sector: str, now: datetime) -> datetime:
    for row in shard.assignments.get(firm_id, []):
        if row["sector"] == sector:
            since: datetime = row["since"]
            return since
    return now
