"""A night on the terminal, within 80 columns; rich is given texts, never markup."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from pipelines.night.markdown import joined
from pipelines.night.wording import Line, Rows, Told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 80
_COLOURS = {"published": "green", "unchanged": "green", "released": "green", "held": "yellow", "failed": "red"}


def print_night(told: Told, stream: TextIO | None = None) -> None:
    """Print the document to standard output, or to ``stream``."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    stream = stream or sys.stdout
    console = Console(file=stream, width=WIDTH, highlight=False, markup=False, emoji=False)
    console.print(Text(told.headline, style=f"bold {_COLOURS.get(told.verdict, '')}".strip()))
    for reason in told.reasons:
        _print_line(console, reason)
    for part in told.parts:
        console.print()
        console.print(Text(part.title, style="bold"))
        for line in part.lines:
            _print_line(console, line)
        if part.table:
            console.print(Padding(_table(part.table), (0, 0, 0, 2)))
        for line in part.after:
            _print_line(console, line)
        for command in part.commands:  # never wrapped: it is to be copied
            stream.write(f"    {command}\n")


def _print_line(console: Console, line: Line) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=3)
    grid.add_column(overflow="fold")
    grid.add_row(Text("  -"), Text(joined(line)))
    console.print(grid)


def _table(table: Rows) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in table.columns:
        made.add_column(Text(column.heading), justify="right" if column.number else "left", overflow="fold")
    for row in table.rows:
        made.add_row(*(Text(joined((cell,))) for cell in row))
    return made
