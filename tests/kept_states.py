"""States of one workspace, copied aside and put back: what many tests start from is worked out once.

A workspace stays where it was made, so a state goes back to the same place; the tests of a module take turns there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

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


def state(name: str) -> Any:
    """A fixture: the workspace in a state that the module's fixture ``kept`` holds."""

    @pytest.fixture
    def put_back(kept: KeptStates) -> Workspace:
        return kept.put_back(name)

    return put_back
