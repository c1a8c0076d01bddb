"""Which model the workspace classifies with: promoted, and rolled back, with a log of both.

``models/current`` names the bundle and changes atomically; ``models/promotions.jsonl`` says since when and why, and
holds the tables' snapshots from just before, so that a rollback can bring back the lists of that day.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.bundle import MODEL_ID_DIGITS, load_manifest
from models.errors import BundleError
from pipelines.errors import FirmscopeError, UsageError
from pipelines.gate import worse
from pipelines.workspace import Workspace, write_whole

if TYPE_CHECKING:
    from models.bundle import Manifest
    from pipelines.runs import Run

CURRENT = "current"  # file in models/ that names the bundle to classify with
LOG = "promotions.jsonl"
MODEL_ID = re.compile(rf"[0-9a-f]{{{MODEL_ID_DIGITS}}}")  # folders with other names are no models
RESTORED = ("assignments", "near_misses", "scores")  # what classify writes, in its order


class HeldBackError(FirmscopeError):
    """A model is worse than the one in use and was not promoted."""

    exit_code = 10


@dataclass(frozen=True)
class Promotion:
    """One line of the log."""

    at: str  # UTC, ISO
    run_id: str
    model_id: str
    previous: str | None  # model in use before
    kind: str  # "promote" or "rollback"
    forced: str | None  # why it was promoted in spite of the gate
    snapshots: Mapping[str, int | None]  # of the tables of ``RESTORED``, before


@dataclass(frozen=True)
class Shown:
    """A model of the workspace, for a list."""

    model_id: str
    current: bool
    manifest: Manifest | None
    fault: str  # why the bundle cannot be used; empty when it can


def current_id(workspace: Workspace) -> str | None:
    """Id of the model in use; None before the first."""
    pointer = workspace.models_folder / CURRENT
    return pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None


def list_models(workspace: Workspace) -> tuple[Shown, ...]:
    """Every bundle, oldest first; manifests are checked, arrays are not read."""
    current, found = current_id(workspace), []
    folder = workspace.models_folder
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not MODEL_ID.fullmatch(path.name):
            continue
        try:
            found.append(Shown(path.name, path.name == current, load_manifest(path), ""))
        except BundleError as error:
            found.append(Shown(path.name, path.name == current, None, str(error)))
    return tuple(sorted(found, key=lambda shown: (_created(shown), shown.model_id)))


def find_model(workspace: Workspace, start: str) -> str:
    """The one model whose id begins with ``start``.

    Raises:
        UsageError: None does, or several do.
    """
    ids = [shown.model_id for shown in list_models(workspace)]
    found = [model_id for model_id in ids if start and model_id.startswith(start)]
    if len(found) != 1:
        raise UsageError(f"{len(found)} models begin with {start!r}; firmscope models list shows them all")
    return found[0]


def reasons_against(workspace: Workspace, model_id: str) -> tuple[str, ...]:
    """Why the gate would hold this model back; none when nothing speaks against it, or no model is in use.

    A model in use whose bundle is damaged or gone cannot be compared with, and holds nobody back.
    """
    current = current_id(workspace)
    if current is None or current == model_id:
        return ()
    try:
        before = load_manifest(workspace.models_folder / current).facts.get("metrics", {})
    except BundleError:
        return ()
    return worse(load_manifest(workspace.models_folder / model_id).facts.get("metrics", {}), before)


def held_back(workspace: Workspace, model_id: str, reasons: Sequence[str]) -> HeldBackError:
    """The error that says why a model is not promoted, and what to do about it."""
    return HeldBackError(
        f"model {model_id} is not promoted, because it is worse than {current_id(workspace)}: {'; '.join(reasons)}. "
        "Look at the labels that were added; to use it all the same: "
        f"firmscope models promote {model_id} --force REASON"
    )


def promote(run: Run, model_id: str, force: str = "") -> None:
    """Classify with this model from now on.

    Args:
        run: The run that asks.
        model_id: A bundle of the workspace; read whole and checked before anything changes.
        force: Why, in spite of the gate.

    Raises:
        HeldBackError: It is worse than the model in use, and ``force`` is empty.
        BundleError, ModelMismatchError: The bundle is damaged, or predicts otherwise here than where it was trained.
    """
    from classifier.persistence import load_model

    workspace = run.workspace
    load_model(workspace.models_folder / model_id)
    reasons = reasons_against(workspace, model_id)
    if reasons and not force.strip():
        raise held_back(workspace, model_id, reasons)
    if current_id(workspace) != model_id:
        point(run, model_id, "promote", force.strip() if reasons else None)


def point(run: Run, model_id: str, kind: str, forced: str | None = None) -> None:
    """Log the change, then make it; killed between the two, the old model stays in use and the line says nothing."""
    workspace, snapshots = run.workspace, run.workspace.lake.snapshots()
    entry = Promotion(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        run_id=run.run_id,
        model_id=model_id,
        previous=current_id(workspace),
        kind=kind,
        forced=forced,
        snapshots={name: snapshots[name] for name in RESTORED},
    )
    with (workspace.models_folder / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(entry)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    write_whole(workspace.models_folder / CURRENT, f"{model_id}\n".encode())
    run.notes["model_id"] = model_id


def last_promotion(workspace: Workspace) -> Promotion:
    """How the model in use came into use; what a rollback undoes.

    Raises:
        UsageError: No model is in use, or none was in use before it.
    """
    current = current_id(workspace)
    for entry in reversed(read_log(workspace.models_folder / LOG)):
        if entry.kind == "promote" and entry.model_id == current and entry.previous:
            return entry
    raise UsageError(f"no model was in use before {current or 'any'}; there is nothing to roll back to")


def read_log(path: Path) -> tuple[Promotion, ...]:
    """Every promotion and rollback, oldest first; a last line that a crash cut short is left out."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
    found: list[Promotion] = []
    for place, line in enumerate(lines):
        try:
            if line:
                found.append(Promotion(**json.loads(line)))
        except (ValueError, TypeError) as error:
            if any(lines[place + 1 :]):
                raise UsageError(f"{path}, line {place + 1}: not a promotion ({error}); mend or remove it") from error
    return tuple(found)


def metrics_of(shown: Shown) -> Mapping[str, Any]:
    """Figures in a bundle's manifest; empty when there are none."""
    found = shown.manifest.facts.get("metrics") if shown.manifest else None
    return found if isinstance(found, Mapping) else {}


def _created(shown: Shown) -> str:
    return str(shown.manifest.facts.get("created_at", "")) if shown.manifest else ""
