"""Interrupt a night, kill it at every point between two commits or stages, and compare with a night left in peace.

What comes before a night (workspace, firm list, model) is made in this process; every night is one of its own.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
import yaml

from labels.taxonomy import shipped_taxonomy
from pipelines.config import set_key
from pipelines.demo.firms import load_demo_firms
from pipelines.demo.server import serve_demo_sites
from pipelines.firm_lists import read_firm_list
from pipelines.importing import import_firms
from pipelines.runs import list_runs, start_run
from pipelines.screen import Screen
from pipelines.setup import create_workspace
from pipelines.training import run_train
from pipelines.workspace import Workspace
from tests.end_to_end.conftest import Firmscope, tables_of
from tests.kills import ALL_KILLS

pytestmark = pytest.mark.slow

# Between every two stages, and inside each stage that commits more than one table, between the commits. A point costs a
# night; make test takes one for each kind of loss, and FIRMSCOPE_ALL_KILLS=1 takes all of them.
EVERY_POINT = (
    "committed-pages", "committed-fetches", "after-crawl", "committed-embeddings", "committed-assignments",
    "after-classify", "after-rollup", "after-export", "after-report", "set-built", "before-switch", "after-switch",
    "committed-runs",
)  # fmt: skip
SOME_POINTS = ("committed-pages", "committed-runs")  # test_fortnight.py has two of the others
POINTS = EVERY_POINT if ALL_KILLS else SOME_POINTS
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
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models folder of a workspace that has learned four sectors."""
    workspace = made(tmp_path_factory.mktemp("school"))
    seeds = []
    for name in (*SECTORS, "ordinary"):
        path = shipped_taxonomy("midlands").parent / "seeds" / f"{name}.yaml"
        for seed in yaml.safe_load(path.read_text(encoding="utf-8"))[:30]:
            kept = {key: [sector for sector in seed.get(key, []) if sector in SECTORS] for key in ("sectors", "unsure")}
            seeds.append({**seed, **kept})
    workspace.seeds_file.write_text(yaml.safe_dump(seeds), encoding="utf-8")
    with start_run(workspace, "train") as run:
        run_train(run, Screen())
    return workspace.models_folder


def made(folder: Path) -> Workspace:
    taxonomy = folder / "few.yaml"
    taxonomy.write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(taxonomy))
    return Workspace(folder / "ws")


def prepared(folder: Path, firm_list: Path, trained: Path, more: Mapping[str, str] | None = None) -> Path:
    """A workspace with firms and a model, before its first night; ``more`` settings are set before all that."""
    folder.mkdir(exist_ok=True)
    workspace = made(folder)
    shutil.copytree(trained, workspace.models_folder, dirs_exist_ok=True)
    settings = {"crawl.contact": "crawler@example.org", "crawl.allow_addresses": "127.0.0.0/8", "crawl.delay_s": "0"}
    for key, value in (settings | dict(more or {})).items():
        set_key(workspace.config_file, key, value)
    with start_run(workspace, "import firms") as run:
        import_firms(run, read_firm_list(firm_list, date(2026, 11, 20), allow_missing_websites=True))
    return workspace.folder


def test_a_night_interrupted_and_killed_at_every_point_ends_as_one_left_in_peace(
    firm_list: Path, trained: Path, firmscope: Firmscope, tmp_path: Path
) -> None:
    peace = prepared(tmp_path / "peace", firm_list, trained)
    ended = firmscope("--workspace", peace, "nightly")
    assert ended.returncode == 0, ended.stderr

    killed = prepared(tmp_path / "killed", firm_list, trained)
    _interrupt_a_night(killed)
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
    outcomes = Counter(run["outcome"] for run in list_runs(Workspace(killed)))
    assert outcomes == {"done": 3, "interrupted": 1, "killed": len(POINTS)}
    listed = firmscope("--workspace", killed, "runs", "list").stdout
    assert listed.count("killed") == len(POINTS)
    assert "interrupted" in listed
    _visit_unchanged_sites_again(killed)


def _interrupt_a_night(workspace: Path) -> None:
    """Stop it in the midst of the crawl, as a system that is shut down does; it says that it can be resumed."""
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


def _visit_unchanged_sites_again(workspace: Path) -> None:
    """Every site is read once more, says what it said, and costs no embedding and no scoring: no encoder is loaded."""
    set_key(Workspace(workspace).config_file, "crawl.recrawl_after_h", "0")
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


def _night_logs(workspace: Path) -> list[Path]:
    return [
        path.parent / "log.jsonl"
        for path in workspace.glob("runs/*/manifest.json")
        if '"stage": "nightly"' in path.read_text(encoding="utf-8") and (path.parent / "log.jsonl").is_file()
    ]
