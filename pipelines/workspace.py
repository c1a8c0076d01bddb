"""A workspace: where its files are, and the lock that lets one run in at a time.

The lock is the kernel's (``flock``), so that a killed run frees it; the text in the lock file only informs.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO

from pipelines.atomic import replacing
from pipelines.config import Config, load_config
from pipelines.engine import Engine
from pipelines.engines import EngineChoice, engine_of
from pipelines.errors import UsageError, WorkspaceBusyError
from pipelines.store import Lake

LOCK = ".lock"  # who holds the workspace for writing


class Workspace:
    """Paths and settings of one workspace; nothing is read before it is asked for."""

    def __init__(self, folder: Path, engine: EngineChoice = EngineChoice()) -> None:  # noqa: B008 - it is frozen
        """Args: the workspace's folder, which ``firmscope init`` made; what the command line says of the engine."""
        self.folder = folder
        self._engine_choice = engine
        self.config_file = folder / "firmscope.toml"
        self.taxonomy_file = folder / "taxonomy.yaml"
        self.taxonomy_changes_file = folder / "taxonomy_changes.yaml"
        self.taxonomies_folder = folder / "taxonomies"
        self.seeds_file = folder / "seeds.yaml"
        self.labels_file = folder / "labels.csv"
        self.seal_file = folder / "labels.seal"
        self.opt_out_file = folder / "opt-out.txt"
        self.lake_folder = folder / "lake"
        self.archive_folder = folder / "archive"
        self.models_folder = folder / "models"
        self.first_stages_folder = folder / "first_stages"
        self.audits_folder = folder / "audits"
        self.runs_folder = folder / "runs"
        self.published_folder = folder / "published"
        self.evaluation_folder = folder / "evaluation"
        self.metrics_folder = folder / "metrics"
        self.exports_folder = folder / "exports"
        self.report_folder = folder / "report"
        self.index_folder = folder / "index"

    @cached_property
    def config(self) -> Config:
        """Checked settings of ``firmscope.toml``."""
        return load_config(self.config_file)

    @cached_property
    def lake(self) -> Lake:
        """The workspace's tables."""
        return self.open_lake()

    @cached_property
    def engine(self) -> Engine:
        """What the stages' work runs on."""
        choice = self._engine_choice
        return engine_of(choice.over(self.config.engine), self.folder, choice.insecure)

    def open_lake(self) -> Lake:
        """The tables once more, for a reader that wants to see what others commit."""
        return Lake(self.lake_folder, self.config.store.shards, self.config.store.storage())

    def require(self) -> None:
        """Raise a UsageError unless this folder is a workspace."""
        if not self.config_file.is_file():
            raise UsageError(
                f"{self.folder.resolve()} is not a firmscope workspace (no firmscope.toml); go into one with cd or "
                "name it with --workspace, or make a new one with: firmscope init NAME"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workspace for writing.

        Raises:
            WorkspaceBusyError: Another run holds it; the message names its process and start.
        """
        self.require()
        with (self.folder / LOCK).open("a+", encoding="utf-8") as file:
            _take(file, self.folder)
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}))
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        stream.write(content)


def _take(file: IO[str], folder: Path) -> None:
    for patience in (True, True, True, False):  # `runs list` looks at the lock for a moment
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if not patience:
                raise WorkspaceBusyError(
                    f"{folder.resolve()} is in use by {_holder(file.name)}; wait for it to end, then run this again"
                ) from error
            time.sleep(0.1)


def _holder(lock_file: str) -> str:
    try:
        held = json.loads(Path(lock_file).read_text(encoding="utf-8"))
        return f"process {held['pid']} since {held['since']}"
    except (ValueError, KeyError, OSError):
        return "another process"
