"""Work for engines under test: functions of a module, which workers find by their names."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pipelines.errors import UsageError


def doubled(common: int, task: int) -> int:
    """Work that succeeds."""
    return common * task


def meets_another(folder: str, task: int) -> int:
    """Wait until another process is here too, half a minute at most. Returns who did it."""
    (Path(folder) / str(os.getpid())).touch()
    deadline = time.monotonic() + 30
    while len(list(Path(folder).iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    return os.getpid()


def dies_once(folder: str, task: int) -> int:
    """Kill the worker the first time that task 3 is done."""
    mark = Path(folder) / "died"
    if task == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def slow(_: None, task: int) -> int:
    """Work that takes a while."""
    time.sleep(0.3)
    return task


class DeadlyOnce:
    """What all tasks share; it kills the first worker that reads it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return read_deadly, (self.folder,)


def read_deadly(folder: str) -> DeadlyOnce:
    """As a worker reads it."""
    mark = Path(folder) / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return DeadlyOnce(folder)


def same(_: DeadlyOnce, task: int) -> int:
    """Work that wants what all share."""
    return task


def poison(_: None, task: int) -> int:
    """Kill whoever does task 3."""
    if task == 3:
        time.sleep(0.2)  # others are under way by then
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def fails_twice(folder: str, task: int) -> int:
    """Task 3 fails, and fails again, and then works."""
    if task == 3:
        tries = len(list(Path(folder).glob("try-*")))
        (Path(folder) / f"try-{tries}").touch()
        if tries < 2:
            raise ValueError("a passing fault")
    return task


def fails(_: None, task: int) -> int:
    """Task 3 never works."""
    if task == 3:
        raise ValueError("not a number: 'x'")
    return task


def refuses(_: None, task: int) -> int:
    """What no other try would mend."""
    if task == 3:
        raise UsageError("set it right first")
    return task


def ends_all(_: None, task: int) -> int:
    """Kill the process that started the worker."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)  # the worker dies with it
    return task
