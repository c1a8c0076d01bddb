"""States of one workspace, copied aside and put back: what many tests start from is worked out once.

A workspace stays where it was made, so a state goes back to the same place; the tests of a module take turns there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from pipelines.workspace import Workspace


@dataclass(frozen=True)
class KeptStates:
    """``folder``: the workspace. ``aside``: one copy of it per state, by name."""

    folder: Path
    aside: Path

    def workspace(self) -> Workspace:
        """The workspace as it stands, with nothing of it read yet."""
        return Workspace(self.folder)

    def keep(self, name: str) -> None:
        """Copy what stands there now aside."""
        shutil.copytree(self.folder, self.aside / name, symlinks=True)

    def put_back(self, name: str) -> None:
        """Have it as it was; nothing that holds files of it open may be used afterwards."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.aside / name, self.folder, symlinks=True)
