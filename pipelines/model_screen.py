"""The workspace's models, as a table for a person and as records for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.promotion import Shown, metrics_of

if TYPE_CHECKING:
    from rich.table import Table

FIGURES = ("macro_f1", "mean_average_precision", "mean_ece")


def models_table(models: Sequence[Shown]) -> Table:
    """Models, oldest first; figures are each model's own, out of fold on the firms that it was trained on."""
    from rich.table import Table

    table = Table(title="Models", title_justify="left")
    for heading in ("Model", "In use", "Made", "macro-F1", "mAP", "ECE", "Fault"):
        table.add_column(heading)
    for shown in models:
        made = str(shown.manifest.facts.get("created_at", "-")) if shown.manifest else "-"
        figures = ["-" if value is None else f"{value:.3f}" for value in _figures(shown)]
        table.add_row(shown.model_id, "yes" if shown.current else "", made, *figures, shown.fault)
    return table


def as_records(models: Sequence[Shown]) -> list[dict[str, Any]]:
    """The same with every fact of the manifests."""
    return [
        {
            "model_id": shown.model_id,
            "current": shown.current,
            "facts": dict(shown.manifest.facts) if shown.manifest else None,
            "libraries": dict(shown.manifest.libraries) if shown.manifest else None,
            "fault": shown.fault or None,
        }
        for shown in models
    ]


def _figures(shown: Shown) -> list[float | None]:
    metrics = metrics_of(shown)
    return [metrics.get(name) for name in FIGURES]
