"""What a disturbed night is held against: the tables and the published files of a night that was left in peace.

Instants, names of runs, places in the archive and the day itself differ between any two nights, and are masked; all
else must be equal.
"""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.archive import read_record
from pipelines.publication import current_set
from pipelines.tables import TABLES
from pipelines.vacuum_files import remove_unfinished
from pipelines.workspace import Workspace
from tests.end_to_end.conftest import PASSING_COLUMNS
from tests.torture.zygote import TEMPORARY, Job

PASSING = re.compile(
    rb"\d{8}T\d{6}Z-[0-9a-f]{6}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z| UTC)?"
    rb"|crawl-\d{8}T\d{6}Z-[0-9a-f]{8}\.warc\.gz:\d+"
)
# Pages about the night, which name the run that was cut short, and files that say the same as the CSV beside them.
NIGHTS_OWN = re.compile(r"report/(night|quality)\.html|exports/[^/]*\.(parquet|json)|.*\.md|publication\.json")
ARCHIVED = re.compile(r"crawl-.*\.warc\.gz|robots\.db(-\w+)?")
ORPHANS_END_S = 5.0


@dataclass
class State:
    """What stands in a workspace: rows of every table but ``runs``, files that readers see, and what is wrong."""

    rows: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    archive_refs: list[str] = field(default_factory=list)
    outcomes: int = 0
    faults: list[str] = field(default_factory=list)


def state_of(folder: Path) -> State:
    """Read a workspace whole; whatever is half or double in it is a fault."""
    state, workspace = State(), Workspace(folder)
    lake = workspace.lake
    for name, table in TABLES.items():
        try:
            read = lake.read_arrow(name)
        except Exception as error:
            state.faults.append(f"table {name} cannot be read: {type(error).__name__}: {error}")
            continue
        rows = read.to_pylist()
        keys = Counter(tuple(str(row[column]) for column in ("shard", *table.key)) for row in rows)
        if len(keys) < len(rows):
            state.faults.append(f"table {name}: keys stand twice, first {keys.most_common(1)[0][0]}")
        if name == "runs":
            continue
        if name == "pages":
            state.archive_refs = [row["archive_ref"] for row in rows if row["archive_ref"] is not None]
        if name == "sites":
            state.outcomes = sum(bool(row["outcome"]) for row in rows)
        kept = [column for column in table.names if column not in PASSING_COLUMNS]
        state.rows[name] = sorted(
            repr([row[column] for column in kept]) for row in rows if row.get("chosen") != "robots.txt"
        )
    lake.close()
    shown = current_set(workspace)
    if shown is None or not shown.is_whole:
        state.faults.append("readers see half a set")
    state.files = _seen_files(folder)
    return state


def faults_of_ending(folder: Path, state: State, firms: int) -> list[str]:
    """What must hold after a night that ended well, beside being as after a night left in peace."""
    found, archive = list(state.faults), Workspace(folder).archive_folder
    if not len(state.rows["firms"]) == len(state.rows["sites"]) == state.outcomes == firms:
        found.append(f"{firms} firms, {len(state.rows['firms'])} in the list, {state.outcomes} with an outcome")
    for ref in state.archive_refs:
        try:
            read_record(archive, ref)
        except Exception as error:
            found.append(f"archive reference {ref}: {error}")
    return found + [f"left behind: {path}" for path in _left_behind(folder)]


def _left_behind(folder: Path) -> list[Path]:
    """Files that nothing will remove, once vacuum has removed those that it does after an hour."""
    remove_unfinished(folder, datetime.now(UTC) + timedelta(hours=1))
    found = [path for path in folder.rglob("*.part") if "runs" not in path.parts]  # a run's go with its folder
    found += [path for path in folder.glob("archive/*") if not ARCHIVED.fullmatch(path.name)]
    return [*found, *folder.glob("published/.building-*"), *(folder.parent / TEMPORARY).iterdir()]


def differences(peace: State, disturbed: State) -> list[str]:
    """Tables and files that differ, with the first row that does."""
    found = []
    for name, rows in peace.rows.items():
        lacking, beyond = Counter(rows), Counter(disturbed.rows.get(name, ()))
        if lacking != beyond:
            lost, more = lacking - beyond, beyond - lacking
            found.append(
                f"table {name}: {lost.total()} rows lost, first {next(iter(lost), ''):.400}; "
                f"{more.total()} beyond, first {next(iter(more), ''):.400}"
            )
    for name in sorted(peace.files.keys() | disturbed.files.keys()):
        if peace.files.get(name) != disturbed.files.get(name):
            found.append(f"file {name} differs")
    return found


def orphans(job: Job) -> list[str]:
    """What a killed command left running for longer than it may."""
    deadline = time.monotonic() + ORPHANS_END_S
    while (left := job.family) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [f"{len(left)} processes alive {ORPHANS_END_S:.0f} s after the kill"] if left else []


def keep_aside(folder: Path, to: Path) -> None:
    """Keep a workspace that a fault was found in."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to, symlinks=True)


def _seen_files(folder: Path) -> dict[str, bytes]:
    """Published files whose words are figures, masked."""
    found, now = {}, datetime.now(UTC)
    days = [day for at in (now, now - timedelta(days=1)) for day in (f"{at:%Y-%m-%d}", f"{at.day} {at:%B %Y}")]
    today = re.compile("|".join(days).encode())  # a night may begin before midnight, and its rerun after
    for name in ("exports", "report"):
        for path in sorted((folder / name).rglob("*")):
            place = f"{name}/{path.relative_to(folder / name).as_posix()}"
            if path.is_file() and not NIGHTS_OWN.fullmatch(place):
                found[place] = today.sub(b"*", PASSING.sub(b"*", path.read_bytes()))
    return found
