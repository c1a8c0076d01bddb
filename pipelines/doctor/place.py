"""The place a workspace is in: what may be read and written, room, clock, and whose lake it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.doctor.findings import Finding, counted, in_words
from pipelines.errors import FirmscopeError, UsageError
from pipelines.lake_folder import CATALOG, PLACE_FILE, held_elsewhere
from pipelines.shared_lake import lake_owner
from pipelines.tables import TABLES
from pipelines.vacuum_files import run_folders

if TYPE_CHECKING:
    from pipelines.workspace import Workspace

FREE_SHARE, FREE_BYTES = 0.05, 10**9  # below either a night of 100,000 sites (0.7 GB of answers) may not end
NO_BYTES = 5 * 10**7  # below which the next commit fails
AHEAD = timedelta(hours=1)  # a run further in the future was stored under a clock that was wrong, or now is
LAKE_FILES = frozenset({CATALOG, PLACE_FILE, "digests.log", "going-back.json"})
ENDINGS = ("-journal", "-wal", "-shm", ".spoilt", ".part")


def check_place(workspace: Workspace, now: datetime) -> Iterator[Finding]:
    """All that can be said without reading a table."""
    yield _settings(workspace)
    yield from _permissions(workspace)
    yield from _lake_place(workspace)
    yield _room(workspace)
    yield _clock(workspace, now)
    yield from _foreign(workspace)


def _settings(workspace: Workspace) -> Finding:
    try:
        config = workspace.config
    except UsageError as error:
        return Finding("settings", "wrong", str(error), "settings that are known", "edit firmscope.toml")
    return Finding("settings", "ok", f"firmscope.toml is whole; {counted(config.store.shards, 'shard')}")


def _permissions(workspace: Workspace) -> Iterator[Finding]:
    folders = (
        workspace.folder, workspace.lake_folder, workspace.archive_folder, workspace.runs_folder,
        workspace.published_folder, workspace.models_folder, workspace.metrics_folder,
    )  # fmt: skip
    there = [folder for folder in folders if folder.is_dir()]
    files = [path for path in (workspace.lake_folder / CATALOG, workspace.labels_file) if path.is_file()]
    closed = [path for path in (*there, *files) if not os.access(path, os.W_OK)]
    hidden = [path for path in (*there, *files) if not os.access(path, os.R_OK)]
    foreign = [path for path in (*there, *files) if path.stat().st_uid != os.geteuid()]
    name = _user_name(os.geteuid())
    if hidden:
        yield Finding(
            "permissions", "wrong", f"{in_words(map(str, hidden))}: not readable by {name}",
            "files that may be read", f"chown -R {name} {workspace.folder}",
        )  # fmt: skip
    if closed:
        only_read = os.statvfs(workspace.folder).f_flag & os.ST_RDONLY
        yield Finding(
            "permissions", "warn", f"{in_words(map(str, closed))}: not writable by {name}; reports and lists can be "
            "read, but no night can run", "folders that may be written",
            "the file system is mounted read-only, which a kernel does when a disk fails: look at dmesg, then have it "
            "mounted to be written" if only_read else f"chown -R {name} {workspace.folder}",
        )  # fmt: skip
    if foreign and os.geteuid() != 0:
        owners = in_words(sorted({_user_name(path.stat().st_uid) for path in foreign}))
        yield Finding(
            "permissions", "warn", f"{in_words(str(path) for path in foreign)}: owned by {owners}, not by {name}",
            "one user for the whole workspace", f"run firmscope as {owners}, or chown -R {name} {workspace.folder}",
        )  # fmt: skip
    if not hidden and not closed and (not foreign or os.geteuid() == 0):
        yield Finding("permissions", "ok", f"{name} may read and write")


def _lake_place(workspace: Workspace) -> Iterator[Finding]:
    folder = workspace.lake_folder
    owner = lake_owner(workspace)
    if owner is not None:
        yield Finding(
            "lake", "wrong", f"{folder} is a link to the lake of the workspace {owner}", "a lake for each workspace",
            f"work in {owner}, or make a workspace of its own: firmscope init NAME",
        )  # fmt: skip
    try:
        made_at = (folder / PLACE_FILE).read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError:
        made_at = ""
    here = str(folder.resolve())
    if not made_at:
        yield Finding(
            "lake", "wrong", f"{folder / PLACE_FILE} cannot be read", "the path at which the lake was made",
            "put lake/ back from a copy; if it never lay anywhere else: "
            f"echo {here} > {folder / PLACE_FILE}",
        )  # fmt: skip
    elif made_at != here and not made_at.startswith("s3://"):
        yield Finding(
            "lake", "wrong", f"the lake was made at {made_at} and is at {here}", "a lake where it was made",
            f"mv {workspace.folder.resolve()} {Path(made_at).parent}, or make a new workspace and import again",
        )  # fmt: skip
    elif made_at.startswith("s3://") and (told := _in_a_bucket(workspace)):
        yield Finding(
            "lake", "wrong", told, "one workspace for each lake in a bucket",
            "where this workspace was moved here: firmscope doctor --take-over",
        )  # fmt: skip


def _in_a_bucket(workspace: Workspace) -> str:
    try:
        storage = workspace.config.store.storage()
        return held_elsewhere(workspace.lake_folder, storage) if storage else ""
    except FirmscopeError:  # told of the settings, or where tables are read
        return ""


def _room(workspace: Workspace) -> Finding:
    total, _, free = shutil.disk_usage(workspace.folder)
    seen = f"{_size(free)} free of {_size(total)}"
    if free < max(FREE_SHARE * total, FREE_BYTES):
        return Finding(
            "disk", "wrong" if free < NO_BYTES else "warn", seen,
            f"at least {FREE_SHARE:.0%} and {FREE_BYTES / 1e9:.0f} GB free",
            "firmscope vacuum, shorter days in [keep], or a larger disk",
        )  # fmt: skip
    return Finding("disk", "ok", seen)


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def _clock(workspace: Workspace, now: datetime) -> Finding:
    begun = run_folders(workspace)
    if begun:
        newest = max(begun, key=lambda run_id: begun[run_id])
        if begun[newest] > now + AHEAD:
            return Finding(
                "clock", "wrong", f"it is {now:%Y-%m-%d %H:%M} UTC here, and run {newest} began later than that",
                "a clock that does not go back", "timedatectl set-ntp true; then run this again",
            )  # fmt: skip
    return Finding("clock", "ok", f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, after every run on the disk")


def _foreign(workspace: Workspace) -> Iterator[Finding]:
    """Things in the lake's folders that are none of ours: nothing of ours ever deletes them by a pattern."""
    lake = workspace.lake_folder
    if not lake.is_dir():
        return
    found = [path for path in lake.iterdir() if not _is_ours(path)]
    tables = lake / "firmscope"
    for table in tables.iterdir() if tables.is_dir() else ():
        if table.name not in TABLES or not table.is_dir():
            found.append(table)
            continue
        found += [path for path in table.iterdir() if path.name not in ("data", "metadata") or not path.is_dir()]
        for folder, endings in (("data", (".parquet",)), ("metadata", (".json", ".avro"))):
            for path in (table / folder).rglob("*"):
                if path.is_file() and not path.name.endswith(endings):
                    found.append(path)
    if workspace.archive_folder.resolve().is_relative_to(lake.resolve()):
        found.append(workspace.archive_folder)
    if found:
        within = (path for path in found if path.is_relative_to(workspace.folder))
        names = sorted(str(path.relative_to(workspace.folder)) for path in within)
        yield Finding(
            "foreign files", "warn", f"not ours, in the lake: {in_words(names[:5])}{' ...' * (len(names) > 5)}",
            "only tables in lake/; vacuum deletes what no table refers to from tables' folders",
            f"move them out of {lake}",
        )  # fmt: skip


def _is_ours(path: Path) -> bool:
    return path.name in {*LAKE_FILES, "firmscope"} or path.name.endswith(ENDINGS)


def _user_name(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
