"""Stream through WARC and WET files of any origin, and say where the records of wanted sites lie.

Files are gzip per record, gzip or zstd as a whole, or plain. A damaged record costs itself, not the file: reading goes
on at the next one. Where single records cannot be reached (one gzip stream for all), wanted ones go to a spool file.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from crawler.errors import BadUrlError
from crawler.members import MAX_RECORD_BYTES, gzipped
from crawler.mending import member_length
from crawler.stored import MAX_HEADER_BYTES, RENDERED, Stored, fields_of, record_at, stored_of
from crawler.urls import canonical_host, is_ip, registered_domain

MAX_FAULTS = 1_000
MAX_RESCANS = 3  # times a file's own size that a reader may spend on it, however its records lie about their length
BLOCK = 1 << 20
STARTS = {b"\x1f\x8b": b"\x1f\x8b\x08", b"\x28\xb5": b"\x28\xb5\x2f\xfd"}  # of a gzip member, of a zstd frame
PLAIN_START = b"WARC/1."
HOST = re.compile(r"(https?)://([^/?#\\]+)", re.IGNORECASE)
KINDS = {"response", "revisit", "metadata", "conversion", "resource"}


@dataclass(slots=True)
class Tally:
    """What was met in one file: all records, answers among them, wanted ones, and faults by reason."""

    records: int = 0
    answers: int = 0
    wanted: int = 0
    faults: int = 0
    fault: str = ""
    software: str = ""
    begun: str = ""

    def note(self, reason: str) -> None:
        """Count a fault; the first one is told."""
        self.faults += 1
        self.fault = self.fault or reason


class Spool:
    """Copies of records that cannot be reached where they lie, as gzip members that can.

    Args:
        path: File to append to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, record: bytes) -> int:
        """Append a record and return its offset."""
        with self.path.open("ab") as file:
            offset = file.tell()
            file.write(gzipped(record))
        return offset


def scan(
    path: Path, wants: Callable[[str], bool], spool: Spool, tally: Tally, progress: Callable[[int], None] | None = None
) -> Iterator[tuple[Path, int, Stored]]:
    """The wanted records of a file, without their bodies, each with the file and offset from which it can be read.

    Args:
        path: WARC or WET file.
        wants: Whether a record's target URL (of a rendered text: its page's) is of interest.
        spool: Takes wanted records that cannot be reached by offset.
        tally: Is counted up on the way.
        progress: Called with the offset reached, every thousand records.

    Raises:
        OSError: The file cannot be read.
    """
    for record, offset in records(path, tally):
        tally.records += 1
        if progress is not None and tally.records % 1000 == 0:
            progress(offset)
        kind = (record.headers.get("WARC-Type") or "").lower()
        if kind == "warcinfo" and not tally.software:
            tally.software, tally.begun = _software(record), record.headers.get("WARC-Date") or ""
        if kind not in KINDS:
            continue
        uri = (record.headers.get("WARC-Target-URI") or "").strip("<>")
        rendered = RENDERED.match(uri)
        tally.answers += kind in {"response", "revisit", "conversion"} or rendered is not None
        if not wants(uri[rendered.end() :] if rendered else uri):
            continue
        if record.content_length > MAX_RECORD_BYTES:
            tally.note(f"a record at {offset} is larger than {MAX_RECORD_BYTES} bytes")
            continue
        found = _located(path, offset, record, spool, tally)
        if found is not None:
            tally.wanted += 1
            yield found


def records(path: Path, tally: Tally) -> Iterator[tuple[Any, int]]:
    """Every record of a file with its offset, those after a damaged one too; a record must be used before the next.

    Raises:
        OSError: The file cannot be read.
    """
    from fastwarc.warc import ArchiveIterator

    size = path.stat().st_size
    at = spent = 0
    with path.open("rb") as file:
        start = STARTS.get(file.read(2), PLAIN_START)
        while at < size:
            last = at
            file.seek(at)
            fault = ""
            try:
                # By its path, FastWARC would tell the compression by the file's name.
                for record in ArchiveIterator(file, parse_http=False, max_header_len=MAX_HEADER_BYTES):
                    last = record.stream_pos
                    yield record, last
                fault = _short(file, last)
            except OSError as error:
                fault = str(error)
            if not fault:
                if tail := _torn_tail(file, last, size, start):
                    tally.note(f"cut short at {tail}")
                return
            tally.note(f"damaged at {last}: {fault}")
            spent += size - at if "claims" in fault else last - at
            if tally.faults >= MAX_FAULTS or spent > MAX_RESCANS * size:
                tally.note("too much damage")
                return
            at = _next(file, last + 1, size, start)


def site_of(url: str) -> str:
    """The key under which URLs of one site meet: registered domain, or address and port. Empty when it is no URL."""
    match = HOST.match(url)
    return _site(match[1].lower(), match[2]) if match else ""


def wants_sites(sites: frozenset[str]) -> Callable[[str], bool]:
    """A quick filter: whether a URL belongs to one of the sites."""
    known: dict[str, bool] = {}

    def wants(url: str) -> bool:
        match = HOST.match(url)
        if match is None:
            return False
        place = match[0]
        if place not in known:
            if len(known) > 200_000:
                known.clear()
            known[place] = _site(match[1].lower(), match[2]) in sites
        return known[place]

    return wants


def _site(scheme: str, netloc: str) -> str:
    try:
        parts = urlsplit(f"{scheme}://{netloc.rpartition('@')[2]}")
        host, port = canonical_host(parts.hostname or ""), parts.port
    except (BadUrlError, ValueError):
        return ""
    return f"{host}:{port or (443 if scheme == 'https' else 80)}" if is_ip(host) else registered_domain(host)


def _located(path: Path, offset: int, record: Any, spool: Spool, tally: Tally) -> tuple[Path, int, Stored] | None:
    """Where the record can be read again, with its headers; a record that says nothing usable is no fault."""
    record_id = record.headers.get("WARC-Record-ID") or ""
    try:
        with path.open("rb") as file:
            again = record_at(file, offset)
            there = again is not None and (again.headers.get("WARC-Record-ID") or "") == record_id
            if there and again.headers.get("WARC-Target-URI") == record.headers.get("WARC-Target-URI"):
                stored = stored_of(again, with_body=False)
                return (path, offset, stored) if stored is not None else None
    except (OSError, ValueError):
        pass
    out = io.BytesIO()
    try:
        record.write(out)
        if record.content_length and len(out.getvalue()) < record.content_length:
            tally.note(f"the record at {offset} is cut short")
            return None
        place = spool.add(out.getvalue())
        with spool.path.open("rb") as file:
            again = record_at(file, place)
            stored = stored_of(again, with_body=False) if again is not None else None
    except (OSError, ValueError) as error:
        tally.note(f"the record at {offset} cannot be read: {error}")
        return None
    return (spool.path, place, stored) if stored is not None else None


def _software(record: Any) -> str:
    with contextlib.suppress(OSError):
        return fields_of(record.reader.read(MAX_HEADER_BYTES)).get("software", "")
    return ""


def _short(file: BinaryIO, offset: int) -> str:
    """What is wrong with a file's last record, if it claims more than there is."""
    try:
        record = record_at(file, offset)
        if record is None:
            return ""
        claimed, found = record.content_length, 0
        for _ in itertools.count():
            block = record.reader.read(BLOCK)
            found += len(block)
            if not block or found >= claimed:
                break
    except OSError:
        return ""  # it lies within a stream that can only be read from its beginning
    return f"the record claims {claimed} bytes and has {found}" if found < claimed else ""


def _torn_tail(file: BinaryIO, last: int, size: int, start: bytes) -> int:
    """Where a gzip member begins of which there is too little for a record; 0 for nowhere."""
    at = _next(file, last + 1, size, start) if start.startswith(b"\x1f") else size
    if at == size:
        return 0
    file.seek(at)
    try:
        return 0 if member_length(file) else at
    except zlib.error:
        return 0  # it only looked like a beginning


def _next(file: BinaryIO, at: int, size: int, start: bytes) -> int:
    while at < size:
        file.seek(at)
        block = file.read(BLOCK)
        place = block.find(start)
        if place >= 0:
            return at + place
        at += max(1, len(block) - len(start) + 1)
    return size


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
