"""Stream the rows of an Excel workbook from strangers: values only, of the first visible sheet with the header.

Formulas give the value that Excel last worked out, or nothing; macros, links to other workbooks and hidden sheets are
not looked at. A workbook is a zip of XML, and is checked as both before openpyxl sees it.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import warnings
from collections.abc import Generator, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.reading import clean
from pipelines.sources.csv_files import MAX_CELL_CHARS, BadRow, Cells, CsvRows, Row, csv_rows, open_file
from pipelines.sources.file_kinds import HEAD_BYTES, folded, known_table, other_kind
from pipelines.sources.text_lines import UTF_8
from pipelines.sources.zips import Member, is_zip, zip_members

if TYPE_CHECKING:
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

OLE = b"\xd0\xcf\x11\xe0"  # .xls, and every workbook with a password
MAX_BYTES_EACH = 2**29  # a full sheet of 1,048,576 rows by 20 columns has 400 MB of XML
MAX_BYTES_ALL = 2**30
MAX_PARTS = 5_000  # members of the zip; a workbook of 100 sheets with pictures has some 500
MAX_PROLOG_BYTES = 2**16  # before the first element; Excel writes 60
HEADER_ROWS = 50  # titles and notes above the header
EMPTY_ROWS = 10_000  # so many in a row, and the sheet has ended: some sheets are formatted down to row 1,048,576
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CONTENT_TYPES = "[Content_Types].xml"
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
# The first element, and what else may stand before it; what never ends is looked through once, not from each beginning.
_FIRST = re.compile(rb"\s*+(?>(?><!--.*?-->|<\?.*?\?>)\s*+)*+<[A-Za-z_]", re.DOTALL)


class WorkbookRows(Iterator[Row | BadRow]):
    """Rows of one sheet; once the first was asked for, ``sheet`` and ``columns`` are known.

    ``hidden`` are sheets passed over for being hidden; ``ended_at`` is the row after which nothing was read any more
    because of ``EMPTY_ROWS`` empty ones.
    """

    def __init__(self, path: Path, required: Sequence[str], kind: str) -> None:
        """As :func:`workbook_rows`."""
        self.columns: tuple[str, ...] = ()
        self.sheet = ""
        self.hidden: tuple[str, ...] = ()
        self.ended_at = 0
        self._path, self._required, self._kind = path, required, kind
        self._rows = self._read()

    def __next__(self) -> Row | BadRow:
        return next(self._rows)

    def close(self) -> None:
        """Let go of the file before its end."""
        self._rows.close()

    def _read(self) -> Generator[Row | BadRow, None, None]:
        refuse_unsafe(self._path, self._kind)
        from openpyxl import load_workbook

        with self._path.open("rb") as file:
            with _told(self._path, "opening it"):
                book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
            self.hidden = tuple(sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible")
            header: tuple[str, ...] = ()
            for sheet in sheets:
                rows = _values(self._path, sheet)
                names, complete = _header(rows, self._required)
                if complete:
                    self.sheet, self.columns = clean(sheet.title), names
                    yield from self._below(rows)
                    return
                header = header or names
            raise self._without_header(header)

    def _below(self, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row | BadRow]:
        folds = [folded(name) for name in self.columns]
        twice = next((name for name in self.columns if name and folds.count(folded(name)) > 1), None)
        if twice is not None:
            raise UsageError(f"{self._path}, sheet {self.sheet!r}: column {twice} stands there twice; keep one")
        places = {name: place for place, name in enumerate(folds) if name}
        width, last = len(folds), 0
        for number, cells in rows:
            cells = cells[:width] + [""] * (width - len(cells))
            last = last or number - 1
            if not any(cells):
                if number - last >= EMPTY_ROWS:
                    self.ended_at = last
                    return
                continue
            last = number
            if [folded(cell) for cell in cells] == folds:
                yield BadRow(number, "header_again", "the header once more")
            elif max(map(len, cells)) > MAX_CELL_CHARS:
                yield BadRow(number, "too_long", f"a cell of more than {MAX_CELL_CHARS:,} characters")
            else:
                yield Row(number, Cells(places, cells))

    def _without_header(self, seen: Sequence[str]) -> UsageError:
        missing = [name for name in self._required if folded(name) not in {folded(one) for one in seen}]
        hidden = f"; hidden sheets are not read ({', '.join(self.hidden)[:200]})" if self.hidden else ""
        first = ", ".join(name[:40] for name in seen[:12] if name) or "nothing"
        return UsageError(
            f"{self._path}: no visible sheet has a header with {', '.join(missing)} in its first {HEADER_ROWS} rows "
            f"(found: {first[:300]}){hidden}; {known_table(seen, self._required) or f'expected {self._kind}'}"
        )


def workbook_rows(path: Path, columns_required: Sequence[str], kind: str) -> WorkbookRows:
    """Stream the rows below the header, cells as text: dates as 2020-01-31, whole numbers without a point.

    Args:
        path: An .xlsx or .xlsm file.
        columns_required: Columns by which the header is known, whatever their case, blanks and underscores.
        kind: What the file should be, for messages.

    Raises:
        UsageError: On iterating: no workbook, one that is not safe to read, or no sheet with this header.
    """
    return WorkbookRows(path, columns_required, kind)


def every_sheet(path: Path, columns_required: Sequence[str], kind: str) -> Iterator[tuple[str, Row | BadRow]]:
    """Rows of every visible sheet that has the header, each with its sheet's title; other sheets are passed over.

    Raises:
        UsageError: On iterating: no workbook, or one that is not safe to read.
    """
    refuse_unsafe(path, kind)
    from openpyxl import load_workbook

    with path.open("rb") as file:
        with _told(path, "opening it"):
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        for sheet in book.worksheets:
            rows = _values(path, sheet) if sheet.sheet_state == "visible" else iter(())
            names, complete = _header(rows, columns_required)
            if complete:
                found = WorkbookRows(path, columns_required, kind)
                found.sheet, found.columns = clean(sheet.title), names
                for row in found._below(rows):
                    yield found.sheet, row


def table_rows(path: Path, columns_required: Sequence[str], kind: str) -> WorkbookRows | CsvRows:
    """Rows of a table that may be a workbook or a CSV file, by its first bytes.

    Raises:
        UsageError: No such file, or a folder; on iterating, as :func:`workbook_rows` and ``csv_rows``.
    """
    with open_file(path) as file:
        start = file.read(4)
    if start in (OLE, b"PK\x03\x04", b"PK\x05\x06"):
        return workbook_rows(path, columns_required, kind)
    return csv_rows(path, columns_required, kind)


def how_read(rows: WorkbookRows | CsvRows) -> list[str]:
    """What a person should know of how a file was read, once it has been."""
    if isinstance(rows, CsvRows):
        return [] if rows.encoding == UTF_8 else [f"The file was read as {rows.encoding}"]
    said = [f"Sheet {rows.sheet!r} was read"]
    if rows.hidden:
        said.append(f"Hidden sheets were not: {', '.join(rows.hidden)[:200]}")
    if rows.ended_at:
        said.append(f"Nothing was read below row {rows.ended_at:,}, behind which {EMPTY_ROWS:,} rows are empty")
    return said


def refuse_unsafe(path: Path, kind: str) -> None:
    """Raise a UsageError for what is no workbook, and for one made to do harm; names the cure."""
    with open_file(path) as file:
        head = file.read(HEAD_BYTES)
        if head.startswith(OLE):
            locked = _ENCRYPTED in head + file.read(2**20)
            raise UsageError(
                f"{path}: a workbook with a password; save it without one"
                if locked
                else f"{path}: an old Excel workbook (.xls); save it as .xlsx, or the sheet as 'CSV UTF-8'"
            )
    if not is_zip(path):
        other = other_kind(head)
        raise UsageError(f"{path}: looks like {other[0] if other else 'no workbook'}; expected {kind} as .xlsx")
    with zip_members(
        path, max_members=MAX_PARTS, max_bytes_each=MAX_BYTES_EACH, max_bytes_all=MAX_BYTES_ALL, allow_nested=True
    ) as members:
        names = {member.name for member in members}
        if _CONTENT_TYPES not in names or not any(name.startswith("xl/") for name in names):
            raise UsageError(f"{path}: a zip, but no Excel workbook; expected {kind} as .xlsx")
        if "xl/workbook.bin" in names:
            raise UsageError(f"{path}: a binary workbook (.xlsb); save it as .xlsx")
        for member in members:
            if member.name.endswith((".xml", ".rels")):
                _refuse_doctype(path, member)


def _refuse_doctype(path: Path, member: Member) -> None:
    """Entities are declared before the first element, and no program writes any there."""
    with member.open() as stream:
        head = stream.read(MAX_PROLOG_BYTES)
    text = head.removeprefix(b"\xef\xbb\xbf")
    encoding = _ENCODING.match(text)
    as_usual = encoding is None or encoding[1].lower() in (b"utf-8", b"us-ascii")
    if head and not (as_usual and _FIRST.match(text)):
        raise UsageError(
            f"{path}, part {member.name}: XML with declarations of its own, or none, which Excel never writes; open "
            "the file in Excel and save it anew"
        )


class _told:  # noqa: N801 - used as a function is
    """openpyxl answers a damaged part with whatever it stumbled over; a person is told of the file."""

    def __init__(self, path: Path, doing: str) -> None:
        self._path, self._doing, self._quiet = path, doing, warnings.catch_warnings()

    def __enter__(self) -> None:
        self._quiet.__enter__()
        warnings.simplefilter("ignore")  # on styles and validations that it leaves out, as we do

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        self._quiet.__exit__(None, None, None)
        if isinstance(error, Exception) and not isinstance(error, StopIteration | UsageError | OSError):
            raise UsageError(
                f"{self._path}: a damaged workbook ({type(error).__name__} while {self._doing}); open it in Excel and "
                "save it anew, or save the sheet as 'CSV UTF-8'"
            ) from error


def _values(path: Path, sheet: ReadOnlyWorksheet) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each row, empty ones too."""
    sheet.reset_dimensions()  # what the sheet says of its size is often wrong
    rows: Iterator[tuple[Any, ...]] = sheet.iter_rows(values_only=True)  # type: ignore[misc] # stubs lend it another's
    for number in count(1):
        with _told(path, f"reading row {number} of sheet {sheet.title[:40]!r}"):
            values = next(rows, None)
        if values is None:
            return
        yield number, [_text(value) for value in values]


def _header(rows: Iterator[tuple[int, list[str]]], required: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The header, which is the first row with all names asked for; without one the fullest of the first rows."""
    asked, fullest = {folded(name) for name in required}, tuple[str, ...]()
    for number, cells in rows:
        names = tuple(clean(cell) for cell in cells)
        if asked <= {folded(name) for name in names}:
            return names, True
        if sum(map(bool, names)) > sum(map(bool, fullest)):
            fullest = names
        if number >= HEADER_ROWS:
            break
    return fullest, False


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return str(value)
