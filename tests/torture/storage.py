"""A commit to object storage whose k-th request is answered 503 or 403, stalls, or is cut, once or from then on.

A proxy before a real server of the protocol does it. A fault that passes is not noticed; one that stays stops the
commit with a sentence. Afterwards the table holds all old rows or all new ones, and the same commit goes through.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import http.server
import random
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import Message
from importlib.util import find_spec
from urllib.parse import urlsplit

from pipelines import retries, storage
from pipelines.errors import FirmscopeError
from pipelines.storage import Storage
from pipelines.store import Lake
from pipelines.system_faults import told
from tests.object_storage import Bucket, serving_bucket
from tests.torture.world import World

KINDS = ("503", "stall", "cut", "403")
FIRMS = 12
SHARDS = 2
PATIENCE_S = 2  # of a request, in the place of a minute
STALL_S = 6.0
TRIES = 3  # in the place of six
SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>"
    b"<HostId>" + b"x" * 400 + b"</HostId></Error>"  # as long as real ones are, which is longer than a small object
)
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"


def missing() -> str:
    """Why no server of the protocol can be had here; empty where one can."""
    return "" if find_spec("moto") else "moto is not installed"


@dataclass
class Fault:
    """What becomes of requests: those before ``at`` (from 0) pass, ``many`` from there on do not."""

    kind: str = ""
    at: int = 0
    many: int = 0
    seen: int = 0
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)  # methods that change something, and encodings
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of_next(self) -> str:
        """The fault of the request that comes now; empty: none."""
        with self.lock:
            self.seen += 1
            return self.kind if self.at < self.seen <= self.at + self.many else ""

    def note(self, method: str, headers: Message) -> None:
        """Remember how something was sent."""
        with self.lock:
            self.sent[method, headers.get("Content-Encoding", "")] += method in ("PUT", "POST")


def commit_with_a_fault(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """One repetition: rows are replaced while one request, or all from it on, fail."""
    bucket = _bucket()
    kind, stays = KINDS[number % len(KINDS)], number // len(KINDS) % 2 == 1
    folder = world.folder / "bucket-lake"
    shutil.rmtree(folder, ignore_errors=True)
    place = bucket.storage(f"lake-{rng.randrange(10**9)}")
    old, new = _rows("old"), _rows("new")
    with _impatient(), proxied(bucket) as (endpoint, fault):
        through = Storage(place.lake, endpoint)
        _replace(folder, place, old, create=True)
        needed = _counted(folder, through, fault, old)
        fault.kind, fault.seen, fault.at, fault.many = kind, 0, rng.randrange(needed), 10**9 if stays else 1
        outcome, faults = "done", []
        try:
            _replace(folder, through, new)
        except FirmscopeError as error:
            outcome = "refused"
            if not stays and kind != "403":
                faults.append(f"a fault that passed stopped the commit: {error}")
        except Exception as error:
            outcome = "stopped"
            if told(error) is None or (not stays and kind != "403"):
                faults.append(f"ended with {type(error).__name__}: {str(error)[:300]}")
        fault.many = 0
    held = _held(folder, place)
    if held not in (_names(old), _names(new)) or (outcome == "done" and held != _names(new)):
        faults.append(f"{outcome}, and the table holds {held}")
    _replace(folder, place, new)
    if _held(folder, place) != _names(new):
        faults.append(f"the same commit again leaves {_held(folder, place)}")
    hits[f"{kind} {'stays' if stays else 'once'}: {outcome}"] += 1
    return [f"{kind} {'from' if stays else 'at'} request {fault.at} of {needed}: {one}" for one in faults]


def two_commits(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """A commit that another one came before takes both rows over, or stops with a sentence; it loses neither."""
    bucket = _bucket()
    folder = world.folder / "bucket-lake"
    shutil.rmtree(folder, ignore_errors=True)
    place = bucket.storage(f"lake-{rng.randrange(10**9)}")
    _replace(folder, place, _rows("old"), create=True)
    first, second = Lake(folder, SHARDS, place), Lake(folder, SHARDS, place)
    one, two = rng.sample(range(FIRMS), 2)
    first.read_arrow("firms")  # it has looked at the table
    second.replace_firms("firms", [f"f{two}"], [{"firm_id": f"f{two}", "name": "second"}], "second")
    outcome, faults = "done", []
    try:
        first.replace_firms("firms", [f"f{one}"], [{"firm_id": f"f{one}", "name": "first"}], "first")
    except FirmscopeError:
        outcome = "refused"
    except Exception as error:
        outcome = "stopped"
        if told(error) is None:
            faults.append(f"ended with {type(error).__name__}: {str(error)[:300]}")
    first.close()
    second.close()
    expected = _names(_rows("old")) | {f"f{two}": "second"} | ({f"f{one}": "first"} if outcome == "done" else {})
    held = _held(folder, place)
    hits[outcome] += 1
    return faults + ([] if held == expected else [f"{outcome}, and the table holds {held}"])


def _rows(name: str) -> list[dict[str, str]]:
    return [{"firm_id": f"f{number}", "name": name} for number in range(FIRMS)]


def _names(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["firm_id"]: row["name"] for row in rows}


def _replace(folder: object, place: Storage, rows: list[dict[str, str]], create: bool = False) -> None:
    lake = Lake(folder, SHARDS, place)  # type: ignore[arg-type]
    try:
        if create:
            lake.create()
        lake.replace_firms("firms", [row["firm_id"] for row in rows], rows, "torture")
    finally:
        lake.close()


def _held(folder: object, place: Storage) -> dict[str, str]:
    lake = Lake(folder, SHARDS, place)  # type: ignore[arg-type]
    rows = lake.read_arrow("firms", ["firm_id", "name"]).to_pylist()
    lake.close()
    return _names(rows)


def _counted(folder: object, through: Storage, fault: Fault, old: list[dict[str, str]]) -> int:
    """Requests of one commit: of other rows, which the old ones then replace again."""
    _replace(folder, through, _rows("between"))
    needed = fault.seen
    _replace(folder, through, old)
    return needed


@functools.cache
def _bucket() -> Bucket:
    """One server for as long as this process lives."""
    return _kept.enter_context(serving_bucket())


_kept = ExitStack()


def close() -> None:
    """End the server; one that is left to the end of Python never ends."""
    _kept.close()


@contextmanager
def _impatient() -> Iterator[None]:
    before = storage.REQUEST_S, retries.TRIES
    storage.REQUEST_S, retries.TRIES = PATIENCE_S, TRIES
    try:
        yield
    finally:
        storage.REQUEST_S, retries.TRIES = before


@contextmanager
def proxied(bucket: Bucket) -> Iterator[tuple[str, Fault]]:
    """The address of a proxy before the bucket, and what it does to requests."""
    upstream, fault = urlsplit(bucket.endpoint).netloc, Fault()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self._body()
            kind = fault.of_next()
            if kind == "stall":
                time.sleep(STALL_S)
            if kind in ("stall", "cut"):
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if kind:
                self._answer(int(kind), [("Content-Type", "application/xml")], SLOW_DOWN if kind == "503" else EXPIRED)
                return
            fault.note(self.command, self.headers)
            asked = http.client.HTTPConnection(upstream, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() != "transfer-encoding"}
            asked.request(self.command, self.path, body, headers)
            given = asked.getresponse()
            self._answer(given.status, given.getheaders(), given.read())
            asked.close()

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815 - as the server calls them

        def _body(self) -> bytes:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            length = next((value for name, value in headers if name.lower() == "content-length"), str(len(body)))
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that went away

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", fault
    finally:
        server.shutdown()
        server.server_close()
