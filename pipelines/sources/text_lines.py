"""Cut a file of text from a stranger into numbered lines, in bounded memory, whatever its encoding and line ends.

UTF-8 and UTF-16 are told by their first bytes. A file that is not UTF-8 is read as Windows-1252, which is what Excel's
plain "CSV" is; a file that is both is not guessed at: its odd lines are returned with the fault.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.errors import UsageError

MAX_LINE_BYTES = 1_000_000  # the longest line of the Companies House register has about 3,000
BLOCK_BYTES = 1 << 18
KEPT_CHARS = 400  # of a faulty line: enough to find its company number by

UTF_8, UTF_16, WINDOWS = "UTF-8", "UTF-16", "Windows-1252"


class Readable(Protocol):
    """All that is asked of a stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end only."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its end; ``fault`` is (reason, detail) where it cannot be used, and ``text`` then only its start."""

    number: int
    text: str
    fault: tuple[str, str] | None = None


class Encoding:
    """What a file's lines so far say about its encoding."""

    def __init__(self, name: str = "") -> None:
        """Args: name, where the file's first bytes said it; otherwise empty."""
        self.name = name

    def line(self, number: int, raw: bytes) -> Line:
        """Decode one line."""
        fault = None
        if raw.isascii():
            text = raw.decode("ascii")
        else:
            try:
                text = raw.decode("utf-8")
                if self.name == WINDOWS:
                    fault = "mixed_encoding", f"UTF-8 in a file whose earlier lines are {WINDOWS}"
                self.name = self.name or UTF_8
            except UnicodeDecodeError as error:
                text, fault = self._windows(raw, error)
        if "\0" in text:
            fault = "not_text", "a NUL character"
        return Line(number, text if fault is None else text[:KEPT_CHARS], fault)

    def _windows(self, raw: bytes, error: UnicodeDecodeError) -> tuple[str, tuple[str, str] | None]:
        byte = f"byte 0x{raw[error.start]:02x} at position {error.start + 1}"
        if self.name in (UTF_8, UTF_16):
            return raw.decode("utf-8", "replace"), ("not_utf8", f"{byte} is not UTF-8, as the lines before are")
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace"), ("not_text", f"{byte} is neither UTF-8 nor {WINDOWS}")
        self.name = WINDOWS
        return text, None


def as_utf8(stream: Readable, where: str) -> tuple[Readable, Encoding]:
    """The same text without a byte-order mark, and in UTF-8 if it was UTF-16; what is known of its encoding so far."""
    head = stream.read(4)
    if head.startswith(codecs.BOM_UTF8):
        return Chained(head[3:], stream), Encoding(UTF_8)
    for mark, codec in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return Chained(b"", _Recoded(Chained(head[2:], stream), codec, where)), Encoding(UTF_16)
    if len(head) == 4 and head[1::2] == b"\0\0" and 0 not in head[::2]:
        return Chained(b"", _Recoded(Chained(head, stream), "utf-16-le", where)), Encoding(UTF_16)
    if len(head) == 4 and head[::2] == b"\0\0" and 0 not in head[1::2]:
        return Chained(b"", _Recoded(Chained(head, stream), "utf-16-be", where)), Encoding(UTF_16)
    return Chained(head, stream), Encoding()


def numbered_lines(stream: Readable, encoding: Encoding, first: int = 1) -> Iterator[Line]:
    """Lines of a UTF-8 or Windows-1252 stream; they end with LF, CR LF or CR.

    Args:
        stream: Read to its end in blocks; at most one line of ``MAX_LINE_BYTES`` is in memory.
        encoding: What is known of it; learns more.
        first: Number of the first line.
    """
    number, tail, too_long = first, b"", b""
    while True:
        block = stream.read(BLOCK_BYTES)
        lines = (tail + block).splitlines(keepends=True)
        tail = b""
        if block and lines and not lines[-1].endswith(b"\n"):  # a CR may have its LF in the next block
            tail = lines.pop()
        for raw in lines:
            if too_long or len(raw) > MAX_LINE_BYTES:
                yield _too_long(number, too_long or raw)
                too_long = b""
            else:
                yield encoding.line(number, raw)
            number += 1
        if len(tail) > MAX_LINE_BYTES and not tail.endswith(b"\r"):
            too_long, tail = too_long or tail[: 4 * KEPT_CHARS], b""
        if not block:
            if too_long:
                yield _too_long(number, too_long)
            return


def _too_long(number: int, start: bytes) -> Line:
    text = start[: 4 * KEPT_CHARS].decode("utf-8", "replace")[:KEPT_CHARS]
    return Line(number, text, ("too_long", f"a line of more than {MAX_LINE_BYTES:,} bytes"))


class Chained:
    """Bytes that were read already, then the rest of a stream."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        """Args: bytes read; the stream they came from."""
        self._head, self._rest = head, rest

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end only."""
        if self._head:
            taken, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
            return taken + self._rest.read(-1) if size < 0 else taken
        return self._rest.read(size)


class _Recoded:
    """A UTF-16 stream as UTF-8."""

    def __init__(self, stream: Readable, codec: str, where: str) -> None:
        self._stream, self._where, self._lines = stream, where, 1
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._ready = b""

    def read(self, size: int = -1, /) -> bytes:
        while not self._ready:
            block = self._stream.read(BLOCK_BYTES)
            try:
                text = self._decoder.decode(block, final=not block)
                self._ready = text.encode("utf-8")
            except UnicodeError as error:
                raise UsageError(
                    f"{self._where}, near row {self._lines}: not the UTF-16 text that it began as; "
                    "download it again or save it as 'CSV UTF-8'"
                ) from error
            self._lines += text.count("\n")
            if not block:
                break
        size = len(self._ready) if size < 0 else size
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken
