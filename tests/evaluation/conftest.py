"""One evaluation of the pinned corpus for all gates, made through the command line as an analyst makes it.

Vectors are computed here rather than kept in the repository: 4,500 texts take about 75 seconds on two cores with
bfloat16 and about four minutes without.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.evaluation.floors import corpus_digest

SECTORS = Path(__file__).with_name("directory_sectors.yaml")


@pytest.fixture(scope="session")
def holdout(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``firmscope evaluate --json`` prints: trained on 70 % and tested on 30 %, beside the baselines."""
    corpus = shared / "labelled" / "yc.jsonl"
    data = corpus.read_bytes()
    assert hashlib.sha256(data).hexdigest() == corpus_digest("directory"), "the floors hold for another corpus"
    records = (json.loads(line) for line in data.decode().split("\n") if line)
    keys = {sector for record in records for sector in record["sectors"]}
    assert {sector["key"] for sector in yaml.safe_load(SECTORS.read_bytes())["sectors"]} == keys
    workspace = tmp_path_factory.mktemp("gate") / "ws"
    _firmscope("init", workspace, "--taxonomy", SECTORS)
    _firmscope("--workspace", workspace, "import", "texts", corpus)
    _firmscope("--workspace", workspace, "labels", "import", "--complete", corpus)
    # Tuning takes longer than the whole suite may: python -m tests.benchmarks directory prints figures with it.
    _firmscope("--workspace", workspace, "config", "set", "train.tune", "off")
    printed = _firmscope("--workspace", workspace, "evaluate", "--split", "holdout", "--json")
    answer: dict[str, Any] = json.loads(printed)
    return answer


def _firmscope(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=590)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
