"""Tables of areas of a cluster's page, and the areas ranked by how special they are for the cluster.

Only an area with enough firms has a location quotient (``rollup.quotient_firms``); the others follow it, by firms.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.reporting.cell_index import OF_AREAS, Cell, ClusterCells
from pipelines.reporting.charts import Whisker, whiskers
from pipelines.reporting.cluster_content import AreaRow, AreaTable, Quotients
from pipelines.reporting.cluster_words import AREA_TITLES
from pipelines.reporting.wording import NOT_KNOWN
from pipelines.rollup import METRICS, UNKNOWN

MAX_ROWS = 40
MAX_DRAWN = 15
QUOTIENT = "location_quotient"


def area_table(cells: ClusterCells, kind: str, name: Callable[[str, str], str]) -> AreaTable | None:
    """Areas of a kind with the cluster's figures, ranked by location quotient, then by businesses; None: there is none.

    Args:
        cells: The cluster's.
        kind: Kind of area.
        name: Name of an area, by kind and code.
    """
    codes = cells.codes(kind)
    if not set(codes) - {UNKNOWN}:
        return None
    found = {code: _figures(cells, kind, code) for code in codes}

    def order(code: str) -> tuple[bool, float, float, str]:
        quotient, businesses = _value(found[code].get(QUOTIENT)), _value(found[code].get(METRICS[0]))
        return (code == UNKNOWN, -1.0 if quotient is None else -quotient - 2.0, -(businesses or 0.0), code)

    ranked = sorted(codes, key=order)
    rows = [AreaRow(None if code == UNKNOWN else name(kind, code), found[code]) for code in ranked]
    placed = sum(_value(figures.get(QUOTIENT)) is not None for code, figures in found.items() if code != UNKNOWN)
    too_few = len(set(codes) - {UNKNOWN}) - placed
    return AreaTable(kind, AREA_TITLES[kind], tuple(rows[:MAX_ROWS]), max(0, len(rows) - MAX_ROWS), placed, too_few)


def quotients(table: AreaTable | None) -> Quotients | None:
    """The first areas of a table as a drawing of their quotients; None where no area has one."""
    if table is None or not table.ranked:
        return None
    placed = [
        Whisker(row.name, cell.value, cell.low, cell.high, quotient_words(cell))
        for row in table.rows
        if row.name is not None and (cell := row.figures.get(QUOTIENT)) is not None and cell.value is not None
    ][:MAX_DRAWN]
    drawn = whiskers(f"{table.title} by location quotient", "quotients", placed)
    return Quotients(table.title, drawn, len(placed), table.ranked, table.too_few)


def quotient_words(cell: Cell) -> str:
    """A quotient with its interval, two decimals each."""
    if cell.value is None or cell.low is None or cell.high is None:
        return NOT_KNOWN if cell.value is None else f"{cell.value:.2f}"
    return f"{cell.value:.2f} ({cell.low:.2f} to {cell.high:.2f})"


def _figures(cells: ClusterCells, kind: str, code: str) -> dict[str, Cell]:
    return {metric: cell for metric in OF_AREAS if (cell := cells.find(metric, kind, code)) is not None}


def _value(cell: Cell | None) -> float | None:
    return cell.value if cell is not None else None
