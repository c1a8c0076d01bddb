"""Read employees and turnover from a CSV file of bought or administrative figures.

The file must say whose figures they are: by that word the setting rollup.amount_sources decides which are believed. A
period's end may not lie in the future, and two rows that disagree about one period are both left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.errors import UsageError
from pipelines.sources.accounts_filings import FIRST_PERIOD_END, MAX_EMPLOYEES, MAX_TURNOVER_GBP
from pipelines.sources.cells import day, number
from pipelines.sources.company_numbers import normalised
from pipelines.sources.csv_files import BadRow, Row, csv_rows

KIND = "a table of accounts"
REQUIRED = ("company_number", "period_end", "source")
FIGURES = ("employees", "turnover_gbp")
OPTIONAL = (*FIGURES, "imputed")
RESERVED = ("accounts", "firm_list")
MAX_SOURCE_CHARS = 60
_MOST = {"employees": MAX_EMPLOYEES, "turnover_gbp": MAX_TURNOVER_GBP}
_FLAGS = {"": False, "false": False, "no": False, "0": False, "true": True, "yes": True, "1": True}

Drop = tuple[str, str, str]


@dataclass
class AccountsTable:
    """Rows of the file that can be used, as columns of equal length, and the others with their reasons."""

    figures: tuple[str, ...] = ()
    rows: int = 0
    columns: dict[str, list[Any]] = field(
        default_factory=lambda: {name: [] for name in ("number", "period_end", "source", "imputed", *FIGURES, "line")}
    )
    drops: list[Drop] = field(default_factory=list)
    encoding: str = ""

    @property
    def company_numbers(self) -> set[str]:
        """Company numbers of the rows that can be used."""
        return set(self.columns["number"])


class _BadCellError(Exception):
    """A row that cannot be used; reason and detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read_accounts_csv(path: Path, today: date) -> AccountsTable:
    """Read a CSV with company_number, period_end, source and at least one of employees and turnover_gbp.

    Args:
        path: The file.
        today: No period ends later.

    Raises:
        UsageError: A wrong file, a missing column, or no figure in any row; names file, row and cure.
    """
    found = AccountsTable()
    rows = csv_rows(path, REQUIRED, KIND)
    for row in rows:
        if not found.rows:
            found.figures = _figures(path, rows.columns)
        found.rows += 1
        if isinstance(row, BadRow):
            found.drops.append((_subject(path, row.number), row.reason, row.detail))
            continue
        try:
            _take(found, row, today)
        except _BadCellError as error:
            found.drops.append((_subject(path, row.number), error.reason, error.detail))
    if not found.rows:
        raise UsageError(f"{path}: no rows below the header; expected one row per company and period")
    if not found.columns["number"]:
        first = found.drops[0]
        raise UsageError(
            f"{first[0]}: {first[1]} ({first[2]}), and none of the {found.rows:,} rows can be used; expected e.g. "
            "00012345,2024-03-31,bought,12,1500000"
        )
    found.encoding = rows.encoding
    _drop_doubles(path, found)
    return found


def _figures(path: Path, columns: Sequence[str]) -> tuple[str, ...]:
    named = {name.strip().lower().replace(" ", "_") for name in columns}
    figures = tuple(name for name in FIGURES if name in named)
    if not figures:
        raise UsageError(f"{path}, row 1: neither of the columns {' and '.join(FIGURES)} is there; give at least one")
    return figures


def _take(found: AccountsTable, row: Row, today: date) -> None:
    cells = {name: row.cells.get(name, "") for name in (*REQUIRED, *OPTIONAL)}
    company = normalised(cells["company_number"])
    if company is None:
        raise _BadCellError("bad_company_number", repr(cells["company_number"][:50]))
    taken: dict[str, Any] = {
        "number": company,
        "period_end": _period_end(cells["period_end"], today),
        "source": _source(cells["source"]),
        "imputed": _flag(cells["imputed"]),
        "line": row.number,
    }
    taken |= {name: _amount(name, cells[name]) for name in FIGURES}
    if all(taken[name] is None for name in FIGURES):
        raise _BadCellError("no_figures", "neither employees nor turnover_gbp")
    for name, values in found.columns.items():
        values.append(taken[name])


def _period_end(cell: str, today: date) -> date:
    found = day(cell)
    if found is None:
        raise _BadCellError("bad_period_end", f"{cell[:50]!r}, expected e.g. 2024-03-31 or 31/03/2024")
    if found > today:
        raise _BadCellError("future_period", f"{found}, and today is {today}")
    if found < FIRST_PERIOD_END:
        raise _BadCellError("absurd_period", f"{found}, expected {FIRST_PERIOD_END} or later")
    return found


def _source(cell: str) -> str:
    if not cell:
        raise _BadCellError("no_source", "say in source whose figures they are, e.g. the supplier's name")
    if cell.lower() in RESERVED:
        raise _BadCellError("reserved_source", f"{cell!r} is what this program calls figures of its own; use another")
    if len(cell) > MAX_SOURCE_CHARS:
        raise _BadCellError("bad_source", f"{len(cell):,} characters, at most {MAX_SOURCE_CHARS}")
    return cell


def _flag(cell: str) -> bool:
    if cell.lower() not in _FLAGS:
        raise _BadCellError("bad_imputed", f"{cell[:50]!r}, expected true or false")
    return _FLAGS[cell.lower()]


def _amount(name: str, cell: str) -> float | None:
    if not cell:
        return None
    value, short = number(cell), name.partition("_")[0]
    if value is None:
        raise _BadCellError(f"bad_{short}", f"{cell[:50]!r}, expected a number such as 1200 or 1,200.5")
    if value < 0:
        raise _BadCellError(f"negative_{short}", cell[:50])
    if value > _MOST[name]:
        raise _BadCellError(f"absurd_{short}", cell[:50])
    return value


def _drop_doubles(path: Path, found: AccountsTable) -> None:
    """Of rows that say the same of one company, period and source keep the first; drop all of those that disagree."""
    columns = found.columns
    keys = list(zip(columns["number"], columns["period_end"], columns["source"], strict=True))
    often = {key for key, count in Counter(keys).items() if count > 1}
    if not often:
        return
    said: dict[tuple[Any, ...], set[tuple[Any, ...]]] = {key: set() for key in often}
    facts = list(zip(*(columns[name] for name in (*FIGURES, "imputed")), strict=True))
    for key, fact in zip(keys, facts, strict=True):
        if key in often:
            said[key].add(fact)
    kept, first = [], dict[tuple[Any, ...], int]()
    for place, key in enumerate(keys):
        where, line = _subject(path, columns["line"][place]), first.setdefault(key, columns["line"][place])
        seen = f"{key[0]}, {key[1]}, {key[2]}"
        if key in often and len(said[key]) > 1:
            found.drops.append((where, "contradicting_rows", f"{seen}: rows disagree, none is taken"))
        elif line != columns["line"][place]:
            found.drops.append((where, "duplicate_row", f"{seen}: stands already in row {line}"))
        else:
            kept.append(place)
    found.columns = {name: [values[place] for place in kept] for name, values in columns.items()}


def _subject(path: Path, line: int) -> str:
    return f"{path.name}, row {line}"
