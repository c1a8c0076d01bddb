"""A workspace with two nights behind it, made once for all tests here, and a copy aside to put it back in its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.config import set_key
from pipelines.workspace import Workspace
from tests.commands import Answer, Command, in_this_process
from tests.end_to_end.conftest import Tables, tables_of
from tests.end_to_end.farm import Farm
from tests.pipelines.taught import taught

FIRMS = {
    "orbit": "We build small satellites and listen to them from our ground stations.",
    "wings": "We machine turbine blades and mend landing gear for airlines.",
    "shield": "We test networks for security holes and stop malware.",
    "crumb": "We bake bread and cakes for cafes in the old market.",
}
SECOND = "We build rockets that put a payload into orbit, and thrusters for spacecraft."


@dataclass(frozen=True)
class Nights:
    """The workspace after two nights. ``one``, ``two``: its tables after each; ``three``: after one more, in peace."""

    folder: Path
    aside: Path
    one: Tables
    two: Tables
    three: Tables

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder)

    def put_back(self) -> None:
        """Have it as it was."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.aside, self.folder, symlinks=True)


@pytest.fixture
def firmscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run ``firmscope`` with these arguments."""
    return in_this_process(monkeypatch, capsys)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """Two nights on four firms whose sites are up for as long as the module runs."""
    folder = tmp_path_factory.mktemp("doctor")
    with pytest.MonkeyPatch.context() as patch, Farm(FIRMS, {}) as farm:
        workspace = taught(folder, {})
        (folder / "firms.csv").write_text(farm.firm_list(), encoding="utf-8")
        settings = {"contact": "crawler@example.org", "allow_addresses": "127.0.0.0/8", "delay_s": "0",
                    "recrawl_after_h": "0"}  # fmt: skip
        for key, value in settings.items():
            set_key(workspace.config_file, f"crawl.{key}", value)
        _run(patch, workspace.folder, "import", "firms", folder / "firms.csv")
        _run(patch, workspace.folder, "nightly")
        one = tables_of(workspace.folder)
        farm["crumb"].words = SECOND
        _run(patch, workspace.folder, "nightly")
        two = tables_of(workspace.folder)
        shutil.copytree(workspace.folder, folder / "aside", symlinks=True)
        _run(patch, workspace.folder, "nightly")
        yield Nights(workspace.folder, folder / "aside", one, two, tables_of(workspace.folder))


@pytest.fixture
def nights(made: Nights) -> Nights:
    """The two nights, put back in their place."""
    made.put_back()
    return made


def _run(patch: pytest.MonkeyPatch, folder: Path, *arguments: str | Path) -> None:
    import sys

    from pipelines.cli import main

    patch.setattr(sys, "argv", ["firmscope", "--workspace", str(folder), *map(str, arguments)])
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    assert not code, arguments


def doctor(firmscope: Command, folder: Path, *options: str) -> Answer:
    """Run the doctor on a workspace."""
    return firmscope("--workspace", folder, "doctor", *options)
