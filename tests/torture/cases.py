"""All cases: what each does, how often, and which cases of the fault matrix it holds."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.torture import beside, calls, clock, disk, kills, locking, nights, storage
from tests.torture.world import World

Repetition = Callable[[World, random.Random, int, int, Counter[str]], list[str]]


@dataclass(frozen=True)
class Case:
    """``times`` repetitions in the whole form, ``short`` in the short one.

    ``once`` makes one repetition: given the world, random numbers, its place among how many, and where to count what it
    met; it returns what was lost. ``missing`` says why it cannot run here, or nothing.
    """

    name: str
    what: str
    times: int
    short: int
    once: Repetition
    missing: Callable[[], str] = lambda: ""


def no_mounts() -> str:
    """Why no file system can be mounted here; empty where one can."""
    if not shutil.which("unshare"):
        return "unshare is not installed"
    tried = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if tried.returncode == 0 else f"no file system may be mounted here: {tried.stderr.strip()[:100]}"


CASES = (
    Case("kills", "SIGKILL at a random instant, every fourth time in the rerun too", 200, 4, kills.killed_at_random),
    Case("calls", "SIGKILL at the k-th rename, unlink, fsync and so on", 30, 1, calls.killed_at_a_call, calls.missing),
    Case("errors", "ENOSPC, EIO or EROFS at the k-th such call", 30, 0, calls.told_of_an_error, calls.missing),
    Case("disk", "a disk that is full after so many pages", 40, 1, disk.filled_up, no_mounts),
    Case("signals", "SIGINT once and twice, SIGTERM, SIGHUP at a random instant", 16, 1, beside.signalled),
    Case("pause", "all processes stand still, then go on", 8, 0, beside.paused),
    Case("two", "two nights at once, or one begun in the other", 8, 1, beside.two_at_once),
    Case("again", "a finished night run again", 2, 1, beside.finished_again),
    Case("readers", "tables and published set read all the time beside a night", 6, 1, beside.read_meanwhile),
    Case("read-only", "a disk that may only be read", 2, 1, beside.read_only, no_mounts),
    Case("commands", "a command that reads tables, and how its process ends", 50, 1, beside.reading_command),
    Case("descriptors", "room for 64 open files or fewer", 8, 1, beside.few_descriptors),
    Case("memory", "an address space that ends in the midst of the night", 12, 0, beside.little_memory),
    Case("moments", "nights across a change of the hour, a leap day, the end of 32-bit time", 5, 0, clock.at_a_moment),
    Case("jumps", "a clock that jumps in the midst of the night", 12, 1, clock.jumping),
    Case("writers", "four processes that write under one lock", 10, 1, locking.four_writers),
    Case("bucket", "a commit to object storage whose k-th request fails, once or from then on", 64, 4,
         storage.commit_with_a_fault, storage.missing),
    Case("conflict", "a commit to object storage that another came before", 4, 0, storage.two_commits, storage.missing),
    Case("thirty", "thirty nights in a row with faults at random", 1, 0, nights.in_a_row),
)  # fmt: skip
