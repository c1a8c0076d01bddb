"""Retention on real tables: what has had its time goes, what is kept reads back the same, a crash loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from pipelines.commands import upkeep
from pipelines.config import set_key
from pipelines.errors import UsageError
from pipelines.figures import Moment
from pipelines.leaves import in_order
from pipelines.moments import run_moment
from pipelines.publication import PublishedSet, current_set, finish
from pipelines.run_states import is_kept, recorded_states
from pipelines.runs import start_run
from pipelines.tables import TABLES
from pipelines.vacuum import Vacuumed, vacuum, would_vacuum
from pipelines.workspace import Workspace
from tests.kills import points
from tests.pipelines.conftest import new_workspace, small_workspace

NIGHTS = 9  # of four commits each
LATER = timedelta(hours=2)  # after the hour for which what was just replaced stays
READ = ("firms", "fetches", "pages", "runs")
DEFAULTS = {"history_days": 10, "words_days": 400, "monthly": False, "runs_days": 10, "archive_days": 12}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new one, in few parts."""
    return small_workspace(tmp_path)


def firm(number: int, name: str) -> dict[str, Any]:
    rest = ("website", "company_number", "status", "incorporated_on", "dissolved_on", "sic_codes", "parent_id")
    return dict.fromkeys((*rest, "foreign_owned")) | {"firm_id": f"f{number}", "name": name}


def fetch(number: int, at: datetime, archive: str) -> dict[str, Any]:
    return {
        "firm_id": f"f{number}", "url": "https://a.example/", "outcome": "ok", "http_status": 200, "fetched_at": at,
        "archive_ref": f"{archive}:0",
    }  # fmt: skip


def night(workspace: Workspace, number: int, at: datetime) -> str:
    """One night that changes some firms in two commits each, as it would be recorded had it ended at ``at``."""
    run_id = f"{at:%Y%m%dT%H%M%S}Z-{number:06x}"
    lake, changed = workspace.lake, [number % 7, (number + 1) % 7]
    for half in ("a", "b"):
        names = [firm(one, f"{run_id} {half}") for one in changed]
        lake.replace_firms("firms", [f"f{one}" for one in changed], names, run_id)
    archive = f"crawl-{number:03}.warc.gz"
    path = workspace.archive_folder / archive
    path.write_bytes(b"answers")
    os.utime(path, (at.timestamp(), at.timestamp()))
    lake.replace_firms("fetches", ["f0"], [fetch(0, at, archive)], run_id)
    record(workspace, run_id, at)
    return run_id


def record(workspace: Workspace, run_id: str, at: datetime) -> None:
    folder = workspace.runs_folder / run_id
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"run_id": run_id, "outcome": "done", "ended_at": at.isoformat()}))
    snapshots = json.dumps({"snapshots": workspace.lake.snapshots()})
    row = {"run_id": run_id, "stage": "nightly", "started_at": at, "ended_at": at, "outcome": "done", "counts": "{}",
           "fingerprints": snapshots}  # fmt: skip
    workspace.lake.append("runs", [row], run_id)


def nights(workspace: Workspace, count: int = NIGHTS, every: int = 1) -> datetime:
    """Some nights, the last of them yesterday; returns the present."""
    now = datetime.now(UTC) + LATER
    for number in range(count):
        night(workspace, number, now - timedelta(days=(count - number) * every))
    return now


def settings(workspace: Workspace, **values: Any) -> None:
    for key, value in (DEFAULTS | values).items():
        set_key(workspace.config_file, f"keep.{key}", str(value).lower())
    workspace.__dict__.pop("config", None)
    workspace.__dict__.pop("lake", None)


def rows_of(
    workspace: Workspace, snapshots: Mapping[str, int | None], names: Iterable[str] = READ
) -> dict[str, pa.Table]:
    moment = Moment(workspace.lake, {name: snapshots.get(name) for name in TABLES})
    return {name: in_order(moment.read_arrow(name), TABLES[name]) for name in names}


def all_rows(workspace: Workspace) -> dict[str, dict[str, pa.Table]]:
    return {state.run_id: rows_of(workspace, state.snapshots) for state in recorded_states(workspace.lake)}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def swept(workspace: Workspace, now: datetime) -> Vacuumed:
    with start_run(workspace, "vacuum") as run:
        return vacuum(run, now)


def numbers(done: Vacuumed) -> dict[str, int]:
    return {one.kind: one.number for one in done.removed}


NOTHING = dict.fromkeys(("publications", "snapshots", "data files", "table notes", "archive", "runs"), 0)


def test_kept_runs_read_back_the_same_and_the_others_are_gone(tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path)
    settings(workspace, history_days=3)
    now = nights(workspace)
    before, lake_size = all_rows(workspace), size(workspace.lake_folder)
    states = {state.run_id: state for state in recorded_states(workspace.lake)}
    promised = would_vacuum(workspace, now)
    done = swept(workspace, now)
    assert numbers(done) == numbers(promised)
    assert done.bytes == promised.bytes
    kept = {run_id for run_id, state in states.items() if state.ended_at >= now - timedelta(days=3)}
    assert len(kept) == 3 == done.kept
    for run_id in kept:
        assert rows_of(workspace, states[run_id].snapshots) == before[run_id], run_id
        assert run_moment(workspace, run_id).read_arrow("firms").num_rows == 7
    for run_id in states.keys() - kept:
        with pytest.raises(UsageError, match=r"has been removed from the tables' history"):
            run_moment(workspace, run_id)
    assert size(workspace.lake_folder) < 0.6 * lake_size
    held = sorted(path.name for path in (workspace.lake_folder / "firmscope/firms/data").rglob("*.parquet"))
    assert len(held) <= 3 * workspace.config.store.shards
    assert numbers(would_vacuum(workspace, now)) == NOTHING
    night(workspace, NIGHTS, now)  # the tables take new rows as before
    assert rows_of(workspace, states[max(kept)].snapshots) == before[max(kept)]


def test_the_last_run_of_every_month_stays(workspace: Workspace) -> None:
    settings(workspace, monthly=True, history_days=1)
    now = nights(workspace, 8, every=18)
    before = all_rows(workspace)
    done = swept(workspace, now)
    states = {state.run_id: state for state in recorded_states(workspace.lake)}
    months = {run_id[:6]: run_id for run_id in sorted(states)}
    assert done.kept == len(months) < len(states)
    for run_id in months.values():
        lasting = rows_of(workspace, states[run_id].snapshots, ["firms"])
        assert lasting["firms"] == before[run_id]["firms"], run_id
        assert (workspace.runs_folder / run_id).is_dir()
    assert {path.name for path in workspace.runs_folder.iterdir()} >= set(months.values())


def test_what_was_current_within_the_hour_stays(workspace: Workspace) -> None:
    settings(workspace, history_days=2)
    nights(workspace, 4)
    done = swept(workspace, datetime.now(UTC) + timedelta(minutes=50))
    assert {kind: numbers(done)[kind] for kind in ("snapshots", "data files", "table notes")} == {
        "snapshots": 0, "data files": 0, "table notes": 0,
    }  # fmt: skip


def test_files_that_a_killed_writer_left_go_when_they_are_old(workspace: Workspace) -> None:
    now = nights(workspace, 2)
    swept(workspace, now)
    data = next((workspace.lake_folder / "firmscope/firms/data").iterdir())
    (data / "old.parquet").write_bytes(b"x")
    (data / "young.parquet").write_bytes(b"x")
    at = (now - timedelta(minutes=59)).timestamp()
    os.utime(data / "young.parquet", (at, at))
    assert numbers(swept(workspace, now)) == NOTHING | {"data files": 1}
    assert (data / "young.parquet").exists()


def test_files_that_were_half_written_at_a_kill_go_after_an_hour(workspace: Workspace) -> None:
    young, kept, *old = (
        workspace.folder / name
        for name in (".00112233445566aa.part", "notes.part", ".0011223344556677.part", "index/.0011223344556688.part",
                     "archive/.0011223344556699.part", "archive/.crawling-dask-0011",
                     "audits/.00112233445566bb.part/sample.csv")
    )  # fmt: skip
    for path in (young, kept, *old):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    now = datetime.now(UTC)
    for path in (kept, *old, old[-1].parent):
        os.utime(path, ((now - LATER).timestamp(),) * 2)
    with start_run(workspace, "vacuum") as run:
        vacuum(run, now)
    assert [path.exists() for path in (young, kept, *old)] == [True, True, *(False for _ in old)]
    assert not old[-1].parent.exists()


def test_raw_answers_stay_while_a_kept_state_refers_to_them(workspace: Workspace) -> None:
    settings(workspace, history_days=3)
    now = nights(workspace, 9)
    archive = workspace.archive_folder
    for name in ("crawl-now.warc.gz.open", "robots.db"):
        (archive / name).write_bytes(b"x")
        os.utime(archive / name, (0, 0))
    old = archive / "crawl-006.warc.gz"  # of the oldest state kept; its age alone would let it go
    os.utime(old, (0, 0))
    settings(workspace, history_days=3, archive_days=2)
    done = swept(workspace, now)
    held = {path.name for path in archive.iterdir()}
    assert held == {f"crawl-{number:03}.warc.gz" for number in range(6, 9)} | {"crawl-now.warc.gz.open", "robots.db"}
    assert numbers(done)["archive"] == 6


def publish(workspace: Workspace, number: int, at: datetime, held: tuple[str, ...] = (), current: bool = False) -> str:
    run_id = f"{at:%Y%m%dT%H%M%S}Z-{number:06x}"
    folder = workspace.published_folder / run_id
    (folder / "exports").mkdir(parents=True)
    (folder / "exports" / "firms.csv").write_text("firm_id\n")
    gate = {"held": bool(held), "reasons": list(held)}
    facts: dict[str, Any] = {field.name: {} for field in fields(PublishedSet)}
    facts |= {"folder": folder, "run_id": run_id, "made_at": at.isoformat(), "gate": gate, "released": None}
    finish(PublishedSet(**facts | {"snapshots": workspace.lake.snapshots()}))
    if current:
        (workspace.published_folder / "current").symlink_to(run_id)
    return run_id


def test_published_sets_and_what_they_were_made_from(workspace: Workspace) -> None:
    settings(workspace, publications=2, history_days=5)
    now = datetime.now(UTC) + LATER
    made = []
    for number in range(12):
        at = now - timedelta(days=12 - number)
        night(workspace, number, at)
        held = ("a list moved",) if number in (1, 9, 11) else ()
        made.append(publish(workspace, number, at, held, current=number == 2))
    shown = current_set(workspace)
    assert shown is not None
    seen = rows_of(workspace, shown.snapshots)
    done = swept(workspace, now)
    left = {path.name for path in workspace.published_folder.iterdir()}
    assert left == {"current", made[2], made[8], made[10], made[9], made[11]}
    assert numbers(done)["publications"] == 7
    assert rows_of(workspace, shown.snapshots) == seen
    assert (workspace.runs_folder / made[2]).is_dir()


def test_only_the_last_days_and_what_is_shown_or_waits_keep_their_large_tables(workspace: Workspace) -> None:
    settings(workspace, history_days=20, words_days=2, publications=5)
    now = datetime.now(UTC) + LATER
    made = []
    for number in range(8):
        at = now - timedelta(days=8 - number)
        night(workspace, number, at)
        made.append(publish(workspace, number, at, ("a list moved",) if number == 3 else (), current=number == 1))
    before = all_rows(workspace)
    done = swept(workspace, now)
    states = {state.run_id: state for state in recorded_states(workspace.lake)}
    assert done.kept == 8
    whole = {made[1], made[3], made[6], made[7]}  # shown to readers, held, and of the last two days
    for run_id in made:
        assert rows_of(workspace, states[run_id].snapshots, ["firms"])["firms"] == before[run_id]["firms"]
        snapshot = states[run_id].snapshots["fetches"]
        assert snapshot
        assert is_kept(workspace.lake, "fetches", snapshot) == (run_id in whole), run_id
        if run_id in whole:
            assert rows_of(workspace, states[run_id].snapshots) == before[run_id]


def test_what_a_rollback_brings_back_stays(workspace: Workspace) -> None:
    settings(workspace)
    now = datetime.now(UTC) + LATER
    run_id = night(workspace, 0, now - timedelta(days=300))
    snapshots = workspace.lake.snapshots()
    before = rows_of(workspace, snapshots)
    entry = {"at": "2026-01-01", "run_id": run_id, "model_id": "b" * 16, "previous": "a" * 16, "kind": "promote",
             "forced": None, "snapshots": {"firms": snapshots["firms"]}}  # fmt: skip
    (workspace.models_folder / "promotions.jsonl").write_text(json.dumps(entry) + "\n")
    (workspace.models_folder / "current").write_text("b" * 16 + "\n")
    for number in range(1, 5):
        night(workspace, number, now - timedelta(days=100 - number))
    swept(workspace, now)
    assert rows_of(workspace, {"firms": snapshots["firms"]})["firms"] == before["firms"]
    assert (workspace.runs_folder / run_id).is_dir()


def test_a_table_with_a_missing_file_is_left_alone(workspace: Workspace) -> None:
    settings(workspace, history_days=2)
    now = nights(workspace, 4)
    state = max(recorded_states(workspace.lake), key=lambda one: one.ended_at)
    table = workspace.lake.find("firms")
    assert table is not None
    lost = next(iter(table.scan(snapshot_id=state.snapshots["firms"]).plan_files())).file.file_path
    Path(lost.removeprefix("file://")).unlink()
    files = sorted((workspace.lake_folder / "firmscope/firms/data").rglob("*.parquet"))
    done = swept(workspace, now)
    assert len(done.left) == 1
    assert "missing" in done.left[0]
    assert sorted((workspace.lake_folder / "firmscope/firms/data").rglob("*.parquet")) == files
    assert numbers(done)["data files"]  # of the other tables


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from pipelines.run_states import recorded_states
from pipelines.runs import start_run
from pipelines.vacuum import vacuum
from pipelines.workspace import Workspace
with start_run(Workspace(Path(sys.argv[1])), "vacuum") as run:
    vacuum(run, datetime.fromisoformat(sys.argv[2]))
"""


@pytest.mark.parametrize(
    "point",
    points(
        "vacuum-deleting", "vacuum-set", "vacuum-forgot-firms", "vacuum-forgot-runs", "vacuum-archive", "vacuum-run"
    ),
)
def test_killed_in_the_middle_and_run_again(workspace: Workspace, point: str) -> None:
    settings(workspace, publications=1, history_days=3, archive_days=2, runs_days=3)
    now = nights(workspace, 6)
    for number in range(3):
        publish(workspace, number, now - timedelta(days=3 - number), current=number == 2)
    before = all_rows(workspace)
    kept = [state for state in recorded_states(workspace.lake) if state.ended_at >= now - timedelta(days=3)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(workspace.folder), now.isoformat()],
        env=os.environ | {"FIRMSCOPE_CRASH_AT": point}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert killed.returncode == -9, killed.stderr
    workspace.lake.close()
    for state in kept:
        assert rows_of(workspace, state.snapshots) == before[state.run_id]
    assert sum(numbers(swept(workspace, now)).values())
    for state in kept:
        assert rows_of(workspace, state.snapshots) == before[state.run_id]
    assert numbers(would_vacuum(workspace, now)) == NOTHING
    assert {path.name for path in workspace.published_folder.iterdir()} == {"current", *_current(workspace)}
    nights_left = {path.name for path in workspace.runs_folder.iterdir() if path.name.split("-")[1].startswith("0000")}
    assert nights_left == {state.run_id for state in kept}
    assert sorted(path.name for path in workspace.archive_folder.iterdir()) == [
        f"crawl-{number:03}.warc.gz" for number in range(3, 6)
    ]


def _current(workspace: Workspace) -> list[str]:
    return [str((workspace.published_folder / "current").readlink())]


def test_the_command_says_what_it_would_do_and_does_it(workspace: Workspace) -> None:
    app = typer.Typer()

    @app.callback()
    def options() -> None:
        """As the command line has it, so that ``vacuum`` is a command of several."""

    upkeep.register(app)
    settings(workspace, runs_days=1)
    long_ago = datetime(2020, 1, 2, tzinfo=UTC)
    folder = workspace.runs_folder / f"{long_ago:%Y%m%dT%H%M%S}Z-0000aa"
    folder.mkdir()
    (folder / "manifest.json").write_text("{}")
    (workspace.runs_folder / "notes").mkdir()

    def command(*arguments: str) -> str:
        answer = CliRunner().invoke(app, ["vacuum", *arguments], obj=workspace.folder)
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "1 folder of a run: would be removed" in command("--dry-run")
    assert folder.is_dir()
    said = json.loads(command("--json"))
    assert {one["kind"]: one["number"] for one in said["removed"]} == NOTHING | {"runs": 1}
    assert not folder.exists()
    assert (workspace.runs_folder / "notes").is_dir()
    log = max(workspace.runs_folder.glob("*/log.jsonl")).read_text()
    assert folder.name in log
    assert "There is nothing to remove." in command()
