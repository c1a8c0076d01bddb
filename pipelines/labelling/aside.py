"""Work that would make the page stutter, done in a process of its own that gives way to every other.

Opening a queue and asking a model take seconds of Python; in a thread of the server every one of them would be felt.
The process keeps what it has loaded, and ends when the server is gone, however that ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import ParamSpec, TypeVar

from pipelines.labelling.lineup import Chosen
from pipelines.labelling.reasons import Told, told_by_model

NICENESS = 5  # somebody may be waiting for the first plan
WATCH_S = 1.0
PLANNED = 200  # firms of a plan: judged in a day

Given = ParamSpec("Given")
Made = TypeVar("Made")


class Aside:
    """One such process, begun at the first call and again should it die."""

    def __init__(self) -> None:
        """Begin nothing yet."""
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, work: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> Future[Made]:
        """Have a function of a module called, in turn with the others."""
        with self._lock:
            if self._pool is None:
                self._pool = _pool()
            try:
                return self._pool.submit(work, *args, **kwargs)
            except BrokenProcessPool:
                self._pool = _pool()
                return self._pool.submit(work, *args, **kwargs)

    def close(self) -> None:
        """End the process; what it was doing is lost."""
        with self._lock:
            if self._pool is not None:
                processes = list((self._pool._processes or {}).values())  # it has no way to end at once
                self._pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()


def plan(folder: Path, sector: str) -> tuple[Chosen, ...]:
    """Firms to judge for a sector, the first to ask first; fewer than ``PLANNED`` are all there are."""
    from pipelines.asking import open_queue
    from pipelines.workspace import Workspace

    workspace = Workspace(folder)
    try:
        return tuple(Chosen(asked.firm_id, asked.why) for asked in open_queue(workspace, sector).next(PLANNED))
    finally:
        workspace.lake.close()


def tell(folder: Path, firm_id: str, sector: str) -> Told:
    """The model's answer on a firm."""
    from pipelines.workspace import Workspace

    workspace = Workspace(folder)
    try:
        return told_by_model(workspace, firm_id, sector)
    finally:
        workspace.lake.close()


def _pool() -> ProcessPoolExecutor:
    # Not forked: the server has threads, and a fork would keep its socket open.
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _begin, (os.getpid(),))


def _begin(parent: int) -> None:
    """Step back, and end when the server has ended."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
