"""A digest of every file of the lake as it was written, so that a flipped bit shows in files that carry no checksum.

One line a file in ``digests.log`` in the lake's folder, outside the tables' folders; a line carries a checksum of its
own. The file is never needed to read a table: lost, torn or spoilt lines only mean that files are read to be checked.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = "digests.log"  # in the lake's folder
MADE_AT = "made-at"  # the file that makes a folder a lake's


@dataclass(frozen=True)
class Noted:
    """What a file was when it was written: SHA-256 in hexadecimal, and bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class DigestLog:
    """Digests by path within the lake's folder; ``spoilt`` lines could not be read."""

    noted: dict[str, Noted]
    spoilt: int


def note(lake: Path, path: Path, sha256: str, size: int) -> None:
    """Add the digest of a file. Lines of several writers do not mix: each is one write to the end of the file."""
    descriptor = os.open(lake / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        # A line that a crash tore has no end: an empty line before costs a byte and keeps the next line whole.
        os.write(descriptor, f"\n{_line(path.relative_to(lake).as_posix(), Noted(sha256, size))}\n".encode())
    finally:
        os.close(descriptor)


def read_log(lake: Path) -> DigestLog:
    """Digests that were noted; of a file written twice, the last."""
    noted: dict[str, Noted] = {}
    spoilt = 0
    try:
        lines = (lake / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return DigestLog({}, 0)
    for line in lines:
        if not line:
            continue
        try:
            content, _, check = line.decode().rpartition(" ")
            sha256, size, place = content.split(" ", 2)
            if f"{zlib.crc32(content.encode()):08x}" != check:
                raise ValueError
            noted[place] = Noted(sha256, int(size))
        except ValueError:
            spoilt += 1
    return DigestLog(noted, spoilt)


def prune(lake: Path, write: Callable[[Path, bytes], None]) -> int:
    """Leave out files that are gone, and lines that cannot be read. Returns lines left out; 0 writes nothing.

    Args:
        lake: The lake's folder; no other process may write to it.
        write: Puts a whole file in the place of another.
    """
    found = read_log(lake)
    kept = {place: noted for place, noted in found.noted.items() if (lake / place).exists()}
    gone = len(found.noted) - len(kept) + found.spoilt
    if gone:
        write(lake / FILE, _content(kept.items()))
    return gone


def lake_of(path: Path) -> Path | None:
    """The lake's folder that a file lies in; ``None`` for a file that lies in none."""
    return next((folder for folder in path.parents if (folder / MADE_AT).is_file()), None)


def _content(noted: Iterable[tuple[str, Noted]]) -> bytes:
    return "".join(f"{_line(place, one)}\n" for place, one in noted).encode()


def _line(place: str, noted: Noted) -> str:
    content = f"{noted.sha256} {noted.size} {place}"
    return f"{content} {zlib.crc32(content.encode()):08x}"
