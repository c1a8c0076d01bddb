"""Read the register in blocks of whole lines: a block without any oddity by Arrow, any other line by line.

Arrow is many times as fast, but says neither which line was wrong nor that a quote was never closed; so a block is
believed only when each of its lines became one row. Behind a quote that is never closed, a row with a cell of several
lines may be lost as a bad row; the register has no such cells.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.sources.csv_files import BadRow, Header, Row, header_of, rows_of
from pipelines.sources.file_kinds import folded
from pipelines.sources.text_lines import UTF_8, WINDOWS, Chained, Encoding, Line, Readable, numbered_lines

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

# 200,000 rows read and cleaned: 1 MB 2.3 s of CPU, 4 MB 2.2 s, 16 MB 2.9 s.
BLOCK_BYTES = 4 << 20
MAX_ROW_BYTES = 100_000  # of a block that Arrow reads; longer lines are looked at one by one
SMALL_BYTES = 1 << 16  # of a part with an oddity: read line by line in a few milliseconds
MAX_LINES_BACK = 20  # a line end between quotes is inside a cell; no cell of the register has so many lines
ROWS_AT_ONCE = 10_000  # of those read line by line


@dataclass(frozen=True)
class Block:
    """Some rows: text of the columns asked for, ``(n_rows,)`` each, their lines, and the bad rows among them."""

    columns: dict[str, pa.StringArray]
    lines: npt.NDArray[np.int64]
    bad: list[BadRow]


def blocks(
    stream: Readable, encoding: Encoding, required: Sequence[str], wanted: Sequence[str], where: str, kind: str
) -> Iterator[Block]:
    """Read a CSV file of UTF-8 or Windows-1252 in bounded memory.

    Args:
        stream: The bytes, without a byte-order mark.
        encoding: What is known of its encoding; learns more.
        required: Columns that must be there.
        wanted: Columns to be read; those that are not there are empty.
        where: What messages call the file.
        kind: What it should be, for messages.

    Raises:
        UsageError: The header is not that of such a file.
    """
    start = _filled(stream, b"")
    head = _end_of_header(start, where, required, kind)
    if head is None:  # no LF in it: CR only, or something odd
        lines = numbered_lines(Chained(start, stream), encoding)
        header = header_of(lines, required, where, kind)
        yield from _line_by_line(lines, header, wanted)
        return
    header, offset, first = head
    rest = start[offset:]
    while True:
        rest = _filled(stream, rest)
        cut = _end_of_row(rest, len(rest)) or rest.rfind(b"\n") + 1
        if not cut:
            break
        block, rest = rest[:cut], rest[cut:]
        yield from _rows(block, header, wanted, first, encoding)
        first += block.count(b"\n")
    if rest:
        yield from _line_by_line(numbered_lines(Chained(rest, stream), encoding, first), header, wanted)


def _filled(stream: Readable, start: bytes) -> bytes:
    """``start`` and as much more as makes a block; less only at the end."""
    parts, size = [start], len(start)
    while size < BLOCK_BYTES and (more := stream.read(BLOCK_BYTES - size)):
        parts.append(more)
        size += len(more)
    return b"".join(parts)


def _end_of_header(start: bytes, where: str, required: Sequence[str], kind: str) -> tuple[Header, int, int] | None:
    """The header, where the rows begin, and the number of their first line."""
    end = start.find(b"\n") + 1
    while end and not start[:end].strip():  # blank lines before it
        end = start.find(b"\n", end) + 1
    if not end or b"\r" in start[:end].strip():
        return None
    number = start.count(b"\n", 0, end)
    line = Encoding().line(number, start[start.rfind(b"\n", 0, end - 1) + 1 : end])
    return header_of(iter([line]), required, where, kind), end, number + 1


def _rows(block: bytes, header: Header, wanted: Sequence[str], first: int, encoding: Encoding) -> Iterator[Block]:
    """Rows of a block of whole lines; where it is odd, of its halves, until the odd part is small."""
    found = _by_arrow(block, header, wanted, first, encoding)
    if found is not None:
        yield found
        return
    middle = _end_of_row(block, len(block) // 2) if len(block) > SMALL_BYTES else 0
    if middle:
        yield from _rows(block[:middle], header, wanted, first, encoding)
        yield from _rows(block[middle:], header, wanted, first + block.count(b"\n", 0, middle), encoding)
    else:
        yield from _line_by_line(numbered_lines(io.BytesIO(block), encoding, first), header, wanted)


def _end_of_row(block: bytes, before: int) -> int:
    """Where the last row that ends before a place ends; 0 where quotes that do not come in pairs leave it open."""
    end = block.rfind(b"\n", 0, before) + 1
    quotes = block.count(b'"', 0, end)
    for _ in range(MAX_LINES_BACK):
        if quotes % 2 == 0 or not end:
            return end
        start = block.rfind(b"\n", 0, end - 1) + 1
        quotes -= block.count(b'"', start, end)
        end = start
    return 0


def _by_arrow(block: bytes, header: Header, wanted: Sequence[str], first: int, encoding: Encoding) -> Block | None:
    """All rows of a block, or None when anything about it is odd."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    if b"\0" in block or block.count(b'"') % 2 or not _is_plain(block, header.separator):
        return None
    if not _is_utf8(block, encoding):
        return None
    names = [str(place) for place in range(len(header.columns))]
    places = {name: header.places.get(folded(name)) for name in wanted}
    read = {str(place): pa.string() for place in places.values() if place is not None}
    table = csv.read_csv(
        pa.BufferReader(block),
        csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=True),
        csv.ParseOptions(delimiter=header.separator, newlines_in_values=True, invalid_row_handler=lambda _: "skip"),
        csv.ConvertOptions(include_columns=list(read), column_types=read, check_utf8=False, strings_can_be_null=False),
    )
    number = header.places[folded("CompanyNumber")]
    if table.num_rows != block.count(b"\n") or folded("CompanyNumber") in {
        folded(text) for text in table[str(number)].to_pylist() if len(text) > 8
    }:
        return None
    empty = pa.array([""] * table.num_rows, pa.string()) if None in places.values() else None
    columns = {name: empty if place is None else table[str(place)].combine_chunks() for name, place in places.items()}
    return Block(columns, np.arange(first, first + table.num_rows), [])


def _is_utf8(block: bytes, encoding: Encoding) -> bool:
    if block.isascii():
        return True
    if encoding.name == WINDOWS:
        return False
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    encoding.name = encoding.name or UTF_8
    return True


def _is_plain(block: bytes, separator: str) -> bool:
    """Whether no line is long and every quote stands at a cell's edge or beside another quote."""
    import numpy as np

    raw = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(raw == ord("\n"))
    if np.diff(ends, prepend=-1).max(initial=0) > MAX_ROW_BYTES:
        return False
    edges = np.zeros(256, bool)
    edges[[ord(separator), ord("\n"), ord("\r"), ord('"')]] = True
    edge = edges[raw]
    return not (((raw == ord('"'))[1:-1]) & ~(edge[:-2] | edge[2:])).any()


def _line_by_line(lines: Iterator[Line], header: Header, wanted: Sequence[str]) -> Iterator[Block]:
    import numpy as np
    import pyarrow as pa

    there = [name for name in wanted if folded(name) in header.places]
    cells: dict[str, list[str]] = {name: [] for name in wanted}
    numbers: list[int] = []
    bad: list[BadRow] = []

    def block() -> Block:
        return Block(
            {name: pa.array(cells[name], pa.string()) for name in wanted}, np.array(numbers, np.int64), list(bad)
        )

    for row in rows_of(lines, header):
        if isinstance(row, Row):
            numbers.append(row.number)
            for name in wanted:
                cells[name].append(row.cells[name] if name in there else "")
        else:
            bad.append(row)
        if len(numbers) + len(bad) >= ROWS_AT_ONCE:
            yield block()
            numbers, bad, cells = [], [], {name: [] for name in wanted}
    if numbers or bad:
        yield block()
