"""Keep a copy of every taxonomy that lists or figures were made with, so that they can be read as they were then.

``taxonomy.yaml`` may be edited by hand without a new version; what identifies a taxonomy here is the digest of its
bytes, which every run notes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from labels.taxonomy import Taxonomy, parse_taxonomy
from pipelines.errors import UsageError
from pipelines.workspace import Workspace, write_whole

COPIES = "by_digest"  # in taxonomies/


def keep_taxonomy(workspace: Workspace) -> None:
    """Keep the taxonomy as it stands, if no copy of it lies there yet."""
    if workspace.taxonomy_file.is_file():
        content = workspace.taxonomy_file.read_bytes()
        path = workspace.taxonomies_folder / COPIES / f"{hashlib.sha256(content).hexdigest()}.yaml"
        if not path.exists():
            write_whole(path, content)


def taxonomy_of(workspace: Workspace, digest: str | None) -> Taxonomy:
    """The taxonomy whose file has this SHA-256: today's, a copy, or one that an edit kept.

    Raises:
        UsageError: None of them is it.
        LabelsError: It cannot be read.
    """
    kept = workspace.taxonomies_folder
    paths = (workspace.taxonomy_file, kept / COPIES / f"{digest}.yaml", *sorted(kept.glob("*.yaml")))
    for path in paths:
        content = _content(path)
        if digest and content is not None and hashlib.sha256(content).hexdigest() == digest:
            return parse_taxonomy(path, content)
    raise UsageError(
        f"the taxonomy of then (SHA-256 {(digest or 'not noted')[:12]}) is not kept in {kept}; put that version of "
        "taxonomy.yaml there under any name ending in .yaml, for instance from git"
    )


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
