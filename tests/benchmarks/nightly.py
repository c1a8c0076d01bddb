"""Seconds and peak memory of ``firmscope nightly`` on the real sites: the first night, and the nights after it.

Its peer is itself: a night on which no site is due, and one on which every site is visited again and none has changed.
Sites are asked without a pause, because they are this benchmark's own; a real night is as slow as ``crawl.delay_s``.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import BenchmarkError, describe, need_shared, table
from tests.benchmarks.processes import Cost, measured

START_S = 30.0
SETTINGS = {
    "crawl.contact": "benchmark@example.org",
    "crawl.delay_s": "0",
    "crawl.allow_addresses": "127.0.0.0/8",
}


@dataclass(frozen=True)
class Night:
    """One ``firmscope nightly``: its cost, what it says it did, seconds per stage, and requests the sites saw."""

    cost: Cost
    summary: dict[str, Any]
    stages: dict[str, float]
    requests: int


def run() -> None:
    """Print the table and the ratios."""
    describe("scrapy", "torch", "pyiceberg", "scikit-learn")
    with tempfile.TemporaryDirectory() as folder:
        workspace, log = Path(folder) / "workspace", Path(folder) / "access.jsonl"
        with _serving(Path(folder) / "firms.csv", log):
            _firmscope(workspace, "init", str(workspace))
            for key, value in SETTINGS.items():
                _firmscope(workspace, "config", "set", key, value)
            _firmscope(workspace, "import", "firms", str(Path(folder) / "firms.csv"))
            trained = _firmscope(workspace, "train")
            nights = {"first": _night(workspace, log), "second: no site is due": _night(workspace, log)}
            _firmscope(workspace, "config", "set", "crawl.recrawl_after_h", "0")
            nights["third: every site again"] = _night(workspace, log)
        lake = sum(path.stat().st_size for path in (workspace / "lake").rglob("*") if path.is_file()) / 1e6
    first = next(iter(nights.values()))
    header = ["night", "seconds", "ratio", "CPU s", "peak MiB", "requests", "classified", "published"]
    table(header, [[name, *_cells(night, first)] for name, night in nights.items()])
    for name, night in nights.items():
        print(f"{name:<24}{', '.join(f'{stage} {seconds:.1f} s' for stage, seconds in night.stages.items())}")
    outcomes = ", ".join(f"{outcome} {count}" for outcome, count in sorted(first.summary["outcomes"].items()))
    print(f"{first.summary['firms']} firms ({outcomes}), {first.summary['with_text']} with text; ", end="")
    print(f"lake {lake:.0f} MB after three nights. Training before them, once: {trained.seconds:.1f} s.")
    second = nights["second: no site is due"]
    print(f"ratio: the second night takes {second.cost.seconds / first.cost.seconds:.3f} of the first\n")


@contextmanager
def _serving(firms: Path, log: Path) -> Iterator[None]:
    server, sites = need_shared("tools", "serve_sites.py"), need_shared("sites")
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    arguments = [str(sites), "--port", str(port), "--firms", str(firms), "--log", str(log)]
    child = subprocess.Popen([sys.executable, str(server), *arguments], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        if not child.stdout.readline().startswith(b"serving"):
            raise BenchmarkError(f"{server} did not start on port {port}")
        yield
    finally:
        child.terminate()
        child.wait(START_S)
        child.stdout.close()


def _firmscope(workspace: Path, *arguments: str) -> Cost:
    return measured([sys.executable, "-m", "pipelines.cli", "--workspace", str(workspace), *arguments])


def _night(workspace: Path, log: Path) -> Night:
    asked_before = _lines(log)
    cost = _firmscope(workspace, "nightly", "--json")
    summary, _ = json.JSONDecoder().raw_decode(cost.output[cost.output.index("{\n") :])
    if summary["outcome"] != "done":
        raise BenchmarkError(f"the night ended as {summary['outcome']!r}: its seconds are no measure of a night")
    return Night(cost, summary, _stages(workspace / "runs" / summary["run_id"]), _lines(log) - asked_before)


def _stages(folder: Path) -> dict[str, float]:
    """Seconds per stage, from the run's own log; what is left of the night is Python's start and the report."""
    at: dict[tuple[str, str], float] = {}
    for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] in {"stage started", "stage ended"}:
            at[event["stage"], event["event"]] = _seconds(event["at"])
    return {stage: end - at[stage, "stage started"] for (stage, event), end in at.items() if event == "stage ended"}


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def _lines(log: Path) -> int:
    time.sleep(0.2)  # the server writes line by line; its last one may be on its way
    return len(log.read_bytes().splitlines()) if log.exists() else 0


def _cells(night: Night, first: Night) -> list[str]:
    return [
        f"{night.cost.seconds:.1f}",
        f"{night.cost.seconds / first.cost.seconds:.3f}",
        f"{night.cost.cpu_s:.1f}",
        f"{night.cost.peak_mib:.0f}",
        str(night.requests),
        str(night.summary["classified"]),
        "yes" if night.summary["published"] else "no",
    ]
