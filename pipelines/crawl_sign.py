"""A sign of life of the crawl that sends its parts off, for a part on a cluster outlives the process that asked for it.

It is a file in the archive, where every machine sees it, written anew every few seconds. A part whose sign is gone, or
has stood still for long, ends itself. A crawl that finds the sign of one that was killed takes it away and waits until
no part of that can be under way: so a site is never visited by both.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from pipelines.errors import UsageError

SIGNS = ".crawling-*"
BEAT_S = 5.0
STANDS_STILL_S = 60.0  # far above a pause that a busy machine or a slow file system makes
# A part looks every BEAT_S, its crawl process has 8 s to end (crawler/child.py), and clients of NFS see a file that was
# removed when they open it.
ENDED_S = 4 * BEAT_S


class PartAbandonedError(Exception):
    """The crawl that asked for a part is gone, or stands still; if it lives it will ask again."""


@contextmanager
def giving_sign(archive: Path, engine: str) -> Iterator[str]:
    """Give sign for as long as the block lasts, after the parts of a crawl that was killed have ended.

    Args:
        archive: The workspace's folder of answers, whose lock this process holds.
        engine: Name of the engine; parts of a crawl in processes of this machine end with it, and are not waited for.

    Yields:
        The sign's name in the archive.
    """
    left = list(archive.glob(SIGNS))
    for path in left:
        path.unlink()
    if any(path.name.startswith(".crawling-dask-") for path in left):
        time.sleep(ENDED_S)
    sign = archive / f".crawling-{engine}-{token_hex(8)}"
    sign.write_text("0", encoding="ascii")
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(sign, done), name="crawl-sign", daemon=True)
    thread.start()
    try:
        yield sign.name
    finally:
        done.set()
        thread.join()
        sign.unlink(missing_ok=True)


class Watch:
    """What a part does to see whether it is still wanted; called often, it looks every few seconds."""

    def __init__(self, sign: Path) -> None:
        """Args: path of the sign, as this machine sees it.

        Raises:
            UsageError: It is not there, as where the workspace's folder is not.
        """
        self._sign = sign
        self._seen = _read(sign)
        self._looked = self._changed = time.monotonic()
        if self._seen is None:
            raise UsageError(
                f"a worker cannot see {sign.parent}, where answers are archived and read again: give every machine of "
                "the cluster the workspace's folder at the same path, or crawl with --engine local"
            )

    def __call__(self) -> None:
        """Raise a PartAbandonedError where the crawl that asked is gone."""
        now = time.monotonic()  # this machine's alone: no two clocks are compared
        if now - self._looked < BEAT_S:
            return
        self._looked, seen = now, _read(self._sign)
        if seen is None:
            raise PartAbandonedError("the crawl that asked for this part is gone")
        if seen != self._seen:
            self._seen, self._changed = seen, now
        elif now - self._changed > STANDS_STILL_S:
            raise PartAbandonedError(f"the crawl that asked for this part has given no sign for {STANDS_STILL_S:g} s")


def _beat(sign: Path, done: threading.Event) -> None:
    number = 0
    while not done.wait(BEAT_S):
        number += 1
        with contextlib.suppress(OSError):  # what writes answers there says so
            sign.write_text(str(number), encoding="ascii")


def _read(sign: Path) -> str | None:
    """What stands in the sign; opened, not asked about, because clients of NFS remember what they were told."""
    try:
        return sign.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except OSError:
        return ""  # the file system stutters: not gone
