"""What a person sees while firmscope works: progress on standard error, tables on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from classifier.counting.records import Interval
    from classifier.evaluation import Evaluation
    from labels.agreement import Measure
    from pipelines.audit_files import Audit
    from pipelines.auditing import SectorProgress
    from pipelines.nightly import ClusterRow

Progress = Callable[[int, int], None]


class Screen:
    """Progress bars for long work; silent where standard error is not a terminal."""

    def __init__(self) -> None:
        """Nothing is shown before the first bar."""
        self._bars: Bars | None = None

    @contextmanager
    def bar(self, title: str) -> Iterator[Progress]:
        """A bar that the work moves by calling ``progress(done, total)``; gone when the work is. Bars may be nested."""
        with self._shown() as bars:
            task = bars.add_task(f"{title:<32}", total=None)
            try:
                yield lambda done, total: bars.update(task, completed=done, total=total)
            finally:
                bars.remove_task(task)

    @contextmanager
    def _shown(self) -> Iterator[Bars]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        if self._bars is not None:
            yield self._bars
            return
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        disable = not console.is_terminal
        with RichProgress(*columns, console=console, transient=True, disable=disable) as self._bars:
            try:
                yield self._bars
            finally:
                self._bars = None


def print_table(table: Table) -> None:
    """Print a table to standard output."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 120
    Console(width=width, highlight=False).print(table)


def rows_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of any kind; columns in which nothing stands are left out."""
    table = Table()
    names = [name for name in rows[0] if any(row[name] not in (None, "", [], ()) for row in rows)]
    for name in names:
        table.add_column(name.replace("_", " ").capitalize(), overflow="fold")
    for row in rows:
        table.add_row(*(_plain(row[name]) for name in names))
    return table


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
    return "-" if value is None else str(value)


def number(value: float | None) -> str:
    """A figure for a person: thousands separated, ``-`` when it is not known."""
    return "-" if value is None or value != value else f"{value:,.0f}"


def pounds(value: float | None) -> str:
    """A sum of money for a person, in millions of pounds."""
    return "-" if value is None or value != value else f"£{value / 1e6:,.1f}m"


def cluster_table(clusters: Sequence[ClusterRow]) -> Table:
    """Clusters with businesses, employees and turnover; those of which nothing is known stand below, not as 0."""
    table = Table(title="Clusters found in this list", title_justify="left")
    table.add_column("Cluster")
    for heading in ("Businesses", "Employees", "Turnover"):
        table.add_column(heading, justify="right")
    found = [row for row in clusters if row.businesses]
    for row in sorted(found, key=lambda row: (-(row.businesses or 0), row.name)):
        shown = f"{row.name} (parts only)" if row.not_trained else row.name
        table.add_row(shown, number(row.businesses), number(row.employees), pounds(row.turnover_gbp))
    table.caption = " ".join(_beside(clusters)) or None
    return table


def _beside(clusters: Sequence[ClusterRow]) -> Iterator[str]:
    empty = sum(row.businesses == 0 for row in clusters)
    if empty:
        yield f"{empty} cluster{' has' if empty == 1 else 's have'} no business in this list."
    not_trained = [row.name for row in clusters if row.businesses is None and row.not_trained]
    if not_trained:
        yield f"Not counted, because the model was not trained for them: {', '.join(not_trained)}."
    unknown = sum(row.businesses is None and not row.not_trained for row in clusters)
    if unknown:
        yield f"{unknown} clusters are not known: no firm was read and classified."
    if any(row.businesses and row.not_trained for row in clusters):
        yield "Parts only: the model was not trained for the cluster; its firms are those of its parts."


def runs_table(manifests: Sequence[Mapping[str, Any]]) -> Table:
    """Runs, oldest first."""
    table = Table(title="Runs", title_justify="left")
    for heading in ("Run", "Command", "Outcome", "Seconds", "Tables changed"):
        table.add_column(heading)
    for manifest in manifests:
        changed = manifest["notes"].get("tables_changed")  # a run that was killed has not said
        shown = manifest["notes"].get("error") or ("not known" if changed is None else ", ".join(changed) or "none")
        table.add_row(manifest["run_id"], manifest["stage"], manifest["outcome"], _seconds(manifest), shown)
    return table


def _seconds(manifest: Mapping[str, Any]) -> str:
    if not manifest["ended_at"]:
        return "-"
    took = datetime.fromisoformat(manifest["ended_at"]) - datetime.fromisoformat(manifest["started_at"])
    return f"{took.total_seconds():.0f}"


def evaluation_tables(evaluation: Evaluation, evaluated_on: str) -> list[Table]:
    """Overall figures beside the baselines, then one row per sector."""
    title = f"{evaluation.n_test} {evaluated_on} scored by a model trained on {evaluation.n_train} others"
    overall = Table(title=title, title_justify="left")
    overall.add_column("Method")
    for heading in ("Macro-F1", "Micro-F1", "mAP"):
        overall.add_column(heading, justify="right")
    methods = (evaluation.ours, *evaluation.baselines)
    for method in methods:
        overall.add_row(method.method, *map(share, (method.macro_f1, method.micro_f1, method.mean_average_precision)))
    sectors = Table(title="By sector, firmscope; the best F1 of the other methods beside it", title_justify="left")
    sectors.add_column("Sector", no_wrap=True, min_width=max(len(found.sector) for found in evaluation.ours.sectors))
    at_prevalence = any(found.at_prevalence for found in evaluation.ours.sectors)
    headings = ("Judged", "Support", "Precision", "Recall", "F1", "AP", "ECE", "Best other F1")
    for heading in (*headings, *(("Precision at prevalence",) if at_prevalence else ())):
        sectors.add_column(heading, justify="right")
    for place, found in enumerate(evaluation.ours.sectors):
        rivals = [method.sectors[place].f1 for method in methods[1:]]
        best = max((f1 for f1 in rivals if f1 is not None), default=None)
        shown = [found.precision, found.recall, found.f1, found.average_precision, found.ece, best]
        if at_prevalence:
            shown.append(found.at_prevalence.precision if found.at_prevalence else None)
        sectors.add_row(found.sector, number(found.judged), number(found.support), *map(share, shown))
    return [overall, sectors]


def share(value: float | None) -> str:
    """A figure between 0 and 1 for a person: three digits, ``-`` when it is not known."""
    return "-" if value is None or value != value else f"{value:.3f}"


def audit_table(audit: Audit, progress: Sequence[SectorProgress]) -> Table:
    """How far an audit is, sector by sector, and the precision and recall that it says so far."""
    title = f"Audit {audit.audit_id} of model {audit.model_id}, drawn on {audit.drawn_on}"
    table = Table(title=title, title_justify="left")
    table.add_column("Sector", no_wrap=True)
    for heading in ("Drawn", "Judged", "Twice", "Known", "Conflicts", "Precision", "Recall"):
        table.add_column(heading, justify="right")
    for at in progress:
        found = at.result
        counts = (len(found.firm_ids), found.words, found.twice, int(found.known.sum()), at.conflicts)
        table.add_row(found.sector, *map(str, counts), interval(at.quality.precision), interval(at.quality.recall))
    return table


def interval(found: Interval | Measure | None) -> str:
    """A figure with its 95 % interval; ``-`` when it is not known."""
    if found is None or found.value is None:
        return "-"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
