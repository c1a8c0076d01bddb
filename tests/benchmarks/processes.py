"""Run a command and say what it and everything it started cost: seconds, processor seconds, peak memory.

Memory is the sum over the tree of each process's resident size, sampled, so shared pages count once per process and a
peak shorter than ``SAMPLE_S`` can be missed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.benchmarks.machine import BenchmarkError

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_S = 0.05
TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Cost:
    """What a command took, its descendants included, and what it printed."""

    seconds: float
    cpu_s: float
    peak_mib: float
    output: str


def measured(arguments: Sequence[str], timeout_s: float = TIMEOUT_S) -> Cost:
    """Run a command at the repository's root to its end.

    Raises:
        BenchmarkError: It failed or was stopped at ``timeout_s``; the message ends with what it said.
    """
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = subprocess.Popen(
            list(arguments), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        sampler = _Sampler(child.pid)
        sampler.start()
        timer = threading.Timer(timeout_s, child.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            timer.cancel()
            sampler.ended.set()
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        sampler.join()
        said.seek(0)
        output = said.read().decode("utf-8", "replace")
    if child.returncode != 0:
        peak = f"after {seconds:.0f} s and a peak of {sampler.peak / 2**20:.0f} MiB"
        raise BenchmarkError(f"{' '.join(arguments)} ended with exit code {child.returncode} {peak}: {output[-1000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, sampler.peak / 2**20, output)


class _Sampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.peak = 0
        self._pid = pid

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                root = psutil.Process(self._pid)
                self.peak = max(self.peak, sum(map(_resident, [root, *root.children(recursive=True)])))
            except psutil.Error:
                return
            self.ended.wait(SAMPLE_S)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
