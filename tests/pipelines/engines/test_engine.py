"""Every task comes out once, on every engine, whatever becomes of the workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.engine import TRIES, Engine, LokyEngine
from pipelines.errors import UsageError
from pipelines.vacuum_files import remove_unfinished
from tests.pipelines.engines import tasks

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = list(range(8))


def test_every_task_comes_out_once(engine: Engine) -> None:
    done = list(engine.run(tasks.doubled, 21, NUMBERS))
    assert sorted((one.task, one.made) for one in done) == [(number, 21 * number) for number in NUMBERS]
    assert not any(one.failure for one in done)


def test_nothing_to_do_is_nothing(engine: Engine) -> None:
    assert list(engine.run(tasks.doubled, 1, [])) == []


def test_a_passing_fault_is_tried_again(engine: Engine, tmp_path: Path) -> None:
    done = list(engine.run(tasks.fails_twice, str(tmp_path), NUMBERS))
    assert sorted(one.made for one in done if one.made is not None) == NUMBERS
    assert len(list(tmp_path.glob("try-*"))) == TRIES


def test_a_task_that_fails_three_times_is_reported_and_the_others_go_on(engine: Engine) -> None:
    done = list(engine.run(tasks.fails, None, NUMBERS))
    assert sorted(one.task for one in done) == NUMBERS
    assert [(one.task, one.made, one.failure) for one in done if one.failure] == [
        (3, None, "ValueError: not a number: 'x'")
    ]


def test_what_no_other_try_would_mend_ends_the_stage(engine: Engine) -> None:
    with pytest.raises(UsageError, match="set it right first"):
        list(engine.run(tasks.refuses, None, NUMBERS))


@pytest.mark.parametrize("engine", ["processes", "dask"], indirect=True)
def test_work_is_done_by_several_processes(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "met").mkdir()
    workers = {one.made for one in engine.run(tasks.meets_another, str(tmp_path / "met"), NUMBERS * 2)}
    assert len(workers) > 1
    assert os.getpid() not in workers


@pytest.mark.parametrize("engine", ["processes", "dask"], indirect=True)
def test_a_lost_workers_task_is_run_again(engine: Engine, tmp_path: Path) -> None:
    done = list(engine.run(tasks.dies_once, str(tmp_path), NUMBERS))
    assert sorted(one.made for one in done if one.made is not None) == NUMBERS
    assert (tmp_path / "died").exists()


@pytest.mark.timeout(120)  # a broadcast to a worker that is dead waits for ever
@pytest.mark.parametrize("engine", ["processes", "dask"], indirect=True)
def test_a_worker_lost_while_it_is_sent_what_all_share(engine: Engine, tmp_path: Path) -> None:
    done = list(engine.run(tasks.same, tasks.DeadlyOnce(str(tmp_path)), NUMBERS))
    assert sorted(one.made for one in done if one.made is not None) == NUMBERS
    assert (tmp_path / "died").exists()


def test_a_task_that_kills_its_worker_every_time_is_reported(tmp_path: Path) -> None:
    done = list(LokyEngine(2, tmp_path).run(tasks.poison, None, NUMBERS))
    assert sorted(one.task for one in done) == NUMBERS
    [bad] = [one for one in done if one.failure]
    assert bad.task == 3
    assert "its worker died" in bad.failure


def test_what_a_killed_process_leaves_is_removed_by_vacuum(tmp_path: Path) -> None:
    workspace, elsewhere = tmp_path / "ws", tmp_path / "tmp"
    workspace.mkdir()
    elsewhere.mkdir()
    program = (
        "import sys; from pathlib import Path; from pipelines.engine import LokyEngine; "
        "from tests.pipelines.engines import tasks; "
        "list(LokyEngine(2, Path(sys.argv[1])).run(tasks.ends_all, None, [1, 2]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, workspace], cwd=ROOT, env=os.environ | {"TMPDIR": str(elsewhere)}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    [left] = workspace.iterdir()
    assert left.stat().st_mode & 0o077 == 0
    remove_unfinished(workspace, datetime.now(UTC) + timedelta(hours=1))
    assert not list(workspace.iterdir())
    assert not list(elsewhere.glob("firmscope*"))
