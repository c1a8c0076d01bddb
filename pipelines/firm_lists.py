"""Read a firm list: a CSV file, taken whole or, with the row that is wrong, not at all.

Cells are read as text and nothing is guessed: 00123 keeps its zeros and a firm called NA keeps its name. A column that
the file does not have says nothing; an empty cell says that there is nothing.
"""

from __future__ import annotations

import csv
import difflib
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.errors import BadWebsiteError
from crawler.urls import start_urls
from pipelines.errors import UsageError
from pipelines.reading import clean, file_lines, hidden_credentials, without_credentials
from pipelines.sources.company_numbers import normalised

if TYPE_CHECKING:
    from _csv import Reader as CsvReader  # has no name at run time before Python 3.12

FIRM_COLUMNS = ("firm_id", "name", "website")
MAX_CELL_CHARS = 500  # the longest name in the Companies House register has 160 characters
_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})")

Row = Mapping[str, str]


@dataclass(frozen=True)
class FirmList:
    """A checked firm list, as rows of three tables that hold only the columns the file has.

    ``unusable`` names cells that could not be kept: firm_id, column, cell. ``not_taken`` are columns nobody reads.
    """

    columns: tuple[str, ...]
    not_taken: tuple[str, ...]
    firms: list[dict[str, Any]] = field(default_factory=list)
    premises: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)
    unusable: list[tuple[str, str, str]] = field(default_factory=list)

    def has(self, *columns: str) -> bool:
        """Whether the file has any of these columns."""
        return any(column in self.columns for column in columns)


def read_firm_list(path: Path, today: date, allow_missing_websites: bool = False) -> FirmList:
    """Read a firm list: CSV with firm_id, name, website and any further known columns.

    Args:
        path: UTF-8 CSV; a byte-order mark and CRLF are fine.
        today: Date given to employees and turnover when the list has no period_end.
        allow_missing_websites: Keep firms whose website is empty or unusable, without one.

    Raises:
        UsageError: A missing or doubled column, a doubled firm_id or a cell that cannot be; names file, row and cure.
    """
    with closing(file_lines(path)) as lines:
        return _read(path, csv.reader(lines, strict=True), today, allow_missing_websites)


def nearest_column(name: str) -> str | None:
    """The column that a name nobody reads was probably meant to be."""
    near = difflib.get_close_matches(name, _TAKEN, n=1, cutoff=0.6)
    return near[0] if near else None


def _read(path: Path, rows: CsvReader, today: date, allow_missing_websites: bool) -> FirmList:
    try:
        header = _header(path, [name.strip().lower().replace(" ", "_") for name in next(rows, [])])
        found = FirmList(tuple(name for name in header if name in _TAKEN), tuple(n for n in header if n not in _TAKEN))
        seen: dict[str, int] = {}
        for number, row in _rows(path, header, rows):
            where = f"{path}, row {number}"
            firm_id = _text(where, row, "firm_id")
            if not firm_id:
                raise UsageError(f"{where}: firm_id is empty; give every firm an id of its own")
            if firm_id in seen:
                raise UsageError(
                    f"{where}: firm_id {firm_id!r} stands already in row {seen[firm_id]}; keep one of the two"
                )
            seen[firm_id] = number
            _take(where, firm_id, row, today, allow_missing_websites, found)
    except csv.Error as error:
        message = f"{path}, line {rows.line_num}: not a CSV file ({error}); look for an unclosed quote"
        raise UsageError(message) from error
    if not found.firms:
        raise UsageError(f"{path}: no firms below the header; expected one row per firm")
    return found


def _header(path: Path, header: list[str]) -> list[str]:
    for name in FIRM_COLUMNS:
        if name not in header and len(header) == 1 and ";" in header[0]:
            raise UsageError(
                f"{path}, row 1: cells are separated by semicolons; save it as CSV with commas and try again"
            )
        if name not in header:
            raise UsageError(
                f"{path}, row 1: column {name} is missing (found: {', '.join(filter(None, header)) or 'nothing'}); "
                f"a firm list needs {', '.join(FIRM_COLUMNS)}, separated by commas"
            )
    for name, times in Counter(header).items():
        if name and times > 1:
            raise UsageError(f"{path}, row 1: column {name} stands there twice; keep one")
    return header


def _rows(path: Path, header: list[str], rows: Iterator[list[str]]) -> Iterator[tuple[int, Row]]:
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise UsageError(
                f"{path}, row {number}: {len(row)} cells, but the header has {len(header)}; put cells that hold "
                "a comma in double quotes"
            )
        yield number, dict(zip(header, row, strict=True))


def _take(where: str, firm_id: str, row: Row, today: date, allow_missing: bool, found: FirmList) -> None:
    firm: dict[str, Any] = {"firm_id": firm_id, "name": _text(where, row, "name")}
    firm["website"] = _website(where, firm_id, row, allow_missing, found)
    firm |= {name: read(where, row, name) for name, read in _OPTIONAL.items() if name in found.columns}
    if firm.get("company_number") and normalised(firm["company_number"]) is None:
        found.unusable.append((firm_id, "company_number", firm["company_number"]))
        firm["company_number"] = None
    for name in ("incorporated_on", "dissolved_on"):
        _refuse_future(where, name, firm.get(name), today)
    found.firms.append(firm)
    postcode, lad_code = _postcode(where, firm_id, row, found), _text(where, row, "lad_code") or None
    if postcode or lad_code:
        found.premises.append(
            {
                "firm_id": firm_id, "postcode": postcode, "kind": "registered", "source": "firm_list",
                "lat": _number(where, row, "lat"), "lon": _number(where, row, "lon"), "lad_code": lad_code, "h3": None,
            }
        )  # fmt: skip
    figures = {name: _number(where, row, name) for name in ("employees", "turnover_gbp") if name in found.columns}
    if any(value is not None for value in figures.values()):
        period_end = _date(where, row, "period_end") or today
        _refuse_future(where, "period_end", period_end, today)
        facts = {"firm_id": firm_id, "period_end": period_end, "source": "firm_list", "imputed": False}
        found.accounts.append(facts | figures)


def _text(where: str, row: Row, name: str) -> str:
    text = clean(row.get(name, ""))
    if len(text) > MAX_CELL_CHARS:
        raise UsageError(
            f"{where}: {name} has {len(text):,} characters, at most {MAX_CELL_CHARS} are taken; shorten it"
        )
    return text


def _optional_text(where: str, row: Row, name: str) -> str | None:
    return _text(where, row, name) or None


def _website(where: str, firm_id: str, row: Row, allow_missing: bool, found: FirmList) -> str | None:
    cell = row["website"].strip()
    shown = hidden_credentials(cell)
    try:
        start_urls(cell)
        return without_credentials(cell)
    except BadWebsiteError as error:
        if not allow_missing:
            why = str(error) if shown == cell else f"the website cell {shown[:80]!r} is not an address"
            raise UsageError(
                f"{where}: {why}; give an http or https address, or import with --allow-missing-websites to keep "
                "such firms without one"
            ) from error
    found.unusable.append((firm_id, "website", shown))
    return None


def _postcode(where: str, firm_id: str, row: Row, found: FirmList) -> str | None:
    cell = _text(where, row, "postcode")
    parts = _POSTCODE.fullmatch(cell.upper().replace(" ", ""))
    if cell and not parts:
        found.unusable.append((firm_id, "postcode", cell))
    return f"{parts[1]} {parts[2]}" if parts else None


def _number(where: str, row: Row, name: str) -> float | None:
    cell = row.get(name, "").strip()
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (value < 0 and name in ("employees", "turnover_gbp")):
        raise UsageError(f"{where}: {name} {cell[:50]!r}; expected a plain number such as 1200, or an empty cell")
    return value


def _date(where: str, row: Row, name: str) -> date | None:
    cell = row.get(name, "").strip()
    if not cell:
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        message = f"{where}: {name} {cell[:50]!r}; expected a date such as 2020-01-31, or an empty cell"
        raise UsageError(message) from error


def _refuse_future(where: str, name: str, day: date | None, today: date) -> None:
    if day is not None and day > today:
        raise UsageError(f"{where}: {name} {day} is after today; expected a day that has been")


def _flag(where: str, row: Row, name: str) -> bool | None:
    cell = row.get(name, "").strip().lower()
    if cell not in ("", "true", "false"):
        raise UsageError(f"{where}: {name} {cell[:50]!r}; expected true, false or an empty cell")
    return {"": None, "true": True, "false": False}[cell]


def _sic_codes(where: str, row: Row, name: str) -> list[str] | None:
    """Codes of five digits; a spreadsheet takes the zero off 01110."""
    return [code.zfill(5) for code in re.findall(r"\b[0-9]{4,5}\b", _text(where, row, name))] or None


def _names(where: str, row: Row, name: str) -> list[str] | None:
    return [part.strip() for part in _text(where, row, name).split("|") if part.strip()] or None


_OPTIONAL: dict[str, Callable[[str, Row, str], Any]] = {
    "company_number": _optional_text,
    "status": _optional_text,
    "incorporated_on": _date,
    "dissolved_on": _date,
    "sic_codes": _sic_codes,
    "parent_id": _optional_text,
    "foreign_owned": _flag,
    "previous_names": _names,
    "vat_number": _optional_text,
}
_ELSEWHERE = ("postcode", "lad_code", "lat", "lon", "employees", "turnover_gbp", "period_end")
_TAKEN = (*FIRM_COLUMNS, *_OPTIONAL, *_ELSEWHERE)
