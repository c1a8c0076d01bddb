"""Read the members of a zip file from strangers, one stream at a time and nothing to disk.

Overlapping members (10 GB out of 57 kB) are found by reading the local headers here: Pythons before 3.11.8 accept them.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from pipelines.errors import UsageError

MAX_MEMBERS = 65_535
# The register is one CSV of 2.5 GB (2025) and grows by 5 % a year; 10 GB is no file that any register publishes.
MAX_BYTES_EACH = 4 * 2**30
MAX_BYTES_ALL = 8 * 2**30
# Register, accounts and owners shrink 5 to 25 times; deflate itself cannot pass 1,032, and bombs are near that.
MAX_RATIO = 200
RATIO_FROM_BYTES = 2**20  # smaller members do no harm at any ratio, and a page of blanks shrinks a lot
MAX_ENTRY_BYTES = 1024  # in the list at the end: 46 bytes, a name, and extras that no publisher makes long
MAGIC = b"PK\x03\x04"
_EMPTY_MAGIC = b"PK\x05\x06"
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class ZipRefusedError(UsageError):
    """A zip file that is not taken; nothing of it was written."""


class MemberBrokenError(ZipRefusedError):
    """One member cannot be read while others may be; ``reason`` is the word under which it is counted."""

    def __init__(self, message: str, reason: str) -> None:
        """Args: what a person reads; a word: wrong_crc, wrong_size, broken_member, nested_zip, or as :func:`_odd`."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Member:
    """One file of a zip; ``bytes_declared`` is what the zip says it holds when unpacked, and all that is ever read."""

    name: str
    bytes_declared: int
    _zip: zipfile.ZipFile = field(repr=False, compare=False)
    _info: zipfile.ZipInfo = field(repr=False, compare=False)
    _place: str = field(repr=False, compare=False)
    _nested: bool = field(repr=False, compare=False)
    _odd: tuple[str, str] | None = field(default=None, repr=False, compare=False)

    def open(self) -> BinaryIO:
        """The unpacked bytes as a stream; usable inside :func:`zip_members` only.

        Raises:
            MemberBrokenError: On opening or while reading: damaged, wrong checksum, not as long as declared, a zip, or
                odd where the zip was taken all the same.
        """
        where = f"{self._place}, member {self.name}"
        if self._odd:
            raise MemberBrokenError(f"{where}: {self._odd[1]}", self._odd[0])
        try:
            source = self._zip.open(self._info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise MemberBrokenError(f"{where}: cannot be opened ({error}); fetch it again", "broken_member") from error
        raw = _Bounded(source, where, self.bytes_declared)
        stream = io.BufferedReader(raw, buffer_size=2**18)
        if not self._nested and stream.peek(len(MAGIC))[: len(MAGIC)] == MAGIC:
            stream.close()
            raise MemberBrokenError(f"{where}: a zip in a zip; unpack the outer one and import the inner", "nested_zip")
        return stream

    @property
    def modified(self) -> tuple[int, int, int]:
        """Year, month and day noted with the member; without a time zone, and not always set."""
        return self._info.date_time[:3]


def is_zip(path: Path) -> bool:
    """Whether a file begins as a zip does, whatever its name says."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) in (MAGIC, _EMPTY_MAGIC)


@contextmanager
def zip_members(
    path: Path | BinaryIO,
    *,
    name: str = "",
    max_members: int = MAX_MEMBERS,
    max_bytes_each: int = MAX_BYTES_EACH,
    max_bytes_all: int = MAX_BYTES_ALL,
    max_ratio: float = MAX_RATIO,
    allow_nested: bool = False,
    allow_odd: bool = False,
) -> Iterator[list[Member]]:
    """Files of a zip in the order in which they stand in it, folders left out.

    Args:
        path: The zip file, or an open one that can be sought.
        name: What messages call it; the path when empty.
        max_members: Most entries.
        max_bytes_each: Most unpacked bytes that one member may declare; no member gives more than it declares.
        max_bytes_all: Most that all may declare together.
        max_ratio: Most unpacked bytes per packed byte, for members of at least ``RATIO_FROM_BYTES``.
        allow_nested: Hand out members that are zips themselves (an xlsx is one).
        allow_odd: Hand out members that are encrypted, packed in an unknown way or unpack to too much; they cannot be
            opened. Otherwise one of them refuses the zip.

    Raises:
        ZipRefusedError: Not a zip, cut short, or made to do harm; names file, member and cure.
    """
    place = name or str(path)
    with open(path, "rb") if isinstance(path, Path) else _left_open(path) as file:  # noqa: PTH123 - one of two
        end_of_members = _checked_ending(file, place, max_members)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError, struct.error) as error:
            raise ZipRefusedError(f"{place}: a damaged zip file ({error}); fetch it again") from error
        with archive:
            infos = archive.infolist()
            if len(infos) > max_members:
                raise _too_many(place, len(infos), max_members)
            _check_names(infos, place, allow_nested)
            odd = [_odd(info, max_bytes_each, max_ratio) for info in infos]
            for info, why in zip(infos, odd, strict=True):
                if why and not allow_odd:
                    raise ZipRefusedError(f"{place}, member {info.filename[:200]!r}: {why[1]}")
            total = sum(info.file_size for info in infos)
            if total > max_bytes_all:
                raise ZipRefusedError(f"{place}: holds {total:,} bytes unpacked, at most {max_bytes_all:,} are taken")
            _check_places(infos, file, place, end_of_members)
            yield [
                Member(info.filename, info.file_size, archive, info, place, allow_nested, why)
                for info, why in zip(infos, odd, strict=True)
                if not info.is_dir()
            ]


class _Bounded(io.RawIOBase):
    """Bytes of a member, never more than declared and, at the end, never fewer."""

    def __init__(self, source: IO[bytes], where: str, declared: int) -> None:
        self._source, self._where, self._left = source, where, declared

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type] # any writable buffer, as RawIOBase promises
        try:
            data = self._source.read(len(view))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            reason = "wrong_crc" if "CRC" in str(error) else "broken_member"
            message = f"{self._where}: damaged ({error}); fetch the file again"
            raise MemberBrokenError(message, reason) from error
        self._left -= len(data)
        if self._left < 0 or (not data and len(view) and self._left):
            message = f"{self._where}: not as long as the zip says; fetch the file again"
            raise MemberBrokenError(message, "wrong_size")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._source.close()
        super().close()


@contextmanager
def _left_open(file: BinaryIO) -> Iterator[BinaryIO]:
    yield file


def _too_many(place: str, number: int, most: int) -> ZipRefusedError:
    return ZipRefusedError(f"{place}: a zip of {number:,} entries, at most {most:,} are taken; is it the right file?")


def _checked_ending(file: BinaryIO, place: str, max_members: int) -> int:
    """Where the list of members begins, from the end record: read here so that a list of gigabytes is not loaded."""
    start = file.read(len(MAGIC))
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 2**16 - _END.size))
    tail = file.read()
    if start not in (MAGIC, _EMPTY_MAGIC) and _EMPTY_MAGIC not in tail:
        raise ZipRefusedError(f"{place}: not a zip file; expected the file as it was published")
    at = len(tail) - _END.size
    if not (tail[at : at + 4] == _EMPTY_MAGIC and tail[-2:] == b"\0\0"):
        at = tail.rfind(_EMPTY_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        raise ZipRefusedError(f"{place}: the zip is cut short, its list of members is missing; fetch it again")
    _, _, _, _, entries, list_bytes, list_at, _ = _END.unpack_from(tail, at)
    end = size - len(tail) + at
    locator_at = end - _END64_LOCATOR.size
    if locator_at >= 0:
        file.seek(locator_at)
        signature, _, _, _ = _END64_LOCATOR.unpack(file.read(_END64_LOCATOR.size))
        end64 = locator_at - _END64.size
        if signature == b"PK\x06\x07" and end64 >= 0:
            file.seek(end64)
            signature, *_, entries64, bytes64, at64 = _END64.unpack(file.read(_END64.size))
            if signature == b"PK\x06\x06":
                entries, list_bytes, list_at, end = entries64, bytes64, at64, end64
    if entries > max_members or list_bytes > max_members * MAX_ENTRY_BYTES:
        raise _too_many(place, max(entries, list_bytes // MAX_ENTRY_BYTES), max_members)
    if list_at + list_bytes > end:
        raise ZipRefusedError(f"{place}: the zip is cut short or put together wrongly; fetch it again")
    file.seek(0)
    return int(end - list_bytes)


def _check_names(infos: list[zipfile.ZipInfo], place: str, allow_nested: bool) -> None:
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename.replace("\\", "/")
        where = f"{place}, member {info.filename[:200]!r}"
        if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":" or "\0" in name:
            raise ZipRefusedError(f"{where}: a name that leads out of the zip; this is no published file")
        if name in seen:
            raise ZipRefusedError(f"{where}: two entries have this name, and which one counts is unknown; pack it anew")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ZipRefusedError(f"{where}: a link to another file; pack the file itself")
        if name.lower().endswith(".zip") and not allow_nested:
            raise ZipRefusedError(f"{where}: a zip in a zip; unpack the outer one and import the inner")
        seen.add(name)


def _odd(info: zipfile.ZipInfo, each: int, ratio: float) -> tuple[str, str] | None:
    """Why a member is not to be opened: a reason word, and what a person reads."""
    if info.flag_bits & 0x1:
        return "encrypted", "encrypted; unpack it with its password and import what is in it"
    if info.compress_type not in _METHODS:
        return "unknown_packing", f"packed by method {info.compress_type}; pack it anew with deflate"
    size = info.file_size
    if size > each:
        return "too_large", f"holds {size:,} bytes unpacked, at most {each:,} are taken; is it the right file?"
    if size >= RATIO_FROM_BYTES and size > ratio * max(info.compress_size, 1):
        packed = f"{info.compress_size:,} bytes that unpack to {size:,}"
        return "zip_bomb", f"{packed}, which no real file does; fetch it from its publisher"
    return None


def _check_places(infos: list[zipfile.ZipInfo], file: BinaryIO, place: str, end_of_members: int) -> None:
    """Refuse members that share bytes with each other or with the list at the end."""
    before = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        where = f"{place}, member {info.filename[:200]!r}"
        file.seek(max(0, info.header_offset))
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or header[:4] != MAGIC:
            raise ZipRefusedError(f"{where}: is not where the zip says; fetch it again")
        *_, name_bytes, extra_bytes = _LOCAL.unpack(header)
        end = info.header_offset + _LOCAL.size + name_bytes + extra_bytes + info.compress_size
        if info.header_offset < before or end > end_of_members:
            raise ZipRefusedError(f"{where}: shares its bytes with another member, which no real file does")
        before = end
