"""Read a firm list: a CSV file, taken whole or, with the row that is wrong, not at all.

Cells are read as text and nothing is guessed: 00123 keeps its zeros and a firm called NA keeps its name.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from crawler.errors import BadWebsiteError
from crawler.urls import start_urls
from pipelines.errors import UsageError
from pipelines.reading import clean, file_text

FIRM_COLUMNS = ("firm_id", "name", "website")
MAX_CELL_CHARS = 500  # the longest name in the Companies House register has 160 characters
_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?) ?([0-9][A-Z]{2})")
_DATE_COLUMNS = ("incorporated_on", "dissolved_on")


@dataclass(frozen=True)
class FirmList:
    """A checked firm list, as rows of three tables; ``unusable`` names websites that could not be kept."""

    firms: list[dict[str, Any]]
    premises: list[dict[str, Any]]
    accounts: list[dict[str, Any]]
    unusable: list[tuple[str, str, str]]  # firm_id, what, cell


def read_firm_list(path: Path, today: date, allow_missing_websites: bool = False) -> FirmList:
    """Read a firm list: CSV with firm_id, name, website and any further known columns.

    Args:
        path: UTF-8 CSV; a byte-order mark and CRLF are fine.
        today: Date given to employees and turnover when the list has no period_end.
        allow_missing_websites: Keep firms whose website is empty or unusable, without one.

    Raises:
        UsageError: A missing column, a doubled firm_id or a cell that cannot be; names file, row and cure.
    """
    found = FirmList([], [], [], [])
    seen: dict[str, int] = {}
    for number, row in _csv_rows(path):
        where = f"{path}, row {number}"
        firm_id = _cell(where, row, "firm_id")
        if not firm_id:
            raise UsageError(f"{where}: firm_id is empty; give every firm an id of its own")
        if firm_id in seen:
            raise UsageError(f"{where}: firm_id {firm_id!r} stands already in row {seen[firm_id]}; keep one of the two")
        seen[firm_id] = number
        website = _website(where, row, allow_missing_websites, found)
        found.firms.append(
            {
                "firm_id": firm_id,
                "name": _cell(where, row, "name"),
                "website": website,
                "company_number": _cell(where, row, "company_number") or None,
                "status": _cell(where, row, "status") or None,
                **{name: _date(where, row, name) for name in _DATE_COLUMNS},
                "sic_codes": re.findall(r"\b[0-9]{5}\b", _cell(where, row, "sic_codes")) or None,
                "parent_id": _cell(where, row, "parent_id") or None,
                "foreign_owned": _flag(where, row, "foreign_owned"),
            }
        )
        _add_premises(where, row, found)
        _add_accounts(where, row, today, found)
    if not found.firms:
        raise UsageError(f"{path}: no firms below the header; expected one row per firm")
    return found


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv.reader(io.StringIO(file_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        for name in FIRM_COLUMNS:
            if name not in header:
                raise UsageError(
                    f"{path}, row 1: column {name} is missing (found: {', '.join(header) or 'nothing'}); "
                    f"a firm list needs {', '.join(FIRM_COLUMNS)}, separated by commas"
                )
        for number, row in enumerate(rows, start=2):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise UsageError(
                    f"{path}, row {number}: {len(row)} cells, but the header has {len(header)}; put cells that hold "
                    "a comma in double quotes"
                )
            yield number, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {rows.line_num}: not a CSV file ({error}); look for an unclosed quote"
        ) from error


def _cell(where: str, row: Mapping[str, str], name: str) -> str:
    text = clean(row.get(name, ""))
    if len(text) > MAX_CELL_CHARS:
        raise UsageError(
            f"{where}: {name} has {len(text):,} characters, at most {MAX_CELL_CHARS} are taken; shorten it"
        )
    return text


def _website(where: str, row: Mapping[str, str], allow_missing: bool, found: FirmList) -> str | None:
    cell = row["website"].strip()
    try:
        start_urls(cell)
        return cell
    except BadWebsiteError as error:
        if not allow_missing:
            raise UsageError(
                f"{where}: {error}; give an http or https address, or import with --allow-missing-websites to keep "
                "such firms without one"
            ) from error
    found.unusable.append((row["firm_id"].strip(), "website", cell))
    return None


def _number(where: str, row: Mapping[str, str], name: str) -> float | None:
    cell = row.get(name, "").strip()
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (name == "employees" and value < 0):
        raise UsageError(f"{where}: {name} {cell[:50]!r}; expected a plain number such as 1200, or an empty cell")
    return value


def _date(where: str, row: Mapping[str, str], name: str) -> date | None:
    cell = row.get(name, "").strip()
    if not cell:
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        raise UsageError(
            f"{where}: {name} {cell[:50]!r}; expected a date such as 2020-01-31, or an empty cell"
        ) from error


def _flag(where: str, row: Mapping[str, str], name: str) -> bool | None:
    cell = row.get(name, "").strip().lower()
    if cell not in ("", "true", "false"):
        raise UsageError(f"{where}: {name} {cell[:50]!r}; expected true, false or an empty cell")
    return {"": None, "true": True, "false": False}[cell]


def _add_premises(where: str, row: Mapping[str, str], found: FirmList) -> None:
    cell = _cell(where, row, "postcode").upper()
    if not cell:
        return
    parts = _POSTCODE.fullmatch(cell.replace(" ", "")) or _POSTCODE.fullmatch(cell)
    if not parts:
        found.unusable.append((row["firm_id"].strip(), "postcode", cell))
        return
    found.premises.append(
        {
            "firm_id": _cell(where, row, "firm_id"), "postcode": f"{parts[1]} {parts[2]}", "kind": "registered",
            "source": "firm_list", "lat": _number(where, row, "lat"), "lon": _number(where, row, "lon"),
            "lad_code": _cell(where, row, "lad_code") or None, "h3": None,
        }
    )  # fmt: skip


def _add_accounts(where: str, row: Mapping[str, str], today: date, found: FirmList) -> None:
    employees, turnover = _number(where, row, "employees"), _number(where, row, "turnover_gbp")
    if employees is None and turnover is None:
        return
    found.accounts.append(
        {
            "firm_id": _cell(where, row, "firm_id"), "period_end": _date(where, row, "period_end") or today,
            "employees": employees, "turnover_gbp": turnover, "source": "firm_list", "imputed": False,
        }
    )  # fmt: skip
