"""Rows of ``assignments`` and ``near_misses``: what became of a firm, why, and since when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from labels.taxonomy import NONE, Taxonomy
from pipelines.classified_shard import ABSTAINED, ClassifiedShard
from pipelines.evidence_rows import evidence_columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.evidence import Evidence, NearMiss
    from classifier.model import SectorModel


THROUGH_PART = "in its part "  # begins the reason of a firm that is in a sector by one of the sector's parts


def silent_row(shard: ClassifiedShard, firm_id: str, now: datetime) -> dict[str, Any]:
    """A firm without words, and why it has none."""
    return _row(firm_id, NONE, False, shard.reasons[firm_id], _since(shard, firm_id, NONE, now))


def refused_row(model: SectorModel, shard: ClassifiedShard, firm_id: str, reason: str, now: datetime) -> dict[str, Any]:
    """A firm whose words the model cannot judge."""
    return settled_row(model, shard, firm_id, f"{ABSTAINED}{reason}", now)


def settled_row(model: SectorModel, shard: ClassifiedShard, firm_id: str, reason: str, now: datetime) -> dict[str, Any]:
    """A firm that its n-grams alone keep out of every sector."""
    row = _row(firm_id, NONE, False, reason, _since(shard, firm_id, NONE, now))
    return row | {"model_id": model.model_id, "text_digest": shard.digests[firm_id]}


def none_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, miss: NearMiss | None, shard: ClassifiedShard, now: datetime
) -> dict[str, Any]:
    """A firm in no sector, with the one that it comes nearest to."""
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


def assigned_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, chances: NDArray[np.float64], column: int, carrier: int,
    shard: ClassifiedShard, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """A firm in a sector; ``carrier`` is the column whose words put it there."""
    key = taxonomy.keys[column]
    chance, threshold = float(chances[column]), float(model.thresholds[column])
    if carrier != column:
        reason = f"{THROUGH_PART}{taxonomy.keys[carrier]}"
    elif chance >= threshold:
        reason = f"probability {chance:.2f} reaches the threshold {threshold:.2f}"
    else:
        reason = f"in it before, and probability {chance:.2f} is not below {float(model.leave_thresholds[column]):.2f}"
    row = _row(firm_id, key, True, reason, _since(shard, firm_id, key, now))
    decided_on = {"model_id": model.model_id, "text_digest": shard.digests[firm_id]}
    return row | {"probability": chance, "threshold": threshold} | decided_on


def near_miss_row(
    taxonomy: Taxonomy, model: SectorModel, firm_id: str, miss: NearMiss, found: Evidence
) -> dict[str, Any]:
    """The sector that a firm came nearest to without being in it."""
    row = {"firm_id": firm_id, "sector": taxonomy.keys[miss.column], "model_id": model.model_id}
    return (
        row | {"probability": miss.probability, "threshold": miss.threshold} | evidence_columns(found, assigned=False)
    )


def _row(firm_id: str, sector: str, assigned: bool, reason: str, since: datetime) -> dict[str, Any]:
    return dict.fromkeys(("probability", "threshold", "model_id", "text_digest")) | evidence_columns(None) | {
        "firm_id": firm_id, "sector": sector, "assigned": assigned, "reason": reason, "since": since,
    }  # fmt: skip


def _since(shard: ClassifiedShard, firm_id: str, sector: str, now: datetime) -> datetime:
    for row in shard.assignments.get(firm_id, []):
        if row["sector"] == sector:
            since: datetime = row["since"]
            return since
    return now
