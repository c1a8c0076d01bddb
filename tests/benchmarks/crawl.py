"""Pages per second of our crawler, archive and extraction included, beside a bare Scrapy spider that stores nothing.

Both crawl the same generated farm, each in processes of its own, taking turns. Seconds are the farm's own, from the
first request it saw to the last, so that neither Python's start nor the import of Scrapy is in them. The peer runs
with our manners and with Scrapy's default of eight requests at once per site; the ratio is to the faster of the two.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.farm import LATENCY_S, PAGE_BYTES, PATHS, SITES, Farm, Visit, running_farm
from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import Cost, measured

ROUNDS = 3
OURS = "firmscope: extraction, WARC, SHA-256, address guard"
BARE = "tests.benchmarks.crawl_bare"
SIDES = {
    OURS: ("tests.benchmarks.crawl_ours",),
    "bare Scrapy spider, stores nothing, 1 at once per site": (BARE, "1"),
    "bare Scrapy spider, stores nothing, 8 at once per site": (BARE, "8"),
}
PAGES = SITES * len(PATHS)


@dataclass(frozen=True)
class Round:
    """One crawl of the farm."""

    visit: Visit
    cost: Cost

    @property
    def pages_per_s(self) -> float:
        """Pages, robots.txt left out, per second between first and last request."""
        return self.visit.pages / self.visit.seconds


def run() -> None:
    """Print the table and the ratio."""
    describe("scrapy", "twisted", "resiliparse", "fastwarc")
    rounds: dict[str, list[Round]] = {name: [] for name in SIDES}
    with running_farm() as farm:
        for _ in range(ROUNDS):
            for name, command in SIDES.items():
                rounds[name].append(_crawl(farm, name, command))
    rates = {name: statistics.median(one.pages_per_s for one in taken) for name, taken in rounds.items()}
    header = ["crawler", "pages/s", "of all rounds", "whole process s", "CPU ms/page", "peak MiB"]
    table(header, [[name, f"{rates[name]:.0f}", *_cells(taken)] for name, taken in rounds.items()])
    print(f"{SITES} sites of {len(PATHS)} pages of {PAGE_BYTES // 1000} kB at {LATENCY_S * 1000:.0f} ms; ", end="")
    print(f"medians of {ROUNDS} rounds in turns; {SITES} requests side by side, firmscope 1 at once per site.")
    faster = max(rate for name, rate in rates.items() if name != OURS)
    print(
        f"ratio: firmscope reads {rates[OURS] / faster:.2f} times as many pages per second as the faster bare spider\n"
    )


def _crawl(farm: Farm, name: str, command: Sequence[str]) -> Round:
    cost = measured(["-m", *command, *farm.websites])
    visit = farm.take()
    counted = int(cost.output.split()[-1])
    seen = (visit.distinct_pages, visit.pages, visit.forbidden, counted)
    if seen != (PAGES, PAGES, 0, PAGES) or visit.robots < SITES:
        raise BenchmarkError(
            f"{name} did not do the same work: {counted} pages by its own count, {visit}; expected {PAGES} pages, each "
            f"once, none forbidden, and robots.txt of {SITES} sites"
        )
    return Round(visit, cost)


def _cells(taken: Sequence[Round]) -> list[str]:
    rates = " ".join(f"{rate:.0f}" for rate in sorted(one.pages_per_s for one in taken))
    whole = statistics.median(one.cost.seconds for one in taken)
    cpu = 1000 * statistics.median(one.cost.cpu_s for one in taken) / PAGES
    return [rates, f"{whole:.1f}", f"{cpu:.1f}", f"{max(one.cost.peak_mib for one in taken):.0f}"]
