"""Sets behind one link: switched to in one step, whatever reads beside it or dies meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from pipelines.errors import UsageError
from pipelines.publication import (
    CURRENT,
    EARLIER,
    PublishedSet,
    building,
    current_set,
    finish,
    refuse_within,
    set_of,
    sets,
    switch_to,
)
from pipelines.workspace import Workspace

SWITCHES = 500


def publish(workspace: Workspace, run_id: str, *, held: bool = False, released: bool = False) -> PublishedSet:
    """A small set that says in every file whose it is."""
    with building(workspace, run_id) as folder:
        for name in ("exports/firms.csv", "exports/cells.csv", "report/index.html"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(run_id, encoding="utf-8")
        gate = {"held": held, "reasons": ["why"] if held else [], "checks": []}
        because = {"run_id": "x", "reason": "looked"} if released else None
        finish(
            PublishedSet(
                folder, run_id, "2026-11-01T00:00:00+00:00", {"taxonomy": "t"}, {"firms": 1}, gate, because, {}
            )
        )
    return set_of(workspace, run_id)


FIRST, SECOND = "20261101T010000Z-aaaaaa", "20261102T010000Z-bbbbbb"


def test_readers_beside_five_hundred_switches_see_one_whole_set(workspace: Workspace) -> None:
    """K15. A reader that resolves the link reads one set to the end; one that does not never meets a missing file."""
    for run_id in (FIRST, SECOND):
        publish(workspace, run_id)
    switch_to(workspace, FIRST)
    done, faults, reads = threading.Event(), list[str](), 0

    def switching() -> None:
        for number in range(SWITCHES):
            switch_to(workspace, (FIRST, SECOND)[number % 2])
        done.set()

    writer = threading.Thread(target=switching)
    writer.start()
    while not done.is_set():
        at_once = (workspace.published_folder / CURRENT).resolve()
        said = {path.read_text(encoding="utf-8") for path in sorted(at_once.rglob("*.*")) if path.suffix != ".json"}
        through = (workspace.exports_folder / "firms.csv").read_text(encoding="utf-8")
        if len(said) != 1 or through not in (FIRST, SECOND):
            faults.append(f"{said} {through}")
        reads += 1
    writer.join()
    assert faults == []
    assert reads > 20


def test_a_set_is_there_whole_or_not_at_all(workspace: Workspace) -> None:
    with pytest.raises(OSError, match="full"), building(workspace, FIRST) as folder:  # noqa: PT012 - the block fails
        (folder / "exports").mkdir()
        raise OSError("full")
    assert sets(workspace) == []
    left = workspace.published_folder / f".building-{FIRST}"
    (left / "exports").mkdir(parents=True)  # as a killed run leaves it
    publish(workspace, SECOND)
    assert not left.exists()
    assert [one.run_id for one in sets(workspace)] == [SECOND]


def test_what_lay_in_the_folders_of_an_earlier_release_is_moved_aside(workspace: Workspace) -> None:
    workspace.exports_folder.mkdir()
    (workspace.exports_folder / "mine.csv").write_text("kept", encoding="utf-8")
    publish(workspace, FIRST)
    switch_to(workspace, FIRST)
    assert (workspace.published_folder / EARLIER / "exports" / "mine.csv").read_text(encoding="utf-8") == "kept"
    assert (workspace.exports_folder / "firms.csv").read_text(encoding="utf-8") == FIRST
    assert os.readlink(workspace.exports_folder) == "published/current/exports"  # noqa: PTH115 - as it is written


@pytest.mark.parametrize(
    ("held", "released", "waits"), [(False, False, False), (True, False, True), (True, True, False)]
)
def test_a_held_set_waits_until_it_is_released(workspace: Workspace, held: bool, released: bool, waits: bool) -> None:
    assert publish(workspace, FIRST, held=held, released=released).held is waits


def test_a_changed_file_is_noticed(workspace: Workspace) -> None:
    made = publish(workspace, FIRST)
    assert made.is_whole
    (made.folder / "exports" / "firms.csv").write_text("other", encoding="utf-8")
    assert not made.is_whole


def test_sets_that_are_not_there_are_named(workspace: Workspace) -> None:
    assert current_set(workspace) is None
    publish(workspace, FIRST, held=True)
    with pytest.raises(UsageError, match=f"0 publications begin with '2027'; held are: {FIRST}"):
        set_of(workspace, "2027")
    with pytest.raises(UsageError, match="0 publications begin with ''"):
        set_of(workspace, "")


@pytest.mark.parametrize("place", ["exports", "report", "published", f"published/{FIRST}/exports"])
def test_a_list_of_the_users_own_is_refused_where_sets_lie(workspace: Workspace, place: str, tmp_path: Path) -> None:
    publish(workspace, FIRST)
    switch_to(workspace, FIRST)
    with pytest.raises(UsageError, match="choose another"):
        refuse_within(workspace, workspace.folder / place / "mine.csv")
    refuse_within(workspace, tmp_path / "mine.csv")
