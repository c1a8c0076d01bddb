"""Match, classify and roll-up of two million firms within 8 GB, beside the same on a tenth of them.

Tables are generated, as a crawl would leave them; every stage is a process of its own that is refused any memory beyond
the limit. One firm in a hundred is classified from its words; the others were put into sectors by chance, because
encoding them all takes days on two cores, and what that would take is worked out from those that were.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import measured

FIRMS = 2_000_000
SHARE = 0.01  # of the firms that are classified from their words
LIMIT_GIB = 8.0
TIMEOUT_S = 6 * 3600.0
WORKERS = 1
STAGES = ("match", "classify", "classify again", "rollup")
FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}  # as the command line sets them


def run() -> None:
    """Print seconds, processor seconds and peak memory of each stage; ``--firms N`` takes another number."""
    firms = int(sys.argv[sys.argv.index("--firms") + 1]) if "--firms" in sys.argv else FIRMS
    os.environ.update(FRUGAL)
    describe("torch", "pyiceberg", "pyarrow", "pandas")
    few, many = (_stages(number) for number in (firms // 10, firms))
    rows = [
        [
            stage, *(f"{cost['seconds']:.0f}" for cost in (few[stage], many[stage])),
            *(f"{cost['cpu']:.0f}" for cost in (few[stage], many[stage])),
            *(f"{cost['peak_mib']:,.0f}" for cost in (few[stage], many[stage])),
            f"{many[stage]['peak_mib'] / few[stage]['peak_mib']:.2f}",
        ]
        for stage in STAGES
    ]  # fmt: skip
    header = [f"{firms // 10:,} and {firms:,} firms", *("seconds",) * 2, *("CPU s",) * 2, *("peak MiB",) * 2, "ratio"]
    table(header, rows)
    read = many["classify"]["firms"]
    each = (many["classify"]["cpu"] - many["classify again"]["cpu"]) / read
    print(f"each process was refused memory beyond {LIMIT_GIB:g} GiB; classify read the words of {read:,.0f} firms")
    print(f"by these a firm takes {each * 1000:.0f} ms, and all of them {each * firms / 3600:.1f} core-hours")
    print(f"ratio: ten times the firms take {many['rollup']['peak_mib'] / few['rollup']['peak_mib']:.2f} times the "
          "memory in the roll-up, which holds columns of all firms\n")  # fmt: skip


def _stages(firms: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = str(Path(folder) / "workspace")
        _child("make", workspace, str(firms), str(SHARE))
        found = {}
        for stage in STAGES:
            found[stage] = _child(stage.split()[0], workspace, str(WORKERS), str(LIMIT_GIB))
            print(f"{firms:,} firms, {stage}: {json.dumps(found[stage])}", flush=True)
        return found


def _child(*arguments: str) -> dict[str, float]:
    cost = measured([sys.executable, "-m", "tests.benchmarks.size_stages", *arguments], TIMEOUT_S)
    try:
        found: dict[str, float] = json.loads(cost.output.strip().split("\n")[-1])
    except ValueError as error:
        raise BenchmarkError(f"{arguments[0]} printed no figures: {cost.output[-500:]}") from error
    return found | {"peak_mib": cost.peak_mib}
