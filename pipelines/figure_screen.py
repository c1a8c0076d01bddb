"""Scorecards for a person: a line per metric, its interval beside it, and in words where a figure comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from pipelines.reporting.wording import FLAG_LABELS

STATUS = {"not_available": "not available"}
WITHHELD = "suppressed"
EVERYWHERE = ("uncorrected", "no_interval", "suppressed")  # what every line, or the figure itself, says already


def scorecard_table(rows: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The scorecard; flags stand in the JSON form."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    table.add_column("Metric", overflow="fold")
    table.add_column("Figure", justify="right")
    table.add_column("Corrected (95 %)", justify="right")
    table.add_column("Of the list", justify="right")
    table.add_column("Of", overflow="fold")
    table.add_column("Note", overflow="fold")
    before = ""
    for row in rows:
        if row["ecosystem"] != before:
            before = row["ecosystem"]
            table.add_section()
            table.add_row("", f"[bold]{before.capitalize()}[/bold]", "", "", "", "", "")
        table.add_row(
            row["number"], row["title"], _figure(row), _corrected(row), _share(row["uk_share"]), _period(row),
            _source(row),
        )  # fmt: skip
    return table


def _figure(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return "withheld" if WITHHELD in row["flags"] else "-"
    return _with_unit(row["value"], row["unit"])


def _with_unit(value: float, unit: str) -> str:
    if unit == "share of 1":
        return f"{value:.1%}"
    if unit == "GBP":
        return f"£{value / 1e6:,.1f}m" if abs(value) >= 1e5 else f"£{value:,.0f}"
    shown = f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.1f}"
    return shown if unit in ("businesses", "employees") else f"{shown} {unit}"


def _corrected(row: Mapping[str, Any]) -> str:
    if row["corrected"] is None:
        return ""
    low, high = (_with_unit(row[end], row["unit"]) for end in ("corrected_low", "corrected_high"))
    return f"{_with_unit(row['corrected'], row['unit'])} ({low} to {high})"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _period(row: Mapping[str, Any]) -> str:
    period = row["period"] or (str(row["year"]) if row["year"] else "")
    return "today" if period == "latest" else period


def _source(row: Mapping[str, Any]) -> str:
    if row["status"] == "imported":
        return f"imported: {row['source']}"
    said = [FLAG_LABELS[flag] for flag in row["flags"] if flag in FLAG_LABELS and flag not in EVERYWHERE]
    return STATUS.get(row["status"], "") or ", ".join(said)
