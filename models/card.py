"""The model card: what a model is, what it was trained on, how good it is, and what it cannot say.

Figures are printed as handed in; the card computes nothing, so it cannot disagree with the evaluation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CardTable:
    """One table of the card; cells are text already rounded for reading."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def model_card(
    title: str, summary: str, facts: Mapping[str, str], tables: Sequence[CardTable], limits: Sequence[str]
) -> str:
    """A card in Markdown.

    Args:
        title: One line.
        summary: What the model is for, one paragraph.
        facts: Name and value, printed in order.
        tables: For instance figures per sector.
        limits: What the figures cannot say, one sentence each.
    """
    lines = [f"# {_cell(title)}", "", summary, "", "| | |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(value)} |" for name, value in facts.items()]
    for table in tables:
        lines += ["", f"## {_cell(table.title)}", ""]
        lines.append("| " + " | ".join(_cell(column) for column in table.columns) + " |")
        lines.append("|" + "---|" * len(table.columns))
        lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table.rows]
        if table.note:
            lines += ["", table.note]
    lines += ["", "## What this model cannot say", ""]
    lines += [f"- {limit}" for limit in limits]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
