"""The engine that the settings, or the command line, ask for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from pipelines.engine import Engine, LokyEngine
from pipelines.errors import UsageError
from pipelines.settings import EngineConfig


@dataclass(frozen=True)
class EngineChoice:
    """What the command line says of the engine; empty: as the settings have it."""

    kind: Literal["", "local", "dask"] = ""
    scheduler: str = ""
    workers: int = 0
    insecure: bool = False

    def over(self, settings: EngineConfig) -> EngineConfig:
        """The settings, with what the command line says instead.

        Raises:
            UsageError: An address that is none, or what does not go together.
        """
        if self.kind == "local" and self.scheduler:
            raise UsageError("--scheduler goes with --engine dask")
        kind = self.kind or ("dask" if self.scheduler else "")
        if kind == "dask" and self.workers:
            raise UsageError(
                "--workers counts processes of this machine; a Dask cluster has those that were started for it"
            )
        said = {"kind": kind, "scheduler": self.scheduler, "workers": self.workers}
        try:
            return EngineConfig.model_validate(
                settings.model_dump() | {name: value for name, value in said.items() if value}
            )
        except ValidationError as error:
            raise UsageError(f"--scheduler: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from error


def engine_of(settings: EngineConfig, folder: Path, insecure: bool = False) -> Engine:
    """An engine, not yet at work.

    Args:
        settings: Which one.
        folder: The workspace's.
        insecure: A cluster may be one that anybody can listen to.

    Raises:
        UsageError: A cluster without an address, or one that would not be safe.
    """
    if settings.kind == "dask":
        from pipelines.cluster import DaskEngine

        return DaskEngine(settings, insecure)
    return LokyEngine(settings.workers, folder) if settings.workers > 1 else Engine()
