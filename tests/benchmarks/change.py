"""What a night costs when 1 % of the firms changed, and when none did, stage by stage beside the first night.

Only processor time counts here, so that whatever else is at work does not. Every night is a process of its own; firms
and their words are generated, everything else is as in ``firmscope nightly``, but for the requests to websites.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.machine import BenchmarkError, describe, table
from tests.benchmarks.processes import measured

FIRMS = 20_000
CHANGED = 0.01
AIM = 0.03
TIMEOUT_S = 7_200.0
NIGHTS = (("first", 1.0), ("1 % changed", CHANGED), ("nothing changed", 0.0))
BESIDE = ("load model", "publish")  # parts that are shown apart, or in their stages


def run() -> None:
    """Print processor seconds by stage, and their ratio to the first night; ``--firms N`` takes another number.

    ``--given``: who is in which sector is drawn by chance, so that nothing is encoded and classify is left out.
    """
    firms = int(sys.argv[sys.argv.index("--firms") + 1]) if "--firms" in sys.argv else FIRMS
    given = ["given"] if "--given" in sys.argv else []
    describe("torch", "pyiceberg", "pyarrow", "pandas")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        _child("make", workspace, firms)
        nights = [_child("night", workspace, firms, number, share, *given) for number, (_, share) in enumerate(NIGHTS)]
        size = sum(path.stat().st_size for path in (workspace / "lake").rglob("*") if path.is_file()) / 1e6
    first = nights[0]
    whole = sum(first[stage] for stage in stages(first))
    rows = [
        [
            stage,
            *(f"{night[stage]:.2f}" for night in nights),
            *(_ratio(night[stage], first[stage]) for night in nights[1:]),
            *(_ratio(night[stage], whole) for night in nights[1:]),
        ]
        for stage in stages(first)
    ]
    rows.append(
        [
            "all of these",
            *(f"{sum(night[stage] for stage in stages(first)):.2f}" for night in nights),
            *(_ratio(sum(night[stage] for stage in stages(first)), whole) for night in nights[1:]),
            "",
            "",
        ]
    )
    table(["processor seconds", *(name for name, _ in NIGHTS), "ratio", "ratio", "of the night", "of the night"], rows)
    peaks = ", ".join(f"{night[_PEAK]:,.0f}" for night in nights)
    print(f"{firms:,} firms, {round(firms * CHANGED):,} of them changed, a third of these from a trade or to one")
    print(f"that is in no sector; tables {size:.0f} MB after three nights. Peak memory of each night, MiB: {peaks}.")
    over = ", ".join(stage for stage in stages(first) if nights[1][stage] > AIM * first[stage]) or "none"
    together = _ratio(sum(nights[1][stage] for stage in stages(first)), whole)
    print(f"over {AIM:.0%} of their own first time with 1 % changed: {over}")
    print(f"ratio: with 1 % changed all stages together take {together} of the first night\n")


_PEAK = "peak_mib"


def stages(night: dict[str, float]) -> list[str]:
    """Stages of a night in their order; what publication does beside export and report is one of them."""
    return [name for name in night if name.startswith("stage ")] + ["rest"]


def _child(what: str, workspace: Path, firms: int, *more: float | str) -> dict[str, float]:
    code = "from tests.benchmarks.change_nights import main; main()"
    cost = measured([sys.executable, "-c", code, what, str(workspace), str(firms), *map(str, more)], TIMEOUT_S)
    try:
        found: dict[str, float] = json.loads(cost.output.strip().split("\n")[-1])
    except ValueError as error:
        raise BenchmarkError(f"{what} printed no figures: {cost.output[-500:]}") from error
    found["rest"] = found["cpu"] - sum(
        value for name, value in found.items() if name.startswith(("stage ", "making", "given"))
    )
    return found


def _ratio(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "-"
