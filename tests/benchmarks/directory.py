"""The pinned 70/30 split of the directory firms through the command line: the encoder tuned, and as it came.

What the gate holds in every run is the encoder as it came, which takes a minute; tuning takes several.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import BenchmarkError, describe, need_shared, table

SECTORS = Path(__file__).parents[1] / "evaluation" / "directory_sectors.yaml"
FIGURES = ("macro_f1", "micro_f1", "mean_average_precision", "mean_ece", "worst_ece")


def run() -> None:
    """Print both, with seconds, and the baselines that ``evaluate`` sets beside them."""
    describe("scikit-learn", "torch")
    corpus = need_shared("labelled", "yc.jsonl")
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "ws"
        _firmscope("init", workspace, "--taxonomy", SECTORS)
        _firmscope("--workspace", workspace, "import", "texts", corpus)
        _firmscope("--workspace", workspace, "labels", "import", "--complete", corpus)
        found: dict[str, dict[str, Any]] = {}
        for tune in ("off", "auto"):
            _firmscope("--workspace", workspace, "config", "set", "train.tune", tune)
            started = time.perf_counter()
            answer = json.loads(_firmscope("--workspace", workspace, "evaluate", "--split", "holdout", "--json"))
            seconds = time.perf_counter() - started
            found[tune] = _figures(answer["ours"])
            rows.append([f"firmscope, train.tune = {tune}", *_shown(found[tune]), f"{seconds:.0f}"])
        rows += [[method["method"], *_shown(_figures(method)), ""] for method in answer["baselines"]]
    table(["method", "macro-F1", "micro-F1", "mAP", "mean ECE", "worst ECE", "seconds"], rows)
    gained = found["auto"]["mean_average_precision"] / found["off"]["mean_average_precision"]
    print(f"ratio: tuning ranks {gained:.3f} times as well by mAP\n")


def _figures(method: dict[str, Any]) -> dict[str, Any]:
    worst = [sector["ece"] for sector in method["sectors"] if sector.get("ece") is not None]
    return {**{name: method[name] for name in FIGURES[:4]}, "worst_ece": max(worst, default=None)}


def _shown(figures: dict[str, Any]) -> list[str]:
    return ["" if figures[name] is None else f"{figures[name]:.3f}" for name in FIGURES]


def _firmscope(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise BenchmarkError(f"firmscope {arguments[-1]} ended with {ended.returncode}: {ended.stderr[-400:]}")
    return ended.stdout
