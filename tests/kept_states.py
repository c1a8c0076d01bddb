"""States of one workspace, copied aside and put back: what many tests start from is worked out once.

A workspace stays where it was made, so a state goes back to the same place; the tests of a module take turns there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.tables import TABLES
from pipelines.workspace import Workspace


@dataclass
class KeptStates:
    """``folder``: the workspace. ``aside``: one copy of it per state, by name. ``standing``: what was put back last."""

    folder: Path
    aside: Path
    standing: Workspace = field(init=False)

    def workspace(self) -> Workspace:
        """The workspace as it stands, with nothing of it read yet."""
        return Workspace(self.folder)

    def keep(self, name: str) -> None:
        """Copy what stands there now aside."""
        shutil.copytree(self.folder, self.aside / name, symlinks=True)

    def put_back(self, name: str) -> Workspace:
        """Have it as it was; nothing that holds files of it open may be used afterwards."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.aside / name, self.folder, symlinks=True)
        self.standing = self.workspace()
        return self.standing


def in_crumbs(workspace: Workspace, name: str) -> None:
    """A table with the rows that it has, in a file each: as appends leave it, night by night."""
    from pipelines.leaves import rows_of_file, written_files
    from pipelines.table_commits import commit_files

    found, added = workspace.lake.find(name), []
    assert found is not None
    tasks = list(found.scan().plan_files())
    for task in tasks:
        rows = rows_of_file(found, TABLES[name], task)
        added += [file for at in range(rows.num_rows) for file in written_files(found, rows.slice(at, 1))]
    commit_files(found, [task.file for task in tasks], added, {})
    workspace.lake.close()


def state(name: str) -> Any:
    """A fixture: the workspace in a state that the module's fixture ``kept`` holds."""

    @pytest.fixture
    def put_back(kept: KeptStates) -> Workspace:
        return kept.put_back(name)

    return put_back
