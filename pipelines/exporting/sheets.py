"""A list as an Excel workbook: About, the list, a sheet for each cluster, and a sheet that explains the columns.

Written row by row, so that memory does not grow with the list, and with fixed dates, so that the same run gives the
same bytes. Cells are plain values: no formula, no link, and of a text as much as Excel takes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pipelines.exporting.about import about_lines, column_lines
from pipelines.exporting.cluster_sheets import cluster_rows
from pipelines.exporting.columns import ANSWERS, CLUSTER_SHEET
from pipelines.exporting.made import Page, Told
from pipelines.exporting.plain import joined
from pipelines.outside_text import printable, spreadsheet_text

if TYPE_CHECKING:
    from openpyxl import Workbook

    from pipelines.tables import Column

MAX_ROWS = 1_048_576  # of a sheet, its header among them
MAX_CHARS = 32_767  # of a cell, in units of UTF-16
MAX_TITLE = 31  # of a sheet
SHORTENED = "shortened_cells"
_FIRST_DAY = date(1900, 3, 1)  # the day from which all programs count days alike; what is older is written as text
_WIDEST, _NARROWEST, _LOOKED_AT = 60, 8, 200  # characters, characters, rows
_TAKEN = ("About", "Columns", "History")  # the last one is Excel's own
_BAD_TITLE = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f]")
_ESCAPED = re.compile("_x(?=[0-9A-Fa-f]{4}_)")  # Excel reads _x003D_ as =
_BEGINNING_OF_ZIP = (1980, 1, 1, 0, 0, 0)


class _Archive(ZipFile):
    """A zip whose members bear no time."""

    def writestr(self, zinfo_or_arcname: str | ZipInfo, data: Any, *_rest: object, **_more: object) -> None:
        super().writestr(_member(str(zinfo_or_arcname)), data)

    def write(self, filename: Any, arcname: Any = None, *_rest: object, **_more: object) -> None:
        with open(filename, "rb") as source, self.open(_member(str(arcname)), "w") as target:  # noqa: PTH123
            while block := source.read(2**20):
                target.write(block)


def write_xlsx(page: Page, stream: BinaryIO) -> Told:
    """A workbook of all the list's sheets."""
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    told = Told(further={SHORTENED: 0})
    book = Workbook(write_only=True)
    made = page.made
    about = book.create_sheet("About")
    titles, taken = {name.casefold() for name in _TAKEN}, list[tuple[str, int]]()
    main = "Firms" if made.name == "firms" else made.name.capitalize()
    explained: list[tuple[str, Sequence[Column]]] = [(made.name, page.columns)]
    taken += _sheets(book, main, titles, page.columns, iter(page.listed), told)
    if made.name == "firms" and made.taxonomy is not None:
        columns = (*CLUSTER_SHEET, *ANSWERS)
        explained.append(("a cluster's sheet", columns))
        for _, name, rows in cluster_rows(made, made.taxonomy):
            taken += _sheets(book, name, titles, columns, ((*row, *page.answers) for row in rows), told)
    _columns_sheet(book, explained, told)
    _about_sheet(about, list(about_lines(page, taken, told.further)), told)
    book.properties.creator = "firmscope"
    day = page.provenance.data_date
    at = datetime.fromisoformat(day) if day else datetime(*_BEGINNING_OF_ZIP)  # noqa: DTZ001 - Excel knows no zones
    book.properties.created = book.properties.modified = at.replace(tzinfo=None)
    ExcelWriter(book, _Archive(stream, "w", ZIP_DEFLATED)).save()
    return told


def sheet_title(name: str, taken: set[str]) -> str:
    """A title that Excel takes, as near to the name as may be, and that no sheet has yet; it is taken from now on."""
    clean = " ".join(_BAD_TITLE.sub(" ", printable(name)[0]).split()).strip("' ")
    clean = _units(clean or "Sheet", MAX_TITLE)
    number, title = 1, clean
    while title.casefold() in taken:
        number += 1
        mark = f" ({number})"
        title = _units(clean, MAX_TITLE - len(mark)).rstrip() + mark
    taken.add(title.casefold())
    return title


def _sheets(
    book: Workbook, name: str, taken: set[str], columns: Sequence[Column], rows: Iterator[tuple[Any, ...]], told: Told
) -> Iterator[tuple[str, int]]:
    """Write one sheet, or as many as the rows take; title and number of rows of each."""
    while True:
        written = 0

        def counted(found: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
            nonlocal written
            for row in found:
                written += 1
                yield row

        title = sheet_title(name, taken)
        _sheet(book.create_sheet(title), columns, counted(islice(rows, MAX_ROWS - 1)), told)
        yield title, written
        ahead = next(rows, None)
        if ahead is None:
            return
        rows = chain([ahead], rows)


def _sheet(sheet: Any, columns: Sequence[Column], rows: Iterator[tuple[Any, ...]], told: Told) -> None:
    from openpyxl.utils import get_column_letter

    cell = _celled(sheet, told)
    first = [[cell(value) for value in row] for row in islice(rows, _LOOKED_AT)]
    for number, column in enumerate(columns):
        widest = max((len(str(getattr(row[number], "value", row[number]) or "")) for row in first), default=0)
        width = min(max(widest, len(column.name) + 3, _NARROWEST), _WIDEST)
        sheet.column_dimensions[get_column_letter(number + 1)].width = width
    sheet.freeze_panes = "C2" if columns[0].name == "firm_id" and len(columns) > 2 else "A2"
    sheet.append(_header(sheet, [column.name for column in columns]))
    count = 1
    for row in chain(first, ([cell(value) for value in row] for row in rows)):
        sheet.append(row)
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{count}"
    sheet.close()


def _about_sheet(sheet: Any, lines: Iterable[tuple[str, Any]], told: Told) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment

    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 34, 100
    cell = _celled(sheet, told)
    for label, value in lines:
        if (value is None and label[:1].isupper()) or label.startswith("firmscope: "):
            sheet.append(_header(sheet, [label]))
            continue
        if isinstance(value, str):
            long = WriteOnlyCell(sheet, cell(value))
            long.alignment = Alignment(wrap_text=True, vertical="top")
            value = long
        sheet.append([cell(label), value])
    sheet.close()


def _columns_sheet(book: Workbook, tables: Sequence[tuple[str, Sequence[Column]]], told: Told) -> None:
    sheet = book.create_sheet("Columns")
    lines = list(column_lines(tables))
    for letter, width in zip("ABCD", (18, 24, 20, 120), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    cell = _celled(sheet, told)
    sheet.append(_header(sheet, ["sheet", "column", "kind", "meaning"]))
    for line in lines:
        sheet.append([cell(value) for value in line])
    sheet.auto_filter.ref = f"A1:D{len(lines) + 1}"
    sheet.close()


def _header(sheet: Any, names: Sequence[str]) -> list[Any]:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font, PatternFill

    cells = []
    for name in names:
        cell = WriteOnlyCell(sheet, name)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="FFE3E8EE")
        cells.append(cell)
    return cells


def _celled(sheet: Any, told: Told) -> Callable[[object], Any]:
    """What makes a value one that openpyxl writes as it is: no text is taken for a formula or an error."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ERROR_CODES

    def cell(value: object) -> Any:
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, datetime):
            at = value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
            return at if at.date() >= _FIRST_DAY else at.isoformat()
        if isinstance(value, date):
            return value if value >= _FIRST_DAY else value.isoformat()
        text, replaced = spreadsheet_text(joined(value) if isinstance(value, str | list) else str(value))
        told.replaced += replaced
        text = _ESCAPED.sub("_x005F_x", text)
        if len(text) > MAX_CHARS // 2 and len(text) > len(text := _units(text, MAX_CHARS)):
            told.count(SHORTENED)
        if text in ERROR_CODES:
            made: Any = WriteOnlyCell(sheet, "")
            made._value, made.data_type = text, "s"
            return made
        return text or None

    return cell


def _units(text: str, most: int) -> str:
    """As much of a text as ``most`` units of UTF-16 hold, no character cut in two."""
    if len(text) <= most // 2:
        return text
    units = text.encode("utf-16-le", "surrogatepass")[: most * 2]
    return units.decode("utf-16-le", "ignore")


def _member(name: str) -> ZipInfo:
    made = ZipInfo(name, _BEGINNING_OF_ZIP)
    made.compress_type = ZIP_DEFLATED
    made.external_attr = 0o600 << 16
    return made
