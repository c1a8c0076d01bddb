"""Examine a workspace from the files up: place, lake, rows, archive, runs, publications, judgements and models.

Nothing is written. A check that another one makes pointless is left out: rows of a lake whose files are spoilt are not
counted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.doctor.archive import LostRecords, Walked, lost_records, walk_all
from pipelines.doctor.bucket_files import BucketFiles
from pipelines.doctor.catalog import read_catalog
from pipelines.doctor.findings import Finding, counted, faults, in_words
from pipelines.doctor.lake_files import LakeFiles
from pipelines.doctor.lake_repair import LakePlan, RepairError, begun_plan, plan_for
from pipelines.doctor.lake_state import LakeState, look_at_lake, spoilt_history
from pipelines.doctor.place import check_place
from pipelines.doctor.rows import check_rows
from pipelines.doctor.run_files import RunFault, run_faults
from pipelines.doctor.set_files import (
    SetFault,
    check_labels,
    check_models,
    check_sets,
    derived_faults,
    set_faults,
)
from pipelines.errors import TableError
from pipelines.lake_folder import held_elsewhere, open_catalog
from pipelines.runs import is_held
from pipelines.vacuum_files import run_folders

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.storage import Storage
    from pipelines.workspace import Workspace

REPAIR = "firmscope doctor --repair"


@dataclass
class Examined:
    """What was found, as findings for a person and as material for a repair."""

    findings: list[Finding] = field(default_factory=list)
    while_running: bool = False
    seen_runs: frozenset[str] = frozenset()  # folders: another one since means that the tables may be others
    lake: LakeState | None = None
    plan: LakePlan | None = None
    beyond: str = ""  # why the lake cannot be repaired
    history: dict[str, list[int]] = field(default_factory=dict)
    torn: list[Walked] = field(default_factory=list)
    lost: LostRecords = field(default_factory=LostRecords)
    runs: list[RunFault] = field(default_factory=list)
    sets: list[SetFault] = field(default_factory=list)
    derived: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def is_repairable(self) -> bool:
        """Whether a repair would write anything."""
        return bool(
            self.plan or self.history or self.torn or self.lost.number or self.runs or self.sets or self.derived
        )


def examine(workspace: Workspace, now: datetime, *, deep: bool = False, ours: bool = False) -> Examined:
    """Look at all of a workspace.

    Args:
        workspace: The workspace.
        now: The present.
        deep: Data files are read to their ends even where their digests are right.
        ours: This process holds the workspace and is about to repair it: rows, which no repair changes, are left out.
    """
    running = not ours and is_held(workspace)
    made = Examined(while_running=running, seen_runs=frozenset(run_folders(workspace)))
    if running:
        made.findings.append(Finding("run", "ok", "a run is under way: tables are not compared with each other"))
    made.findings += check_place(workspace, now)
    readable = _can_be_read(made.findings)
    if readable:
        _lake(workspace, made, deep)
        whole = not made.plan and not made.beyond and not running
        if whole and not ours:
            made.findings += check_rows(workspace.lake)
        _archive(workspace, made, whole)
        workspace.lake.close()
    _runs(workspace, made)
    made.sets = set_faults(workspace)
    made.findings += check_sets(workspace)
    made.findings += check_labels(workspace)
    made.findings += check_models(workspace)
    _derived(workspace, made)
    return made


def _can_be_read(findings: list[Finding]) -> bool:
    """Whether settings and place let the tables be opened."""
    return not any(one.name in ("settings", "lake") and one.state == "wrong" for one in findings)


def _lake(workspace: Workspace, made: Examined, deep: bool) -> None:
    folder, storage = workspace.lake_folder, workspace.lake.storage
    made.beyond = _unreached(workspace, storage) if storage else ""
    if made.beyond:
        made.findings.append(Finding("tables", "wrong", made.beyond, "tables that can be read", "what this line says"))
        return
    files = BucketFiles(folder, deep, storage=storage) if storage else LakeFiles(folder, deep)
    state = made.lake = look_at_lake(files)
    made.findings += _lake_faults(state)
    begun = begun_plan(folder)
    if begun is not None:
        made.plan = begun
        made.findings.append(
            Finding("tables", "wrong", "a repair was stopped on its way", "a repair that was ended", REPAIR)
        )
        return
    try:
        made.plan = plan_for(state)
    except RepairError as error:
        made.beyond = str(error)
        made.findings.append(Finding("tables", "wrong", str(error), "a state that is whole", files.last_resort))
        return
    if made.plan:
        made.findings += [
            Finding("way back", "warn", f"A repair would do this: {one}", "", REPAIR) for one in made.plan.sentences
        ]
        return
    made.history = spoilt_history(state)
    if made.history:
        told = [f"{name}: {counted(len(ids), 'earlier state')} cannot be read" for name, ids in made.history.items()]
        made.findings += faults("history", told, "earlier states that can be read", REPAIR, "warn")
    if not any(found.name in ("catalog", "tables") and found.state == "wrong" for found in made.findings):
        made.findings += _lake_well(state)


def _unreached(workspace: Workspace, storage: Storage) -> str:
    """Why the tables of a lake in a bucket cannot be looked at from here; empty where they can."""
    try:
        if read_catalog(workspace.lake_folder).fault:
            return held_elsewhere(workspace.lake_folder, storage)
        open_catalog(workspace.lake_folder, storage).close()
    except TableError as error:
        return str(error)
    return ""


def _lake_faults(state: LakeState) -> Iterator[Finding]:
    if state.catalog.fault and (state.tables or state.lost):
        yield Finding("catalog", "wrong", f"lake/catalog.db {state.catalog.fault}", "a catalog of all tables", REPAIR)
    elif state.catalog.fault:
        yield Finding("catalog", "wrong", f"lake/catalog.db {state.catalog.fault}", "a catalog", REPAIR)
    seen = dict.fromkeys(
        state.files.shown(fault)
        for held in state.tables.values()
        for fault in ((held.fault,) if held.fault else ()) + held.faults
    )
    seen |= dict.fromkeys(map(state.files.shown, state.lost.values()))
    yield from faults("tables", list(seen), "the file that was written", REPAIR)
    if not state.catalog.fault:
        unnamed = [name for name in sorted(state.unnamed) if state.tables[name].fault is None]
        yield from faults(
            "catalog", [f"table {name} has rows, and the catalog does not know it" for name in unnamed],
            "a row for each table", REPAIR,
        )  # fmt: skip
    behind = [name for name, held in state.tables.items() if held.behind and not held.fault]
    yield from faults(
        "tables", [f"the newest state of {name} is lost" for name in behind], "the state the newest run left", REPAIR
    )
    older = {name: held.later for name, held in state.tables.items() if held.later > 1}
    if older:
        yield Finding(
            "catalog", "warn",
            f"older than the tables: {in_words(f'{name} by {number} commits' for name, number in older.items())}",
            "the newest state of each table",
            "nothing, if you went back on purpose; else: rm lake/catalog.db and firmscope doctor --repair",
        )  # fmt: skip


def _lake_well(state: LakeState) -> Iterator[Finding]:
    files = state.files
    yield Finding("catalog", "ok", f"{counted(len(state.tables), 'table')}, SQLite finds nothing wrong")
    yield Finding("tables", "ok", files.said())
    if files.log.spoilt:
        yield Finding(
            "digests", "warn", f"lake/digests.log: {counted(files.log.spoilt, 'line')} cannot be read",
            "a digest of every file", "nothing: such files are read instead",
        )  # fmt: skip
    orphans = _orphans(state)
    if orphans:
        yield Finding(
            "orphans", "ok", f"{counted(orphans, 'file')} that no state refers to; vacuum removes them after their time"
        )


def _orphans(state: LakeState) -> int:
    """Data files that no state that is kept needs, as a killed run leaves them."""
    needed = {path.resolve() for path in state.files.data_files}
    place = state.files.folder / "firmscope"
    return sum(path.resolve() not in needed for path in place.glob("*/data/**/*.parquet"))


def _archive(workspace: Workspace, made: Examined, tables: bool) -> None:
    walked = walk_all(workspace.archive_folder) if workspace.archive_folder.is_dir() else []
    made.torn = [one for one in walked if one.holes and not one.is_open]
    told = []
    for one in made.torn:
        where = in_words(f"{hole.start:,} to {hole.end:,}" for hole in one.holes[:3])
        more = f" and {len(one.holes) - 3} more" if len(one.holes) > 3 else ""
        what = "is empty" if not one.size else f"no whole record at bytes {where}{more}"
        told.append(f"archive/{one.path.name}: {what}")
    made.findings += faults("archive", told, "whole records from beginning to end", REPAIR)
    left = [one.path.name for one in walked if one.is_open]
    if left:
        made.findings.append(
            Finding("archive", "ok", f"{in_words(left)}: being written, or left by a crawl that was killed and mended "
                    "by the next one")
        )  # fmt: skip
    if tables:
        made.lost = lost_records(workspace.lake, walked)
        if made.lost.number:
            made.findings.append(
                Finding(
                    "records", "wrong",
                    f"{counted(made.lost.number, 'row')} of {counted(len(made.lost.firms), 'firm')} refer to records "
                    f"that are not in the archive, such as {made.lost.example}",
                    "the raw answer behind every page", REPAIR,
                )
            )  # fmt: skip
    if not told and not made.lost.number:
        records = sum(len(one.starts) for one in walked)
        size = sum(one.size for one in walked)
        made.findings.append(
            Finding(
                "archive", "ok",
                f"{counted(records, 'record')} in {counted(len(walked), 'file')}, {size / 1e6:,.1f} MB, all whole"
                f"{', every reference of the tables leads to one' if tables else ''}",
            )
        )  # fmt: skip


def _runs(workspace: Workspace, made: Examined) -> None:
    made.runs = run_faults(workspace)
    told = [f"{fault.path.relative_to(workspace.folder)} {fault.reason}" for fault in made.runs]
    made.findings += faults("runs", told, "whole manifests and logs", REPAIR)
    if not told:
        made.findings.append(Finding("runs", "ok", "manifests and logs of the newest runs are whole"))


def _derived(workspace: Workspace, made: Examined) -> None:
    if os.access(workspace.folder, os.W_OK):  # SQLite cannot open such a file where it may write nothing
        made.derived = derived_faults(workspace)
    told = [f"{path.relative_to(workspace.folder)}: {reason}" for path, reason in made.derived]
    made.findings += faults("index", told, "an index that can be read; it is made anew when asked", REPAIR, "warn")
