"""Memory of ``firmscope crawl`` on a long list: 10,000 sites of 20 pages, sampled over the whole process tree.

Its peer is itself on a tenth of the list: memory that grows with the list would show as a ratio above 1.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.farm import running_farm
from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import Cost, measured

SITES = 10_000
PAGES = 20
TIMEOUT_S = 3 * 3600.0  # 35 minutes on two quiet cores


def run() -> None:
    """Print the table and the ratio."""
    describe("scrapy", "resiliparse", "pyiceberg")
    costs = {sites: _crawl(sites) for sites in (SITES // 10, SITES)}
    header = ["sites", "pages", "seconds", "pages/s", "CPU s", "peak MiB, whole process tree"]
    rows = [
        [str(sites), str(sites * PAGES), *(f"{value:.0f}" for value in _figures(sites, cost))]
        for sites, cost in costs.items()
    ]
    table(header, rows)
    few, many = costs.values()
    print(f"ratio: ten times the sites take {many.peak_mib / few.peak_mib:.2f} times the memory\n")


def _figures(sites: int, cost: Cost) -> tuple[float, ...]:
    return cost.seconds, sites * PAGES / cost.seconds, cost.cpu_s, cost.peak_mib


def _crawl(sites: int) -> Cost:
    with running_farm(sites, PAGES) as farm, tempfile.TemporaryDirectory() as folder:
        websites = Path(folder) / "websites.txt"
        websites.write_text("\n".join(farm.websites), encoding="utf-8")
        cost = measured([sys.executable, "-m", "tests.benchmarks.crawl_ours", str(websites)], TIMEOUT_S)
        visit = farm.take()
    print(f"{sites} sites: peak {cost.peak_mib:.0f} MiB after {cost.seconds:.0f} s", flush=True)
    if visit.distinct_pages != sites * PAGES:
        raise BenchmarkError(f"{visit.distinct_pages} pages of {sites * PAGES} were read: {visit}")
    return cost
