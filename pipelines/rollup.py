"""Count the firms of every cluster, and add up their figures, for the whole list and by area.

Every sector is a cluster of its key; those that ``taxonomy.yaml`` gathers of sectors and SIC codes are counted beside
them. Parts add up: the areas of a kind, the area ``unknown`` among them, hold exactly the firms of ``all``. Clusters do
not, unless firms are counted in fractions. A count of nobody is null, not 0, where nobody could have been found. A
corrected figure never takes the place of the plain one: it is a metric of its own beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cells_by_cluster import CellsJob, all_cells
from pipelines.cluster_cells import METRICS, Corrector, Whole
from pipelines.distorting import prepared
from pipelines.engine import Engine
from pipelines.errors import UsageError
from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.geography.areas import BOUNDARIES
from pipelines.list_columns import firm_columns
from pipelines.memberships import Membership, assigned_firms, memberships
from pipelines.spreading import ALL, UNKNOWN, Ground, spread_firms
from pipelines.statistics.area_sums import AreaSums, area_sums, members_over
from pipelines.statistics.distortions import Distortion
from pipelines.statistics.figure_records import LATEST
from pipelines.statistics.firm_columns import days_of
from pipelines.statistics.flags import FLAGS
from pipelines.statistics.growth import alive
from pipelines.statistics.measures import Definitions, Measures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labels.taxonomy import Taxonomy
    from pipelines.firm_texts import Tables
    from pipelines.statistics.firm_columns import FirmColumns

BASE_YEARS = 5
# A year, of the firms of the base year. In the UK about one in ten closes a year (ONS, Business demography).
FEWEST_GONE = 0.01
MAX_YEARS = 60  # growth since before that is another question
AREA_KINDS = (ALL, "country", "region", "utla", "cauth", "lad", "custom", "postcode_area", "h3")
CORRECTED = {metric: f"{metric}_corrected" for metric in METRICS}

COLUMNS = {
    "firms": (
        "firm_id", "name", "company_number", "status", "incorporated_on", "dissolved_on", "sic_codes", "parent_id",
        "foreign_owned", "owner_country", "register_date",
    ),
    "premises": ("firm_id", "postcode", "kind", "source", "lat", "lon", "lad_code", "h3", "employees"),
    "assignments": ("firm_id", "sector", "assigned"),
}  # fmt: skip

__all__ = [
    "ALL",
    "AREA_KINDS",
    "CORRECTED",
    "FLAGS",
    "LATEST",
    "METRICS",
    "UNKNOWN",
    "Drop",
    "Ledger",
    "ListTables",
    "Rollup",
    "rollup",
]


@dataclass(frozen=True)
class ListTables:
    """Tables of a list, as Arrow, with the columns of ``pipelines.tables`` that figures rest on, or with all."""

    firms: pa.Table
    premises: pa.Table
    accounts: pa.Table
    grants: pa.Table
    assignments: pa.Table

    @classmethod
    def of(cls, tables: Tables) -> ListTables:
        """Those of the lake, without columns that no figure rests on: sentences of evidence are the most of it."""
        return cls(*(tables.read_arrow(field.name, COLUMNS.get(field.name)) for field in fields(cls)))


Correct = Callable[["FirmColumns", Ground], Corrector | None]


@dataclass(frozen=True, order=True)
class Drop:
    """A row that no figure of today counts: the reason as a word to count by, the detail as a sentence part to read."""

    firm_id: str
    reason: Literal["dissolved", "not_in_firm_list"]
    detail: str


@dataclass(frozen=True)
class Ledger:
    """What became of the rows of one table: ``rows_in == counted + len(dropped)``."""

    rows_in: int
    counted: int
    dropped: tuple[Drop, ...]  # sorted


@dataclass(frozen=True)
class Rollup:
    """Rows of the table ``cells`` without ``shard``, in a fixed order, and what was left out of them."""

    cells: pa.Table
    firms: Ledger
    assignments: Ledger
    distortions: tuple[tuple[str, Distortion], ...]  # cluster, what was found
    listed: FirmColumns = field(repr=False, compare=False)
    ground: Ground = field(repr=False, compare=False)
    members: Mapping[str, Membership] = field(repr=False, compare=False)
    withheld: frozenset[str]  # clusters that are withheld altogether


def rollup(
    taxonomy: Taxonomy,
    tables: ListTables,
    readable: Iterable[str] | pa.Array,
    untrained: Iterable[str] = (),
    rules: RollupConfig | None = None,
    where_: AreasConfig | None = None,
    correct: Correct | None = None,
    engine: Engine | None = None,
) -> Rollup:
    """Cells of every cluster, for the whole list and by area.

    Every cluster has its three plain cells of today for the area ``all``; other areas have them where a firm was
    counted. Where a cluster can be corrected, every area with a firm of the list has six: the corrected figures stand
    beside the plain ones. Other metrics stand where they can be said (pipelines/README.md).

    Args:
        taxonomy: Sectors to count, and clusters that gather them; these are never corrected.
        tables: Tables; dissolved firms are dropped from the figures of today, with the reason.
        readable: firm_id of each firm whose words, as they stand, have been classified.
        untrained: Sectors that the model cannot find; their count of nobody is null, and they are not corrected.
        rules: Allocation, counting and definitions.
        where_: Kinds of area.
        correct: Makes the corrector out of the firms and where they are. None: no figure is corrected.
        engine: Where clusters are worked out; here when not given.

    Raises:
        TableError: A firm stands twice, a sector is not in the taxonomy, or a firm is in a sector without its parent.
    """
    rules, where_ = rules or RollupConfig(), where_ or AreasConfig()
    firms = firm_columns(tables.firms, tables.accounts, tables.grants, readable, rules.amount_sources, _years(rules))
    ground = spread_firms(
        tables.premises, firms.firm_ids, rules.allocation, where_.kinds, where_.custom
    )  # fmt: skip
    assigned = assigned_firms(taxonomy, tables.assignments, firms.firm_ids)
    sorted_firms = tables.firms.select(["sic_codes", "name"]).take(pc.sort_indices(tables.firms["firm_id"]))
    members = memberships(taxonomy, assigned, sorted_firms["sic_codes"], rules.counting)
    assignments = tables.assignments
    del tables  # of all rows those of accounts are the most
    ready = prepared(firms, ground, members, rules, sorted_firms["name"])
    definitions = _definitions(rules, firms)
    in_a_sector = np.zeros(len(firms), dtype=np.bool_)
    for found in assigned.in_sector.values():
        in_a_sector[found] = True
    findable = {"read": firms.read | in_a_sector, "codes": firms.has_codes, "all": np.ones(len(firms), dtype=np.bool_)}
    bases = {
        basis: {kind: _base(firms, ground, kind, mask) for kind in ground.spreads}
        for basis, mask in findable.items()
        if basis == "read" or taxonomy.clusters
    }
    given = Whole(
        taxonomy, firms, ground, definitions, rules, bases,
        {kind: _base(firms, ground, kind, np.ones(len(firms), dtype=np.bool_)) for kind in ground.spreads},
        frozenset(untrained), _dissolved_known(firms, definitions), correct(firms, ground) if correct else None,
    )  # fmt: skip
    job = CellsJob(given, ready.counted, AREA_KINDS, rules_text(rules), BOUNDARIES)
    cells, hidden = all_cells(job, tuple(taxonomy.counted), engine)
    del given, job  # what corrections hold would stand beside the table that is made now
    ledgers = _ledgers(assignments, firms, assigned.place)
    return Rollup(cells, *ledgers, ready.distortions, firms, ground, members, hidden)


def _dissolved_known(firms: FirmColumns, definitions: Definitions) -> bool:
    """Whether dissolved firms are in the list as one would expect: of the firms of the base year some are gone."""
    if definitions.base_year is None:
        return False
    first, last = days_of(definitions.base_year)[1], days_of(firms.years[-1])[1]
    stock = alive(firms.begun, firms.ended, first).sum()
    gone = ((firms.ended > first) & (firms.ended <= last)).sum()
    return bool(gone >= FEWEST_GONE * (firms.years[-1] - definitions.base_year) * stock)


def rules_text(rules: RollupConfig) -> str:
    """What every figure says of the rules it was made by."""
    return (
        f"allocation={rules.allocation} counting={rules.counting} distortions={rules.distortions} "
        f"missing_amounts={rules.missing_amounts} amount_sources={','.join(rules.amount_sources)} "
        f"suppress_below={rules.suppress_below} dominance={rules.dominance:g}"
    )


def _years(rules: RollupConfig) -> Callable[[int], tuple[int, ...]]:
    """Years that are read, given the newest: those shown, and those that growth is measured from."""

    def wanted(newest: int) -> tuple[int, ...]:
        base = rules.base_year if newest - MAX_YEARS < rules.base_year < newest else newest - BASE_YEARS
        return tuple(range(min(newest - rules.years + 1, base, newest - rules.high_growth_years), newest + 1))

    return wanted


def _definitions(rules: RollupConfig, firms: FirmColumns) -> Definitions:
    base = (rules.base_year or firms.years[-1] - BASE_YEARS) if firms.years else None
    if base is not None and (base not in firms.years or base == firms.years[-1]):
        raise UsageError(
            f"rollup.base_year is {base}, but the newest full year of the list is {firms.years[-1]}: give a year "
            f"before it and after {firms.years[-1] - MAX_YEARS}, or 0 for five years before"
        )
    return Definitions(
        base, rules.high_growth_measure,
        rules.high_growth_rate, rules.high_growth_years, rules.high_growth_employees, rules.large_turnover_gbp,
    )  # fmt: skip


def _base(firms: FirmColumns, ground: Ground, kind: str, findable: NDArray[np.bool_]) -> AreaSums:
    """Firms of today over all areas of a kind: all, those read, and the figures that quotients compare with."""
    rows = np.flatnonzero(firms.counts & findable)
    jobs = np.where(firms.employees.imputed[rows], np.nan, firms.employees.newest[rows])
    known = np.isfinite(jobs)
    jobs = np.nan_to_num(jobs)
    columns = (np.ones(len(rows)), firms.read[rows], firms.has_codes[rows], jobs, jobs**2, known)
    matrix = np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)
    names = ("businesses", "read", "codes", "employees", "employees_squared", "employees_known")
    spread = ground.spreads[kind]
    return area_sums(spread, members_over(spread, rows), Measures(names, matrix), everywhere=True)


def _ledgers(assignments: pa.Table, firms: FirmColumns, place: NDArray[np.int64]) -> tuple[Ledger, Ledger]:
    gone = np.flatnonzero(~firms.counts)
    days = firms.ended[gone]
    known = np.isfinite(days)
    dated = np.datetime_as_string(np.datetime64("1970-01-01", "D") + np.where(known, days, 0).astype(np.int64))
    ids = firms.firm_ids.take(pa.array(gone)).to_pylist()
    drops = [
        Drop(
            firm_id, "dissolved", f"dissolved on {day}" if said else "dissolved according to its status in the register"
        )
        for firm_id, day, said in zip(ids, dated, known, strict=True)
    ]
    details = {drop.firm_id: drop for drop in drops}
    rows = np.flatnonzero((place < 0) | ~np.append(firms.counts, True)[place])
    of_rows = [
        details.get(firm_id) or Drop(firm_id, "not_in_firm_list", "removed from the firm list since it was classified")
        for firm_id in assignments["firm_id"].take(pa.array(rows)).to_pylist()
    ]
    total = len(firms)
    return (
        Ledger(total, total - len(drops), tuple(sorted(drops))),
        Ledger(len(place), len(place) - len(of_rows), tuple(sorted(of_rows))),
    )
