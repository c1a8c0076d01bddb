"""Remove what has had its time beside the tables: folders of runs, published sets, and raw answers (WARC).

A WARC file goes as a whole, when no row of ``fetches`` or ``pages`` in any kept state refers into it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.atomic import sync_folder
from pipelines.crashing import crash_point
from pipelines.crawl_sign import SIGNS

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

    from pipelines.workspace import Workspace

RUN_ID = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}")
WHOLE_WARC = "*.warc.gz"  # one that is being written ends in .open
UNFINISHED = f".{'[0-9a-f]' * 16}.part"  # as pipelines/atomic.py names them
GONE = ".gone-"  # begins the name of a published set that is being removed
REFERRING = ("fetches", "pages")  # tables with a column archive_ref


def run_folders(workspace: Workspace) -> dict[str, datetime]:
    """When each run began whose folder is there, by run id; folders with other names are none of ours."""
    found = {}
    for path in workspace.runs_folder.iterdir() if workspace.runs_folder.is_dir() else ():
        match = RUN_ID.fullmatch(path.name)
        if match and path.is_dir() and not path.is_symlink():
            found[path.name] = datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return found


def archives_to_go(
    folder: Path, referring: Iterable[tuple[str, str]], now: datetime, days: int, files: FileSystem | None = None
) -> list[Path]:
    """WARC files older than some days into which no row refers, oldest name first.

    Args:
        folder: Of the archive.
        referring: Parquet files with rows, and the column in which they name ``FILE:OFFSET``.
        now: The present.
        days: Days for which every file stays.
        files: File system that has the Parquet files; this machine's when not given.
    """
    until = (now - timedelta(days=days)).timestamp()
    old = {path.name: path for path in folder.glob(WHOLE_WARC) if path.is_file() and path.stat().st_mtime < until}
    for path, column in referring:
        if not old:
            break
        for name in _named(path, column, files):
            old.pop(name, None)
    return [old[name] for name in sorted(old)]


def remove_run(folder: Path) -> None:
    """Remove a run's folder, its manifest first: killed meanwhile, it is no run any more, and the next time goes."""
    (folder / "manifest.json").unlink(missing_ok=True)
    crash_point("vacuum-run")
    shutil.rmtree(folder)


def remove_set(folder: Path) -> None:
    """Remove a published set out of sight first, so that nobody finds half of one."""
    gone = folder.with_name(f"{GONE}{folder.name.replace('-', '_')}")  # not to be taken for a set
    folder.rename(gone)
    sync_folder(gone.parent)
    crash_point("vacuum-set")
    shutil.rmtree(gone)


def remove_rests(published: Path) -> None:
    """Finish what a killed removal of published sets has left."""
    for path in published.glob(f"{GONE}*"):
        shutil.rmtree(path)


def remove_unfinished(folder: Path, until: datetime) -> None:
    """Remove what was to go with its process (``atomic.passing``) and was left because that was killed.

    Args:
        folder: The workspace; what is left in a run's folder goes with the run.
        until: Younger ones may have a writer yet: an index is made without the workspace's lock.
    """
    for pattern in (UNFINISHED, f"*/{UNFINISHED}", f"models/*/{UNFINISHED}", f"archive/{SIGNS}"):
        for path in folder.glob(pattern):
            if path.stat().st_mtime >= until.timestamp():
                continue
            if path.is_dir():  # an audit that was being written
                shutil.rmtree(path)
            else:
                path.unlink()


def size_of(paths: Collection[Path] | Path) -> int:
    """Bytes of files, and of all files within folders."""
    if isinstance(paths, Path):
        files = paths.rglob("*") if paths.is_dir() else [paths]
        return sum(path.lstat().st_size for path in files if path.is_file() and not path.is_symlink())
    return sum(size_of(path) for path in paths)


def _named(path: str, column: str, files: FileSystem | None) -> set[str]:
    """Files that a column of references names in a Parquet file."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, filesystem=files) as file:
        if column not in file.schema_arrow.names:
            return set()
        references = file.read([column])[column].drop_null()
    names = pc.list_element(pc.split_pattern(references, ":", max_splits=1), 0)
    return {str(name) for name in names.unique().to_pylist()}
