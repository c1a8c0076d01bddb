"""Whether a new model may take the place of the one in use, judged by the figures in their manifests.

Both were measured on firms that they had not seen, each on its own labels: a fall means a worse model or worse labels,
and either wants a person's eye before a published list changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MAX_DROP = 0.02
"""Fall of macro-F1 or mean average precision over the sectors that both have. A hundredth is what another processor
or a few more labels move; chosen, not measured: look again when promotions are refused that should not be."""

MAX_SECTOR_DROP = 0.10
MANY_INCLUDES = 100
MAX_DROP_OF_MANY = 0.05
"""Fall of the F1 of one sector, and of one with so many includes that chance moves it less. With 5 % of a sector's
labels turned round, two of the directory's 23 fell by less than 0.10 (0.06 and 0.098); both have several hundred."""

MIN_SECTOR_INCLUDES = 20  # below, one firm moves a sector's F1 by more than 0.05 and says nothing

OVERALL = {"f1": "macro-F1", "average_precision": "mean average precision"}


def worse(candidate: Mapping[str, Any], current: Mapping[str, Any]) -> tuple[str, ...]:
    """Reasons not to promote, in words; none when the candidate may take over.

    Args:
        candidate: ``metrics`` of the new model's manifest, as ``classifier.out_of_fold`` makes them.
        current: The same of the model in use; nothing can be worse than a model without figures.
    """
    before, after = _sectors(current), _sectors(candidate)
    if not before:
        return ()
    if not after:
        return ("its manifest holds no figures per sector",)
    shared = [key for key in before if key in after]
    found = []
    for figure, name in OVERALL.items():
        old, new = _mean(before, shared, figure), _mean(after, shared, figure)
        if old is not None and old - (new or 0.0) > MAX_DROP:
            found.append(f"{name} over {len(shared)} sectors falls from {old:.3f} to {new or 0.0:.3f}")
    for key in shared:
        old, new = before[key].get("f1"), after[key].get("f1") or 0.0
        includes = min(before[key].get("includes", 0), after[key].get("includes", 0))
        allowed = MAX_DROP_OF_MANY if includes >= MANY_INCLUDES else MAX_SECTOR_DROP
        if includes >= MIN_SECTOR_INCLUDES and old is not None and old - new > allowed:
            found.append(f"F1 of {key} falls from {old:.3f} to {new:.3f}")
    return tuple(found)


def _sectors(metrics: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found = metrics.get("sectors")
    return found if isinstance(found, Mapping) else {}


def _mean(sectors: Mapping[str, Mapping[str, Any]], keys: Sequence[str], figure: str) -> float | None:
    """Over the sectors that have the figure; a sector that lost its figure is not counted as 0 here but named above."""
    known = [value for value in (sectors[key].get(figure) for key in keys) if value is not None]
    return sum(known) / len(known) if known else None
