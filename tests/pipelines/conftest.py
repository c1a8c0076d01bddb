"""A way to run the real command in this process, and workspaces to run it on."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    taxonomy = tmp_path / "three-sectors.yaml"
    taxonomy.write_text(TAXONOMY, encoding="utf-8")
    create_workspace(tmp_path / "ws", str(taxonomy))
    return Workspace(tmp_path / "ws")
