"""What a workspace takes up on the disk, part by part."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.workspace import Workspace


def disk_use(workspace: Workspace) -> dict[str, int]:
    """Bytes of the workspace's larger folders, those that are there, and ``free`` on their disk.

    Of a lake in a bucket only the catalogue is here.
    """
    folders = {
        "catalogue" if workspace.lake.storage else "lake": workspace.lake_folder,
        "archive": workspace.archive_folder,
        "models": workspace.models_folder,
        "published": workspace.folder / "published",
        "index": workspace.index_folder,
        "runs": workspace.runs_folder,
    }
    used = {name: _bytes(folder) for name, folder in folders.items() if folder.is_dir()}
    return {name: size for name, size in used.items() if size} | {"free": shutil.disk_usage(workspace.folder).free}


def _bytes(folder: Path) -> int:
    """Sizes of all files below, links not followed; a file that goes meanwhile counts nothing."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return total
