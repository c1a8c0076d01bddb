"""The archive of raw answers: every record walked through, and every reference of the tables looked up.

A record's checksum tells whether it is whole, so that no second copy is needed. What is behind a record that is cut off
at the end of a file is lost; a damaged record in the midst costs itself only.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from crawler.members import REFERENCE, gzipped
from crawler.mending import CHUNK, HEADER_BYTES, MEMBER_START, member_length, sync_folder

if TYPE_CHECKING:
    from pipelines.store import Lake

OURS = "crawl-*.warc.gz"
OPEN = ".open"
TORN = ".torn"  # ending of what was cut off a file, or taken out of its midst
REFERRING = ("pages", "fetches")
MAX_FILLER = 32 * 2**20  # below the size at which readers refuse a record
FILLER_HEAD = "WARC/1.1\r\nWARC-Type: metadata\r\nContent-Type: text/plain\r\n"
STORED_BLOCK = 65_535  # bytes that one block of deflate holds as they are


@dataclass(frozen=True)
class Hole:
    """Bytes of a file that are no whole record."""

    start: int
    end: int


@dataclass(frozen=True)
class Walked:
    """One file: where whole records begin, and what lies between them. ``is_open``: a crawl has not finished it.

    What a repair put in the place of a damaged record is neither: nothing may refer to it.
    """

    path: Path
    size: int
    starts: array[int]
    holes: tuple[Hole, ...]

    @property
    def is_open(self) -> bool:
        return self.path.name.endswith(OPEN)

    @property
    def name(self) -> str:
        """As references have it."""
        return self.path.name.removesuffix(OPEN)

    @property
    def tail(self) -> Hole | None:
        """What is cut off at the end."""
        return self.holes[-1] if self.holes and self.holes[-1].end == self.size else None

    def has(self, offset: int) -> bool:
        """Whether a whole record begins there."""
        at = bisect_left(self.starts, offset)
        return at < len(self.starts) and self.starts[at] == offset


@dataclass(frozen=True)
class LostRecords:
    """References of the tables to records that are not there: URLs by table and firm."""

    by_table: Mapping[str, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    example: str = ""

    @cached_property
    def number(self) -> int:
        """Rows that refer to nothing."""
        return sum(len(urls) for firms in self.by_table.values() for urls in firms.values())

    @property
    def firms(self) -> frozenset[str]:
        """Firms with such a row."""
        return frozenset().union(*self.by_table.values())


def walk(path: Path) -> Walked:
    """Read a file from its beginning to its end, those parts after a fault too.

    Raises:
        OSError: It cannot be read.
    """
    size, usual = path.stat().st_size, gzipped(b"")[:HEADER_BYTES]
    starts, holes, at = array("q"), list[Hole](), 0
    with path.open("rb") as file:
        while at < size:
            if length := _whole(file, at, usual):
                if not _is_filler(file, at):
                    starts.append(at)
                at += length
                continue
            begun = at
            at += 1
            while (at := _next_start(file, at, size)) < size and not _whole(file, at, usual):
                at += 1
            holes.append(Hole(begun, at))
    return Walked(path, size, starts, tuple(holes))


def walk_all(folder: Path) -> list[Walked]:
    """Every file of ours; one that a crawl is writing now is walked as far as it is whole."""
    found = []
    for path in sorted([*folder.glob(OURS), *folder.glob(OURS + OPEN)]):
        walked = walk(path)
        if walked.is_open and is_being_written(path) and walked.tail:
            walked = Walked(path, walked.tail.start, walked.starts, walked.holes[:-1])
        found.append(walked)
    return found


def is_being_written(path: Path) -> bool:
    """Whether a crawl holds a file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lost_records(lake: Lake, walked: list[Walked]) -> LostRecords:
    """References of pages and fetches that lead to no whole record; one shard is in memory at a time."""
    files = {one.name: one for one in walked}
    found: dict[str, dict[str, set[str]]] = {}
    example = ""
    for name in REFERRING:
        for shard in range(lake.shards):
            rows = lake.read_arrow(name, ["firm_id", "url", "archive_ref"], [shard])
            for firm_id, url, ref in zip(*(rows[column].to_pylist() for column in rows.column_names), strict=True):
                if ref is not None and not _is_there(files, ref):
                    found.setdefault(name, {}).setdefault(firm_id, set()).add(url)
                    example = example or ref
    return LostRecords(
        {name: {firm: frozenset(urls) for firm, urls in firms.items()} for name, firms in found.items()}, example
    )


def mend(walked: Walked) -> str:
    """Make a file whole again without moving a record; what is taken out is kept beside it. What was done, in a word.

    The tail goes; a hole in the midst is filled with a record that says nothing. Killed at any point, it can be done
    again: what is taken out is on the disk before it is taken.
    """
    tail = walked.tail
    for hole in walked.holes:
        _keep(walked.path, hole)
    with walked.path.open("r+b") as file:
        if tail:
            file.truncate(tail.start)
        for hole in walked.holes:
            if hole is not tail:
                file.seek(hole.start)
                file.write(filler(hole.end - hole.start))
        file.flush()
        os.fsync(file.fileno())
    done = []
    if tail:
        done.append(f"cut after {tail.start:,} bytes, its last whole record ({tail.end - tail.start:,} bytes cut off)")
    if inner := len(walked.holes) - bool(tail):
        done.append(f"{inner} damaged part{'s' if inner > 1 else ''} within it taken out")
    if not walked.starts:
        walked.path.unlink()
        done = ["removed, for no record in it was whole"]
    sync_folder(walked.path.parent)
    return " and ".join(done)


def filler(size: int) -> bytes:
    """Gzip members of exactly this size that hold a record of no meaning; empty members where too little room is."""
    made = bytearray()
    while size - len(made) > MAX_FILLER:
        made += _filler(MAX_FILLER // 2)
    return bytes(made + _filler(size - len(made)))


def _filler(size: int) -> bytes:
    """One member. Of deflate only stored blocks are used, so that its length can be chosen to the byte."""
    room = size - HEADER_BYTES - 8
    blocks = max(1, -(-room // (STORED_BLOCK + 5)))
    content = _record(room - 5 * blocks)
    header = gzipped(b"")[:HEADER_BYTES]
    body = bytearray()
    for block in range(blocks):
        part = content[block * STORED_BLOCK : (block + 1) * STORED_BLOCK]
        body += bytes([block == blocks - 1]) + len(part).to_bytes(2, "little")
        body += (len(part) ^ 0xFFFF).to_bytes(2, "little") + part
    check = zlib.crc32(content).to_bytes(4, "little") + (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    return header + bytes(body) + check


def _record(size: int) -> bytes:
    """A ``metadata`` record of exactly this many bytes, or spaces where it does not fit."""
    if size < 0:
        raise ValueError(f"no gzip member is {size} bytes shorter than its own head")
    head = FILLER_HEAD + "Content-Length: {}\r\n\r\n"
    for length in range(max(0, size - len(head) - 12), size):
        begun = head.format(length).encode()
        if len(begun) + length + 4 == size:
            return begun + b" " * length + b"\r\n\r\n"
    return b" " * size


def _keep(path: Path, hole: Hole) -> None:
    aside = path.with_name(f"{path.name}.{hole.start}{TORN}")
    with path.open("rb") as file, aside.open("wb") as kept:
        file.seek(hole.start)
        left = hole.end - hole.start
        while left and (block := file.read(min(left, 1 << 20))):
            kept.write(block)
            left -= len(block)
        kept.flush()
        os.fsync(kept.fileno())


def _whole(file: BinaryIO, at: int, usual: bytes) -> int:
    """Length of the whole record that begins there; 0 when none does."""
    file.seek(at)
    if file.read(HEADER_BYTES) != usual:
        return 0
    file.seek(at)
    try:
        return member_length(file)
    except zlib.error:
        return 0


def _is_filler(file: BinaryIO, at: int) -> bool:
    """Whether a member is one of ours that holds nothing: its content is not packed, and says so."""
    file.seek(at + HEADER_BYTES + 5)
    begun = file.read(len(FILLER_HEAD))
    return begun == FILLER_HEAD.encode() or not begun.strip(b" ")


def _next_start(file: BinaryIO, at: int, size: int) -> int:
    for place, block in _blocks(file, at):
        found = block.find(MEMBER_START)
        if found >= 0:
            return place + found
    return size


def _blocks(file: BinaryIO, at: int) -> Iterator[tuple[int, bytes]]:
    """Overlapping blocks from a place on, so that no beginning of a member is cut in two."""
    while True:
        file.seek(at)
        block = file.read(16 * CHUNK)
        yield at, block
        if len(block) < 16 * CHUNK:
            return
        at += len(block) - len(MEMBER_START) + 1


def _is_there(files: Mapping[str, Walked], ref: str) -> bool:
    match = REFERENCE.fullmatch(ref)
    return match is not None and match[1] in files and files[match[1]].has(int(match[2]))
