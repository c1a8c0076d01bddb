"""Work totals out again from the tables, apart from the roll-up that made them: none may be off.

Areas add up for counts, employees and turnover as they stand; corrected figures are estimates of each area by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cluster_cells import METRICS
from pipelines.firm_facts import DISSOLVED
from pipelines.outside_text import page_text
from pipelines.spreading import ALL
from pipelines.statistics.figure_records import LATEST
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from labels.taxonomy import Taxonomy
    from pipelines.figures import Moment

CUSTOM = "custom"  # the user's own areas may overlap and need not cover the list
COUNT = METRICS[0]
ONCE = ("firms", "sites", "assignments", "cells")  # tables in which a row that stands twice is counted twice
TOLERANCE = 1e-6  # relative: sums of the same floats in another order
MAX_SAID = 5


@dataclass(frozen=True)
class Totals:
    """How many totals were worked out again, and what did not bear out, in sentences."""

    checked: int
    breaks: tuple[str, ...]


def check_totals(moment: Moment, taxonomy: Taxonomy) -> Totals:
    """Rows that stand twice, areas that do not add up, parts above their whole, counts that are not the list's."""
    cells = moment.read_arrow("cells", ["cluster", "area_kind", "area_code", "metric", "period", "value", "n", "flags"])
    wanted = pc.and_(pc.equal(cells["period"], LATEST), pc.is_in(cells["metric"], value_set=pa.array(METRICS)))
    keys = {name: cells if name == "cells" else moment.read_arrow(name, TABLES[name].key) for name in ONCE}
    breaks = [said for name, rows in keys.items() for said in _doubled(name, rows)]
    cells = cells.filter(wanted)
    figures = _whole_and_parts(cells)
    areas = list(_areas(figures))
    metric, kind = (figures.index.get_level_values(name) for name in ("metric", "area_kind"))
    businesses = figures[(metric == COUNT) & (kind == ALL)].droplevel(["metric", "area_kind"]).dropna()
    parts = list(_parts(_by_cluster(businesses["value"]), taxonomy))
    firms = moment.read_arrow("firms", ["firm_id", "status", "dissolved_on"])
    assignments = moment.read_arrow("assignments", ["firm_id", "sector", "assigned"])
    counts = list(_counts(_by_cluster(businesses["n"]), firms, assignments, taxonomy))
    for found in (areas, parts, counts):
        breaks += [said for said in found if said]
    checked = len(ONCE) + len(areas) + len(parts) + len(counts)
    more = len(breaks) - MAX_SAID
    return Totals(checked, (*breaks[:MAX_SAID], *([f"{more:,} totals more do not bear out."] if more > 0 else [])))


def counted(firms: pa.Table) -> pa.Array:
    """firm_id of each firm that stands in the figures of today: not dissolved."""
    gone = pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(firms["status"])), DISSOLVED)
    gone = pc.or_(pc.fill_null(gone, False), pc.is_valid(firms["dissolved_on"]))
    return firms["firm_id"].filter(pc.invert(gone)).combine_chunks()


def _doubled(name: str, rows: pa.Table) -> Iterator[str]:
    keys = list(TABLES[name].key)
    doubled = len(rows) - len(rows.group_by(keys).aggregate([]))
    if doubled:
        seen = rows.group_by(keys).aggregate([([], "count_all")])
        first = min(
            tuple(row[key] for key in keys) for row in seen.filter(pc.greater(seen["count_all"], 1)).to_pylist()
        )
        rows_stand = "1 row" if doubled == 1 else f"{doubled:,} rows"
        stands = "stands" if doubled == 1 else "stand"
        yield f"{rows_stand} of the table {name} {stands} twice, first {page_text(' / '.join(map(str, first)))}."


def _whole_and_parts(cells: pa.Table) -> pd.DataFrame:
    """Values per cluster (row), metric and kind of area (columns); nan: withheld, or not known."""
    flags = cells["flags"].combine_chunks()
    hidden = np.zeros(len(flags), dtype=np.bool_)
    hidden[np.asarray(pc.list_parent_indices(flags).filter(pc.equal(flags.flatten(), "suppressed")))] = True
    frame = cells.drop_columns(["flags", "period"]).to_pandas().assign(hidden=hidden)
    frame = frame[frame["area_kind"] != CUSTOM]
    by = frame.groupby(["cluster", "metric", "area_kind"])
    made: pd.DataFrame = by.agg(
        value=("value", lambda found: found.sum(min_count=1)), n=("n", "sum"), hidden=("hidden", "any")
    )
    made.loc[made["hidden"], ["value", "n"]] = np.nan
    return made


def _by_cluster(figures: pd.Series[float]) -> dict[str, float]:
    return {str(cluster): float(value) for cluster, value in figures.items()}


def _areas(figures: pd.DataFrame) -> Iterator[str | None]:
    """One verdict per cluster, metric and kind of area of which nothing is withheld."""
    by_kind = figures["value"].unstack("area_kind")
    hidden = figures["hidden"].unstack("area_kind", fill_value=False)
    for kind in sorted(set(by_kind.columns) - {ALL}) if ALL in by_kind else ():
        shown = by_kind[ALL].notna() & ~hidden[kind]
        whole, parts = by_kind[ALL][shown], by_kind[kind][shown].fillna(0.0)
        for (cluster, metric), total, part in zip(whole.index, whole, parts, strict=True):
            yield (
                f"{metric} of {cluster}: areas of kind {kind} add up to {part:,.6g}, the whole list has {total:,.6g}."
                if abs(part - total) > TOLERANCE * max(abs(total), 1.0)
                else None
            )


def _parts(whole: Mapping[str, float], taxonomy: Taxonomy) -> Iterator[str | None]:
    """One verdict per sector and parent, and per cluster and sector it gathers."""
    pairs = [(sector.key, parent) for sector in taxonomy.sectors for parent in sector.parents]
    pairs += [(key, cluster.key) for cluster in taxonomy.clusters for key in cluster.sectors]
    for part, of in pairs:
        if part in whole and of in whole:
            more = whole[part] > whole[of] * (1 + TOLERANCE) + TOLERANCE
            yield f"{part} has {whole[part]:,.6g} businesses, {of}, which holds it, {whole[of]:,.6g}." if more else None


def _counts(
    whole: Mapping[str, float], firms: pa.Table, assignments: pa.Table, taxonomy: Taxonomy
) -> Iterator[str | None]:
    """One verdict per sector, and per cluster that gathers sectors only: its firms are those of the list."""
    rows = assignments.filter(pc.fill_null(assignments["assigned"], False))
    rows = rows.filter(pc.is_in(rows["firm_id"], value_set=counted(firms)))
    gathered = {key: [key] for key in taxonomy.keys}
    gathered |= {cluster.key: list(cluster.sectors) for cluster in taxonomy.clusters if not cluster.sic}
    for key, sectors in gathered.items():
        if key in whole:
            of_list = rows["firm_id"].filter(pc.is_in(rows["sector"], value_set=pa.array(sectors, pa.string())))
            size = pc.count_distinct(of_list).as_py()
            yield (
                f"The list of {key} has {size:,} firms, its figures count {whole[key]:,.6g}."
                if size != whole[key]
                else None
            )
