"""Raw responses in WARC files, one gzip member per record, so that extraction can be rerun with no network.

A file is written as ``NAME.warc.gz.open`` under a lock and renamed when it is whole. One that a killed crawl left
behind is cut after its last whole record and renamed by the next crawl, so references into it stay good.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from crawler.bodies import decode_body
from crawler.errors import ArchiveError
from crawler.records import utc_now

MAX_FILE_BYTES = 1_000_000_000  # the size at which the big web archives start a new file
MAX_RECORD_BYTES = 64 * 1024 * 1024
REFERENCE = re.compile(r"([A-Za-z0-9._-]+\.warc\.gz):(\d+)")
DROPPED_HEADERS = {"transfer-encoding", "content-length"}  # describe the wire, not the bytes kept here


@dataclass(frozen=True, slots=True)
class ArchivedResponse:
    """A response as it was archived; ``body`` has its content encoding undone."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fetched_at: datetime


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
        try:
            if self._file is None or self._size > MAX_FILE_BYTES:
                self.close()
                self._open()
            offset = self._size
            self._write(_response_record(url, status, headers, body, ip, at))
            return f"{self._name}:{offset}"
        except OSError as error:
            raise _unwritable(error) from error

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
            _sync_folder(self.folder)
        except OSError as error:
            raise _unwritable(error) from error

    def _open(self) -> None:
        self._name = f"crawl-{utc_now():%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}.warc.gz"
        self._file = io.FileIO(self.folder / f"{self._name}.open", "xb")
        fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._size = 0
        self._write(_info_record(self._name, self._software))

    def _write(self, member: bytes) -> None:
        assert self._file is not None  # noqa: S101 (callers open it)
        view = memoryview(member)
        while view:
            view = view[self._file.write(view) :]
        self._size += len(member)


def read_record(archive_dir: Path, ref: str) -> ArchivedResponse:
    """Read one archived response back.

    Args:
        archive_dir: Folder of the WARC files.
        ref: ``FILE.warc.gz:OFFSET`` as ``Fetch.archive_ref`` holds it.

    Raises:
        ArchiveError: No such record, or it is damaged.
    """
    match = REFERENCE.fullmatch(ref)
    if not match:
        raise ArchiveError(f"archive reference is {ref[:80]!r}: expected FILE.warc.gz:OFFSET")
    path = archive_dir / match[1]
    if not path.exists():
        path = archive_dir / f"{match[1]}.open"
    try:
        with path.open("rb") as file:
            file.seek(int(match[2]))
            member = _read_member(file)
    except (OSError, OverflowError) as error:
        raise ArchiveError(f"cannot read {ref}: {error}") from error
    return _parse(member, ref)


def good_length(path: Path) -> int:
    """Length in bytes of the whole gzip members at the start of a file."""
    good = 0
    with path.open("rb") as file:
        while True:
            file.seek(good)
            try:
                used = _member_length(file)
            except zlib.error:
                return good
            if not used:
                return good
            good += used


def recover(folder: Path) -> list[Path]:
    """Cut and rename files that a killed crawl left open; those that a running crawl holds are left alone."""
    repaired: list[Path] = []
    for path in sorted(folder.glob("*.warc.gz.open")):
        with path.open("r+b") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            good = good_length(path)
            file.truncate(good)
            os.fsync(file.fileno())
            if good:
                path.rename(path.with_suffix(""))
                repaired.append(path.with_suffix(""))
            else:
                path.unlink()
    if repaired:
        _sync_folder(folder)
    return repaired


def _member_length(file: io.BufferedReader) -> int:
    """Bytes of the gzip member at the file's position, or 0 when it is cut short."""
    stream = zlib.decompressobj(31)
    used = 0
    while chunk := file.read(1 << 16):
        stream.decompress(chunk)
        used += len(chunk)
        if stream.eof:
            return used - len(stream.unused_data)
    return 0


def _read_member(file: io.BufferedReader) -> bytes:
    stream = zlib.decompressobj(31)
    out = bytearray()
    try:
        while not stream.eof:
            chunk = file.read(1 << 16)
            if not chunk:
                raise ArchiveError("the record is cut short")
            out += stream.decompress(chunk, MAX_RECORD_BYTES)
            if len(out) > MAX_RECORD_BYTES or stream.unconsumed_tail:
                raise ArchiveError(f"the record is larger than {MAX_RECORD_BYTES} bytes")
    except zlib.error as error:
        raise ArchiveError(f"the record is damaged: {error}") from error
    return bytes(out)


def _gzip(record: bytes) -> bytes:
    stream = zlib.compressobj(6, zlib.DEFLATED, 31)
    return stream.compress(record) + stream.flush()


def _response_record(
    url: str, status: int, headers: Iterable[tuple[str, str]], body: bytes, ip: str, at: datetime
) -> bytes:
    from fastwarc.warc import WarcRecord, WarcRecordType

    lines = [f"HTTP/1.1 {status} "]
    lines += [f"{_line(name)}: {_line(value)}" for name, value in headers if name.lower() not in DROPPED_HEADERS]
    lines += [f"Content-Length: {len(body)}", "", ""]
    record = WarcRecord()
    record.init_headers(WarcRecordType.response)
    record.headers["WARC-Target-URI"] = url
    record.headers["WARC-Date"] = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record.headers["WARC-Payload-Digest"] = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if ip:
        record.headers["WARC-IP-Address"] = ip
    record.headers["Content-Type"] = "application/http; msgtype=response"
    record.set_bytes_content("\r\n".join(lines).encode("utf-8", "replace") + body)
    return _gzip(_written(record))


def _info_record(name: str, software: str) -> bytes:
    from fastwarc.warc import WarcRecord, WarcRecordType

    record = WarcRecord()
    record.init_headers(WarcRecordType.warcinfo)
    record.headers["WARC-Filename"] = name
    record.headers["WARC-Date"] = utc_now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record.headers["Content-Type"] = "application/warc-fields"
    record.set_bytes_content(f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode())
    return _gzip(_written(record))


def _written(record: object) -> bytes:
    out = io.BytesIO()
    record.write(out)  # type: ignore[attr-defined]
    return out.getvalue()


def _parse(member: bytes, ref: str) -> ArchivedResponse:
    from fastwarc.warc import ArchiveIterator

    for record in ArchiveIterator(io.BytesIO(member), parse_http=True):
        if record.http_headers is None:
            break
        headers = tuple(record.http_headers.to_tuples())
        raw = record.reader.read()
        url = record.headers["WARC-Target-URI"]
        digest = record.headers.get("WARC-Payload-Digest") or ""
        if digest != f"sha256:{hashlib.sha256(raw).hexdigest()}":
            raise ArchiveError(f"{ref} is damaged: its payload digest does not match")
        encoding = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
        body = decode_body(raw, encoding, MAX_RECORD_BYTES)
        at = datetime.fromisoformat(record.headers["WARC-Date"])
        return ArchivedResponse(url, int(record.http_headers.status_code or 0), headers, body, at)
    raise ArchiveError(f"{ref} is no HTTP response record")


def _unwritable(error: OSError) -> ArchiveError:
    return ArchiveError(f"cannot write to the archive ({error}): free space or mend the folder, then crawl again")


def _line(text: str) -> str:
    return re.sub(r"[\r\n\x00]+", " ", text)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
