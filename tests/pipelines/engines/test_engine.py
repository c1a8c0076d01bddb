"""Every task comes out once, on every engine, whatever becomes of the workers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.engine import TRIES, Engine, LokyEngine
from pipelines.errors import UsageError
from tests.pipelines.engines import tasks

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
    workers = {one.made for one in engine.run(tasks.meets_another, str(tmp_path), NUMBERS * 2)}
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


def test_a_task_that_kills_its_worker_every_time_is_reported() -> None:
    done = list(LokyEngine(2).run(tasks.poison, None, NUMBERS))
    assert sorted(one.task for one in done) == NUMBERS
    [bad] = [one for one in done if one.failure]
    assert bad.task == 3
    assert "its worker died" in bad.failure
