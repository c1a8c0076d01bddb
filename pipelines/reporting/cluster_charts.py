"""The charts of a cluster's page: firms incorporated, businesses and employees by year, each with its limits."""

from __future__ import annotations

from pipelines.reporting.cell_index import Cell, ClusterCells
from pipelines.reporting.charts import YearValue, year_bars
from pipelines.reporting.cluster_content import Chart, YearRow

_TITLES = {
    "incorporations": "Firms incorporated by year",
    "businesses": "Businesses by year",
    "employees": "Employees by year",
}
_NOTES = {
    "incorporations": "Today's firms of the cluster by the year of their incorporation, dissolved since or not.",
    "businesses": "Today's firms of the cluster that stood on the last day of the year.",
}


def charts(cells: ClusterCells) -> tuple[Chart, ...]:
    """Charts of the metrics of which at least one year is known."""
    made = []
    for metric, title in _TITLES.items():
        found = cells.years(metric)
        if any(cell.value for _, cell in found):
            values = [YearValue(year, cell.value) for year, cell in found]
            told = "; ".join(f"{year}: {_told(cell)}" for year, cell in found)
            note = _NOTES.get(metric) or _who(found)
            drawn = year_bars(title, metric, values, told)
            made.append(Chart(metric, title, note, drawn, tuple(YearRow(year, cell) for year, cell in found)))
    return tuple(made)


def _who(found: list[tuple[int, Cell]]) -> str:
    """Which firms are in a sum of accounts: a rise can be more firms that file."""
    (first, at_first), (last, at_last) = found[0], found[-1]
    return (
        f"Of firms whose number is known for the year: {at_first.n:,} in {first}, {at_last.n:,} in {last}. A year with "
        "more firms that file looks larger; growth above is of the same firms at both ends."
    )


def _told(cell: Cell) -> str:
    if cell.value is None:
        return "withheld" if cell.withheld else "not known"
    return f"{cell.value:,.0f}"
