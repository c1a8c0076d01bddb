"""Show a person what changed between two states: sizes by cause, figures, then firm by firm with the sentence.

Names, reasons and sentences are strangers' words: printed as plain text, on one line each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.outside_text import page_text
from pipelines.rollup import METRICS
from pipelines.screen import number, pounds

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipelines.churn.headlines import Headline
    from pipelines.churn.result import Churn, ListChurn, Move

SHOWN = 20  # firms of a list that are printed, each way; --json has more
MONEY = "turnover_gbp"
_SENTENCE = {"came": "New on its site", "went": "No longer on its site", "stays": "On its site then and now"}


def print_diff(found: Churn, figures: Sequence[Headline], width: int | None = None) -> None:
    """Print to standard output; as wide as the terminal, or 120 columns into a file."""
    from rich.console import Console

    chosen = width or (None if sys.stdout.isatty() else 120)
    console = Console(width=chosen, highlight=False, markup=False, emoji=False)
    for part in _parts(found, figures):
        console.print(part)


def cause_words(counts: Mapping[str, int]) -> str:
    """Causes with their numbers, the most frequent first: ``3 site changed, 1 register changed``."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count:,} {cause.replace('_', ' ')}" for cause, count in ordered)


def _parts(found: Churn, figures: Sequence[Headline]) -> Iterator[RenderableType]:
    moved = [one for one in found.lists if one.entered or one.left]
    yield Text(f"From {found.before or 'before'} to {found.after or 'now'}")
    if moved:
        yield _lists_table(moved)
    still = len(found.lists) - len(moved)
    if still:
        lists = "list" if still == 1 else "lists"
        yield Text(
            f"{still} {lists} without a firm that entered or left." if moved else "No firm entered or left a list."
        )
    if figures:
        yield _figures_table(figures, {one.key: one.name for one in found.lists})
    for one in moved:
        yield Text(f"\n{page_text(one.name)} ({one.key})", style="bold")
        for entered, heading in ((True, "entered"), (False, "left")):
            yield from _firms([move for move in found.of_list(one.key) if move.entered == entered], heading)
    for note in found.notes:
        yield Text(page_text(note))


def _lists_table(moved: Sequence[ListChurn]) -> Table:
    table = Table(title="Firms in each list", title_justify="left")
    table.add_column("List")
    for heading in ("Before", "Entered", "Left", "After"):
        table.add_column(heading, justify="right")
    table.add_column("Why")
    for one in moved:
        sums = (one.before, sum(one.entered.values()), sum(one.left.values()), one.after)
        table.add_row(page_text(one.name), *(f"{value:,}" for value in sums), cause_words(one.by_cause))
    return table


def _figures_table(figures: Sequence[Headline], names: Mapping[str, str]) -> Table:
    table = Table(title="Figures that changed, for the whole list", title_justify="left")
    table.add_column("List")
    for metric in METRICS:
        table.add_column(metric.removesuffix("_gbp").capitalize(), justify="right")
    by_list: dict[str, dict[str, str]] = {}
    for one in figures:
        shown = pounds if one.metric == MONEY else number
        by_list.setdefault(one.key, {})[one.metric] = f"{shown(one.before)} to {shown(one.after)}"
    for key, said in by_list.items():
        table.add_row(page_text(names.get(key, key)), *(said.get(metric, "") for metric in METRICS))
    return table


def _firms(moves: Sequence[Move], heading: str) -> Iterator[RenderableType]:
    for move in moves[:SHOWN]:
        through = f", with {move.through}" if move.through else ""
        said = f"{page_text(move.name)} ({page_text(move.firm_id)}) {heading}{through}"
        yield Padding(Text(f"{said}: {move.cause.replace('_', ' ')}; {page_text(move.detail)}"), (0, 0, 0, 2))
        if move.sentence:
            quoted = f"{_SENTENCE[move.sentence_is]}: \N{LEFT DOUBLE QUOTATION MARK}{page_text(move.sentence)}"
            yield Padding(Text(f"{quoted}\N{RIGHT DOUBLE QUOTATION MARK}"), (0, 0, 0, 4))
    if len(moves) > SHOWN:
        yield Padding(Text(f"... and {len(moves) - SHOWN:,} more that {heading}; --json lists more"), (0, 0, 0, 2))
