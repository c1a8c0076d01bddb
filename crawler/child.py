"""One crawl process as its parent sees it: started, followed, and asked afterwards what it died of.

The child appends to a file that the parent reads, so neither waits for the other and no line is too long. What ends
it comes through a pipe, because a full disk is one of those things.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from crawler import uplink
from crawler.children import environment
from crawler.errors import ArchiveError, CrawlerError, GuardError
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

POLL_S = 0.05
STOP_GRACE_S = 8.0
STOPS = {
    "memusage_exceeded": "the crawl process stopped itself at its memory limit",
    "uplink": f"the connection seems to be down ({uplink.LIMIT} sites in a row could not be reached)",
}
DONE = b'{"done":'
PAUSES = {"window", "uplink"}
ASKED = "shutdown"  # Scrapy's word for SIGTERM and SIGINT


class Child:
    """A running crawl process; sites are named by their place in ``targets``.

    Args:
        targets: Sites to visit.
        settings: How to crawl.
        archive_dir: Folder for WARC files.
        work_dir: Existing folder for the log and the child's own files.
    """

    def __init__(
        self, targets: Sequence[CrawlTarget], settings: CrawlSettings, archive_dir: Path, work_dir: Path
    ) -> None:
        self._settings = settings
        self.begun: dict[int, None] = {}  # in their order
        self.done: set[int] = set()
        self._stopped = ""
        self._last_words = b""
        self._job = work_dir / f"crawl-{uuid.uuid4().hex[:12]}.job.json"
        self._out = self._job.with_suffix(".jsonl")
        job = {
            "settings": settings.to_dict(),
            "archive_dir": str(archive_dir.resolve()),
            "out": str(self._out.resolve()),
            "parent": os.getpid(),
            "pause_s": uplink.PAUSE_S,
        }
        try:
            self._out.touch()
            with self._job.open("w", encoding="utf-8") as lines:
                lines.write(json.dumps(job) + "\n")
                lines.writelines(json.dumps(asdict(target)) + "\n" for target in targets)
            self._process = _start(self._job, work_dir / "crawl.log")
        except OSError:
            self._remove_files()
            raise

    def follow(self, watch: Callable[[], None] = lambda: None) -> Iterator[tuple[int, SiteCrawl]]:
        """Yield finished sites until the child has ended and its file is read to the end, or ``watch`` raises."""
        rest = b""
        with self._out.open("rb") as lines:
            while True:
                watch()
                ended = self._process.poll() is not None
                chunk = lines.read(1 << 20)
                if chunk:
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield from self._take(line)
                elif ended:
                    return  # a last line without an end was cut by a kill and does not count
                else:
                    time.sleep(POLL_S)

    def stop(self) -> None:
        """End the child, gently and then by force, and remove its files; what it said stays known."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            self._last_words = process.stdout.read()
            process.stdout.close()
        self._remove_files()

    def raise_failure(self) -> None:
        """Raise what the child ended with if another child would end with it too; call after ``stop``.

        Raises:
            ArchiveError: Nothing more can be stored; its cause is the system's ``OSError``.
            GuardError: The address guard is not installed.
        """
        try:
            said = json.loads(self._last_words)
            kind, message, number = str(said["error"]), str(said["message"]), said["errno"]
        except (ValueError, TypeError, KeyError):  # nothing said, or killed while saying it
            return
        error: CrawlerError = GuardError(message) if kind == "GuardError" else ArchiveError(message)
        raise error from (OSError(number, os.strerror(number)) if number else None)

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody told the child to stop, rather than that it died."""
        return self._stopped == ASKED

    @property
    def paused(self) -> str:
        """Why it began no further site though it could have: ``window``, ``uplink`` or nothing."""
        return self._stopped if self._stopped in PAUSES else ""

    def end(self) -> str:
        """How it ended, as the beginning of a sentence."""
        if self._stopped == "window":
            return f"the crawl window {self._settings.window} ({self._settings.window_zone}) closed"
        if self._stopped:
            return STOPS.get(self._stopped, f"the crawl was closed ({self._stopped})")
        code = self._process.returncode
        if code is not None and code < 0:
            return f"the crawl process was killed by {signal.Signals(-code).name}"
        return f"the crawl process ended with exit code {code}"

    def _take(self, line: bytes) -> Iterator[tuple[int, SiteCrawl]]:
        if line.startswith(DONE):  # the one long line: read once, not twice
            place, site = line.removeprefix(DONE).split(b',"site":', 1)
            if int(place) not in self.done:
                self.done.add(int(place))
                yield int(place), SiteCrawl.from_json(site.removesuffix(b"}"))
            return
        event = json.loads(line)
        if "started" in event:
            self.begun[event["started"]] = None
        elif "stopped" in event:
            self._stopped = self._stopped or str(event["stopped"])

    def _remove_files(self) -> None:
        self._job.unlink(missing_ok=True)
        self._out.unlink(missing_ok=True)


def last_words(error: CrawlerError) -> bytes:
    """What a child says about the error that ends it; ``Child.raise_failure`` raises it again."""
    number = error.errno if isinstance(error, ArchiveError) else None
    return json.dumps({"error": type(error).__name__, "message": str(error)[:1000], "errno": number}).encode("ascii")


def _start(job: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "crawler.run", str(job.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,  # for last words alone: see run
            stderr=stderr,
            env=environment(),
            start_new_session=True,  # a Ctrl-C at the terminal reaches the parent, which then decides
        )
