"""``import accounts``: employees and turnover as filed with Companies House, or from a table of other figures.

Every filing of a bulk file ends as figures or under a reason. Nothing is written before all of the file has been read,
and then in one commit: an import that was killed left nothing behind, and is simply run again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.errors import UsageError
from pipelines.runs import Run, StageCounts
from pipelines.sources.accounts_bulk import (
    MAX_ALL_BYTES,
    MAX_FILINGS,
    Outcome,
    Progress,
    Task,
    filings_among,
    read_filings,
    read_packet,
)
from pipelines.sources.accounts_csv import read_accounts_csv
from pipelines.sources.accounts_filings import number_in
from pipelines.sources.accounts_firms import Firms, firms_of
from pipelines.sources.accounts_rows import FIGURES, account_rows, commit_filings, commit_table_rows
from pipelines.sources.accounts_xml import MAX_BYTES
from pipelines.sources.listed import NOT_LISTED
from pipelines.sources.zips import is_zip, zip_members

STAGE = "import"
SOURCE = "accounts"  # of figures that were filed
MAX_NAMED = 10_000  # companies of no list that are kept by name; a month holds 300,000 of them
MAX_SHOWN = 8  # reasons on the screen

Drop = tuple[str, str, str]


@dataclass(frozen=True)
class AccountsReport:
    """What came of an import: ``given`` filings or rows of the file, ``taken`` of them, the others by reason.

    ``periods`` are the rows made of them, ``written`` the rows that the commit wrote (0: all was there already).
    ``left_out`` counts single figures that were not taken from filings that gave others; ``mended`` are filings whose
    employees were taken as printed, against an impossible scale.
    """

    what: str
    given: int
    taken: int
    firms: int
    periods: int
    known: dict[str, int]
    written: int
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    mended: int = 0

    def sentences(self) -> list[str]:
        """What a person is told at the end."""
        told = [
            f"{self.taken:,} of {self.given:,} {self.what} taken: {self.periods:,} periods of {self.firms:,} firms, "
            f"employees in {self.known['employees']:,}, turnover in {self.known['turnover_gbp']:,}"
        ]
        told += [f"  {count:,} not taken: {reason}" for reason, count in self.dropped.most_common(MAX_SHOWN)]
        if len(self.dropped) > MAX_SHOWN:
            rest = sum(count for _, count in self.dropped.most_common()[MAX_SHOWN:])
            told.append(f"  {rest:,} for other reasons; all are in the run's dropped.csv")
        if self.left_out:
            reasons = ", ".join(f"{reason} {count:,}" for reason, count in self.left_out.most_common())
            told.append(f"Single figures left out of filings that gave others: {reasons} (see the run's log)")
        if self.mended:
            told.append(f"{self.mended:,} filings scale their employees to hundredths; the printed number was taken")
        if self.given and not self.taken:
            return [*told, f"Nothing has changed: none of the {self.given:,} {self.what} could be taken"]
        return told if self.written else [*told, "Nothing has changed: all of it was known"]


def import_accounts(run: Run, path: Path, progress: Progress | None = None) -> AccountsReport:
    """Write the figures of a file into the table accounts; figures of other files stay.

    Args:
        run: The run of the command.
        path: A daily or monthly bulk file of accounts (zip), one filing (iXBRL or XBRL), or CSV with company_number,
            period_end, source, employees and turnover_gbp.
        progress: Told filings done, and all.

    Raises:
        UsageError: Not such a file, or damaged as a whole; nothing was written.
    """
    with run.stage(STAGE) as counts:
        today = run.started_at.date()
        if not path.is_file():
            raise UsageError(f"{path}: is a folder, expected a file" if path.is_dir() else f"{path}: no such file")
        if is_zip(path):
            return _import_bulk(run, counts, path, today, progress or _silent)
        if _is_markup(path):
            return _import_one(run, counts, path, today)
        return _import_table(run, counts, path, today)


def _import_bulk(run: Run, counts: StageCounts, path: Path, today: date, progress: Progress) -> AccountsReport:
    lake = run.workspace.lake
    with zip_members(
        path, max_members=MAX_FILINGS, max_bytes_all=MAX_ALL_BYTES, allow_nested=True, allow_odd=True
    ) as members:
        filings = filings_among(path, members)
        firms = firms_of(lake, {number for member in filings if (number := number_in(member.name))})
        wanted = firms.firm_of.keys()
        gathered = _Gathered()
        for outcome in read_filings(path, filings, today, wanted, NOT_LISTED, progress):
            gathered.add(outcome, firms)
    return _committed(run, counts, gathered, len(filings))


def _import_one(run: Run, counts: StageCounts, path: Path, today: date) -> AccountsReport:
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{path}: {path.stat().st_size:,} bytes, a filing has at most {MAX_BYTES:,}")
    task = Task(path.name, number_in(path.name), None, today, path.read_bytes())
    outcome = read_packet([task])[0]
    if outcome.reason in ("not_xml", "not_accounts", "entities"):
        raise UsageError(f"{path}: not a filing of accounts ({outcome.reason}: {outcome.detail})")
    gathered = _Gathered()
    gathered.add(outcome, Firms({}, {}))
    return _committed(run, counts, gathered, 1)


def _import_table(run: Run, counts: StageCounts, path: Path, today: date) -> AccountsReport:
    lake = run.workspace.lake
    table = read_accounts_csv(path, today)
    firms = firms_of(lake, table.company_numbers)
    columns, drops = table.columns, table.drops
    for number, line in zip(columns["number"], columns["line"], strict=True):
        if number not in firms:
            drops.append((f"{path.name}, row {line}", *firms.absence(number)))
    places = [place for place, number in enumerate(columns["number"]) if number in firms]
    kept: dict[str, list[Any]] = {
        name: [columns[name][place] for place in places] for name in ("period_end", "source", "imputed", *FIGURES)
    }
    kept["firm_id"] = [firms.firm_of[columns["number"][place]] for place in places]
    counts.rows_in, counts.rows_out = table.rows, len(places)
    _drop(run, counts, drops)
    run.notes["encoding"] = table.encoding
    if drops and not places:
        subject, reason, detail = drops[0]
        raise UsageError(
            f"{path}: none of the {table.rows:,} rows could be taken; the first, {subject}: {reason}"
            + (f" ({detail})" if detail else "")
        )
    written = commit_table_rows(lake, account_rows(lake, kept), table.figures, run.run_id)
    counts.written["accounts"] = written
    return _report("rows", counts, kept, written)


class _Gathered:
    """What has been read so far: columns of rows, drops, and single figures left out."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {
            name: [] for name in ("firm_id", "period_end", "period_start", "filing", "filed_on", *FIGURES)
        }
        self.late: list[Outcome] = []  # their names did not say whose they are
        self.drops: list[Drop] = []
        self.faults: list[tuple[str, str, str]] = []
        self.taken = self.mended = 0

    def add(self, outcome: Outcome, firms: Firms) -> None:
        """Take a filing's rows, or its reason."""
        task, found = outcome.task, outcome.found
        if found is None:
            reason, detail = outcome.reason, outcome.detail
            if reason == NOT_LISTED:
                reason, detail = firms.absence(detail)
            self.drops.append((task.filing, reason, detail))
            return
        if found.company_number not in firms:
            self.late.append(outcome)
            return
        self.taken += 1
        self.mended += found.mended
        self.faults += [(task.filing, fault.reason, fault.detail) for fault in found.faults]
        for period in found.periods:
            row = {
                "firm_id": firms.firm_of[found.company_number], "period_end": period.end, "period_start": period.start,
                "filing": task.filing, "filed_on": task.filed_on, "employees": period.employees,
                "turnover_gbp": period.turnover_gbp,
            }  # fmt: skip
            for name, values in self.columns.items():
                values.append(row[name])

    def add_late(self, firms: Firms) -> None:
        """Take filings whose company is known from the document only."""
        late, self.late = self.late, []
        for outcome in late:
            number = outcome.found.company_number if outcome.found else ""
            if number in firms:
                self.add(outcome, firms)
            else:
                self.drops.append((outcome.task.filing, *firms.absence(number)))


def _committed(run: Run, counts: StageCounts, gathered: _Gathered, given: int) -> AccountsReport:
    lake = run.workspace.lake
    gathered.add_late(firms_of(lake, {one.found.company_number for one in gathered.late if one.found}))
    counts.rows_in, counts.rows_out = given, gathered.taken
    _drop(run, counts, gathered.drops)
    for filing, reason, detail in gathered.faults:
        run.log("figure left out", filing=filing, reason=reason, detail=detail)
    length = len(gathered.columns["firm_id"])
    constant: dict[str, list[Any]] = {"source": [SOURCE] * length, "imputed": [False] * length}
    written = commit_filings(lake, account_rows(lake, gathered.columns | constant), run.run_id)
    counts.written["accounts"] = written
    left_out = Counter(reason for _, reason, _ in gathered.faults)
    return _report("filings", counts, gathered.columns, written, left_out, gathered.mended)


def _drop(run: Run, counts: StageCounts, drops: Iterable[Drop]) -> None:
    """Keep what was dropped; companies of no list by name only as long as they are few enough to be looked at."""
    drops = list(drops)
    strangers = sum(1 for _, reason, _ in drops if reason == NOT_LISTED)
    if strangers > MAX_NAMED:
        drops = [drop for drop in drops if drop[1] != NOT_LISTED]
        counts.dropped[NOT_LISTED] += strangers
        run.log("companies of no list are counted, not named", count=strangers)
    if drops:
        run.drop_all(counts, drops)


def _report(
    what: str,
    counts: StageCounts,
    columns: dict[str, list[Any]],
    written: int,
    left_out: Counter[str] | None = None,
    mended: int = 0,
) -> AccountsReport:
    return AccountsReport(
        what=what,
        given=counts.rows_in,
        taken=counts.rows_out,
        firms=len(set(columns["firm_id"])),
        periods=len(columns["firm_id"]),
        known={name: sum(value is not None for value in columns[name]) for name in FIGURES},
        written=written,
        dropped=Counter(counts.dropped),
        left_out=left_out or Counter(),
        mended=mended,
    )


def _silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def _is_markup(path: Path) -> bool:
    """Whether a file begins as XML or HTML does, in UTF-8 or UTF-16."""
    with path.open("rb") as file:
        head = file.read(200)
    return head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")
