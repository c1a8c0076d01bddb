"""A night on a disk that fills up, run again when there is room, and held against one that was left in peace.

The disk is a small file system in memory, mounted over the workspace in this process's own namespace: each repetition
leaves another number of pages free, so that another write is the one that fails.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.torture.comparing import orphans, state_of
from tests.torture.kills import completed
from tests.torture.world import World

PAGE = 4096
ROOM = 64 << 20


def filled_up(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """One repetition with another margin; the night has to stop with exit code 3 and say what to do."""
    with small_disk(world) as used:
        need = _growth(world)
        free = int(need * (number + rng.random()) / of) // PAGE * PAGE
        resize(world, used + free)
        night = world.start("nightly")
        code = night.wait()
        if code == 0:
            hits["had room"] += 1
            return []
        hits["stopped"] += 1
        words = night.said.strip()
        faults = orphans(night) + state_of(world.workspace_folder).faults
        if code != 3 or "no space left" not in words or "Traceback" in words:
            faults.append(f"ended with {code} and said: {words[-700:]}")
        if "run again" not in words:
            faults.append(f"names no cure: {words[-300:]}")
        resize(world, ROOM)
        return [f"with {free >> 10} kB left: {fault}" for fault in faults + completed(world)]


@contextmanager
def small_disk(world: World) -> Iterator[int]:
    """Put a file system of its own under the workspace; yields the bytes that the workspace takes up on it."""
    folder = world.workspace_folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], check=True)
    try:
        shutil.copytree(world.asleep, folder, symlinks=True, dirs_exist_ok=True)
        yield _used(world)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def resize(world: World, size: int) -> None:
    """Make the disk so large, bytes."""
    subprocess.run(["mount", "-o", f"remount,size={size}", world.workspace_folder], check=True)


def _used(world: World) -> int:
    disk = os.statvfs(world.workspace_folder)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize


@functools.cache
def _growth(world: World) -> int:
    """Bytes that a night in peace adds; the workspace stands as before afterwards."""
    before = _used(world)
    assert world.start("nightly").wait() == 0
    grown = _used(world) - before
    for path in world.workspace_folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(world.asleep, world.workspace_folder, symlinks=True, dirs_exist_ok=True)
    return grown
