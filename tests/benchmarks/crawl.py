"""Pages per second of ``firmscope crawl``, extraction, WARC archive and tables included, beside two peers.

The peers are a bare Scrapy spider that stores nothing, and WebSweep's crawl plus extract. All read the same generated
farm, each in processes of its own, taking turns. Seconds are those of the whole command, Python's start included,
because tables are written after the last request and WebSweep extracts after it; the farm counts the pages.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.farm import LATENCY_S, PAGE_BYTES, Farm, Visit, running_farm
from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import Cost, measured

SITES = 1_000
PAGES = 10
ROUNDS = 2
PEER_PYTHON = "FIRMSCOPE_WEBSWEEP_PYTHON"
"""Environment variable: a Python for which WebSweep is installed."""

OURS = "firmscope crawl: extraction, WARC, tables"
BARE = "bare Scrapy spider, stores nothing, 1 at once per site"
BARE_8 = "bare Scrapy spider, stores nothing, 8 at once per site"
WEBSWEEP = "WebSweep 0.1: crawl, then extract"


@dataclass(frozen=True)
class Round:
    """One crawl of the farm."""

    visit: Visit
    cost: Cost

    @property
    def pages_per_s(self) -> float:
        """Pages that the farm served, robots.txt and repeats left out, per second of the whole command."""
        return self.visit.distinct_pages / self.cost.seconds


def run() -> None:
    """Print the table and the ratios."""
    describe("scrapy", "twisted", "resiliparse", "fastwarc", "pyiceberg")
    sides = {
        OURS: (sys.executable, "-m", "tests.benchmarks.crawl_ours"),
        BARE: (sys.executable, "-m", "tests.benchmarks.crawl_bare", "1"),
        BARE_8: (sys.executable, "-m", "tests.benchmarks.crawl_bare", "8"),
    }
    if os.environ.get(PEER_PYTHON):
        sides[WEBSWEEP] = (os.environ[PEER_PYTHON], "tests/benchmarks/crawl_websweep.py")
    rounds: dict[str, list[Round]] = {name: [] for name in sides}
    with running_farm(SITES, PAGES) as farm, tempfile.TemporaryDirectory() as folder:
        websites = Path(folder) / "websites.txt"
        websites.write_text("\n".join(farm.websites), encoding="utf-8")
        for _ in range(ROUNDS):
            for name, command in sides.items():
                rounds[name].append(_crawl(farm, name, [*command, str(websites)]))
    rates = {name: statistics.median(one.pages_per_s for one in taken) for name, taken in rounds.items()}
    header = ["crawler", "pages/s", "of all rounds", "pages", "seconds", "CPU ms/page", "peak MiB"]
    table(header, [[name, f"{rates[name]:.0f}", *_cells(taken)] for name, taken in rounds.items()])
    print(f"{SITES} sites of {PAGES} pages of {PAGE_BYTES // 1000} kB at {LATENCY_S * 1000:.0f} ms, no pause; ", end="")
    print(f"medians of {ROUNDS} rounds in turns.")
    for name in sides:
        if name != OURS:
            print(f"ratio: {rates[OURS] / rates[name]:.2f} of the pages per second of {name}")
    if WEBSWEEP not in sides:
        raise BenchmarkError(
            f"no ratio to WebSweep: pip install websweep into an environment of its own and name its Python in "
            f"{PEER_PYTHON}"
        )
    print()


def _crawl(farm: Farm, name: str, command: Sequence[str]) -> Round:
    cost = measured(command)
    visit = farm.take()
    counted = _last_number(cost.output)
    wanted = SITES * PAGES
    if visit.forbidden or visit.robots < SITES or counted != visit.distinct_pages:
        raise BenchmarkError(f"{name} did not do what it says: {counted} pages by its own count, {visit}")
    if name != WEBSWEEP and visit.distinct_pages != wanted:  # whose filter of addresses leaves some pages out
        raise BenchmarkError(f"{name} read {visit.distinct_pages} pages of {wanted}: {visit}")
    return Round(visit, cost)


def _last_number(output: str) -> int:
    return next((int(line) for line in reversed(output.splitlines()) if line.strip().isdigit()), -1)


def _cells(taken: Sequence[Round]) -> list[str]:
    rates = " ".join(f"{rate:.0f}" for rate in sorted(one.pages_per_s for one in taken))
    pages = taken[0].visit.distinct_pages
    whole = statistics.median(one.cost.seconds for one in taken)
    cpu = 1000 * statistics.median(one.cost.cpu_s for one in taken) / pages
    return [rates, str(pages), f"{whole:.1f}", f"{cpu:.1f}", f"{max(one.cost.peak_mib for one in taken):.0f}"]
