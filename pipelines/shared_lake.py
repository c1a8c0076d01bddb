"""Whether a workspace's lake is another workspace's, reached through a link: their locks would not meet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.workspace import Workspace


def lake_owner(workspace: Workspace) -> Path | None:
    """The other workspace in whose folder the lake lies; a link to a lake that lies in none is no such thing."""
    owner = workspace.lake_folder.resolve().parent
    other = owner != workspace.folder.resolve() and (owner / "firmscope.toml").is_file()
    return owner if other else None


def refuse_shared_lake(workspace: Workspace) -> None:
    """Raise a UsageError when two workspaces would write to one lake."""
    owner = lake_owner(workspace)
    if owner is not None:
        raise UsageError(
            f"{workspace.lake_folder} is a link to the lake of the workspace {owner}, and two workspaces cannot write "
            f"to one lake: work in {owner}, or make a workspace with a lake of its own: firmscope init NAME"
        )
