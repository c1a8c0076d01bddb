"""Cut a snapshot of persons with significant control into its lines, one at a time, without reading what they say.

The snapshot is 12 million lines of JSON, about 9 GB, in a zip; a single entry as the register's interface gives it,
printed over many lines, is taken as well.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.sources.file_kinds import HEAD_BYTES, known_table, other_kind
from pipelines.sources.text_lines import Chained, Readable, as_utf8
from pipelines.sources.zips import is_zip, zip_members

KIND = "a snapshot of persons with significant control (JSON lines)"
# 12 million lines of 750 bytes are 9 GB (2025), growing by 8 % a year; memory does not grow with it.
MAX_MEMBER_BYTES = 24 * 2**30
MAX_LINE_BYTES = 1_000_000  # entries have 500 to 3,000 bytes
MAX_DOCUMENT_BYTES = 16 * 2**20  # JSON that is not in lines is read whole
BLOCK_BYTES = 1 << 20
_ENDINGS = (".txt", ".json", ".jsonl", ".ndjson")

Line = tuple[int, bytes | None]  # number from 1; None for a line that is too long


def snapshot_lines(path: Path) -> Iterator[Line]:
    """Lines of a snapshot (plain, or zipped), UTF-8 bytes; lines that hold nothing are passed over.

    Raises:
        UsageError: No such file, a file of another kind, a zip without a text in it, or one that is damaged.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, expected {KIND}")
    if not is_zip(path):
        with path.open("rb") as file:
            yield from _lines(file, str(path))
        return
    with zip_members(path, max_bytes_each=MAX_MEMBER_BYTES, max_bytes_all=MAX_MEMBER_BYTES) as members:
        texts = [member for member in members if member.name.lower().endswith(_ENDINGS)]
        if len(texts) != 1:
            found = ", ".join(member.name[:80] for member in members[:5]) or "nothing"
            raise UsageError(f"{path}: holds {found}; expected one .txt file, {KIND}")
        with texts[0].open() as stream:
            yield from _lines(stream, f"{path}, member {texts[0].name}")


def refuse_table(path: Path, first: bytes) -> None:
    """Raise a UsageError for a file none of whose lines is an entry, by what its first line shows it to be."""
    cells = first[:HEAD_BYTES].decode("utf-8", "replace").split(",")
    other = known_table([cell.strip().strip('"') for cell in cells])
    raise UsageError(f"{path}, line 1: no entry of a company; {other or f'expected {KIND}'}")


def _lines(stream: Readable, where: str) -> Iterator[Line]:
    head = stream.read(HEAD_BYTES)
    other = other_kind(head)
    if other and other[0] != "a JSON file":
        raise UsageError(f"{where}: looks like {other[0]}; expected {KIND}")
    text, _ = as_utf8(Chained(head, stream), where)
    first = text.read(HEAD_BYTES).lstrip()
    if not first:
        raise UsageError(f"{where}: is empty; expected {KIND}")
    rest: Readable = Chained(first, text)
    if first.split(b"\n", 1)[0].strip() in (b"{", b"[") or first.startswith(b"["):
        whole = _at_most(rest, MAX_DOCUMENT_BYTES)
        entries = _entries(whole)
        if entries is not None:
            yield from enumerate(entries, start=1)
            return
        rest = Chained(whole, rest)
    yield from _cut(rest)


def _cut(stream: Readable) -> Iterator[Line]:
    number, tail, skipping = 0, b"", False
    while True:
        block = stream.read(BLOCK_BYTES)
        lines = (tail + block).split(b"\n")
        tail = lines.pop() if block else b""
        for raw in lines:
            number += 1
            if skipping or len(raw) > MAX_LINE_BYTES:
                skipping = False
                yield number, None
            elif raw and not raw.isspace():
                yield number, raw
        if len(tail) > MAX_LINE_BYTES:
            skipping, tail = True, b""
        if not block:
            return


def _at_most(stream: Readable, limit: int) -> bytes:
    kept = io.BytesIO()
    while kept.tell() < limit and (block := stream.read(BLOCK_BYTES)):
        kept.write(block)
    return kept.getvalue()


def _entries(whole: bytes) -> list[bytes] | None:
    """Entries of one JSON document, each on a line of its own; None where it is none."""
    try:
        found = json.loads(whole)
    except (ValueError, RecursionError):
        return None
    entries = found if isinstance(found, list) else [found]
    return [json.dumps(entry).encode() for entry in entries]
