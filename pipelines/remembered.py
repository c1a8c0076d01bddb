"""What a stage found out on what state of the tables, so that it need not find it out again: small files in ``index/``.

Like everything there they may be thrown away at any time: what cannot be read was never remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.workspace import Workspace, write_whole

if TYPE_CHECKING:
    from pipelines.figures import Moment

FIGURES, PLACED = "rolled-up.json", "placed.json"
RESTS_ON = ("firms", "premises", "accounts", "grants", "pages", "scores", "assignments")  # tables that figures read
MADE = ("cells", "hotspots", "related", "distortions")  # tables that the roll-up writes


def recall(workspace: Workspace, name: str, basis: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was remembered under ``name``, if it was of exactly this basis."""
    try:
        held = json.loads((workspace.index_folder / name).read_text(encoding="utf-8"))
        found: dict[str, Any] | None = held["found"] if held["basis"] == basis else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def remember(workspace: Workspace, name: str, basis: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Remember something of a basis, in the place of what was there. Both are plain JSON."""
    write_whole(workspace.index_folder / name, json.dumps({"basis": basis, "found": found}).encode())


def figures_basis(workspace: Workspace, moment: Moment, taxonomy_digest: str) -> dict[str, Any]:
    """All that figures are worked out from. The model is named by ``scores`` and ``assignments``, and is its digest.

    Args:
        workspace: Whose settings, labels and audits count.
        moment: The tables.
        taxonomy_digest: Of taxonomy.yaml.
    """
    config = workspace.config
    return {
        "snapshots": moment.rows(RESTS_ON),
        "taxonomy": taxonomy_digest,
        "settings": [config.rollup.model_dump(mode="json"), config.areas.model_dump(mode="json")],
        "files": digest_of(
            [
                workspace.labels_file,
                workspace.seal_file,
                workspace.taxonomy_changes_file,
                *_below(workspace.audits_folder),
            ],
            workspace.folder,
        ),
        "versions": [version(name) for name in ("firmscope", "numpy", "pyarrow", "scipy")],
    }


def digest_of(paths: Iterable[Path], below: Path) -> str:
    """SHA-256 of the names and contents of files; one that is not there says so."""
    told = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        told.update(f"{path.relative_to(below).as_posix()}\n{content}\n".encode())
    return told.hexdigest()


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
