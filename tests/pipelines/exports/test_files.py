"""Files as they lie on the disk: whole whatever happens, the same on every machine, and in step with the figures."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command

ROOT = Path(__file__).resolve().parents[3]
FORMATS = ("csv", "parquet", "xlsx", "geojson", "kml")
WORLD = """
import sys
from pathlib import Path
from pipelines.export_files import write_list
from pipelines.provenance import Provenance
from tests.pipelines.exports import conftest as world
make = world.make.__wrapped__()
said = Provenance.of(world.TAXONOMY, world.RUN, "2026-03-01", "m1", "rules", "boundaries")
"""
WRITE_ALL = f"""{WORLD}
for one in {FORMATS!r}:
    write_list(make("firms"), Path(sys.argv[1], "firms." + one), one, said)
write_list(make("cells"), Path(sys.argv[1], "cells.csv"), "csv", said)
"""
WRITE_FOR_EVER = f"""{WORLD}
lists = [make(name) for name in "NAMES".split()]
print("ready", flush=True)
while True:
    for one in lists:
        write_list(one, Path(sys.argv[1], "list.xlsx"), "xlsx", said)
        print(one.name, flush=True)
"""


def _python(code: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    env |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], env=env, cwd=folder, text=True, stdout=subprocess.PIPE
    )


def test_x09_the_machine_leaves_no_trace(tmp_path: Path) -> None:
    machines = {
        "one": {"LANG": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
        "other": {"LC_ALL": "de_DE.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "2", "PYTHONUTF8": "0"},
    }
    running = []
    for name, environment in machines.items():
        (tmp_path / name).mkdir()
        running.append(_python(WRITE_ALL, tmp_path / name, **environment))
    for process in running:
        process.communicate(timeout=300)
        assert process.returncode == 0
    found = {name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in machines}
    assert len(found["one"]) == 2 * len(FORMATS) + 3
    assert found["one"] == found["other"]


def test_x07_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    whole = {_digest(path, b"old")}
    killed = [_killed(tmp_path, "firms cells", wait_s) for wait_s in (0.02, 0.05, 0.11, 0.17)]
    whole |= {_killed(tmp_path, name) for name in ("firms", "cells")}
    assert set(killed) <= whole
    assert len(whole) == 3


def _killed(folder: Path, names: str, wait_s: float | None = None) -> str:
    """SHA-256 of the file after a kill: while files are being written, or without a time once the first is."""
    process = _python(WRITE_FOR_EVER.replace("NAMES", names), folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    if wait_s is None:
        assert process.stdout.readline() == f"{names}\n"
    else:
        time.sleep(wait_s)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    return _digest(folder / "list.xlsx")


def _digest(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("cluster", ["air", "space", "cyber"])
def test_x06_the_list_adds_up_to_the_figure(
    listed: Workspace, firmscope: Command, tmp_path: Path, cluster: str
) -> None:
    go = ("--workspace", listed.folder, "export")
    assert firmscope(*go, "firms", "--cluster", cluster, "--out", tmp_path / "f.csv").code == 0
    assert firmscope(*go, "cells", "--cluster", cluster, "--out", tmp_path / "c.csv").code == 0
    firms, cells = (
        list(csv.DictReader(io.StringIO((tmp_path / name).read_text(encoding="utf-8"), newline="")))
        for name in ("f.csv", "c.csv")
    )
    counted = [row for row in firms if not row["left_out"]]
    (whole,) = [
        float(row["value"]) for row in cells
        if (row["area_kind"], row["metric"], row["period"]) == ("all", "businesses", "latest")
    ]  # fmt: skip
    assert len(counted) == whole > 0
    assert json.loads((tmp_path / "f.csv.meta.json").read_text(encoding="utf-8"))["rows"] == len(firms)
