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

CORPUS_SHA256 = "2f06d94b0c70cfdf5549de435afcc89217eaa55978c5cac0e59ec9504d186248"


@pytest.fixture(scope="session")
def holdout(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``firmscope evaluate --json`` prints: trained on 70 % and tested on 30 %, beside the baselines."""
    corpus = shared / "labelled" / "yc.jsonl"
    data = corpus.read_bytes()
    assert hashlib.sha256(data).hexdigest() == CORPUS_SHA256, "the floors hold for another corpus"
    records = (json.loads(line) for line in data.decode().split("\n") if line)
    keys = sorted({sector for record in records for sector in record["sectors"]})
    folder = tmp_path_factory.mktemp("gate")
    taxonomy, workspace = folder / "sectors.yaml", folder / "ws"
    sectors = "".join(f"  - {{key: {key}, name: {key}}}\n" for key in keys)
    taxonomy.write_text(f"id: directory\nversion: 1\nsectors:\n{sectors}", encoding="utf-8")
    _firmscope("init", workspace, "--taxonomy", taxonomy)
    _firmscope("--workspace", workspace, "import", "texts", corpus)
    _firmscope("--workspace", workspace, "labels", "import", "--complete", corpus)
    answer: dict[str, Any] = json.loads(_firmscope("--workspace", workspace, "evaluate", "--json"))
    return answer


def _firmscope(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=590)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
