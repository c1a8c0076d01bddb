"""A bad line before a good site: a TCP proxy on loopback that delays, slows, slices or cuts what passes.

It runs in a thread of its own and can speak TLS for the site. A toxic may be changed at any time, so a line can fail
and heal.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from dataclasses import dataclass, field

from tests.crawler.server_thread import ServerThread

TICK_S = 0.05
READ_BYTES = 256 * 1024
RESET = struct.pack("ii", 1, 0)  # linger for no time: the system sends RST in place of FIN
HEARD_S = 0.05  # what was sent before a reset is read first, or the system throws it away


@dataclass(frozen=True)
class Toxic:
    """What a line does to answers. All of them pass unharmed unless they are answers to ``path``, if one is named.

    ``limit_bytes`` cuts each answer after so many bytes, by RST if ``reset``, else by FIN. ``says`` is sent in place of
    any answer. ``silent``: connections are taken and nothing is ever said. ``once``: a connection that has carried one
    request is broken by the next.
    """

    path: str = ""
    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    slice_bytes: int = 0
    limit_bytes: int | None = None
    reset: bool = False
    says: bytes = b""
    silent: bool = False
    once: bool = False


@dataclass
class Line:
    """One listening address and what has been seen on it; ``most_at_once`` counts requests waiting for an answer."""

    address: str
    upstream: tuple[str, int]
    toxic: Toxic
    tls: ssl.SSLContext | None = None
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    waiting: int = 0
    most_at_once: int = 0


class Toxi(ServerThread):
    """All lines of a test module, on one port; a context manager."""

    def __init__(self, port: int, network: str) -> None:
        super().__init__()
        self.port = port
        self.network = network
        self.count = 0
        self._random = random.Random(5)

    @property
    def next_address(self) -> str:
        """Where the next line will listen."""
        return f"{self.network}.{self.count + 1}"

    def line(self, site: str, toxic: Toxic, tls: ssl.SSLContext | None = None) -> Line:
        """A line to the site at an address, which has the same port as this proxy."""
        line = Line(self.next_address, (site, self.port), toxic, tls)
        self.count += 1

        self.listen(lambda reader, writer: self._serve(line, reader, writer), line.address, self.port, tls)
        return line

    def url(self, line: Line, path: str = "/") -> str:
        """Address of a path behind a line."""
        return f"{'https' if line.tls else 'http'}://{line.address}:{self.port}{path}"

    async def _serve(self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line.connections += 1
        up: asyncio.StreamWriter | None = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if line.toxic.silent:
                await reader.read()
            elif line.toxic.says:
                await reader.read(READ_BYTES)
                writer.write(line.toxic.says)
            else:
                down, up = await asyncio.open_connection(*line.upstream)
                await _Relay(line, writer, self._random).run(reader, down, up)
        for one in (writer, up):
            if one is not None:
                with contextlib.suppress(OSError, ssl.SSLError):
                    one.close()


class _Relay:
    """One connection's bytes in both directions, until either side is done or the toxic ends it."""

    def __init__(self, line: Line, writer: asyncio.StreamWriter, rng: random.Random) -> None:
        self.line, self.writer, self.random = line, writer, rng
        self.path = ""
        self.requests = self.sent = 0
        self.waiting = False

    async def run(self, reader: asyncio.StreamReader, down: asyncio.StreamReader, up: asyncio.StreamWriter) -> None:
        both = [asyncio.ensure_future(self._requests(reader, up)), asyncio.ensure_future(self._answers(down))]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waits(False)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _requests(self, reader: asyncio.StreamReader, up: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ_BYTES):
            if data.startswith(b"GET "):
                self.path = data.split(b" ", 2)[1].decode("latin-1")
                self.requests, self.sent = self.requests + 1, 0
                self.line.requests.append(self.path)
                if self.line.toxic.once and self.requests > 1:
                    self._cut(reset=True)
                    return
                self._waits(True)
            up.write(data)
            await up.drain()

    async def _answers(self, down: asyncio.StreamReader) -> None:
        while data := await down.read(READ_BYTES):
            toxic = self.line.toxic
            if toxic.path in ("", self.path):
                if not await self._poisoned(toxic, data):
                    return
            else:
                self.writer.write(data)
                await self.writer.drain()
            self._waits(False)

    async def _poisoned(self, toxic: Toxic, data: bytes) -> bool:
        """Send what the toxic lets through; ``False`` when it has cut the connection."""
        if toxic.latency_s:
            await asyncio.sleep(toxic.latency_s + self.random.uniform(-toxic.jitter_s, toxic.jitter_s))
        cut = toxic.limit_bytes is not None and self.sent + len(data) >= toxic.limit_bytes
        if toxic.limit_bytes is not None:
            data = data[: toxic.limit_bytes - self.sent]
        step = toxic.slice_bytes or int(toxic.bytes_per_s * TICK_S) or len(data) or 1
        for start in range(0, len(data), step):
            self.writer.write(data[start : start + step])
            await self.writer.drain()
            await asyncio.sleep(TICK_S if toxic.bytes_per_s else 0)
        self.sent += len(data)
        if cut:
            await asyncio.sleep(HEARD_S)
            self._cut(reset=toxic.reset)
        return not cut

    def _cut(self, *, reset: bool) -> None:
        if reset:
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.writer.transport.abort()

    def _waits(self, waiting: bool) -> None:
        if waiting != self.waiting:
            self.waiting = waiting
            self.line.waiting += 1 if waiting else -1
            self.line.most_at_once = max(self.line.most_at_once, self.line.waiting)
