"""Read the filings of a bulk file of Companies House, over several processes, without unpacking it to disk.

Filings of companies that nobody listed are told by the member's name and never opened: most of a month's 300,000.
Some members are zips themselves (community interest companies file accounts and a report in one); those are read one
level deep, and an April of 2021 has pages of HTML that are only called .zip.
"""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath

from pipelines.errors import FirmscopeError
from pipelines.sources.accounts_filings import Filing, number_in, settle_filing
from pipelines.sources.accounts_xml import MAX_BYTES, FilingError
from pipelines.sources.ixbrl import read_document
from pipelines.sources.zips import MAGIC, Member, MemberBrokenError, ZipRefusedError, zip_members

MAX_FILINGS = 1_000_000  # a month has about 300,000
MAX_ALL_BYTES = 400 * 2**30  # a month unpacks to 20 to 30 GB, a year to ten times that
MAX_INNER = 100  # files of one filing that is a zip
MAX_PROCESSES = 8  # one process unpacks for all of them
SERIAL_BELOW = 100  # filings: starting processes takes as long as reading these
PACKET_FILINGS, PACKET_BYTES = 100, 8 * 2**20  # that a process is handed at once; two for each are under way
_ENDINGS = (".html", ".xhtml", ".htm", ".xml", ".zip")
_DAILY = re.compile(r"Accounts_Bulk_Data-(\d{4})-(\d{2})-(\d{2})", re.IGNORECASE)
_MONTHLY = re.compile(r"Accounts_Monthly_Data-[A-Za-z]*?([A-Z][a-z]{2,8})(\d{4})(?!\d)")
_MONTHS = {name: number for number, name in enumerate(calendar.month_name) if name} | {
    name: number for number, name in enumerate(calendar.month_abbr) if name
}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """A filing to be read: its name, the number it was filed under, when, and a day by which it was there."""

    filing: str
    company_number: str | None
    filed_on: date | None
    known_by: date
    content: bytes = b""
    fault: tuple[str, str] | None = None  # reason and detail, where its bytes could not be had


@dataclass(frozen=True)
class Outcome:
    """What came of one filing: figures, or the reason why there are none."""

    task: Task
    found: Filing | None = None
    reason: str = ""
    detail: str = ""


def filings_among(path: Path, members: Sequence[Member]) -> list[Member]:
    """Members of a zip that are filings, not folders, pictures or what a Mac leaves behind.

    Raises:
        ZipRefusedError: There is none; says what the zip seems to be.
    """
    names = [member.name for member in members]
    found = [member for member in members if _is_filing(member.name)]
    if not found or "[Content_Types].xml" in names:
        raise ZipRefusedError(
            f"{path}: holds no accounts but {_what(names)}; expected a bulk file of Companies House accounts such as "
            "Accounts_Bulk_Data-2025-11-01.zip"
        )
    return found


def read_filings(
    path: Path, members: Sequence[Member], today: date, wanted: Collection[str], reason: str, progress: Progress
) -> Iterator[Outcome]:
    """What comes of each member, in no promised order.

    Args:
        path: The bulk file; its name dates the filings.
        members: Its filings, of an open zip.
        today: No period ends later, where nothing dates a filing.
        wanted: Company numbers whose filings are read.
        reason: Why others are not.
        progress: Told filings done, and all.

    Raises:
        FirmscopeError: A process that reads was killed.
    """
    from joblib import Parallel, cpu_count, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    to_read, seen, done = list[tuple[Member, Task]](), set[str](), 0
    for member in members:
        task = _task(path, member, today)
        left_out = _left_out(member, task, seen, wanted, reason)
        if left_out is None:
            to_read.append((member, task))
        else:
            done += 1
            yield left_out
    packets = _packets(to_read)
    if len(to_read) < SERIAL_BELOW:
        read = map(read_packet, packets)
    else:
        parallel = Parallel(n_jobs=min(cpu_count(), MAX_PROCESSES), return_as="generator", pre_dispatch="2*n_jobs")
        read = parallel(delayed(read_packet)(packet) for packet in packets)
    progress(done, len(members))
    try:
        for outcomes in read:
            yield from outcomes
            done += len(outcomes)
            progress(done, len(members))
    except TerminatedWorkerError as error:
        raise FirmscopeError(
            f"{path}: a process that read filings was killed, probably for want of memory; nothing was imported, run "
            "this again with more of it free"
        ) from error


def read_packet(tasks: Sequence[Task]) -> list[Outcome]:
    """Read filings one after the other; their bytes do not come back."""
    return [_outcome(task) for task in tasks]


def _outcome(task: Task) -> Outcome:
    bare = replace(task, content=b"")
    if task.fault:
        return Outcome(bare, None, *task.fault)
    try:
        documents = [task.content] if not task.content.startswith(MAGIC) else _unpacked(task)
        return Outcome(bare, _first_with_figures(documents, task))
    except FilingError as error:
        return Outcome(bare, None, error.reason, error.detail)


def _first_with_figures(documents: Sequence[bytes], task: Task) -> Filing:
    """Of a filing in several documents, the first that has figures; the first one's reason where none has."""
    refused = FilingError("no_figures", "an empty zip")
    for number, document in enumerate(documents):
        try:
            return settle_filing(read_document(document), task.company_number, task.known_by)
        except FilingError as error:
            refused = refused if number else error
    raise refused


def _unpacked(task: Task) -> list[bytes]:
    """Documents of a filing that is a zip itself, its accounts before its reports."""
    try:
        with zip_members(
            io.BytesIO(task.content), name=task.filing, max_members=MAX_INNER, max_bytes_each=MAX_BYTES,
            max_bytes_all=2 * MAX_BYTES,
        ) as members:  # fmt: skip
            filings = sorted((member for member in members if _is_filing(member.name)), key=lambda one: one.name)
            documents = []
            for member in filings:
                with member.open() as stream:
                    documents.append(stream.read())
            return documents
    except MemberBrokenError as error:
        raise FilingError(error.reason, str(error)) from error
    except ZipRefusedError as error:
        raise FilingError("zip_refused", str(error)) from error


def _packets(to_read: Sequence[tuple[Member, Task]]) -> Iterator[list[Task]]:
    packet: list[Task] = []
    size = 0
    for member, task in to_read:
        packet.append(_with_content(member, task))
        size += len(packet[-1].content)
        if len(packet) >= PACKET_FILINGS or size >= PACKET_BYTES:
            yield packet
            packet, size = [], 0
    if packet:
        yield packet


def _with_content(member: Member, task: Task) -> Task:
    try:
        with member.open() as stream:
            return replace(task, content=stream.read())
    except MemberBrokenError as error:
        return replace(task, fault=(error.reason, str(error)))


def _task(path: Path, member: Member, today: date) -> Task:
    filed_on = _filed_on(path.name, member)
    return Task(PurePosixPath(member.name).name, number_in(member.name), filed_on, filed_on or today)


def _left_out(member: Member, task: Task, seen: set[str], wanted: Collection[str], reason: str) -> Outcome | None:
    """Why a member is not even opened."""
    if task.filing in seen:
        return Outcome(
            task, None, "filing_twice", f"{member.name}: another folder of the zip has a filing of this name"
        )
    seen.add(task.filing)
    if task.company_number is not None and task.company_number not in wanted:
        return Outcome(task, None, reason, task.company_number)
    if member.bytes_declared > MAX_BYTES:
        return Outcome(task, None, "too_large", f"{member.bytes_declared:,} bytes, at most {MAX_BYTES:,} are read")
    return None


def _filed_on(bulk_name: str, member: Member) -> date | None:
    """When a filing was there: the day in the bulk file's name, or the member's own day if it is of that month."""
    try:
        if daily := _DAILY.search(bulk_name):
            return date(*(int(part) for part in daily.groups()))
        day = date(*member.modified)
    except ValueError:
        return None
    monthly = _MONTHLY.search(bulk_name)
    if not monthly or monthly[1] not in _MONTHS:
        return None
    year, month = int(monthly[2]), _MONTHS[monthly[1]]
    return day if (day.year, day.month) == (year, month) else date(year, month, calendar.monthrange(year, month)[1])


def _is_filing(name: str) -> bool:
    parts = PurePosixPath(name)
    return parts.suffix.lower() in _ENDINGS and not parts.name.startswith(".") and "__MACOSX" not in parts.parts


def _what(names: Sequence[str]) -> str:
    if any(name.startswith("[Content_Types]") for name in names):
        return "an Excel workbook"
    if any("BasicCompanyData" in name for name in names):
        return "Companies House company data, which is for: firmscope import register"
    if any("persons-with-significant-control" in name for name in names):
        return "owners of companies, which is for: firmscope import psc"
    return ", ".join(name[:60] for name in names[:3]) or "nothing"
