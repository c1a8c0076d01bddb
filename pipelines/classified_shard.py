"""What the tables hold of one shard's firms, as the classify stage finds it, and which of them need nothing new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labels.taxonomy import NONE
from pipelines.firm_texts import Tables, site_digests
from pipelines.matching import not_recognised

NO_VISIT = "not visited yet"
NOT_OWN = "site not recognised as the firm's own"
ABSTAINED = "not judged: "  # begins the reason of a firm whose words the model cannot judge; it has no scores
SETTLED = "settled by its n-grams: "  # begins the reason of a firm that the fast path settled, and that has no vectors


@dataclass(frozen=True)
class ClassifiedShard:
    """What the lake holds about one shard's firms."""

    number: int
    digests: Mapping[str, str]  # of the words of firms that have any
    reasons: Mapping[str, str]  # why a firm without words has none, for every firm
    assignments: Mapping[str, list[dict[str, Any]]]
    scored: Mapping[str, tuple[str, str]]  # model and words of the scores held
    strangers: frozenset[str]  # classified once, no longer in the firm list


def read_shard(lake: Tables, number: int, own_site_only: bool) -> ClassifiedShard:
    """Read one shard; with ``own_site_only`` a firm has no words where its site is not recognised as its own."""
    outcome = {
        row["firm_id"]: f"{row['outcome']}: {row['reason']}"
        for row in lake.read_arrow("sites", ["firm_id", "outcome", "reason"], [number]).to_pylist()
    }
    listed = lake.read_arrow("firms", ["firm_id"], [number])["firm_id"].to_pylist()
    assignments: dict[str, list[dict[str, Any]]] = {}
    for row in lake.read_arrow("assignments", shards=[number]).to_pylist():
        assignments.setdefault(row["firm_id"], []).append(row)
    scores = lake.read_arrow("scores", ["firm_id", "model_id", "text_digest"], [number])  # a row a sector
    scored = {
        row["firm_id"]: (row["model_id"], row["text_digest"])
        for row in scores.group_by(scores.column_names).aggregate([]).to_pylist()
    }
    reasons = {firm_id: outcome.get(firm_id, NO_VISIT) for firm_id in sorted(listed)}
    digests = {firm_id: digest for firm_id, digest in site_digests(lake, [number]).items() if firm_id in reasons}
    if own_site_only:
        for firm_id, reason in not_recognised(lake, [number]).items():
            if digests.pop(firm_id, None):
                reasons[firm_id] = f"{NOT_OWN}: {reason}"
    strangers = frozenset(assignments.keys() | scored.keys()) - reasons.keys()
    return ClassifiedShard(number, digests, reasons, assignments, scored, frozenset(strangers))


def is_done(shard: ClassifiedShard, firm_id: str, model_id: str, settled: str = "") -> bool:
    """Whether a firm was judged by this model on the words that it has now.

    Args:
        shard: The firm's.
        firm_id: Firm with words.
        model_id: Model in use.
        settled: Reason of firms that the fast path settles as it is set now; one settled otherwise is judged anew.
    """
    held = shard.assignments.get(firm_id, [])
    decided_on = (model_id, shard.digests[firm_id])
    if {(row["model_id"], row["text_digest"]) for row in held} != {decided_on}:
        return False
    reason = held[0]["reason"]
    if reason.startswith(SETTLED) and reason != settled:
        return False
    refused = reason.startswith(ABSTAINED)
    return shard.scored.get(firm_id) == (None if refused else decided_on)


def is_stated(shard: ClassifiedShard, firm_id: str) -> bool:
    """Whether the tables say already why a firm has no words."""
    held = shard.assignments.get(firm_id, [])
    stated = [(row["sector"], row["reason"]) for row in held] == [(NONE, shard.reasons[firm_id])]
    return stated and firm_id not in shard.scored
