"""Show an explanation to a person: what was read, what was decided, and the words it rests on.

Addresses are printed on lines of their own and never broken, so that a terminal can open them; a website's words are
printed as plain text, whatever markup or control characters they hold.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.outside_text import page_text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipelines.explanation import Explanation, SectorShown

INDENT = (0, 0, 0, 2)


def print_explanation(found: Explanation, width: int | None = None) -> None:
    """Print to standard output; as wide as the terminal, or 120 columns into a file."""
    from rich.console import Console

    chosen = width or (None if sys.stdout.isatty() else 120)
    console = Console(width=chosen, highlight=False, markup=False, emoji=False)
    for part in _parts(found):
        if isinstance(part, Text) and part.no_wrap:
            console.print(part, soft_wrap=True)
        else:
            console.print(part)


def _parts(found: Explanation) -> Iterator[RenderableType]:
    yield Text.assemble((_plain(found.name), "bold"), f"  ({_plain(found.firm_id)})")
    if found.website:
        yield _address(found.website)
    yield from _reading(found)
    yield Text()
    yield from (Text(f"Beware: {caution}", "yellow") for caution in found.cautions)
    if found.in_none:
        yield Text.assemble(("In no sector: ", "bold"), _plain(found.in_none))
    shown = _shown(found)
    if shown:
        yield _sectors(shown)
    quoted: dict[tuple[str | None, str | None], str] = {}
    for one in shown:
        yield Text()
        yield Text.assemble((_plain(one.name), "bold"), "" if one.assigned else "  (not in it)")
        same = quoted.setdefault((one.url, one.sentence), one.name) if one.sentence else one.name
        if same != one.name:
            yield _indented(Text(_plain(f"The same words as for {same}.")))
        else:
            yield from _evidence(one)
    if found.model_id:
        yield Text()
        yield Text(f"Decided by model {found.model_id}. Effects are in probability, weights in log odds.", "dim")


def _reading(found: Explanation) -> Iterator[RenderableType]:
    if found.visited_at is None:
        yield Text("Not visited yet.")
    else:
        why = f" ({_plain(found.outcome_reason)})" if found.outcome_reason else ""
        yield Text(f"Last visit {_day(found.visited_at)}: {found.outcome}{why}")
    if found.pages:
        yield Text(f"Pages read: {len(found.pages)}")
        for page in found.pages:
            words = f"{page.words:,} words"
            yield _address(page.url, f"  {page.kind:<9}{words:>13}  ")


def _shown(found: Explanation) -> list[SectorShown]:
    if found.asked:
        return [found.asked]
    return [*found.sectors, *([found.near_miss] if found.near_miss else [])]


def _sectors(shown: list[SectorShown]) -> Table:
    table = Table()
    table.add_column("Sector", ratio=3, overflow="fold")
    table.add_column("Probability", justify="right", no_wrap=True)
    table.add_column("Threshold", justify="right", no_wrap=True)
    table.add_column("In it since", no_wrap=True)
    table.add_column("Why", ratio=4, overflow="fold")
    for one in shown:
        since = _day(one.since) if one.assigned and one.since else "not in it"
        table.add_row(_plain(one.name), _share(one.probability), _share(one.threshold), since, _plain(one.reason))
    return table


def _evidence(one: SectorShown) -> Iterator[RenderableType]:
    if one.sentence:
        yield _indented(Text(_quoted(one.sentence)))
        if one.url:
            yield _address(one.url, "  ")
        if one.effect is not None:
            yield _indented(Text(_without(one)))
    elif one.assigned:
        yield _indented(Text("No sentence to quote: the pages hold headings, menus or notices only."))
    elif one.probability is not None:
        yield _indented(Text("No sentence speaks for it."))
    if one.terms:
        terms = (term if weight is None else f"{term} {weight:+.2f}" for term, weight in one.terms)
        yield _indented(Text(f"Terms: {_plain(', '.join(terms))}"))
    if one.nearest:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for place, near in enumerate(one.nearest):
            name = near.name if near.begins or near.name == near.firm_id else f"{near.name} ({near.firm_id})"
            begins = f" {_quoted(near.begins)}" if near.begins else ""
            grid.add_row("Nearest:" if place == 0 else "", _share(near.similarity), Text(_plain(name) + begins))
        yield _indented(grid)


def _indented(part: RenderableType) -> Padding:
    return Padding(part, INDENT, expand=False)


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{_plain(text)}\N{RIGHT DOUBLE QUOTATION MARK}"


def _without(one: SectorShown) -> str:
    effect = one.effect or 0.0
    if effect < 0.005:  # which would be shown as nothing
        return f"No single sentence carries the score: without this one it is {'hardly' if effect > 0 else 'no'} lower."
    return f"Without this sentence the probability falls by {effect:.2f}."


def _address(url: str, before: str = "") -> Text:
    return Text(before + _plain(url), no_wrap=True, overflow="ignore")


def _plain(text: str) -> str:
    return page_text(text)


def _day(instant: datetime) -> str:
    return instant.date().isoformat()


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
