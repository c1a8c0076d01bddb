"""One record as it lies in a WARC file of any origin: what it is, and what it holds.

Other writers call one thing by several names: a page's words are a ``conversion`` record in WET files and a
``resource`` record named ``urn:text:`` with browsertrix. Whatever is no answer to a request for a page is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from crawler.errors import ArchiveError
from crawler.members import MAX_RECORD_BYTES, RENDERED_HEADER, header_pairs, payload_digest

MAX_HEADER_BYTES = 64 * 1024
RENDERED = re.compile(r"urn:text(?:Final)?:(?:\d{14,17}/)?(?=https?://)")  # browsertrix and archiveweb.page


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it lies in a file.

    ``kind`` is ``response``, ``drawn`` (a page of ours as a browser drew it), ``revisit``, ``failure`` or ``text``.
    ``headers`` are read as Latin-1. ``body`` is as it came over the wire, or a text in its own bytes. ``cut`` is why
    the body is not whole, or empty. ``refers_*`` name what a revisit leans on.
    """

    kind: str
    url: str
    at: datetime
    record_id: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    ip: str = ""
    cut: str = ""
    outcome: str = ""
    reason: str = ""
    connected: bool = False
    refers_ref: str = ""
    refers_url: str = ""
    refers_at: str = ""


def read_at(path: Path, offset: int) -> Stored:
    """One record with its body.

    Raises:
        ArchiveError: There is no whole record of a kind that can be used, or it is larger than ``MAX_RECORD_BYTES``.
    """
    try:
        with path.open("rb") as file:
            record = record_at(file, offset)
            if record is None or record.content_length > MAX_RECORD_BYTES:
                raise ArchiveError(f"no record of a size that is read at {path.name}:{offset}")
            stored = stored_of(record, with_body=True)
    except (OSError, OverflowError, ValueError) as error:
        raise ArchiveError(f"cannot read {path.name}:{offset}: {error}") from error
    if stored is None:
        raise ArchiveError(f"the record at {path.name}:{offset} is of no use here")
    return stored


def record_at(file: BinaryIO, offset: int) -> Any:
    """The record that begins at an offset, its HTTP part not yet parsed; ``None`` at the end of the file."""
    from fastwarc.warc import ArchiveIterator

    file.seek(offset)
    return next(iter(ArchiveIterator(file, parse_http=False, max_header_len=MAX_HEADER_BYTES)), None)


def stored_of(record: Any, *, with_body: bool) -> Stored | None:
    """What a record holds; ``None`` when it is of no use for reading a site.

    Raises:
        ArchiveError: Its body is too large or damaged.
        OSError: The file is damaged here.
        ValueError: A header makes no sense.
    """
    get = record.headers.get
    kind = (get("WARC-Type") or "").lower()
    uri = (get("WARC-Target-URI") or "").strip("<>")
    rendered = RENDERED.match(uri)
    media = (get("Content-Type") or "").partition(";")[0].strip().lower()
    common: dict[str, Any] = {
        "url": uri[rendered.end() :] if rendered else uri,
        "at": _instant(get("WARC-Date") or ""),
        "record_id": get("WARC-Record-ID") or "",
        "ip": get("WARC-IP-Address") or "",
        "cut": {"": "", "length": "too_big"}.get(get("WARC-Truncated") or "", "truncated"),
    }
    if kind == "metadata":
        fields = fields_of(record.reader.read(MAX_HEADER_BYTES)) if media == "application/warc-fields" else {}
        if "outcome" not in fields:
            return None
        return Stored(
            "failure", **common, outcome=fields["outcome"], reason=fields.get("reason", ""),
            connected=fields.get("connected") == "yes",
        )  # fmt: skip
    if kind == "conversion" or (rendered and kind == "resource"):
        if not media.startswith("text/plain"):
            return None
        body = _body(record) if with_body else b""
        return Stored("text", **common, status=200, headers=(("Content-Type", get("Content-Type")),), body=body)
    if kind not in {"response", "revisit"} or not record.is_http:
        return None
    length = record.content_length
    if kind == "response" or length:
        record.parse_http(auto_decode="transfer", max_header_len=MAX_HEADER_BYTES, quirks_mode=True)
    headers = header_pairs(record.http_headers) if record.http_headers is not None else ()
    status = int((record.http_headers.status_code if record.http_headers is not None else 0) or 0)
    if kind == "revisit":
        profile = get("WARC-Profile") or ""
        name, place = get("WARC-Refers-To-Filename") or "", get("WARC-Refers-To-File-Offset") or ""
        return Stored(
            "revisit", **common, headers=headers,
            status=status or (304 if profile.endswith("server-not-modified") else 200),
            refers_ref=f"{name}:{place}" if name else "",
            refers_url=(get("WARC-Refers-To-Target-URI") or common["url"]).strip("<>"),
            refers_at=get("WARC-Refers-To-Date") or "",
        )  # fmt: skip
    body = _body(record) if with_body else b""
    # A site may send the header; but what it sent came from an address.
    drawn = not common["ip"] and any(name.lower() == RENDERED_HEADER.lower() for name, _ in headers)
    return Stored("drawn" if drawn else "response", **common, status=status, headers=headers, body=body)


def fields_of(block: bytes) -> dict[str, str]:
    """``application/warc-fields`` as a mapping, names in lower case."""
    lines = block.decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _body(record: Any) -> bytes:
    body = bytes(record.reader.read(MAX_RECORD_BYTES + 1))
    if len(body) > MAX_RECORD_BYTES:
        raise ArchiveError(f"the record's body grows past {MAX_RECORD_BYTES} bytes")
    digest = record.headers.get("WARC-Payload-Digest") or ""
    if digest.startswith("sha256:") and len(digest) == 71 and digest != payload_digest(body):
        raise ArchiveError("the record is damaged: its payload digest does not match")
    return body


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
