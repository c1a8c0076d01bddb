"""What is told of an installation without a workspace, and of the place a workspace is in."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from models import packaged
from pipelines.config import set_key
from pipelines.doctor.findings import Finding
from pipelines.doctor.installation import check_installation
from pipelines.doctor.place import check_place
from pipelines.doctor.rows import check_rows
from pipelines.errors import TableError, UsageError
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.shared_lake import refuse_shared_lake
from pipelines.tables import FIRMS
from pipelines.workspace import Workspace
from tests.commands import Command
from tests.read_only import jailed, why_not

NOW = datetime.now(UTC)
ROOT = Path(__file__).resolve().parents[3]


def _of(findings: list[Finding], name: str) -> list[Finding]:
    return [found for found in findings if found.name == name]


def _place(workspace: Workspace, now: datetime = NOW) -> list[Finding]:
    return [found for found in check_place(workspace, now) if found.state != "ok"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path / "ws", "midlands")
    return Workspace(tmp_path / "ws")


def _firm(firm_id: str) -> dict[str, Any]:
    return dict.fromkeys(FIRMS.names[1:]) | {"firm_id": firm_id, "name": firm_id}


def test_without_a_workspace_the_installation_is_checked(
    firmscope: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = firmscope("doctor", "--json")
    checks = json.loads(ended.out)["checks"]
    assert ended.code == 0, ended.out
    assert {check["name"] for check in checks} >= {
        "python", "packages", "extras", "torch", "encoder", "processor", "memory", "open files", "places", "network",
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [("--workspace", "elsewhere", "doctor"), ("doctor", "--repair")])
def test_a_workspace_that_was_asked_for_has_to_be_there(
    firmscope: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = firmscope(*options)
    assert ended.code == 2
    assert "is not a firmscope workspace" in ended.err


def test_a_new_workspace_is_well(firmscope: Command, workspace: Workspace) -> None:
    ended = firmscope("--workspace", workspace.folder, "doctor")
    assert ended.code == 0, ended.out
    assert "0 wrong" in ended.out


def test_another_version_and_other_weights_are_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(
        "pipelines.doctor.installation.version", lambda name: "0.1" if name == "pandas" else version(name)
    )
    folder = packaged.find_minilm().folder
    for path in folder.rglob("*"):
        if path.is_file():
            place = tmp_path / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            other = path.name == "model.safetensors"
            place.write_bytes(b"other weights" if other else path.read_bytes())
    files = packaged.EncoderFiles("minilm", tmp_path, "", 384, 256)
    monkeypatch.setattr(packaged, "find_minilm", lambda: files)
    wrong = [found for found in check_installation(None) if found.state == "wrong"]
    assert [found.name for found in wrong] == ["packages", "encoder"]
    assert wrong[0].seen == "pandas 0.1"
    assert wrong[0].expected == "pandas >=3.0"
    assert "model.safetensors" in wrong[1].seen
    assert all(found.cure for found in wrong)


def test_limits_and_network_rule_are_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    set_key(workspace.config_file, "crawl.allow_addresses", "127.0.0.0/8")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (400, limits[1]))
    try:
        found = list(check_installation(workspace.config))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    told = {one.name: one.seen for one in found if one.state == "warn"}
    assert told["open files"] == "400 open files"
    assert "127.0.0.0/8" in told["network"]
    assert "https_proxy" in told["proxy"]


def test_a_clock_before_the_newest_run_is_wrong(workspace: Workspace) -> None:
    with start_run(workspace, "test"):
        pass
    assert _place(workspace, datetime.now(UTC)) == []
    assert _place(workspace, datetime.now(UTC) - timedelta(minutes=50)) == []
    (found,) = _place(workspace, datetime.now(UTC) - timedelta(minutes=70))
    assert (found.name, found.state) == ("clock", "wrong")


def _move(workspace: Workspace) -> Workspace:
    place = workspace.folder.with_name("moved")
    workspace.folder.rename(place)
    return Workspace(place)


def _copy(workspace: Workspace) -> Workspace:
    place = workspace.folder.with_name("copy")
    shutil.copytree(workspace.folder, place)
    return Workspace(place)


@pytest.mark.parametrize("put", [_move, _copy])
def test_a_moved_or_copied_workspace_is_refused_with_the_cure(
    workspace: Workspace, firmscope: Command, put: Callable[[Workspace], Workspace]
) -> None:
    workspace.lake.replace_firms("firms", ["a"], [_firm("a")], "r")
    made_at = workspace.lake_folder.resolve()
    workspace.lake.close()
    elsewhere = put(workspace)
    (found,) = _place(elsewhere)
    assert (found.name, found.state) == ("lake", "wrong")
    assert str(made_at) in found.seen
    assert str(made_at.parent) in found.cure
    with pytest.raises(TableError, match="the lake was made at"):
        elsewhere.lake.read_arrow("firms")
    assert firmscope("--workspace", elsewhere.folder, "doctor", "--repair").code == 1


def test_two_workspaces_on_one_lake_are_told(workspace: Workspace, tmp_path: Path) -> None:
    create_workspace(tmp_path / "second", "midlands")
    second = Workspace(tmp_path / "second")
    shutil.rmtree(second.lake_folder)
    second.lake_folder.symlink_to(workspace.lake_folder)
    (found,) = _place(second)
    assert (found.name, found.state) == ("lake", "wrong")
    assert str(workspace.folder) in found.seen
    with pytest.raises(UsageError, match="cannot write to one lake"), start_run(second, "test"):
        pass
    with start_run(workspace, "test"):
        pass


def test_a_lake_on_another_disk_behind_a_link_is_well(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    create_workspace(tmp_path / "ws", "midlands")
    workspace = Workspace(tmp_path / "ws")
    shutil.rmtree(workspace.lake_folder)
    workspace.lake_folder.symlink_to(tmp_path / "disk")
    workspace.lake.create()
    workspace.lake.replace_firms("firms", ["a"], [_firm("a")], "r")
    assert _place(workspace) == []
    refuse_shared_lake(workspace)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_workspace_is_told(workspace: Workspace) -> None:
    workspace.lake_folder.chmod(0o555)
    try:
        (found,) = _place(workspace)
    finally:
        workspace.lake_folder.chmod(0o755)
    assert (found.name, found.state) == ("permissions", "warn")


def test_on_a_file_system_that_is_only_read_everything_is_looked_at(workspace: Workspace, tmp_path: Path) -> None:
    if why_not():
        pytest.skip(f"nothing can be mounted here: {why_not()}")
    (tmp_path / "room").mkdir()
    command = (sys.executable, "-m", "pipelines.cli", "--workspace", str(workspace.folder), "doctor", "--json")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        jailed(tmp_path / "room", *command), capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    found = {check["name"]: check for check in json.loads(ended.stdout)["checks"]}
    assert found["tables"]["state"] == "ok"
    assert "mounted read-only" in found["permissions"]["cure"]


def test_a_full_disk_is_wrong_and_a_small_one_is_measured_in_megabytes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for free, state, seen in ((4096, "wrong", "0.0 MB"), (3 * 10**8, "warn", "300.0 MB"), (2 * 10**9, "ok", "2.0 GB")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: (10**10, 10**10 - free, free))
        (found,) = _of(list(check_place(workspace, NOW)), "disk")
        assert (found.state, found.seen) == (state, f"{seen} free of 10.0 GB")


def test_files_that_may_not_be_written_or_belong_to_others_are_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same where the tests are run by root, whom no file refuses."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    found = _place(workspace)
    assert [(one.name, one.state) for one in found] == [("permissions", "warn"), ("permissions", "warn")]
    assert "no night can run" in found[0].seen
    assert "chown -R user 12345" in found[1].cure


def test_foreign_files_in_the_lake_are_told_and_nothing_else_is(workspace: Workspace) -> None:
    workspace.lake.replace_firms("firms", ["a"], [_firm("a")], "r")
    assert _place(workspace) == []
    data = workspace.lake_folder / "firmscope" / "firms" / "data"
    (data / "notes.txt").write_text("mine")
    (workspace.lake_folder / "crawl-1.warc.gz").write_text("mine")
    (workspace.lake_folder / "firmscope" / "archive").mkdir()
    (found,) = _place(workspace)
    assert (found.name, found.state) == ("foreign files", "warn")
    for name in ("notes.txt", "crawl-1.warc.gz", "lake/firmscope/archive"):
        assert name in found.seen


def test_orphans_are_counted_and_stay(workspace: Workspace, firmscope: Command) -> None:
    for name in ("a", "b"):
        workspace.lake.replace_firms("firms", [name], [_firm(name)], "r")
    workspace.lake.close()
    (path,) = sorted((workspace.lake_folder / "firmscope/firms/data").rglob("*.parquet"))[:1]
    orphan = path.with_name("00000-0-orphan.parquet")
    shutil.copy(path, orphan)
    told = firmscope("--workspace", workspace.folder, "doctor")
    assert told.code == 0, told.out
    assert "1 file that no state refers to" in told.out
    assert firmscope("--workspace", workspace.folder, "doctor", "--repair").code == 0
    assert orphan.exists()


def test_doubles_and_strangers_are_told(workspace: Workspace) -> None:
    lake = workspace.lake
    lake.append("firms", [_firm("a"), _firm("b")], "r")
    assert [found.state for found in check_rows(lake)] == ["ok"]
    lake.append("firms", [_firm("a")], "r")
    (found,) = check_rows(lake)
    assert (found.state, "'a'" in found.seen) == ("wrong", True)
    near_miss = {"firm_id": "c", "sector": "s", "probability": 0.1, "threshold": 0.5, "model_id": "m"}
    lake.append("near_misses", [near_miss], "r")
    assert ["near_misses speaks of 1 firm" in found.seen for found in check_rows(lake)] == [False, True]
