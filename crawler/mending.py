"""What became of WARC files that a crash or a bad disk has touched: how far they are whole, and what can be saved.

Gzip members carry a checksum and a length, so a cut and any flipped bit of a record show without a second copy. What
cannot show are up to seven idle bits at the end of a member, which nothing reads.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 16
HEADER_BYTES = 10
MEMBER_START = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a file of gzip members: ``whole`` ones before the first fault, and where that stands."""

    whole: int
    offset: int
    reason: str


def verify(path: Path) -> Damage | None:
    """The first fault of a file that this package wrote, or ``None`` when every member is whole.

    A member's header has no checksum; all of ours have the same one.

    Raises:
        OSError: The file cannot be read.
    """
    size = path.stat().st_size
    count = good = 0
    with path.open("rb") as file:
        usual = file.read(HEADER_BYTES)
        while good < size:
            file.seek(good)
            header = file.read(HEADER_BYTES)
            if header[3:8].strip(b"\0") or (len(header) == HEADER_BYTES and header != usual):
                return Damage(count, good, f"the record's gzip header is {header.hex()}, not {usual.hex()}")
            file.seek(good)
            try:
                used = member_length(file)
            except zlib.error as error:
                return Damage(count, good, f"the record is damaged ({error})")
            if not used:
                return Damage(count, good, "the record is cut short")
            good += used
            count += 1
    return None


def good_length(path: Path) -> int:
    """Length in bytes of the whole gzip members at the start of a file."""
    damage = verify(path)
    return path.stat().st_size if damage is None else damage.offset


def salvage(path: Path) -> list[int]:
    """Offsets of every whole member of a damaged file, those after a fault included."""
    size = path.stat().st_size
    found: list[int] = []
    at = 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            try:
                used = member_length(file)
            except zlib.error:
                used = 0
            if used:
                found.append(at)
                at += used
            else:
                at = _next_start(file, at + 1, size)
    return found


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
        sync_folder(folder)
    return repaired


def member_length(file: BinaryIO) -> int:
    """Bytes of the gzip member at the file's position, or 0 when it is cut short.

    Raises:
        zlib.error: It is damaged.
    """
    stream = zlib.decompressobj(31)
    used = 0
    while chunk := file.read(CHUNK):
        used += len(chunk)
        while chunk and not stream.eof:
            stream.decompress(chunk, 16 * CHUNK)  # a bomb is walked through, never held
            chunk = stream.unconsumed_tail
        if stream.eof:
            return used - len(stream.unused_data)
    return 0


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _next_start(file: BinaryIO, at: int, size: int) -> int:
    while at < size:
        file.seek(at)
        block = file.read(16 * CHUNK)
        place = block.find(MEMBER_START)
        if place >= 0:
            return at + place
        at += max(1, len(block) - len(MEMBER_START) + 1)
    return size
