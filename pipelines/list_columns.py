"""Read the tables of a list into columns: firms, their amounts by year, premises over areas, members of clusters.

Rows are put in the order of firm_id before anything is added, so that neither their order in the tables nor their
shards can show in the last digit of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import TableError
from pipelines.firm_facts import DISSOLVED
from pipelines.sources.precedence import settle
from pipelines.statistics.firm_columns import Amounts, FirmColumns, Grants

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIGURES = {"employees": "employees_imputed", "turnover_gbp": "turnover_imputed"}  # and who says that it was estimated
ROWS_SETTLED = 4_000_000  # rows of accounts at a time: about 1 GB of copies
_SETTLED = (
    "firm_id",
    "period_end",
    "employees",
    "turnover_gbp",
    "source",
    "imputed",
    "filing",
    "filed_on",
    "period_start",
)
DAYS_1970 = np.datetime64("1970-01-01", "D")


def firm_columns(
    firms: pa.Table,
    accounts: pa.Table,
    grants: pa.Table,
    readable: Iterable[str] | pa.Array,
    sources: Sequence[str],
    years: Callable[[int], tuple[int, ...]],
) -> FirmColumns:
    """All firms of a list with their figures.

    Args:
        firms: Table ``firms``.
        accounts: Table ``accounts``.
        grants: Table ``grants``.
        readable: firm_id of each firm whose words, as they stand, have been classified.
        sources: Sources of amounts, the one to believe first.
        years: Years wanted, given the newest that is over.

    Raises:
        TableError: A firm stands twice, or a figure is infinite.
    """
    firms = firms.take(pc.sort_indices(firms["firm_id"]))
    ids = firms["firm_id"].combine_chunks()
    _refuse_doubles(ids)
    begun, ended = (_days(firms[name]) for name in ("incorporated_on", "dissolved_on"))
    dissolved = pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(firms["status"])), DISSOLVED)
    gone = np.isfinite(ended) | _flags(dissolved)
    read = np.zeros(len(ids), dtype=np.bool_)
    known = readable if isinstance(readable, pa.Array) else pa.array(list(readable), pa.string())
    read[_places(known, ids)[1]] = True
    newest_year = _newest_year(firms, begun, ended)
    wanted = years(newest_year) if newest_year else ()
    employees, turnover = _amounts(accounts, ids, sources, wanted)
    countries = pc.dictionary_encode(firms["owner_country"].combine_chunks())
    parents = firms["parent_id"].combine_chunks()
    numbers = firms["company_number"].combine_chunks()
    by_id = _or_none(pc.index_in(parents, value_set=ids))
    by_number = _or_none(pc.index_in(parents, value_set=numbers))
    has_parent = _flags(pc.is_valid(parents))
    parent = np.where(has_parent, np.where(by_id >= 0, by_id, by_number), -1).astype(np.int32)
    said = pc.dictionary_encode(parents)
    outside = _or_none(said.indices)
    key = np.where(parent >= 0, parent, np.where(outside >= 0, outside + len(ids), -1)).astype(np.int32)
    foreign = firms["foreign_owned"]
    return FirmColumns(
        firm_ids=ids, counts=~gone, begun=begun, ended=np.where(gone & np.isnan(ended), -np.inf, ended), read=read,
        employees=employees, turnover_gbp=turnover, years=wanted,
        foreign=np.where(_flags(pc.is_valid(foreign)), _flags(foreign), -1).astype(np.int8),
        owner_country=_or_none(countries.indices).astype(np.int16),
        owner_countries=tuple(countries.dictionary.to_pylist()),
        parent=parent, parent_key=key, parents_outside=said.dictionary,
        has_codes=np.asarray(pc.fill_null(pc.list_value_length(firms["sic_codes"]), 0)) > 0,
        grants=_grants(grants, ids),
    )  # fmt: skip


def _refuse_doubles(ids: pa.Array) -> None:
    if len(ids) > 1:
        same = pc.equal(ids[1:], ids[:-1])
        if pc.any(same).as_py():
            found = ids[1:].filter(same)[0].as_py()
            raise TableError(f"firm {found!r} stands twice in the table firms; import the firm list again")


def _refuse_infinite(accounts: pa.Table, name: str) -> None:
    bad = pc.fill_null(pc.is_inf(accounts[name]), False)
    if pc.any(bad).as_py():
        row = accounts.filter(bad).slice(0, 1).to_pylist()[0]
        raise TableError(
            f"firm {row['firm_id']!r}, {row['period_end']}: {name} is {row[name]}; expected a number, import it again"
        )


def _days(dates: pa.ChunkedArray) -> NDArray[np.float64]:
    days = dates.cast(pa.date32()).cast(pa.int32()).cast(pa.float64())
    return np.asarray(pc.fill_null(days, float("nan")), dtype=np.float64)


def _flags(values: pa.ChunkedArray | pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(values, False)).astype(np.bool_)


def _or_none(places: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(places, -1)).astype(np.int64)


def _places(wanted: pa.Array | pa.ChunkedArray, ids: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of ``wanted`` that are in ``ids``, and their places there."""
    found = _or_none(pc.index_in(wanted, value_set=ids))
    rows = np.flatnonzero(found >= 0)
    return rows, found[rows]


def _newest_year(firms: pa.Table, begun: NDArray[np.float64], ended: NDArray[np.float64]) -> int:
    """The newest year that is over as far as the list knows: its own newest date tells, never a clock.

    0: nothing is dated.
    """
    register = pc.max(firms["register_date"]).as_py()
    dated = np.concatenate([begun[np.isfinite(begun)], ended[np.isfinite(ended)]])
    if register is None and not len(dated):
        return 0
    day = np.datetime64(register, "D") if register is not None else DAYS_1970 + int(dated.max())
    year = int(day.astype("datetime64[Y]").astype(int)) + 1970
    return year if day == np.datetime64(f"{year:04d}-12-31", "D") else year - 1


def _amounts(
    accounts: pa.Table, ids: pa.Array, sources: Sequence[str], years: tuple[int, ...]
) -> tuple[Amounts, Amounts]:
    """Employees and turnover of all firms; firms are settled some at a time, since that takes copies of their rows."""
    accounts = accounts.select([name for name in _SETTLED if name in accounts.column_names])
    for name in FIGURES:
        _refuse_infinite(accounts, name)
    place = _or_none(pc.index_in(accounts["firm_id"], value_set=ids)).astype(np.int32)
    found = {
        name: Amounts(
            np.full(len(ids), np.nan), np.zeros(len(ids), dtype=np.bool_), np.full((len(ids), len(years)), np.nan)
        )
        for name in FIGURES
    }
    parts = max(1, -(-len(place) // ROWS_SETTLED))
    edges = np.linspace(0, len(ids), parts + 1).astype(np.int64)
    for first, last in pairwise(edges):
        rows = accounts if parts == 1 else accounts.filter(pa.array((place >= first) & (place < last)))
        settled = settle(rows, sources)
        entry, at = _places(settled["firm_id"], ids)
        settled = settled.take(pa.array(entry))
        for name, estimated in FIGURES.items():
            _fill(found[name], settled, at, name, estimated, years)
    return found["employees"], found["turnover_gbp"]


def _fill(
    amounts: Amounts, settled: pa.Table, place: NDArray[np.int64], name: str, estimated: str, years: tuple[int, ...]
) -> None:
    value = np.asarray(pc.fill_null(settled[name], float("nan")), dtype=np.float64)
    day = _days(settled["period_end"])
    order = np.flatnonzero(np.isfinite(value))
    order = order[np.argsort(day[order], kind="stable")]  # of several periods the latest is written last, and stays
    at = place[order]
    amounts.newest[at], amounts.imputed[at] = value[order], _flags(settled[estimated])[order]
    if years:
        year = (DAYS_1970 + day[order].astype(np.int64)).astype("datetime64[Y]").astype(np.int64) + 1970 - years[0]
        inside = (year >= 0) & (year < len(years))
        amounts.by_year[at[inside], year[inside]] = value[order][inside]


def _grants(grants: pa.Table, ids: pa.Array) -> Grants:
    """Grants offered; projects that a firm withdrew from are none."""
    kept = grants.filter(pc.invert(pc.fill_null(grants["withdrawn"], False)))
    kept = kept.sort_by([("firm_id", "ascending"), ("project", "ascending")])
    rows, firm = _places(kept["firm_id"], ids)
    year = _or_none(kept["year"])[rows]
    gbp = np.asarray(pc.fill_null(kept["offered_gbp"], 0.0), dtype=np.float64)[rows]
    return Grants(firm.astype(np.int32), year.astype(np.int32), gbp)
