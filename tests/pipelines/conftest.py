"""A way to run the real command in this process, and workspaces to run it on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.setup import create_workspace
from pipelines.workspace import Workspace


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def firmscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``firmscope`` with these arguments."""
    from pipelines.cli import main

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["firmscope", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        printed = capsys.readouterr()
        return Answer(code, printed.out, printed.err)

    return run


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
