"""``import psc``: who controls the listed companies, from Companies House's snapshot, as far as it is no person.

A snapshot in parts may be given part by part or all at once: a company's entries can stand in two parts, so that a part
alone adds to what is held, while a whole snapshot takes its place for every company named in it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.runs import Run, StageCounts
from pipelines.sources.cells import day
from pipelines.sources.countries import UNCLEAR
from pipelines.sources.listed import NOT_LISTED, ListedFirms
from pipelines.sources.psc_entries import COMPANY, EntryError, company_of, is_plainly_person, owner_row, read_entry
from pipelines.sources.psc_lines import refuse_table, snapshot_lines
from pipelines.sources.psc_tables import Entries, write_owners

MAX_KEPT_DROPS = 10_000  # rows of dropped.csv from one import; the rest is counted
LINES_TO_KNOW = 1_000  # a file without an entry in so many lines is of another kind
# Entries that are no fault: counted by reason, not kept line by line. Those of SILENT do not tell who has control.
SILENT = {"not_identified", "exemption"}
EXPECTED = {NOT_LISTED, "person", "person_protected", "statement", "totals"} | SILENT
_DATE = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]")
_PART = re.compile(r"[_-]([0-9]+)of([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class PscReport:
    """What came of an import."""

    lines: int
    firms: int  # listed firms that the file names
    owners: int
    ceased: int
    foreign: int
    british: int
    unclear: int
    minority: int
    faulty: int
    parents: int
    partial: bool
    dropped: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The report in words, for the screen."""
        said = [
            f"{self.lines:,} entries read; {self.firms:,} of the firms listed are named in them",
            f"{self.owners:,} entries of companies and other bodies kept, {self.ceased:,} of them ceased; "
            f"{self.dropped.get('person', 0):,} entries of persons counted and let go",
            f"Owned from abroad: {self.foreign:,} firms; from the United Kingdom: {self.british:,}; "
            f"country unclear: {self.unclear:,}; the rest has no corporate owner "
            f"({self.minority:,} of them a holder of at most half, which is no owner here)",
            f"{self.parents:,} firms have a parent with a company number",
        ]
        if self.faulty:
            said.append(
                f"{self.faulty:,} firms have an entry that could not be read; whether they are foreign-owned was left "
                "as it stood"
            )
        if self.partial:
            said.append("A part of a snapshot: its entries were added to those held; import the other parts too")
        others = {reason: n for reason, n in self.dropped.items() if n and reason not in EXPECTED}
        said += [f"Not taken: {number:,} {reason}" for reason, number in sorted(others.items())]
        return said


def import_psc(run: Run, paths: Path | Sequence[Path]) -> PscReport:
    """Read a PSC snapshot into ``owners``, and what follows from it into ``firms``.

    Args:
        run: The run to work for.
        paths: The snapshot, or its parts: JSON lines, plain or zipped.

    Raises:
        UsageError: No firm has a company number, or a file is not to be read; nothing was written.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    partial = _is_partial(files)
    lake = run.workspace.lake
    with run.stage("import") as counts:
        listed = ListedFirms(lake)
        if not listed.numbered:
            raise UsageError(
                "no firm has a company number yet, by which owners are joined: run firmscope import register, or "
                "import a firm list with company_number"
            )
        found, drops = Entries(), _Drops()
        for path in files:
            _read(path, listed, found, counts, drops, _latest(path, run.started_at.date()))
        rows, twice = found.rows()
        drops.total["given_twice"] += twice
        counts.rows_out = rows.num_rows
        if drops.kept:
            run.drop_all(counts, drops.kept)
        counts.dropped = +drops.total
        run.log("owners read", files=[path.name for path in files], partial=partial)
        owned = write_owners(run, counts, listed, found, rows, adding=partial)
    values = list(owned.values())
    return PscReport(
        lines=counts.rows_in,
        firms=len(found.named | found.faulty | found.silent),
        owners=rows.num_rows,
        ceased=rows.num_rows - rows["ceased_on"].null_count,
        foreign=sum(one.foreign_owned is True for one in values),
        british=sum(one.foreign_owned is False and one.owner_country is not None for one in values),
        unclear=sum(one.owner_country == UNCLEAR for one in values),
        minority=sum(one.minority for one in values),
        faulty=len(found.faulty),
        parents=sum(one.parent is not None for one in values),
        partial=partial,
        dropped=dict(counts.dropped),
    )


class _Drops:
    """Counts of entries not taken; the first faulty ones with their line."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.kept: list[tuple[str, str, str]] = []

    def add(self, path: Path, line: int, reason: str) -> None:
        self.total[reason] += 1
        if reason not in EXPECTED and len(self.kept) < MAX_KEPT_DROPS:
            self.kept.append((f"{path.name}, line {line}", reason, ""))


def _read(
    path: Path, listed: ListedFirms, found: Entries, counts: StageCounts, drops: _Drops, latest: date
) -> None:  # fmt: skip
    known, elsewhere, persons, lines, first = False, 0, 0, 0, b""
    for line, raw in snapshot_lines(path):
        lines += 1
        first = first or raw or b""
        if not known and lines > LINES_TO_KNOW:
            refuse_table(path, first)
        start = COMPANY.match(raw) if raw else None
        firms = listed.of(start[1].decode("ascii")) if start else ()
        if start and not firms:
            known, elsewhere = True, elsewhere + 1
            continue
        if firms and raw and is_plainly_person(raw):
            known, persons = True, persons + 1
            found.note(firms)
            continue
        try:
            if raw is None:
                raise EntryError("too_long")
            entry = read_entry(raw)
            number = company_of(entry)
            known, firms = known or bool(number), listed.of(number)
            if number and not firms:
                raise EntryError(NOT_LISTED)
            row = owner_row(entry, latest)
            if not firms:
                raise EntryError("no_company_number")
        except EntryError as error:
            drops.add(path, line, error.reason)
            found.note(firms, faulty=error.reason not in EXPECTED, silent=error.reason in SILENT)
        else:
            found.add(firms, row)
    counts.rows_in += lines
    drops.total[NOT_LISTED] += elsewhere
    drops.total["person"] += persons
    if not known:
        refuse_table(path, first)


def _is_partial(files: Sequence[Path]) -> bool:
    """Whether the files' names say that they are parts (``_3of31``) and not all of them are here."""
    parts = [found for path in files if (found := _PART.search(path.name))]
    return any({int(part[1]) for part in parts if part[2] == one[2]} != {*range(1, int(one[2]) + 1)} for one in parts)


def _latest(path: Path, today: date) -> date:
    """No entry can be later than the day of the snapshot, which its name tells; else than today."""
    named = _DATE.search(path.name)
    return (day(named[0]) if named else None) or today
