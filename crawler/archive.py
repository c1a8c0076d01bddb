"""Raw responses in WARC files, one gzip member per record, so that extraction can be rerun with no network.

A file is written as ``NAME.warc.gz.open`` under a lock and renamed when it is whole. One that a killed crawl left
behind is cut after its last whole record and renamed by the next crawl, so references into it stay good.
"""

from __future__ import annotations

import fcntl
import io
import os
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from crawler.errors import ArchiveError
from crawler.members import (
    REFERENCE,
    ArchivedResponse,
    Original,
    failure_member,
    info_member,
    parse_response,
    read_member,
    response_member,
    revisit_member,
    text_member,
)
from crawler.mending import recover, sync_folder
from crawler.records import utc_now

__all__ = ["Archive", "ArchivedResponse", "read_record"]

MAX_FILE_BYTES = 1_000_000_000  # the size at which the big web archives start a new file
MAX_REVISITS = 3  # our revisits name a response; a longer chain is somebody's loop


class Archive:
    """Writer of WARC files in a folder; also repairs what an earlier crawl left open."""

    def __init__(self, folder: Path, software: str) -> None:
        self.folder = folder
        self._software = software
        self._file: io.FileIO | None = None
        self._name = ""
        self._size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            recover(folder)
        except OSError as error:
            message = f"cannot use archive folder {folder.name!r} ({error}): free space or mend it, then crawl again"
            raise ArchiveError(message) from error

    def add(self, url: str, status: int, headers: Iterable[tuple[str, str]], body: bytes, ip: str, at: datetime) -> str:
        """Append one response and return its reference, ``FILE.warc.gz:OFFSET``.

        Args:
            url: The URL asked for.
            status: HTTP status.
            headers: As received.
            body: As received over the wire, content encoding still on.
            ip: Address of the peer, or empty.
            at: When it was received.

        Raises:
            ArchiveError: The disk is full or not writable; nothing further may be crawled.
        """
        return self._append(response_member(url, status, headers, body, ip, at))

    def add_revisit(
        self,
        url: str,
        status: int,
        headers: Iterable[tuple[str, str]],
        at: datetime,
        ref: str,
        original_url: str,
        original_at: datetime,
    ) -> str:
        """Append the headers of an answer whose body an earlier record holds; returns the new record's reference.

        Args:
            url: The URL asked for.
            status: 304 when the server said so, otherwise the status that came with the same body once more.
            headers: As received.
            at: When it was received.
            ref: Reference of the earlier record.
            original_url: URL of the earlier record.
            original_at: Date of the earlier record.

        Raises:
            ArchiveError: As ``add``.
        """
        return self._append(revisit_member(url, status, headers, at, Original(ref, original_url, original_at)))

    def add_failure(self, url: str, outcome: str, reason: str, at: datetime, *, connected: bool = False) -> str:
        """Append that a request brought no answer, with its outcome word; returns the record's reference.

        ``connected``: the peer had taken the connection, which decides what a robots.txt without an answer means.

        Raises:
            ArchiveError: As ``add``.
        """
        return self._append(failure_member(url, outcome, reason, at, connected=connected))

    def add_text(self, url: str, text: str, at: datetime) -> str:
        """Append the words of a page that came without the page; returns the record's reference.

        Raises:
            ArchiveError: As ``add``.
        """
        return self._append(text_member(url, text, at))

    def sync(self) -> None:
        """Make everything added so far survive a power cut.

        Raises:
            ArchiveError: It may not.
        """
        if self._file is not None:
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                raise _unwritable(error) from error

    def close(self) -> None:
        """Finish the current file, if there is one.

        Raises:
            ArchiveError: It cannot be finished; the next crawl will try to.
        """
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
            path = self.folder / f"{self._name}.open"
            path.rename(self.folder / self._name)
            self._file.close()
            self._file = None
            sync_folder(self.folder)
        except OSError as error:
            raise _unwritable(error) from error

    def _append(self, member: bytes) -> str:
        try:
            if self._file is None or self._size > MAX_FILE_BYTES:
                self.close()
                self._open()
            offset = self._size
            self._write(member)
            return f"{self._name}:{offset}"
        except OSError as error:
            raise _unwritable(error) from error

    def _open(self) -> None:
        self._name = f"crawl-{utc_now():%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}.warc.gz"
        self._file = io.FileIO(self.folder / f"{self._name}.open", "xb")
        fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._size = 0
        self._write(info_member(self._name, self._software))

    def _write(self, member: bytes) -> None:
        assert self._file is not None  # noqa: S101 (callers open it)
        view = memoryview(member)
        while view:
            view = view[self._file.write(view) :]
        self._size += len(member)


def read_record(archive_dir: Path, ref: str) -> ArchivedResponse:
    """Read one archived response back; of a revisit, the response that it leans on.

    Args:
        archive_dir: Folder of the WARC files.
        ref: ``FILE.warc.gz:OFFSET`` as ``Fetch.archive_ref`` holds it.

    Raises:
        ArchiveError: No such record, or it is damaged.
        BodyError: The record is sound, but the body in it cannot be decoded.
    """
    for _ in range(MAX_REVISITS):
        found = parse_response(_member_at(archive_dir, ref), ref)
        if isinstance(found, ArchivedResponse):
            return found
        ref = found
    raise ArchiveError(f"{ref} is a revisit of a revisit, and so on: no response in {MAX_REVISITS} steps")


def _member_at(archive_dir: Path, ref: str) -> bytes:
    match = REFERENCE.fullmatch(ref)
    if not match:
        raise ArchiveError(f"archive reference is {ref[:80]!r}: expected FILE.warc.gz:OFFSET")
    path = archive_dir / match[1]
    if not path.exists():
        path = archive_dir / f"{match[1]}.open"
    try:
        with path.open("rb") as file:
            file.seek(int(match[2]))
            return read_member(file)
    except (OSError, OverflowError) as error:
        raise ArchiveError(f"cannot read {ref}: {error}") from error


def _unwritable(error: OSError) -> ArchiveError:
    return ArchiveError(f"cannot write to the archive ({error}): free space or mend the folder, then crawl again")
