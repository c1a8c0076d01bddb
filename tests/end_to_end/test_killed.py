"""Kill a night at every point between two commits or stages, run it again, and compare with a night left in peace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from labels.taxonomy import shipped_taxonomy
from pipelines.demo.firms import load_demo_firms
from pipelines.demo.server import serve_demo_sites
from pipelines.workspace import Workspace
from tests.end_to_end.conftest import Firmscope, tables_of

pytestmark = pytest.mark.slow

# Between every two stages, and inside each stage that commits more than one table, between the commits. A point costs a
# night; make test takes one for each kind of loss, and FIRMSCOPE_ALL_KILLS=1 takes all of them.
EVERY_POINT = (
    "committed-pages", "committed-fetches", "after-crawl", "committed-embeddings", "committed-assignments",
    "after-classify", "after-rollup", "after-export", "after-report", "committed-runs",
)  # fmt: skip
SOME_POINTS = ("committed-pages", "committed-assignments", "committed-runs")
POINTS = EVERY_POINT if os.environ.get("FIRMSCOPE_ALL_KILLS") else SOME_POINTS
SECTORS = ("aerospace", "space_tech", "cyber", "food_and_drink")
# Firms that a night meets: ordinary ones, and sites that are dead, parked, forbidden, redirecting or failing.
FIRMS = ("derby-02", "leicester-03", "leicester-06", "telford-05", "stoke-04", "leicester-10", "coventry-05",
         "birmingham-03", "birmingham-14", "stoke-07", "lincoln-07", "birmingham-12")  # fmt: skip
TAXONOMY = """id: few
version: 1
sectors:
  - {key: aerospace, name: Aerospace}
  - {key: space_tech, name: Space, parents: [aerospace]}
  - {key: cyber, name: Cyber}
  - {key: food_and_drink, name: Food and drink}
"""


@pytest.fixture(scope="module")
def firm_list(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The firm list of the sites, served for as long as the module runs."""
    firms = [firm for firm in load_demo_firms() if firm.firm_id in FIRMS]
    assert len(firms) == len(FIRMS)
    with serve_demo_sites(firms) as websites:
        path = tmp_path_factory.mktemp("firms") / "firms.csv"
        rows = [f'{firm.firm_id},"{firm.name}",{websites[firm.firm_id]},{firm.postcode},9' for firm in firms]
        path.write_text("\n".join(["firm_id,name,website,postcode,employees", *rows, ""]), encoding="utf-8")
        yield path


@pytest.fixture(scope="module")
def trained(firmscope: Firmscope, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models folder of a workspace that has learned four sectors."""
    workspace = made(tmp_path_factory.mktemp("school"), firmscope)
    seeds = []
    for name in (*SECTORS, "ordinary"):
        path = shipped_taxonomy("midlands").parent / "seeds" / f"{name}.yaml"
        for seed in yaml.safe_load(path.read_text(encoding="utf-8"))[:30]:
            kept = {key: [sector for sector in seed.get(key, []) if sector in SECTORS] for key in ("sectors", "unsure")}
            seeds.append({**seed, **kept})
    (workspace / "seeds.yaml").write_text(yaml.safe_dump(seeds), encoding="utf-8")
    ended = firmscope("--workspace", workspace, "train")
    assert ended.returncode == 0, ended.stderr
    return workspace / "models"


def made(folder: Path, firmscope: Firmscope) -> Path:
    taxonomy = folder / "few.yaml"
    taxonomy.write_text(TAXONOMY, encoding="utf-8")
    assert firmscope("init", folder / "ws", "--taxonomy", taxonomy).returncode == 0
    return folder / "ws"


def prepared(folder: Path, firm_list: Path, trained: Path, firmscope: Firmscope) -> Path:
    """A workspace with firms and a model, before its first night."""
    folder.mkdir(exist_ok=True)
    workspace = made(folder, firmscope)
    shutil.copytree(trained, workspace / "models", dirs_exist_ok=True)
    for arguments in (
        ["config", "set", "crawl.contact", "crawler@example.org"],
        ["config", "set", "crawl.allow_addresses", "127.0.0.0/8"],
        ["config", "set", "crawl.delay_s", "0"],
        ["import", "firms", firm_list, "--allow-missing-websites"],
    ):
        ended = firmscope("--workspace", workspace, *arguments)
        assert ended.returncode == 0, ended.stderr
    return workspace


def test_a_night_killed_at_every_point_ends_as_one_left_in_peace(
    firm_list: Path, trained: Path, firmscope: Firmscope, tmp_path: Path
) -> None:
    peace = prepared(tmp_path / "peace", firm_list, trained, firmscope)
    ended = firmscope("--workspace", peace, "nightly")
    assert ended.returncode == 0, ended.stderr

    killed = prepared(tmp_path / "killed", firm_list, trained, firmscope)
    for point in POINTS:
        ended = firmscope("--workspace", killed, "nightly", crash_at=point)
        assert ended.returncode == -signal.SIGKILL, f"{point} was not reached: {ended.returncode} {ended.stderr}"
    ended = firmscope("--workspace", killed, "nightly")
    assert ended.returncode == 0, ended.stderr

    left, again = tables_of(peace), tables_of(killed)
    for name in left:
        assert again[name] == left[name], name
    before = Workspace(killed).lake.snapshots()
    assert firmscope("--workspace", killed, "nightly").returncode == 0
    assert Workspace(killed).lake.snapshots() == before
    for name in ("firms.csv", "scores.csv", "cells.parquet"):
        assert (killed / "exports" / name).is_file()
    listed = firmscope("--workspace", killed, "runs", "list").stdout
    assert listed.count("killed") == len(POINTS)
    _visit_unchanged_sites_again(killed, firmscope)


def _visit_unchanged_sites_again(workspace: Path, firmscope: Firmscope) -> None:
    """Every site is read once more, says what it said, and costs no embedding and no scoring: no encoder is loaded."""
    assert firmscope("--workspace", workspace, "config", "set", "crawl.recrawl_after_h", "0").returncode == 0
    before = Workspace(workspace).lake.snapshots()
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))\n"
        "from pipelines.cli import main\n"
        "main()"
    )
    command = [sys.executable, "-c", script, "--workspace", str(workspace), "nightly", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.splitlines()[-1] == "False"
    summary = json.loads(ended.stdout)
    assert summary["classified"] == 0
    assert summary["outcomes"]["unchanged"] >= 5
    assert "ok" not in summary["outcomes"]
    after = Workspace(workspace).lake.snapshots()
    assert {name for name in before if after[name] != before[name]} == {"sites", "fetches", "runs"}


def test_interrupting_a_night_says_so_and_it_can_be_resumed(
    firm_list: Path, trained: Path, firmscope: Firmscope, tmp_path: Path
) -> None:
    workspace = prepared(tmp_path, firm_list, trained, firmscope)
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(workspace), "nightly"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as night:
        deadline = time.monotonic() + 60
        while not any("stage started" in path.read_text() for path in _night_logs(workspace)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        night.send_signal(signal.SIGTERM)
        _, errors = night.communicate(timeout=60)
    assert night.returncode == 11, errors
    assert "the same command goes on from there" in errors
    assert firmscope("--workspace", workspace, "nightly").returncode == 0
    assert "interrupted" in firmscope("--workspace", workspace, "runs", "list").stdout


def _night_logs(workspace: Path) -> list[Path]:
    return [
        path.parent / "log.jsonl"
        for path in workspace.glob("runs/*/manifest.json")
        if '"stage": "nightly"' in path.read_text(encoding="utf-8") and (path.parent / "log.jsonl").is_file()
    ]
