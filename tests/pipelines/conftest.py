"""A way to run the real command in this process, and workspaces to run it on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.config import set_key
from pipelines.setup import create_workspace
from pipelines.workspace import Workspace
from tests.commands import Answer, Command, in_this_process

__all__ = ["Answer", "Command"]


@pytest.fixture
def firmscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``firmscope`` with these arguments."""
    return in_this_process(monkeypatch, capsys)


TAXONOMY = """id: t
version: 1
sectors:
  - {key: air, name: Aerospace}
  - {key: space, name: Space, parents: [air]}
  - {key: cyber, name: Cyber}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A new workspace with three sectors and no firms."""
    return new_workspace(tmp_path)


def new_workspace(folder: Path) -> Workspace:
    """The same in ``folder``, for fixtures that serve a whole module."""
    taxonomy = folder / "three-sectors.yaml"
    taxonomy.write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(taxonomy))
    return Workspace(folder / "ws")


def small_workspace(folder: Path) -> Workspace:
    """The same in two parts instead of four, for tests of many steps: each step reads and writes every part."""
    made = new_workspace(folder)
    set_key(made.config_file, "store.shards", "2")
    return Workspace(made.folder)
