"""Schedulers and workers of Dask as commands start them: processes of their own, that may be killed or be unlike us."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import distributed

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = Path(distributed.__file__).parents[1]
OURS = {"PYTHONPATH": str(ROOT)}
QUIET = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")  # as in pipelines/README.md
READY = re.compile(r"(?:Scheduler at|Registered to):\s+(\S+)")


@contextmanager
def scheduler() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler on loopback, and its address."""
    with _running("scheduler", ["--host", "127.0.0.1", "--port", "0", *QUIET], OURS) as (process, said):
        yield process, said


@contextmanager
def worker(
    address: str, environment: Mapping[str, str] = OURS, options: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with one thread; ``options`` are Python's own."""
    arguments = [address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", *QUIET]
    with _running("worker", arguments, environment, options) as (process, _):
        yield process


@contextmanager
def worker_without_firmscope(address: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that finds every package but ours: ``-S`` leaves out the file that names where ours lies."""
    with worker(address, {"PYTHONPATH": str(PACKAGES)}, ("-S",)) as process:
        yield process


@contextmanager
def worker_with_an_older_torch(address: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on whose path another version of a package comes first."""
    stated = folder / "torch-0.0.1.dist-info"
    stated.mkdir(exist_ok=True)
    (stated / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 0.0.1\n", encoding="utf-8")
    with worker(address, {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}) as process:
        yield process


@contextmanager
def _running(
    what: str, arguments: list[str], environment: Mapping[str, str], options: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    command = [sys.executable, *options, "-P", "-m", f"distributed.cli.dask_{what}", *arguments]
    reads, writes = os.pipe()
    process = subprocess.Popen(command, env=os.environ | dict(environment), stderr=writes)
    os.close(writes)
    try:
        with os.fdopen(reads, encoding="utf-8") as lines:
            said = next((found[1] for line in lines if (found := READY.search(line))), "")
            assert said, f"the {what} did not start"
            yield process, said
    finally:
        process.kill()
        process.wait()
