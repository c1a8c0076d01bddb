"""What a person sees of coders' agreement and of doubtful judgements, on standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from pipelines.runs import one_line
from pipelines.screen import interval, print_table

if TYPE_CHECKING:
    from labels.agreement import Agreement, Conflict, Reliability
    from pipelines.label_checks import Check

MAX_ROWS = 30  # what a person reads at once; --json has all


def agreement_table(found: Sequence[Agreement]) -> Table:
    """Agreement of every two coders, sector by sector, with 95 % intervals."""
    table = Table(title="Agreement of coders on the firms that both judged", title_justify="left")
    table.add_column("Sector", no_wrap=True)
    table.add_column("Coders")
    for heading in ("Firms", "Unsure", "Raw", "Cohen's kappa", "Gwet's AC1"):
        table.add_column(heading, justify="right")
    for at in found:
        firms = sum(map(sum, at.table))
        measures = map(interval, (at.raw, at.kappa, at.ac1))
        table.add_row(at.sector, escape(" and ".join(at.coders)), str(firms), str(at.unsure), *measures)
    return table


def reliability_table(found: Sequence[Reliability]) -> Table:
    """Agreement of all coders of a sector together, with 95 % intervals."""
    table = Table(title="Agreement of all coders of a sector", title_justify="left")
    table.add_column("Sector", no_wrap=True)
    table.add_column("Coders")
    for heading in ("Firms", "Krippendorff's alpha"):
        table.add_column(heading, justify="right")
    for at in found:
        table.add_row(at.sector, escape(", ".join(at.coders)), str(at.firms), interval(at.alpha))
    return table


def conflict_table(found: Sequence[Conflict]) -> Table:
    """Open disagreements, a column a coder, with what they noted."""
    coders = sorted({coder for conflict in found for coder, _ in conflict.words})
    table = Table(title="Disagreements that nobody has settled", title_justify="left", show_lines=True)
    for heading in ("Firm", "Sector", *coders):
        table.add_column(escape(heading), overflow="fold")
    for conflict in found[:MAX_ROWS]:
        said = {
            coder: f"{label}\n{one_line(note)}" if note else label
            for (coder, label), note in zip(conflict.words, conflict.notes, strict=True)
        }
        cells = (conflict.firm_id, conflict.sector, *(said.get(coder, "") for coder in coders))
        table.add_row(*map(escape, cells))
    return table


def print_check(found: Check) -> None:
    """Print the judgements to look at again."""
    flagged = sum(at.flagged for at in found.doubtful)
    sys.stdout.write(
        f"{found.judged} judged pairs of firm and sector. The model, which did not learn from them, contradicts "
        f"{len(found.doubtful)}; {flagged} of these (*) are more likely wrong than the model is.\n"
    )
    if found.unscored:
        sys.stdout.write(f"Too few labels to tell: {', '.join(found.unscored)}.\n")
    if found.doubtful:
        print_table(_doubtful_table(found))
    if found.outdated:
        print_table(_outdated_table(found))
    if max(len(found.doubtful), len(found.outdated)) > MAX_ROWS:
        sys.stdout.write(f"The first {MAX_ROWS} of each are shown; --json lists them all.\n")


def _doubtful_table(found: Check) -> Table:
    table = Table(title="Judgements that the model contradicts", title_justify="left")
    for heading in ("", "Firm", "Name", "Sector", "Judged", "By", "Model"):
        table.add_column(heading, overflow="fold")
    for at in found.doubtful[:MAX_ROWS]:
        by = ", ".join(f"{coder} {day[:10]}" for coder, day, _ in at.said)
        cells = ("*" if at.flagged else "", at.firm_id, one_line(at.name), at.sector, at.label, by)
        table.add_row(*map(escape, cells), f"{at.probability:.2f}")
    return table


def _outdated_table(found: Check) -> Table:
    table = Table(title="Judgements on words that have changed since", title_justify="left")
    for heading in ("Firm", "Name", "Sector", "Judged", "By", "On", "Why"):
        table.add_column(heading, overflow="fold")
    for at in found.outdated[:MAX_ROWS]:
        why = f"{at.why} (read {at.since[:10]})"
        cells = (at.firm_id, one_line(at.name), at.sector, at.label, at.coder, at.labelled_on[:10], why)
        table.add_row(*map(escape, cells))
    return table
