"""Remove what has had its time, by the days of ``[keep]``, and never what something that is kept goes back to.

In this order: small files are put together and unused vectors dropped (``tidying.py``), which is a change of the tables
like any other; then go published sets, whose states then need not be kept; the tables' history; their files; raw
answers; folders of runs. Killed anywhere, the tables can be read, and the next time goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipelines.crashing import crash_point
from pipelines.digest_log import prune
from pipelines.errors import TableError
from pipelines.keeping import (
    Shown,
    State,
    by_table,
    kept_states,
    lasting,
    rollback_chain,
    runs_to_go,
    sets_to_go,
    states_with_words,
)
from pipelines.promotion import LOG, current_id, list_models, read_log
from pipelines.publication import current_set, sets
from pipelines.run_states import recorded_states
from pipelines.tables import TABLES
from pipelines.tidying import NOTHING_TIDIED, Tidied, tidy
from pipelines.vacuum_files import (
    REFERRING,
    archives_to_go,
    remove_rests,
    remove_run,
    remove_set,
    remove_unfinished,
    run_folders,
    size_of,
)
from pipelines.vacuum_tables import GRACE, Look, Unreferenced, delete, forget, look, to_forget
from pipelines.workspace import write_whole

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable

    from pipelines.runs import Run
    from pipelines.workspace import Workspace

WORDS = {  # one, several
    "publications": ("published set", "published sets"),
    "snapshots": ("state of one table that no kept run left", "states of single tables that no kept run left"),
    "data files": ("file with rows", "files with rows"),
    "table notes": ("file about such states", "files about such states"),
    "archive": ("file of raw answers (WARC)", "files of raw answers (WARC)"),
    "runs": ("folder of a run", "folders of runs"),
}


@dataclass(frozen=True)
class Removed:
    """What went, of one kind (a key of ``WORDS``); ``bytes`` on the disk."""

    kind: str
    number: int
    bytes: int


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum removed, or would.

    ``kept``: runs whose state of the tables can still be read. ``since``: end of the oldest of them. ``tidied``: what
    was done to files that stay in use. ``left``: what could not be done, in sentences.
    """

    removed: tuple[Removed, ...]
    kept: int
    since: datetime | None
    left: tuple[str, ...]
    dry_run: bool
    tidied: Tidied = NOTHING_TIDIED

    @property
    def bytes(self) -> int:
        """Bytes freed."""
        return sum(one.bytes for one in self.removed)

    def as_dict(self) -> dict[str, Any]:
        """For a program."""
        since = self.since.isoformat() if self.since else None
        return asdict(self) | {"removed": [asdict(one) for one in self.removed], "since": since, "bytes": self.bytes}

    def sentences(self) -> list[str]:
        """For a person."""
        would = "would be removed" if self.dry_run else "removed"
        lines = [
            f"{one.number:,} {WORDS[one.kind][one.number > 1]}: {would}{_size(one.bytes)}."
            for one in self.removed
            if one.number
        ]
        since = f"; the oldest is of {self.since.astimezone(UTC):%Y-%m-%d}" if self.since else ""
        return [
            *(lines or ["There is nothing to remove."]),
            *self.tidied.sentences(),
            f"The tables can be read as {self.kept:,} run{'s' if self.kept != 1 else ''} left them{since}.",
            *self.left,
        ]


@dataclass
class _Work:
    """What is found on the way. ``note`` is told of each thing before it goes; None where nothing is to go."""

    workspace: Workspace
    now: datetime
    note: Callable[..., None] | None
    removed: dict[str, Removed] = field(default_factory=lambda: {kind: Removed(kind, 0, 0) for kind in WORDS})
    left: list[str] = field(default_factory=list)
    tidied: Tidied = NOTHING_TIDIED

    def count(self, kind: str, name: str, size: int) -> None:
        held = self.removed[kind]
        self.removed[kind] = Removed(kind, held.number + 1, held.bytes + size)
        if self.note is not None:
            self.note("removing", kind=kind, name=name, bytes=size)

    @property
    def dry(self) -> bool:
        return self.note is None


def vacuum(run: Run, now: datetime) -> Vacuumed:
    """Remove what has had its time; everything removed stands in the run's log.

    Args:
        run: A run that holds the workspace; the state that it leaves is kept.
        now: The present, with its zone.
    """
    with run.stage("vacuum") as counts:
        remove_rests(run.workspace.published_folder)
        remove_unfinished(run.workspace.folder, now - GRACE)
        work = _Work(run.workspace, now, run.log)
        work.tidied = tidy(run)
        work.left += work.tidied.left
        done = _vacuum(work, run.run_id)
        prune(run.workspace.lake_folder, write_whole)
        counts.rows_in = counts.rows_out = sum(one.number for one in done.removed)
        run.notes["vacuum"] = done.as_dict()
    return done


def would_vacuum(workspace: Workspace, now: datetime) -> Vacuumed:
    """What :func:`vacuum` would remove; nothing is changed, and no lock is needed."""
    return _vacuum(_Work(workspace, now, None), "")


def _vacuum(work: _Work, running: str) -> Vacuumed:
    workspace, keep = work.workspace, work.workspace.config.keep
    states = [State(left.run_id, left.ended_at, left.snapshots) for left in recorded_states(workspace.lake)]
    current = current_set(workspace)
    held = {one.run_id: one for one in sets(workspace)}
    shown = [Shown(one.run_id, _instant(one.made_at), one.held) for one in held.values()]
    gone = sets_to_go(shown, current.run_id if current else None, work.now, keep)
    for run_id in gone:
        work.count("publications", run_id, size_of(held[run_id].folder))
        if not work.dry:
            remove_set(held[run_id].folder)
    kept_sets = [one for run_id, one in held.items() if run_id not in gone]

    kept = kept_states(states, work.now, keep)
    whole = states_with_words(states, work.now, keep)
    whole |= {one.run_id for one in kept_sets if one.held} | ({current.run_id} if current else set())
    chain = rollback_chain(read_log(workspace.models_folder / LOG), current_id(workspace))
    of_runs = [state for state in states if state.run_id in {*kept, *_published(workspace)}]
    needed = [*of_runs, *kept_sets, *([current] if current else ())]
    kept_snapshots = by_table(
        [one.snapshots if one.run_id in whole else lasting(one.snapshots) for one in needed]
        + [promotion.snapshots for promotion in chain]
    )
    needed_files = _tables(work, kept_snapshots)

    if needed_files is not None:
        referring = [(path, "archive_ref") for path in sorted(needed_files)]
        storage = workspace.lake.storage
        files = storage.file_system() if storage else None
        for path in archives_to_go(workspace.archive_folder, referring, work.now, keep.archive_days, files):
            work.count("archive", path.name, size_of(path))
            if not work.dry:
                path.unlink()
                crash_point("vacuum-archive")

    named = {running, *kept, *_published(workspace), *_named_by_models(workspace)}
    for run_id in runs_to_go(run_folders(workspace), named, work.now, keep):
        work.count("runs", run_id, size_of(workspace.runs_folder / run_id))
        if not work.dry:
            remove_run(workspace.runs_folder / run_id)
    since = min((state.ended_at for state in states if state.run_id in kept), default=None)
    return Vacuumed(tuple(work.removed.values()), len(kept), since, tuple(work.left), work.dry, work.tidied)


def _tables(work: _Work, kept: Mapping[str, set[int]]) -> set[str] | None:
    """Forget and delete; files of the tables that refer into the archive, or None where they cannot be known."""
    lake = work.workspace.lake
    lake.close()  # tables are looked at as they are now, and afresh afterwards
    opened = ((name, lake.find(name)) for name in TABLES)
    tables = {name: table for name, table in opened if table is not None}
    forgotten = {name: to_forget(table, kept.get(name, ()), work.now) for name, table in tables.items()}
    for name, snapshots in forgotten.items():
        for snapshot in snapshots:
            work.count("snapshots", f"{name} {snapshot}", 0)
        if not work.dry and snapshots:
            forget(tables[name], snapshots)
            crash_point(f"vacuum-forgot-{name}")
    lake.close()
    needed: set[str] | None = set()
    for name, table in tables.items():
        found = _look(work, name, table, forgotten[name])
        if found is not None:
            _delete(work, table, found.unreferenced)
        if name in REFERRING and needed is not None:
            needed = None if found is None else needed | found.data_files
    return needed


def _look(work: _Work, name: str, table: IcebergTable, forgotten: Sequence[int]) -> Look | None:
    try:
        return look(table, forgotten, work.now)
    except TableError as error:
        work.left.append(f"Table {name}: {error}")
        return None


def _delete(work: _Work, table: IcebergTable, files: Sequence[Unreferenced]) -> None:
    for file in files:
        work.count("data files" if file.data else "table notes", file.path, file.size)
    if not work.dry:
        delete(table, files)


def _published(workspace: Workspace) -> set[str]:
    """Runs with a published set, one that cannot be read as well."""
    return {path.name for path in workspace.published_folder.glob("*T*Z-*")}


def _named_by_models(workspace: Workspace) -> set[str]:
    """Runs that made a model that is there, or brought one into use."""
    made = {str(shown.manifest.facts.get("run_id")) for shown in list_models(workspace) if shown.manifest}
    return made | {entry.run_id for entry in read_log(workspace.models_folder / LOG)}


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _size(count: int) -> str:
    if not count:
        return ""
    return f", {count / 1e6:,.1f} MB" if count >= 100_000 else f", {count / 1e3:,.1f} kB"
