"""Read a register file, or the members of its zip, into a spool: good rows kept, bad rows dropped by reason.

A row that cannot be used still says that its company is there, so the numbers in it are noted: they have not gone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipelines.errors import UsageError
from pipelines.runs import Run, StageCounts
from pipelines.sources.company_numbers import normalised
from pipelines.sources.csv_files import BadRow, open_file, refuse_other_kinds
from pipelines.sources.file_kinds import HEAD_BYTES
from pipelines.sources.register_blocks import Block, blocks
from pipelines.sources.register_columns import READ, REQUIRED, cleaned
from pipelines.sources.register_spool import Spool
from pipelines.sources.text_lines import Chained, as_utf8
from pipelines.sources.zips import is_zip, zip_members

if TYPE_CHECKING:
    import pyarrow as pa

KIND = "Companies House company data"
MAX_BYTES = 8 << 30  # 5.6 million companies take 2.6 GB
MAX_DROPS_KEPT = 10_000  # row by row in dropped.csv; the counts are whole
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{0,2}[0-9]{5,8}[A-Za-z]?(?![A-Za-z0-9])")


@dataclass
class Reading:
    """What was learned while a file was read."""

    rows: int = 0
    companies: int = 0
    newest: date | None = None
    cut_short: bool = False
    first_bad: str = ""
    spared: set[str] = field(default_factory=set)
    encodings: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)


@contextmanager
def csv_members(path: Path) -> Iterator[list[tuple[str, Callable[[], BinaryIO]]]]:
    """CSV files to be read: the file itself, or those in a zip."""
    with open_file(path) as file:  # says so when there is none
        file.seek(0, 2)
        if file.tell() > MAX_BYTES:
            raise UsageError(f"{path}: {file.tell():,} bytes, at most {MAX_BYTES:,}; {KIND} takes 3 GB")
    if not is_zip(path):
        yield [(str(path), lambda: open_file(path))]
        return
    with zip_members(path) as members:
        found = [member for member in members if member.name.lower().endswith(".csv")]
        if not found:
            names = ", ".join(member.name[:60] for member in members[:5])
            raise UsageError(f"{path}: no CSV file in it (found: {names or 'nothing'}); expected {KIND}")
        yield [(f"{path}, member {member.name}", member.open) for member in found]


def read_member(
    run: Run, counts: StageCounts, where: str, open_bytes: Callable[[], BinaryIO], spool: Spool, reading: Reading
) -> None:
    import pyarrow.compute as pc

    short = Path(where).name
    last_good = last_bad = 0
    with open_bytes() as file:
        head = file.read(HEAD_BYTES)
        refuse_other_kinds(head, where, KIND)
        stream, encoding = as_utf8(Chained(head, file), where)
        for block in blocks(stream, encoding, REQUIRED, READ, where, KIND):
            bad = list(block.bad)
            part = cleaned(block.columns, block.lines)
            usable = pc.and_(pc.is_valid(part.table["number"]), pc.is_valid(part.table["name"]))
            if not pc.all(usable).as_py():
                bad += _useless(block, part.table)
            rows = part.table.filter(usable)
            drops = [(f"{short}, row {row.number}", row.reason, row.detail) for row in bad]
            drops += [
                (f"{short}, row {line}", "firm_id_taken", f"another firm has the firm_id {number}: give it its company "
                 "number if it is this company, or another firm_id")
                for line, number in spool.add(rows)
            ]  # fmt: skip
            drop(run, counts, drops)
            for row in bad:
                reading.spared |= {one for text in _NUMBER.findall(row.text) if (one := normalised(text))}
                reading.first_bad = reading.first_bad or f"row {row.number}: {row.detail}"
            reading.rows += len(block.lines) + len(block.bad)
            reading.companies += rows.num_rows
            reading.left_out += part.left_out
            newest = pc.max(rows["incorporated_on"]).as_py()
            reading.newest = max(filter(None, (reading.newest, newest)), default=None)
            last_good = max(last_good, int(block.lines.max(initial=0)))
            last_bad = max([last_bad, *(row.number for row in block.bad)])
    reading.encodings.add(encoding.name or "UTF-8")
    reading.cut_short |= last_bad > last_good


def _useless(block: Block, table: pa.Table) -> list[BadRow]:
    """Rows without a company number or a name."""
    found = []
    for place, (number, name) in enumerate(zip(table["number"].to_pylist(), table["name"].to_pylist(), strict=True)):
        if number is not None and name is not None:
            continue
        cell = block.columns["CompanyNumber"][place].as_py().strip()
        if number is not None:
            reason, detail = "no_company_name", "CompanyName is empty"
        elif cell:
            reason, detail = "bad_company_number", f"CompanyNumber {cell[:50]!r}, expected one such as 00123456"
        else:
            reason, detail = "no_company_number", "CompanyNumber is empty"
        found.append(BadRow(int(block.lines[place]), reason, detail, number or ""))
    return found


def drop(run: Run, counts: StageCounts, drops: list[tuple[str, str, str]]) -> None:
    """Keep dropped rows, the first ``MAX_DROPS_KEPT`` of a file, and count all."""
    kept = drops[: max(0, MAX_DROPS_KEPT - counts.dropped.total())]
    counts.dropped.update(reason for _, reason, _ in drops[len(kept) :])
    if kept:
        run.drop_all(counts, kept)
