"""Which tables of a lake are whole, and to which state they would go back: read only, without the catalog if need be.

All tables go back to what one run left of them, for a stage takes what another wrote for granted. Only tables that are
worked out anew from the others go back alone.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipelines.doctor.catalog import Catalog, read_catalog
from pipelines.doctor.lake_files import Fault, LakeFiles, SpoiltFileError
from pipelines.run_states import RUN_LOG, Left, complete
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from pyiceberg.table.metadata import TableMetadata

# A roll-up writes the first four whole from the others; a vector that is missing is worked out again from its words;
# and `runs` is only added to: what it loses is who did what, not what was done.
ALONE = frozenset({"cells", "distortions", "hotspots", "related", "embeddings", RUN_LOG})


@dataclass(frozen=True)
class Held:
    """One table: its newest metadata that can be read, whether the catalog names that, and what is wrong with its rows.

    ``fault``: of the metadata that the catalog names. ``later``: metadata files written after the one that it names.
    ``behind``: the newest state is known to have been another, whose metadata is lost.
    """

    name: str
    location: str
    metadata: TableMetadata
    named: bool
    faults: tuple[Fault, ...]
    fault: Fault | None = None
    later: int = 0
    behind: bool = False

    @property
    def snapshot(self) -> int | None:
        """The newest state."""
        found: int | None = self.metadata.current_snapshot_id
        return found


@dataclass(frozen=True)
class LakeState:
    """A lake as it lies on the disk; ``lost``: tables that the catalog names and of which no metadata can be read."""

    files: LakeFiles
    catalog: Catalog
    tables: Mapping[str, Held]
    lost: Mapping[str, Fault]

    @property
    def spoilt(self) -> frozenset[str]:
        """Tables whose newest state is lost or cannot be read to the end."""
        return frozenset(name for name, held in self.tables.items() if held.faults or held.behind)

    @property
    def unnamed(self) -> frozenset[str]:
        """Tables that the catalog does not name, or names by a metadata file that cannot be read."""
        return frozenset(name for name, held in self.tables.items() if not held.named)


@dataclass(frozen=True)
class WayBack:
    """States that spoilt tables, and those that must fit them, go back to.

    ``to``: the run whose state that is, and None where tables go back alone; ``undone``: later runs on record, the
    oldest first; ``impossible``: why there is no way back.
    """

    snapshots: Mapping[str, int | None] = field(default_factory=dict)
    to: Left | None = None
    undone: tuple[Left, ...] = ()
    impossible: str = ""


def look_at_lake(files: LakeFiles) -> LakeState:
    """Look at every file that the newest state of every table needs."""
    catalog = read_catalog(files.folder)
    tables: dict[str, Held] = {}
    lost: dict[str, Fault] = {}
    for name in TABLES:
        named = catalog.locations.get(name)
        fault, metadata, location = None, None, named
        if named:
            try:
                metadata = files.metadata(named)
            except SpoiltFileError as error:
                fault = error.fault
        if metadata is None:
            location = files.newest_metadata(name)
            if location is None:
                if fault is not None:
                    lost[name] = fault
                continue
            metadata = files.metadata(location)
            if not named and metadata.current_snapshot_id is None:  # made by a run that was killed; nothing is in it
                continue
        assert location is not None  # noqa: S101 - named, or found
        faults = files.faults_at(metadata, metadata.current_snapshot_id)
        later = _later(files, name, location) if named == location else 0
        behind = fault is not None and named not in {entry.metadata_file for entry in metadata.metadata_log}
        tables[name] = Held(name, location, metadata, named == location, faults, fault, later, behind)
    return _compared(LakeState(files, catalog, tables, lost))


def _compared(state: LakeState) -> LakeState:
    """With tables marked as behind that lack the state in which the newest run on record left them."""
    if not state.unnamed:  # the catalog's own word is good
        return state
    try:
        newest = run_states(state)[-1].snapshots
    except (SpoiltFileError, IndexError):
        return state
    tables = {
        name: replace(held, behind=True)
        if newest[name] is not None and held.metadata.snapshot_by_id(newest[name]) is None
        else held
        for name, held in state.tables.items()
        if name != RUN_LOG
    }
    return replace(state, tables={**state.tables, **tables})


def way_back(state: LakeState) -> WayBack:
    """Where the spoilt tables go back to; an empty way when none is spoilt."""
    if not state.spoilt:
        return WayBack()
    if state.spoilt <= ALONE:
        alone = {name: _newest_whole(state, name) for name in state.spoilt}
        return WayBack({name: to for name, to in alone.items() if to != state.tables[name].snapshot})
    try:
        states = run_states(state)
    except SpoiltFileError as error:
        return WayBack(impossible=f"no table says which runs left which states: {error.fault}")
    for place in range(len(states) - 1, -1, -1):
        left = states[place]
        if all(_is_whole(state, name, left.snapshots.get(name)) for name in TABLES if name not in ALONE):
            back = {name: left.snapshots.get(name) for name in state.tables if name not in ALONE}
            # Those that go alone stay with the run's own figures where they can, so that nothing has to be worked out.
            for name in ALONE & state.tables.keys() - {RUN_LOG}:
                kept = left.snapshots.get(name)
                back[name] = kept if _is_whole(state, name, kept) else _newest_whole(state, name)
            if RUN_LOG in state.spoilt:
                back[RUN_LOG] = _newest_whole(state, RUN_LOG)
            moved = {name: to for name, to in back.items() if to != state.tables[name].snapshot}
            return WayBack(moved, left, tuple(states[place + 1 :]))
    return WayBack(impossible="no run on record left a state whose files are all whole")


def run_states(state: LakeState) -> list[Left]:
    """What runs on record left, the oldest first, from the newest whole state of the table of runs.

    Raises:
        SpoiltFileError: There is none.
    """
    held = state.tables.get(RUN_LOG)
    snapshot = _newest_whole(state, RUN_LOG) if held else None
    if held is None or snapshot is None:
        raise SpoiltFileError(Fault(RUN_LOG, "cannot be read in any state"))
    found = []
    for row in rows_at(state.files, held.metadata, snapshot, ["run_id", "ended_at", "fingerprints"]):
        noted = json.loads(row["fingerprints"])
        found.append(Left(row["run_id"], row["ended_at"], complete(noted["snapshots"]), None))
    return sorted(found, key=lambda left: left.ended_at)


def rows_at(files: LakeFiles, metadata: TableMetadata, snapshot: int, columns: list[str]) -> list[dict[str, Any]]:
    """Rows of a table's state, read past the catalog."""
    from pyiceberg.table import StaticTable

    table = StaticTable(
        identifier=("doctor", "table"), metadata=metadata, metadata_location=metadata.location, io=files.io(),
        catalog=None,
    )  # fmt: skip
    rows: list[dict[str, Any]] = (
        table.scan(selected_fields=tuple(columns), snapshot_id=snapshot).to_arrow().select(columns).to_pylist()
    )
    return rows


def spoilt_history(state: LakeState) -> dict[str, list[int]]:
    """Earlier states, by table, that cannot be read to the end any more."""
    found = {}
    for name, held in state.tables.items():
        bad = [
            snapshot.snapshot_id
            for snapshot in held.metadata.snapshots
            if snapshot.snapshot_id != held.snapshot and state.files.faults_at(held.metadata, snapshot.snapshot_id)
        ]
        if bad:
            found[name] = bad
    return found


def _is_whole(state: LakeState, name: str, snapshot: int | None) -> bool:
    if snapshot is None:
        return True
    held = state.tables.get(name)
    return held is not None and not state.files.faults_at(held.metadata, snapshot)


def _newest_whole(state: LakeState, name: str) -> int | None:
    """A table's newest state, by its own history, whose files are whole; None: that before anything was written."""
    held = state.tables[name]
    snapshot = held.metadata.current_snapshot()
    while snapshot is not None:
        if not state.files.faults_at(held.metadata, snapshot.snapshot_id):
            return int(snapshot.snapshot_id)
        parent = snapshot.parent_snapshot_id
        snapshot = held.metadata.snapshot_by_id(parent) if parent is not None else None
    return None


def _later(files: LakeFiles, name: str, location: str) -> int:
    """Metadata files that were written on top of the one that the catalog names."""
    for newest in files.metadata_files(name):
        if newest == location:
            return 0
        with contextlib.suppress(SpoiltFileError):
            log = [entry.metadata_file for entry in files.metadata(newest).metadata_log]
            if location in log:
                return len(log) - log.index(location)
    return 0
