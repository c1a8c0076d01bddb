"""The words of a sector model's card; the layout is ``models.card``'s."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from models.card import CardTable, model_card

if TYPE_CHECKING:
    from classifier.model import SectorModel

LIMITS = (
    "It reads what a firm says of itself, in English; a firm that says little, or little that is true, is judged so.",
    "A probability is calibrated to the share of includes among the labelled firms, not among all firms: counting "
    "assigned firms overstates a rare sector. Correct counts with an audit sample before publishing them.",
    "The parent of an assigned sector is assigned because the taxonomy says so, not because the words do.",
    "It never learns from what it classifies; a new kind of firm is recognised only after somebody has labelled some.",
)


def describe(model: "SectorModel", facts: Mapping[str, Any]) -> str:
    """A model card in Markdown: what was trained on what, a row per sector, and the limits."""
    shown = {
        name: value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
        for name, value in facts.items()
        if not isinstance(value, Mapping)
    }
    rows = []
    for column, sector in enumerate(model.sectors):
        includes, excludes = model.support[column]
        threshold = "not trained" if sector in model.untrained else f"{model.thresholds[column]:.3f}"
        above = ", ".join(model.sectors[parent] for parent in model.parents[column])
        rows.append((sector, str(includes), str(excludes), threshold, above))
    sectors = CardTable(
        "Sectors",
        ("sector", "includes", "excludes", "threshold", "parents"),
        tuple(rows),
        "Includes and excludes are counted after the hierarchy has filled in what labels imply.",
    )
    tables = [sectors]
    metrics = facts.get("metrics")
    if isinstance(metrics, Mapping) and metrics:
        flat = tuple(
            (str(name), json.dumps(value)) for name, value in metrics.items() if not isinstance(value, Mapping)
        )
        tables.append(
            CardTable("Figures", ("figure", "value"), flat, "Measured on firms the figures' model had not seen.")
        )
    summary = (
        f"Assigns firms to {len(model.sectors)} sectors from the words of their websites: one calibrated logistic "
        "model per sector over n-grams and sentence vectors, one threshold each, children implying parents."
    )
    shown = {"n-grams": str(len(model.terms)), "vector dimension": str(model.dimension), **shown}
    return model_card("Sector model", summary, shown, tables, LIMITS)
