"""How fast ``crawler.warc`` passes over records of other hosts, beside warcio and beside FastWARC alone.

The file is laid out as Common Crawl's are (request, response and metadata per page, one gzip member each), its pages
are the hand-marked ones, and its hosts are 20,000 of which none or 500 are wanted. Speeds are of the file as it lies on
the disk and of what is in it, by the clock and by the time that a core was at work, which a busy machine lets be.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crawler.members import gzipped
from crawler.warc import Spool, Tally, file_digest, scan, wants_sites
from tests.benchmarks.extract import load_pages
from tests.benchmarks.machine import describe, table

RAW_BYTES = 300_000_000
HOSTS = 20_000
WANTED = 500
ROUNDS = 3
PEER = "warcio"


def run() -> None:
    """Print the table and the ratio."""
    describe("fastwarc", PEER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generated.warc.gz"
        pages, raw = _write(path)
        readers = {
            "firmscope, no host wanted": _ours(Path(folder), 0),
            f"firmscope, {WANTED} of {HOSTS:,} hosts wanted": _ours(Path(folder), WANTED),
            "SHA-256 of the file alone": lambda path: len(file_digest(path)),
            "FastWARC, nothing looked at": _fastwarc,
            PEER: _warcio,
        }
        best: dict[str, tuple[float, float]] = {}
        for _ in range(ROUNDS):
            for name, reader in readers.items():
                taken = _timed(reader, path)
                before = best.get(name, taken)
                best[name] = min(before[0], taken[0]), min(before[1], taken[1])
        size = path.stat().st_size
    rows = [
        [name, *(f"{what / 1e6 / seconds:.0f}" for what in (size, raw) for seconds in (wall, cpu))]
        for name, (wall, cpu) in best.items()
    ]
    table(["reader", "MB/s of file", "MB/CPU s of file", "MB/s of content", "MB/CPU s of content"], rows)
    print(f"{pages:,} pages, {size / 1e6:.0f} MB holding {raw / 1e6:.0f} MB; best of {ROUNDS} rounds.")
    ours, theirs = best["firmscope, no host wanted"][1], best[PEER][1]
    print(f"ratio: firmscope takes {ours / theirs:.2f} of {PEER}'s CPU time ({theirs / ours:.1f} times as fast)\n")


def _write(path: Path) -> tuple[int, int]:
    bodies = [page.body for page in load_pages()]
    rng = random.Random(1)
    raw = number = 0
    with path.open("wb") as file:
        while raw < RAW_BYTES:
            url = f"https://www.h{rng.randrange(HOSTS)}.co.uk/page/{number}"
            body = rng.choice(bodies)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
            for kind, media, block in (
                ("request", "application/http; msgtype=request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
                ("response", "application/http; msgtype=response", head + body),
                ("metadata", "application/warc-fields", b"fetchTimeMs: 123\r\ncharset-detected: UTF-8\r\n"),
            ):
                record = _record(kind, url, media, block, rng)
                raw += len(record)
                file.write(gzipped(record))
            number += 1
    return number, raw


def _record(kind: str, url: str, media: str, block: bytes, rng: random.Random) -> bytes:
    lines = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        "WARC-Date: 2026-02-03T04:05:06Z",
        f"WARC-Record-ID: <urn:uuid:{rng.getrandbits(128):032x}>",
        f"Content-Length: {len(block)}",
        f"Content-Type: {media}",
        f"WARC-Target-URI: {url}",
        "WARC-IP-Address: 192.0.2.1",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + block + b"\r\n\r\n"


def _ours(folder: Path, wanted: int) -> Callable[[Path], int]:
    sites = frozenset(f"h{number * (HOSTS // WANTED)}.co.uk" for number in range(wanted))

    def read(path: Path) -> int:
        return sum(1 for _ in scan(path, wants_sites(sites), Spool(folder / "spool.warc.gz"), Tally()))

    return read


def _fastwarc(path: Path) -> int:
    from fastwarc.warc import ArchiveIterator

    with path.open("rb") as file:
        return sum(1 for _ in ArchiveIterator(file, parse_http=False))


def _warcio(path: Path) -> int:
    from warcio.archiveiterator import ArchiveIterator

    with path.open("rb") as file:
        return sum(1 for _ in ArchiveIterator(file, no_record_parse=True))


def _timed(reader: Callable[[Path], int], path: Path) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    reader(path)
    return time.perf_counter() - wall, time.process_time() - cpu
