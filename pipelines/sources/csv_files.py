"""Stream the rows of a CSV file from strangers: good rows as they stand, bad rows with their line and a reason word.

A quote that is never closed costs one row, not the rest of the file: the lines behind it are read anew for themselves.
"""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import UsageError
from pipelines.reading import clean
from pipelines.sources.cells import day, number
from pipelines.sources.file_kinds import HEAD_BYTES, folded, known_table, other_kind
from pipelines.sources.text_lines import KEPT_CHARS, Chained, Encoding, Line, as_utf8, numbered_lines

__all__ = ["BadRow", "CsvRows", "Row", "csv_rows", "day", "number"]

MAX_CELL_CHARS = 131_072  # what Python's csv module takes; no cell of an official file comes near
MAX_ROW_LINES = 100  # an address in one cell may have ten lines; more is a quote that was never closed
SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """A row; ``number`` is the line on which it begins, the header being line 1.

    ``cells`` are NFC text without blanks around them and without control characters; a column is found whatever the
    case, spaces and underscores of its name.
    """

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used; ``text`` is how it begins.

    Reasons: wrong_cell_count, header_again, too_long, unclosed_quote, bad_quotes, not_text, not_utf8, mixed_encoding.
    """

    number: int
    reason: str
    detail: str
    text: str = ""


class Cells(Mapping[str, str]):
    """Cells of one row by column name."""

    __slots__ = ("_cells", "_places")

    def __init__(self, places: Mapping[str, int], cells: Sequence[str]) -> None:
        """Args: place of every folded column name; the cells in order."""
        self._places, self._cells = places, cells

    def __getitem__(self, name: str) -> str:
        place = self._places.get(name)
        cell = self._cells[self._places[folded(name)] if place is None else place]
        return cell.strip() if cell.isascii() and cell.isprintable() else clean(cell)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class CsvRows(Iterator[Row | BadRow]):
    """Rows of one file; ``columns`` and ``separator`` are known after the first row, ``encoding`` after the last."""

    def __init__(self, path: Path, required: Sequence[str], kind: str, open_bytes: Callable[[], BinaryIO]) -> None:
        """As :func:`csv_rows`."""
        self.columns: tuple[str, ...] = ()
        self.separator = ","
        self._path, self._required, self._kind, self._open_bytes = path, required, kind, open_bytes
        self._encoding = Encoding()
        self._rows = self._read()

    @property
    def encoding(self) -> str:
        """UTF-8, UTF-16 or Windows-1252; UTF-8 where all is ASCII."""
        return self._encoding.name or "UTF-8"

    def __next__(self) -> Row | BadRow:
        return next(self._rows)

    def close(self) -> None:
        """Let go of the file before its end."""
        self._rows.close()

    def _read(self) -> Generator[Row | BadRow, None, None]:
        where = str(self._path)
        with self._open_bytes() as file:
            head = file.read(HEAD_BYTES)
            refuse_other_kinds(head, where, self._kind)
            stream, self._encoding = as_utf8(Chained(head, file), where)
            lines = numbered_lines(stream, self._encoding)
            header = header_of(lines, self._required, where, self._kind)
            self.columns, self.separator = header.columns, header.separator
            yield from rows_of(lines, header)


@dataclass(frozen=True)
class Header:
    """Columns of a file: their names as they stand there, and the place of each that has a name."""

    columns: tuple[str, ...]
    separator: str
    places: Mapping[str, int]

    def is_again(self, cells: Sequence[str]) -> bool:
        """Whether a row is the header once more."""
        if folded(cells[0]) != folded(self.columns[0]):  # nearly every row ends here
            return False
        return [folded(cell) for cell in cells] == [folded(name) for name in self.columns]


def csv_rows(
    path: Path,
    columns_required: Sequence[str],
    kind: str,
    *,
    open_bytes: Callable[[], BinaryIO] | None = None,
) -> CsvRows:
    """Stream the rows of a CSV file; nothing is opened before the first is asked for.

    Read are UTF-8, UTF-16 and Windows-1252; commas, semicolons and tabs between cells; LF, CR LF and CR. Empty rows are
    passed over.

    Args:
        path: The file; with ``open_bytes``, what messages call it.
        columns_required: Columns that must be there, in any order, case and spelling of blanks.
        kind: What the file should be, for messages: "Companies House company data".
        open_bytes: Opens the bytes where they are not a file of their own.

    Raises:
        UsageError: On iterating: no such file, a file of another kind, a column missing or twice, no rows to be told.
    """
    return CsvRows(path, columns_required, kind, open_bytes or (lambda: open_file(path)))


def open_file(path: Path) -> BinaryIO:
    """Open a file to be read.

    Raises:
        UsageError: It is not there, or is a folder.
    """
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path}: is a folder, expected a file") from error


def refuse_other_kinds(head: bytes, where: str, kind: str) -> None:
    """Raise a UsageError for an empty file and for one that is no CSV, named as what it is."""
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise UsageError(f"{where}: is empty; expected {kind}")
    other = other_kind(head)
    if other:
        raise UsageError(f"{where}: looks like {other[0]}, expected {kind} as CSV; {other[1]}")


def header_of(lines: Iterator[Line], required: Sequence[str], where: str, kind: str) -> Header:
    """Read the header, which is the first line that is not blank.

    Raises:
        UsageError: It cannot be read, or a column is missing or stands there twice.
    """
    first = next((line for line in lines if line.fault or line.text.strip()), None)
    if first is None:
        raise UsageError(f"{where}: is empty; expected {kind}")
    if first.fault:
        raise UsageError(f"{where}, row {first.number}: {first.fault[1]} in the header; expected {kind} as CSV")
    readings = [(separator, _header_cells(first.text, separator)) for separator in SEPARATORS]
    asked = [folded(name) for name in required]
    separator, names = max(readings, key=lambda one: (sum(folded(name) in asked for name in one[1]), len(one[1])))
    places = {folded(name): place for place, name in reversed(list(enumerate(names))) if name}
    for name in required:
        if folded(name) not in places:
            known = known_table(names, required)
            found = ", ".join(name[:40] for name in names[:12] if name) or "nothing"
            raise UsageError(
                f"{where}, row {first.number}: column {name} is missing (found: {found[:300]}); "
                + (known or f"expected {kind} with {', '.join(required)}")
            )
    often = Counter(map(folded, names))
    twice = next((name for name in names if name and often[folded(name)] > 1), None)
    if twice is not None:
        raise UsageError(f"{where}, row {first.number}: column {twice} stands there twice; keep one")
    return Header(tuple(names), separator, places)


def rows_of(lines: Iterator[Line], header: Header) -> Iterator[Row | BadRow]:
    """Rows below a header, good and bad."""
    width = len(header.columns)
    waiting: deque[Line] = deque()
    while (line := waiting.popleft() if waiting else next(lines, None)) is not None:
        if line.fault:
            yield BadRow(line.number, *line.fault, text=line.text)
            continue
        cells = _cells(line, lines, waiting, header.separator)
        if isinstance(cells, BadRow):
            yield cells
        elif not any(cell and not cell.isspace() for cell in cells):
            continue
        elif len(cells) != width:
            detail = f"{len(cells)} cells, but the header has {width}"
            yield BadRow(line.number, "wrong_cell_count", detail, line.text[:KEPT_CHARS])
        elif header.is_again(cells):
            yield BadRow(line.number, "header_again", "the header once more", line.text[:KEPT_CHARS])
        else:
            yield Row(line.number, Cells(header.places, cells))


def _header_cells(text: str, separator: str) -> list[str]:
    try:
        return [clean(name) for name in next(csv.reader([text], delimiter=separator, strict=True))]
    except csv.Error:
        return []


def _cells(line: Line, lines: Iterator[Line], waiting: deque[Line], separator: str) -> list[str] | BadRow:
    """Cells of the row that begins on this line; lines taken in vain go back to ``waiting``."""
    if '"' not in line.text:
        cells = line.text.rstrip("\r\n").split(separator)
        if len(line.text) > MAX_CELL_CHARS and max(map(len, cells)) > MAX_CELL_CHARS:
            detail = f"a cell of more than {MAX_CELL_CHARS:,} characters"
            return BadRow(line.number, "too_long", detail, line.text[:KEPT_CHARS])
        return cells
    taken: list[Line] = []

    def feed() -> Iterator[str]:
        yield line.text
        while len(taken) < MAX_ROW_LINES:
            more = waiting.popleft() if waiting else next(lines, None)
            if more is None:
                return
            taken.append(more)
            if more.fault:
                return
            yield more.text

    try:
        return next(csv.reader(feed(), delimiter=separator, strict=True))
    except csv.Error as error:
        waiting.extendleft(reversed(taken))
        start = line.text[:KEPT_CHARS]
        if "field limit" in str(error):
            return BadRow(line.number, "too_long", f"a cell of more than {MAX_CELL_CHARS:,} characters", start)
        if "unexpected end" in str(error):
            return BadRow(line.number, "unclosed_quote", "a double quote opens a cell and is never closed", start)
        return BadRow(line.number, "bad_quotes", "a double quote inside a cell, or one that is never closed", start)
