"""What judgements said of a firm when a model learnt: a label that changed between two models is a cause of its own.

``labels.csv`` is only ever added to, and every run notes its digest: what a model learnt from is the beginning of the
file that has the digest which its training noted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from labels.carrying import carry
from labels.matrix import label_matrix
from labels.store import Judgement, in_order, read_lines, without_undone
from labels.taxonomy_history import read_changes

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy
    from pipelines.workspace import Workspace

Labels = dict[tuple[str, str], bool]


def labels_of(workspace: Workspace, model_id: str, taxonomy: Taxonomy, firm_ids: Iterable[str]) -> Labels | None:
    """Whether a model had learnt that firms are in sectors; pairs of which nothing was known are absent.

    None where it cannot be told: the model, its run, or the beginning of the file is not there any more.
    """
    judgements = _learnt_from(workspace, model_id)
    if judgements is None:
        return None
    wanted = sorted(set(firm_ids))
    among = set(wanted)
    changes = [one for one in read_changes(workspace.taxonomy_changes_file) if one.version_to <= taxonomy.version]
    said = without_undone(carry([one for one in judgements if one.firm_id in among], changes))
    labels, judged = label_matrix(said, wanted, taxonomy)
    return {
        (firm_id, key): bool(labels[row, column])
        for row, firm_id in enumerate(wanted)
        for column, key in enumerate(taxonomy.keys)
        if judged[row, column]
    }


def changed_labels(before: Labels, after: Labels) -> dict[tuple[str, str], tuple[bool | None, bool | None]]:
    """Pairs of which the two say different things."""
    pairs = before.keys() | after.keys()
    return {pair: (before.get(pair), after.get(pair)) for pair in pairs if before.get(pair) != after.get(pair)}


def _learnt_from(workspace: Workspace, model_id: str) -> list[Judgement] | None:
    from models.bundle import load_manifest
    from models.errors import BundleError

    try:
        run_id = load_manifest(workspace.models_folder / model_id).facts["run_id"]
        manifest = json.loads((workspace.runs_folder / run_id / "manifest.json").read_text(encoding="utf-8"))
        digest = manifest["fingerprints"]["files"][workspace.labels_file.name]
    except (BundleError, FileNotFoundError, ValueError, KeyError):
        return None
    if digest is None:
        return []
    content = workspace.labels_file.read_bytes() if workspace.labels_file.is_file() else b""
    number = _lines_with(content.splitlines(keepends=True), digest)
    if number is None:
        return None
    return in_order(line for line in read_lines(workspace.labels_file) if line.number <= number)


def _lines_with(lines: Sequence[bytes], digest: str) -> int | None:
    """How many lines from the first one have this SHA-256."""
    found = hashlib.sha256()
    for number, line in enumerate(lines, start=1):
        found.update(line)
        if found.hexdigest() == digest:
            return number
    return None
