"""What is added up for a cluster: one column per measure, one row per member firm.

Everything a cell needs is a sum over firms, so that one sparse product per kind of area makes them all; shares,
growth and quotients are worked out of the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.firm_columns import Amounts, FirmColumns, days_of
from pipelines.statistics.growth import alive, high_growth, incorporated

AMOUNTS = ("employees", "turnover_gbp")


@dataclass(frozen=True)
class Definitions:
    """The settings that measures depend on."""

    base_year: int | None  # None: no year is known
    high_growth_measure: str = "employees"
    high_growth_rate: float = 0.2
    high_growth_years: int = 3
    high_growth_employees: float = 10.0
    large_turnover_gbp: float = 100_000_000.0


@dataclass(frozen=True)
class Measures:
    """Columns of every member; ``matrix[:, place[name]]`` is one of them."""

    names: tuple[str, ...]
    matrix: NDArray[np.float64]  # (n_members, n_measures)

    @property
    def place(self) -> dict[str, int]:
        """Column of each measure."""
        return {name: number for number, name in enumerate(self.names)}


@dataclass(frozen=True)
class Counted:
    """How a cluster's members count; arrays are ``(n_members,)``."""

    rows: NDArray[np.int64]  # places of the firms in the list
    weight: NDArray[np.float64]  # of counts
    of_amount: Mapping[str, NDArray[np.float64]]  # weight of employees, of turnover
    whole: NDArray[np.float64]  # of quotients: their base is trimmed of nothing, nor are they
    newest: Mapping[str, NDArray[np.float64]]  # employees, turnover_gbp: nan not known
    estimated: Mapping[str, NDArray[np.bool_]]  # which of these were not reported
    keeps: Mapping[str, NDArray[np.bool_]]  # members that the figure without distortions keeps, where any is left out
    group: NDArray[np.int64] | None = None  # firms of one owner, where they count as one business


def counted(firms: FirmColumns, rows: NDArray[np.int64], weight: NDArray[np.float64]) -> Counted:
    """Members with the figures that were reported, and nothing left out."""
    return Counted(
        rows, weight, dict.fromkeys(AMOUNTS, weight), weight,
        {name: amounts_of(firms, name).newest[rows] for name in AMOUNTS},
        {name: amounts_of(firms, name).imputed[rows] for name in AMOUNTS}, {},
    )  # fmt: skip


def measures(
    firms: FirmColumns, members: Counted, definitions: Definitions, owners: tuple[int, ...], years: tuple[int, ...]
) -> Measures:
    """Measures of a cluster's members.

    What is estimated is in the sums of employees and turnover alone, never in a count of large firms or a ratio.

    Args:
        firms: All firms.
        members: The members, and how they count.
        definitions: What high growth, a large turnover and the base year are.
        owners: Places in ``owner_countries`` of the countries that are counted one by one.
        years: Past years for which figures are wanted.
    """
    rows, weight = members.rows, members.weight
    today = firms.counts[rows]
    counts = today * weight
    columns: dict[str, NDArray[np.float64]] = {"businesses": _as_groups(members, today), "firms": counts}
    columns["quotient_businesses"] = today * members.whole
    reported, newest = {}, members.newest
    for name in AMOUNTS:
        known = np.isfinite(newest[name]) & today
        reported[name] = known & ~members.estimated[name]
        value = np.where(known, np.nan_to_num(newest[name]), 0.0)
        there = (members.of_amount[name] > 0) * weight
        columns[name] = value * members.of_amount[name]
        columns[f"{name}_reported"] = np.where(reported[name], columns[name], 0.0)
        columns[f"{name}_known"] = known * there
        columns[f"{name}_reported_known"] = reported[name] * there
        columns[f"{name}_imputed"] = np.where(members.estimated[name], columns[name], 0.0)
        columns[f"{name}_estimated"] = (known & members.estimated[name]) * there
    jobs = np.where(reported["employees"], np.nan_to_num(newest["employees"]), 0.0) * members.whole
    columns |= {"quotient_employees": jobs, "quotient_squared": jobs**2}
    columns["quotient_known"] = reported["employees"] * members.whole
    for name, keep in members.keeps.items():
        columns[f"{name}_without"] = np.where(keep, columns[name], 0.0)
    both = reported["employees"] & reported["turnover_gbp"] & (np.nan_to_num(newest["employees"]) > 0)
    both &= (members.of_amount["employees"] > 0) & (members.of_amount["turnover_gbp"] > 0)
    columns["employees_of_both"] = np.where(both, columns["employees"], 0.0)
    columns["turnover_of_both"] = np.where(both, columns["turnover_gbp"], 0.0)
    columns["firms_of_both"] = both * weight
    large = reported["turnover_gbp"] & (np.nan_to_num(newest["turnover_gbp"]) >= definitions.large_turnover_gbp)
    columns["large_turnover"] = large * weight
    ownership = firms.foreign[rows]
    columns["owner_known"] = (ownership >= 0) * counts
    columns["foreign"] = (ownership == 1) * counts
    for country in owners:
        columns[f"owner {country}"] = (firms.owner_country[rows] == country) * counts
    columns["dated"] = np.isfinite(firms.begun[rows]) * counts
    columns |= _grants(firms, rows, weight)
    columns |= _growing(firms, members, definitions)
    columns |= _years(firms, members, years)
    return Measures(tuple(columns), np.stack(list(columns.values()), axis=1))


def _as_groups(members: Counted, there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Members that are there, each by its weight; firms of one owner that are there together count as one."""
    if members.group is None:
        return there * members.weight
    together = np.bincount(members.group, weights=there)[members.group]
    return there * members.weight / np.maximum(together, 1)


def _grants(firms: FirmColumns, rows: NDArray[np.int64], weight: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    given = np.bincount(firms.grants.firm, weights=firms.grants.gbp, minlength=len(firms))[rows]
    number = np.bincount(firms.grants.firm, minlength=len(firms))[rows]
    counts = firms.counts[rows]
    return {"grants_gbp": given * weight * counts, "grants_businesses": (number > 0) * weight * counts}


def _growing(firms: FirmColumns, members: Counted, definitions: Definitions) -> dict[str, NDArray[np.float64]]:
    """High growth, and stocks and sums at both ends of the years that growth is measured over."""
    columns: dict[str, NDArray[np.float64]] = {}
    rows, weight = members.rows, members.weight
    measure = amounts_of(firms, definitions.high_growth_measure)
    eligible, high = high_growth(
        measure.by_year[rows], firms.employees.by_year[rows], rate=definitions.high_growth_rate,
        years=definitions.high_growth_years, least_employees=definitions.high_growth_employees,
    )  # fmt: skip
    counts = firms.counts[rows] * weight
    columns["high_growth_known"] = eligible * counts
    columns["high_growth"] = high * counts
    columns["high_growth_foreign"] = high * counts * (firms.foreign[rows] == 1)
    columns["high_growth_grants"] = high * counts * np.isin(rows, firms.grants.firm)
    if definitions.base_year is None or definitions.base_year not in firms.years:
        return columns
    base, newest = firms.years.index(definitions.base_year), len(firms.years) - 1
    begun, ended = firms.begun[rows], firms.ended[rows]
    columns["stock_base"] = _as_groups(members, alive(begun, ended, days_of(firms.years[base])[1]))
    columns["stock_newest"] = _as_groups(members, alive(begun, ended, days_of(firms.years[newest])[1]))
    window = days_of(firms.years[base] + 1)[0], days_of(firms.years[newest])[1]
    columns["incorporated"] = incorporated(begun, *window) * weight
    for name, amounts in (("employees", firms.employees), ("turnover_gbp", firms.turnover_gbp)):
        ends = amounts.by_year[rows][:, [base, newest]]
        both = np.isfinite(ends).all(axis=1)
        columns[f"{name}_at_base"] = np.where(both, np.nan_to_num(ends[:, 0]), 0.0) * members.of_amount[name]
        columns[f"{name}_at_newest"] = np.where(both, np.nan_to_num(ends[:, 1]), 0.0) * members.of_amount[name]
        columns[f"{name}_at_both"] = both * weight
    return columns


def _years(firms: FirmColumns, members: Counted, years: tuple[int, ...]) -> dict[str, NDArray[np.float64]]:
    columns: dict[str, NDArray[np.float64]] = {}
    rows, weight = members.rows, members.weight
    begun, ended = firms.begun[rows], firms.ended[rows]
    for year in years:
        place, (first, last) = firms.years.index(year), days_of(year)
        there = alive(begun, ended, last)
        columns[f"businesses {year}"] = _as_groups(members, there)
        columns[f"firms {year}"] = there * weight
        columns[f"incorporations {year}"] = incorporated(begun, first, last) * weight
        for name, amounts in (("employees", firms.employees), ("turnover_gbp", firms.turnover_gbp)):
            columns |= _of_year(name, year, amounts.by_year[rows, place], weight, members.of_amount[name])
    return columns


def _of_year(
    name: str, year: int, value: NDArray[np.float64], weight: NDArray[np.float64], of_amount: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    known = np.isfinite(value)
    return {
        f"{name} {year}": np.where(known, np.nan_to_num(value), 0.0) * of_amount,
        f"{name}_known {year}": known * (of_amount > 0) * weight,
    }


def amounts_of(firms: FirmColumns, name: str) -> Amounts:
    """Employees or turnover of all firms."""
    return firms.employees if name == "employees" else firms.turnover_gbp
