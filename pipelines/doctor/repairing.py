"""Bring a workspace back to its last good state, in this order: lake, runs' files, archive, references, publications.

Whatever was begun is ended by running it again. Nothing is written when nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from pipelines.crashing import crash_point
from pipelines.doctor import run_files, set_files
from pipelines.doctor.archive import LostRecords, mend
from pipelines.doctor.examining import Examined, examine
from pipelines.doctor.findings import counted
from pipelines.doctor.lake_repair import RepairError, forget_spoilt, repair_lake
from pipelines.runs import start_run
from pipelines.tables import TABLES
from pipelines.vacuum_files import run_folders

if TYPE_CHECKING:
    from pipelines.runs import Run
    from pipelines.store import Lake
    from pipelines.workspace import Workspace

COMMAND = "doctor --repair"
BATCH_FIRMS = 500  # as many as a crawl commits at once


def repair(workspace: Workspace, found: Examined) -> tuple[str, ...]:
    """Repair what can be repaired; what was done, in sentences. Nothing is written where there is nothing to do.

    Args:
        workspace: The workspace; its lock is taken.
        found: What an examination found; it is made again where another run came in between.

    Raises:
        RepairError: The lake has no state that is whole; nothing was changed.
        WorkspaceBusyError: A run holds the workspace.
    """
    if found.beyond:
        raise RepairError(found.beyond)
    if not found.is_repairable:
        return ()
    with start_run(workspace, COMMAND) as run:
        others = frozenset(run_folders(workspace)) - {run.run_id}
        same = others == found.seen_runs and not found.while_running
        done = _repair(run, found if same else _again(workspace))
        run.notes["repaired"] = done
        for sentence in done:
            run.log("repaired", what=sentence)
    return tuple(done)


def _repair(run: Run, found: Examined) -> list[str]:
    workspace = run.workspace
    done: list[str] = []
    if found.beyond:
        raise RepairError(found.beyond)
    if found.plan:
        repair_lake(workspace, found.plan)
        done += found.plan.sentences
        crash_point("repair-lake")
        found = _again(workspace)
    if found.history and found.lake:
        done += forget_spoilt(workspace, found.lake)
        crash_point("repair-forgot")
    for fault in found.runs:
        done.append(f"{fault.path.relative_to(workspace.folder)}: {run_files.mend(fault)}.")
    for walked in found.torn:
        done.append(f"archive/{walked.path.name}: {mend(walked)}.")
        crash_point("repair-mended")
    if found.lost.number:
        done += _read_again(run, found.lost)
    if found.sets:
        done += set_files.put_aside(workspace, found.sets)
    for path, _ in found.derived:
        for ending in ("", "-wal", "-shm"):
            path.with_name(path.name + ending).unlink(missing_ok=True)
        done.append(f"index/{path.name} was removed; it is made anew when it is asked.")
    return done


def _again(workspace: Workspace) -> Examined:
    """Look once more, with tables opened afresh."""
    workspace.lake.close()
    return examine(workspace, datetime.now(UTC), ours=True)


def _read_again(run: Run, lost: LostRecords) -> list[str]:
    """Have the sites read again whose records are lost; until then their words name no record.

    The site comes first and the pages last: killed in between, the pages still name what is not there, and the next
    repair does the same again.
    """
    lake, now = run.workspace.lake, datetime.now(UTC)
    pages = lost.by_table.get("pages", {})
    visited = 0
    for firms in _batches(sorted(pages)):
        rows = lake.read_firms("sites", firms, TABLES["sites"].names[1:]).to_pylist()
        fresh = [row | ({"due_at": now} if row["source"] == "crawl" else {}) for row in rows]
        visited += sum(row["source"] == "crawl" for row in rows)
        lake.replace_firms("sites", firms, fresh, run.run_id)
        crash_point("repair-due")
    for name in ("fetches", "pages"):
        for firms in _batches(sorted(lost.by_table.get(name, {}))):
            _without_reference(lake, name, firms, lost, run.run_id)
            crash_point(f"repair-{name}")
    other = len(pages) - visited
    done = [f"{counted(lost.number, 'row')} named records that are lost, and name none now."]
    if visited:
        done.append(f"{counted(visited, 'site')} will be read again by the next nightly.")
    if other:
        done.append(
            f"The words of {counted(other, 'firm')} came from imported WARC files; they stay, and name no record: the "
            "files that were imported hold it."
        )
    return done


def _without_reference(lake: Lake, name: str, firms: list[str], lost: LostRecords, run_id: str) -> None:
    rows: list[dict[str, Any]] = lake.read_firms(name, firms, TABLES[name].names[1:]).to_pylist()
    gone = lost.by_table[name]
    fresh = [row | ({"archive_ref": None} if row["url"] in gone[row["firm_id"]] else {}) for row in rows]
    lake.replace_firms(name, firms, fresh, run_id)


def _batches(firms: Iterable[str]) -> Iterable[list[str]]:
    rest = iter(firms)
    while batch := list(islice(rest, BATCH_FIRMS)):
        yield batch
