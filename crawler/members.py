"""One WARC record as one gzip member: how each kind is written, and how an answer is read back.

A page that is unchanged is a ``revisit`` record naming the record that holds its body, by URL and date as WARC 1.1
has it and by file and offset as older readers know it; a request without an answer is a ``metadata`` record.
"""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from crawler.bodies import decode_body
from crawler.errors import ArchiveError
from crawler.records import utc_now

RENDERED_HEADER = "X-Firmscope-Rendered"  # on a page as a browser drew it; such a record names no peer
GZIP_LEVEL = 4  # 120 real pages grow by 6.5 % against level 6, and take 63 % of its time
MAX_RECORD_BYTES = 64 * 1024 * 1024
CHUNK = 1 << 16
REFERENCE = re.compile(r"([A-Za-z0-9._-]+\.warc\.gz):(\d+)")
DROPPED_HEADERS = {"transfer-encoding", "content-length"}  # describe the wire, not the bytes kept here
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
SAME_PAYLOAD = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


@dataclass(frozen=True, slots=True)
class ArchivedResponse:
    """A response as it was archived; ``body`` has its content encoding undone."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Original:
    """The record that a revisit leans on: its reference, URL, date, and payload digest (empty when not known)."""

    ref: str
    url: str
    at: datetime
    digest: str = ""


def response_member(
    url: str, status: int, headers: Iterable[tuple[str, str]], body: bytes, ip: str, at: datetime
) -> bytes:
    """A ``response`` record; ``body`` as it came over the wire, content encoding still on."""
    fields = {"WARC-Target-URI": url, "WARC-Date": instant(at), "WARC-Payload-Digest": payload_digest(body)}
    if ip:
        fields["WARC-IP-Address"] = ip
    return _member("response", fields, "application/http; msgtype=response", _http(status, headers, body))


def revisit_member(
    url: str, status: int, headers: Iterable[tuple[str, str]], at: datetime, original: Original
) -> bytes:
    """A ``revisit`` record: the headers of an answer whose body is that of an earlier record."""
    fields = {
        "WARC-Target-URI": url,
        "WARC-Date": instant(at),
        "WARC-Profile": NOT_MODIFIED if status == 304 else SAME_PAYLOAD,
        "WARC-Refers-To-Target-URI": original.url,
        "WARC-Refers-To-Date": instant(original.at),
    }
    match = REFERENCE.fullmatch(original.ref)
    if match:
        fields |= {"WARC-Refers-To-Filename": match[1], "WARC-Refers-To-File-Offset": match[2]}
    if original.digest:
        fields["WARC-Payload-Digest"] = original.digest
    return _member("revisit", fields, "application/http; msgtype=response", _http(status, headers, b""))


def failure_member(url: str, outcome: str, reason: str, at: datetime, *, connected: bool = False) -> bytes:
    """A ``metadata`` record: a request that brought no answer, in the crawler's own words."""
    lines = f"outcome: {_line(outcome)}\r\nreason: {_line(reason)}\r\n" + "connected: yes\r\n" * connected
    block = lines.encode("utf-8", "replace")
    return _member("metadata", {"WARC-Target-URI": url, "WARC-Date": instant(at)}, "application/warc-fields", block)


def text_member(url: str, text: str, at: datetime) -> bytes:
    """A ``conversion`` record: the words of a page of which nothing else was kept."""
    block = text.encode("utf-8", "replace")
    fields = {"WARC-Target-URI": url, "WARC-Date": instant(at), "WARC-Payload-Digest": payload_digest(block)}
    return _member("conversion", fields, "text/plain; charset=utf-8", block)


def info_member(name: str, software: str) -> bytes:
    """The ``warcinfo`` record at the head of a file."""
    block = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
    return _member(
        "warcinfo", {"WARC-Filename": name, "WARC-Date": instant(utc_now())}, "application/warc-fields", block
    )


def payload_digest(body: bytes) -> str:
    """Digest of a body as ``WARC-Payload-Digest`` states it."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def instant(at: datetime) -> str:
    """A date as WARC 1.1 writes it, to the microsecond."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def gzipped(record: bytes) -> bytes:
    """One gzip member."""
    stream = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    return stream.compress(record) + stream.flush()


def read_member(file: BinaryIO) -> bytes:
    """The gzip member at a file's position, decompressed.

    Raises:
        ArchiveError: It is cut short, damaged or larger than ``MAX_RECORD_BYTES``.
    """
    stream = zlib.decompressobj(31)
    out = bytearray()
    try:
        while not stream.eof:
            chunk = file.read(CHUNK)
            if not chunk:
                raise ArchiveError("the record is cut short")
            out += stream.decompress(chunk, MAX_RECORD_BYTES)
            if len(out) > MAX_RECORD_BYTES or stream.unconsumed_tail:
                raise ArchiveError(f"the record is larger than {MAX_RECORD_BYTES} bytes")
    except zlib.error as error:
        raise ArchiveError(f"the record is damaged: {error}") from error
    return bytes(out)


def parse_response(member: bytes, ref: str) -> ArchivedResponse | str:
    """The response in a decompressed member, or, of a revisit, the reference of the record that holds it.

    Raises:
        ArchiveError: Neither, or its payload digest does not match.
    """
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    for record in ArchiveIterator(io.BytesIO(member), parse_http=True):
        if record.record_type == WarcRecordType.revisit:
            name = record.headers.get("WARC-Refers-To-Filename") or ""
            return f"{name}:{record.headers.get('WARC-Refers-To-File-Offset') or ''}"
        text = record.record_type == WarcRecordType.conversion
        if not text and record.http_headers is None:
            break
        headers = (("Content-Type", "text/plain"),) if text else header_pairs(record.http_headers)
        raw = record.reader.read()
        if (record.headers.get("WARC-Payload-Digest") or "") != payload_digest(raw):
            raise ArchiveError(f"{ref} is damaged: its payload digest does not match")
        encoding = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
        status = 200 if text else int(record.http_headers.status_code or 0)
        return ArchivedResponse(
            url=record.headers["WARC-Target-URI"],
            status=status,
            headers=headers,
            body=decode_body(raw, encoding, MAX_RECORD_BYTES),
            fetched_at=datetime.fromisoformat(record.headers["WARC-Date"]),
        )
    raise ArchiveError(f"{ref} is no HTTP response record")


def header_pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    """HTTP headers of a parsed record, their bytes read as Latin-1."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.items_bytes())


def _http(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status} "]
    lines += [f"{_line(name)}: {_line(value)}" for name, value in headers if name.lower() not in DROPPED_HEADERS]
    lines += [f"Content-Length: {len(body)}", "", ""] if body or status != 304 else ["", ""]
    head = "\r\n".join(lines)
    try:
        return head.encode("latin-1") + body  # the bytes that came, which the crawler holds as Latin-1
    except UnicodeEncodeError:
        return head.encode("utf-8", "replace") + body


def _member(kind: str, fields: dict[str, str], content_type: str, block: bytes) -> bytes:
    from fastwarc.warc import WarcRecord, WarcRecordType

    record: Any = WarcRecord()
    record.init_headers(getattr(WarcRecordType, kind))
    for name, value in fields.items():
        record.headers[name] = value
    record.headers["Content-Type"] = content_type
    record.set_bytes_content(block)
    out = io.BytesIO()
    record.write(out)
    return gzipped(out.getvalue())


def _line(text: str) -> str:
    return re.sub(r"[\r\n\x00]+", " ", text)
