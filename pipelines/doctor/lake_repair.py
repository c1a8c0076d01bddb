"""Take the lake back to its last good state: the catalog first, then the tables.

What is to be done is written down before the first of it is done, so that a repair that is killed ends, run again, in
the state that it had chosen. Nothing is deleted: ``vacuum`` takes what nothing refers to any more, after its time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.atomic import sync_folder
from pipelines.crashing import crash_point
from pipelines.doctor.catalog import enter, put_aside, read_catalog
from pipelines.doctor.findings import counted, in_words
from pipelines.doctor.lake_state import LakeState, WayBack, spoilt_history, way_back
from pipelines.errors import FirmscopeError
from pipelines.vacuum_tables import forget
from pipelines.workspace import write_whole

if TYPE_CHECKING:
    from pipelines.workspace import Workspace

PLAN = "going-back.json"  # in the lake's folder, while a repair is under way
MAX_NAMED = 5  # runs that a sentence names


class RepairError(FirmscopeError):
    """There is no way back: nothing was changed."""


@dataclass(frozen=True)
class LakePlan:
    """What a repair does to a lake: rows of the catalog, and states that tables go back to."""

    new_catalog: bool
    locations: Mapping[str, str]
    snapshots: Mapping[str, int | None]
    sentences: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.new_catalog or bool(self.locations) or bool(self.snapshots)


def begun_plan(lake: Path) -> LakePlan | None:
    """The plan of a repair that was stopped on its way."""
    try:
        said: dict[str, Any] = json.loads((lake / PLAN).read_text(encoding="utf-8"))
        return LakePlan(said["new_catalog"], said["locations"], said["snapshots"], tuple(said["sentences"]))
    except (FileNotFoundError, ValueError, KeyError):
        return None


def plan_for(state: LakeState) -> LakePlan:
    """What would bring a lake back; an empty plan when nothing is wrong.

    Raises:
        RepairError: No state is whole.
    """
    lost = sorted(state.lost)
    back = way_back(state)
    if lost or back.impossible or (state.catalog.fault and not state.tables and state.files.are_there()):
        why = back.impossible or (f"no metadata file of {in_words(lost)} can be read" if lost else "no table is left")
        raise RepairError(f"the lake cannot be taken back: {why}. {state.files.last_resort}")
    locations = {name: state.tables[name].location for name in sorted(state.unnamed)}
    sentences = []
    if state.catalog.fault:
        sentences.append(f"The catalog was made anew from the metadata of {counted(len(locations), 'table')}.")
    elif locations:
        sentences.append(f"Entered in the catalog by the newest metadata that can be read: {in_words(locations)}.")
    sentences += way_back_sentences(back)
    return LakePlan(bool(state.catalog.fault), locations, dict(back.snapshots), tuple(sentences))


def way_back_sentences(back: WayBack) -> list[str]:
    """What going back means for a person."""
    if back.impossible or not back.snapshots:
        return []
    if back.to is None:
        went = in_words(sorted(back.snapshots))
        return [f"Gone back to the newest whole state: {went}. The next nightly works them out again."]
    lines = [
        f"All tables went back to what run {back.to.run_id} left on {back.to.ended_at:%Y-%m-%d %H:%M} UTC: what was "
        "written since is undone."
    ]
    if back.undone:
        runs = [left.run_id for left in back.undone]
        more = f" and {len(runs) - MAX_NAMED} more" if len(runs) > MAX_NAMED else ""
        lines.append(
            f"Undone: {counted(len(runs), 'run')} ({in_words(runs[:MAX_NAMED])}{more}). The next nightly does the "
            "nights' work again; imports and models promote among them have to be run again (firmscope runs list)."
        )
    return lines


def repair_lake(workspace: Workspace, plan: LakePlan) -> None:
    """Do what a plan says; the process holds the workspace."""
    folder = workspace.lake_folder
    write_whole(
        folder / PLAN,
        json.dumps(
            {"new_catalog": plan.new_catalog, "locations": dict(plan.locations), "snapshots": dict(plan.snapshots),
             "sentences": list(plan.sentences)}, indent=1,
        ).encode(),
    )  # fmt: skip
    crash_point("repair-planned")
    workspace.lake.close()
    if plan.new_catalog and _catalog_is_spoilt(folder):
        put_aside(folder)
        crash_point("repair-aside")
    if plan.new_catalog or plan.locations:
        enter(folder, plan.locations, workspace.lake.storage)
        crash_point("repair-entered")
    for name in sorted(plan.snapshots):
        _point(workspace, name, plan.snapshots[name])
        crash_point(f"repair-back-{name}")
    workspace.lake.close()
    (folder / PLAN).unlink()
    sync_folder(folder)


def forget_spoilt(workspace: Workspace, state: LakeState) -> list[str]:
    """Forget earlier states that cannot be read any more, so that ``vacuum`` can tell which files are needed."""
    done = []
    for name, snapshots in spoilt_history(state).items():
        table = workspace.lake.find(name)
        if table is not None:
            forget(table, snapshots)
            done.append(f"{counted(len(snapshots), 'earlier state')} of {name} with a spoilt file can be read no more.")
    workspace.lake.close()
    return done


def _point(workspace: Workspace, name: str, snapshot: int | None) -> None:
    table = workspace.lake.find(name)
    if table is None or table.metadata.current_snapshot_id == snapshot:
        return
    changes = table.manage_snapshots()
    if snapshot is None:
        changes.remove_branch("main").commit()
    else:
        changes.set_current_snapshot(snapshot_id=snapshot).commit()


def _catalog_is_spoilt(folder: Path) -> bool:
    return bool(read_catalog(folder).fault)
