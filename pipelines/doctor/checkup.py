"""The whole check-up: installation, then the workspace if there is one; after a repair, once more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.doctor.findings import Report
from pipelines.doctor.installation import check_installation
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines.config import Config
    from pipelines.workspace import Workspace


def check_up(workspace: Workspace | None, *, repair: bool = False, deep: bool = False) -> Report:
    """Check everything.

    Args:
        workspace: The workspace; None where there is none.
        repair: Bring back what can be brought back; see ``repairing.py``.
        deep: Read data files to their ends even where their digests are right.

    Raises:
        RepairError: A repair was asked for, and there is no way back.
    """
    installation = tuple(check_installation(_settings(workspace)))
    if workspace is None:
        return Report(installation)
    from pipelines.doctor.examining import examine
    from pipelines.doctor.repairing import repair as repaired

    found = examine(workspace, datetime.now(UTC), deep=deep)
    done: tuple[str, ...] = ()
    if repair:
        done = repaired(workspace, found)
        if done:
            workspace.lake.close()
            found = examine(workspace, datetime.now(UTC), deep=deep)
    return Report((*installation, *found.findings), done)


def _settings(workspace: Workspace | None) -> Config | None:
    try:
        return workspace.config if workspace is not None else None
    except UsageError:  # told as a finding of the workspace
        return None
