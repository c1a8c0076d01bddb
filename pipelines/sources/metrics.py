"""``import metrics``: figures that others publish on a cluster in an area, for the rows that no firm data can fill.

Nothing is worked out of them: a figure is taken as it was published, with its unit, its source and its year. A row
takes the place of the one held of the same metric, cluster, area, year and source.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from labels.taxonomy import load_taxonomy
from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.sources.cells import number
from pipelines.sources.csv_files import BadRow, Row
from pipelines.sources.dropping import Drop, drop_rows
from pipelines.sources.workbooks import how_read, table_rows
from pipelines.workspace import Workspace

KIND = "a table of metrics"
COLUMNS = ("metric", "cluster", "area", "value", "unit", "source", "year")
EVERYWHERE = "all"
_EVERYWHERE = {"all", "uk", "united kingdom", "k02000001"}  # the last is the ONS code of the United Kingdom
FIRST_YEAR = 1900
MAX_CHARS = {"metric": 100, "unit": 60, "source": 500}

Key = tuple[str, str, str, int, str]


@dataclass(frozen=True)
class PublishedFigure:
    """A figure somebody else publishes; ``area`` is an ONS code, the name of an area of your own, or ``all``."""

    metric: str
    cluster: str
    area: str
    value: float
    unit: str
    source: str
    year: int

    @property
    def key(self) -> Key:
        """What a row is the only one of."""
        return self.metric, self.cluster, self.area, self.year, self.source


@dataclass(frozen=True)
class MetricsReport:
    """What came of an import."""

    rows: int
    figures: int
    metrics: int
    new: int
    how_read: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The report in words, for the screen."""
        return [
            *self.how_read,
            f"{self.rows:,} rows read: {self.figures:,} figures of {self.metrics:,} metrics, {self.new:,} of them not "
            "held before in this form",
            *(f"Not taken: {count:,} {reason}" for reason, count in sorted(self.dropped.items())),
        ]


@dataclass(frozen=True)
class Known:
    """Clusters and areas that figures may be about."""

    clusters: Collection[str]
    custom: Collection[str]
    codes: Collection[str]


class _BadFigureError(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def import_metrics(run: Run, path: Path) -> MetricsReport:
    """Read a CSV file or workbook of metric, cluster, area, value, unit, source, year into ``published_metrics``.

    Raises:
        UsageError: A wrong file, or no row that can be used; nothing was written.
    """
    lake, known = run.workspace.lake, known_in(run.workspace)
    with run.stage("import") as counts:
        rows, drops = table_rows(path, COLUMNS, KIND), list[Drop]()
        found: defaultdict[Key, list[tuple[int, PublishedFigure]]] = defaultdict(list)
        for row in rows:
            counts.rows_in += 1
            try:
                figure = read_figure(row, known, run.started_at.year)
                found[figure.key].append((row.number, figure))
            except _BadFigureError as error:
                drops.append((_subject(path, row.number), error.reason, error.detail))
        if not found:
            first = f"the first, {drops[0][0]}: {drops[0][1]} ({drops[0][2]})" if drops else "there are none"
            raise UsageError(f"{path}: none of the {counts.rows_in:,} rows can be used; {first}")
        made = _settled(path, found, drops)
        counts.rows_out = counts.rows_in - len(drops)
        dropped = drop_rows(run, counts, drops)
        held = {
            (row["metric"], row["cluster"], row["area"], row["year"], row["source"]): row
            for row in lake.read_arrow("published_metrics").to_pylist()
        }
        for row in held.values():
            row.pop("shard")
        fresh = {key: asdict(figure) for key, figure in made.items()}
        written = lake.replace_all("published_metrics", list((held | fresh).values()), run.run_id) if fresh else 0
        counts.written["published_metrics"] = written
    return MetricsReport(
        rows=counts.rows_in,
        figures=len(made),
        metrics=len({figure.metric for figure in made.values()}),
        new=sum(held.get(key) != row for key, row in fresh.items()),
        how_read=tuple(how_read(rows)),
        dropped=dropped,
    )


def known_in(workspace: Workspace) -> Known:
    """Clusters and sectors of the workspace's taxonomy, its own areas, and the codes of all others."""
    from pipelines.geography.areas import KINDS, shipped

    areas = shipped()
    codes = {code for kind in KINDS for code in areas.codes(kind)}
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    return Known((*taxonomy.counted, EVERYWHERE), tuple(workspace.config.areas.custom), codes)


def read_figure(row: Row | BadRow, known: Known, this_year: int) -> PublishedFigure:
    """The figure of a row.

    ``17%`` is 17 with the unit %, where the unit is empty or % itself. The cluster may be ``all``: every firm.

    Raises an error with a reason word: empty_cell, too_long, unknown_cluster, unknown_area, bad_value, bad_year,
    future_year.
    """
    if isinstance(row, BadRow):
        raise _BadFigureError(row.reason, row.detail)
    cells = {name: row.cells[name] for name in COLUMNS}
    for name in ("metric", "cluster", "area", "value", "source", "year"):
        if not cells[name]:
            raise _BadFigureError("empty_cell", name)
    for name, most in MAX_CHARS.items():
        if len(cells[name]) > most:
            raise _BadFigureError("too_long", f"{name} has {len(cells[name]):,} characters, at most {most}")
    value, unit = _value(cells["value"], cells["unit"])
    return PublishedFigure(
        cells["metric"], _cluster(cells["cluster"], known), _area(cells["area"], known), value, unit, cells["source"],
        _year(cells["year"], this_year),
    )  # fmt: skip


def _cluster(cell: str, known: Known) -> str:
    if cell in known.clusters:
        return cell
    near = difflib.get_close_matches(cell.lower(), known.clusters, n=1, cutoff=0.5)
    raise _BadFigureError("unknown_cluster", f"{cell[:50]!r}" + (f"; did you mean {near[0]}?" if near else ""))


def _area(cell: str, known: Known) -> str:
    if cell.lower() in _EVERYWHERE:
        return EVERYWHERE
    if cell in known.custom:
        return cell
    if cell.upper() in known.codes:
        return cell.upper()
    near = difflib.get_close_matches(cell, [*known.custom, *known.codes], n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else "; expected an ONS code, an area of areas.custom, or all"
    raise _BadFigureError("unknown_area", f"{cell[:50]!r}{hint}")


def _value(cell: str, unit: str) -> tuple[float, str]:
    percent = cell.endswith("%")
    if percent and unit not in ("", "%"):
        raise _BadFigureError("bad_value", f"{cell[:50]!r} with the unit {unit!r}; give one of the two")
    value = number(cell.removesuffix("%"))
    if value is None:
        raise _BadFigureError("bad_value", f"{cell[:50]!r}, expected a number such as 1,200.5 or 17%")
    if not percent and not unit:
        raise _BadFigureError("empty_cell", "unit")
    return value, "%" if percent else unit


def _year(cell: str, this_year: int) -> int:
    if not (len(cell) == 4 and cell.isascii() and cell.isdigit() and int(cell) >= FIRST_YEAR):
        raise _BadFigureError("bad_year", f"{cell[:50]!r}, expected four digits such as 2023")
    if int(cell) > this_year:
        raise _BadFigureError("future_year", cell)
    return int(cell)


def _settled(
    path: Path, found: Mapping[Key, list[tuple[int, PublishedFigure]]], drops: list[Drop]
) -> dict[Key, PublishedFigure]:
    """Of rows that say the same the first; of rows that disagree about one figure none."""
    made = {}
    for key, said in found.items():
        first, figure = said[0]
        if any(other != figure for _, other in said):
            drops += [
                (_subject(path, row), "contradicting_rows", f"row {first} and others disagree") for row, _ in said
            ]
            continue
        drops += [(_subject(path, row), "duplicate_row", f"stands already in row {first}") for row, _ in said[1:]]
        made[key] = figure
    return made


def _subject(path: Path, row: int) -> str:
    return f"{path.name}, row {row}"
