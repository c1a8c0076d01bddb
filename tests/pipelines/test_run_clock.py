"""A run is not begun by a clock that lies behind the runs on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.run_clock import BEHIND, refuse_a_clock_behind
from pipelines.runs import Run
from pipelines.workspace import Workspace

NEWEST = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in ("20261121T020000Z-aaaaaa", "20261122T020000Z-bbbbbb", "zz-kept-by-hand"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "since", [timedelta(0), timedelta(days=400), -BEHIND], ids=["at once", "a year", "an hour back"]
)
def test_allowed(runs: Path, since: timedelta) -> None:
    refuse_a_clock_behind(runs, NEWEST + since)


def test_refused_and_allowed_again_without_that_run(runs: Path) -> None:
    now = NEWEST - BEHIND - timedelta(seconds=1)
    with pytest.raises(UsageError, match="set the clock right"):
        refuse_a_clock_behind(runs, now)
    (runs / "20261122T020000Z-bbbbbb").rmdir()
    refuse_a_clock_behind(runs, now)


@pytest.mark.parametrize(
    ("manifest", "refused"),
    [('{"ended_at": "2026-11-25T02:00:00+00:00"}', True), ('{"ended_at": null}', False), ('{"end', False)],
    ids=["the clock was set forward under way", "killed", "torn"],
)
def test_what_the_newest_run_says_of_its_end(runs: Path, manifest: str, refused: bool) -> None:
    (runs / "20261122T020000Z-bbbbbb" / "manifest.json").write_text(manifest, encoding="utf-8")
    if refused:
        with pytest.raises(UsageError, match="2026-11-25 02:00"):
            refuse_a_clock_behind(runs, NEWEST)
    else:
        refuse_a_clock_behind(runs, NEWEST)


def test_first_run(tmp_path: Path) -> None:
    refuse_a_clock_behind(tmp_path / "none", NEWEST)


def test_runs_of_the_same_second_sort_in_the_order_of_their_start(tmp_path: Path) -> None:
    """Which of two publications is the newer is told by these names."""
    names = [Run(Workspace(tmp_path), "made").run_id for _ in range(50)]
    assert names == sorted(set(names))
