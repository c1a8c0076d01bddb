"""Folders of runs: whether manifests and logs are whole, and how a torn one is mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.runs import is_held
from pipelines.vacuum_files import run_folders
from pipelines.workspace import write_whole

if TYPE_CHECKING:
    from pipelines.workspace import Workspace

NEWEST = 100  # runs that are looked at; a night reads none but its own
MANIFEST, LOG = "manifest.json", "log.jsonl"
TORN = ".torn"
NEEDED = ("run_id", "stage", "outcome", "started_at", "ended_at", "notes")


@dataclass(frozen=True)
class RunFault:
    """A file of a run that cannot be read."""

    path: Path
    reason: str


def run_faults(workspace: Workspace) -> list[RunFault]:
    """Manifests and logs of the newest runs that are not whole; a run under way is left alone."""
    folders = sorted(run_folders(workspace))[-NEWEST:]
    if folders and is_held(workspace):
        folders = folders[:-1]
    return [fault for name in folders for fault in _faults(workspace.runs_folder / name)]


def mend(fault: RunFault) -> str:
    """Put aside what cannot be read, and keep the rest; what was done, in a word."""
    content = fault.path.read_bytes()
    aside = fault.path.with_name(f"{fault.path.name}{TORN}")
    if fault.path.name == MANIFEST:
        fault.path.replace(aside)
        return f"put aside as {aside.name}: the run is no longer listed"
    good, bad = _sorted_lines(content)
    write_whole(aside, b"".join(bad))
    write_whole(fault.path, b"".join(good))
    return f"{len(bad)} torn line{'s' if len(bad) > 1 else ''} put aside as {aside.name}"


def _faults(folder: Path) -> Iterator[RunFault]:
    """A folder without a manifest is no run: a kill left it at its beginning or its removal, and vacuum removes it."""
    manifest, log = folder / MANIFEST, folder / LOG
    if manifest.exists():
        try:
            said = json.loads(manifest.read_text(encoding="utf-8"))
            if missing := [name for name in NEEDED if name not in said]:
                yield RunFault(manifest, f"lacks {', '.join(missing)}")
        except (ValueError, TypeError):
            yield RunFault(manifest, "is empty" if not manifest.stat().st_size else "is not whole JSON")
    if log.exists():
        _, bad = _sorted_lines(log.read_bytes())
        if bad:
            yield RunFault(log, f"has {len(bad)} torn line{'s' if len(bad) > 1 else ''}")


def _sorted_lines(content: bytes) -> tuple[list[bytes], list[bytes]]:
    """Whole lines, and those that are none."""
    good, bad = list[bytes](), list[bytes]()
    for line in content.splitlines(keepends=True):
        (good if _is_whole(line) else bad).append(line)
    return good, bad


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False
