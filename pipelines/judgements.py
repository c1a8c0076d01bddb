"""What a workspace's coders have said, as every stage reads it: the one way to judgements.

The label store keeps words as they were said; a stage wants them as they count under today's taxonomy, and only from a
store in which nothing that was sealed has been changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labels.carrying import carry
from labels.seal import check_seal, read_seal
from labels.store import Judgement, in_order, read_lines, without_undone
from labels.taxonomy_history import made_by, read_changes

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy
    from pipelines.workspace import Workspace


def current_judgements(workspace: Workspace, taxonomy: Taxonomy) -> list[Judgement]:
    """All judgements, oldest first, under the keys of this taxonomy; words that were taken back are left out.

    Raises:
        SealError: A judgement that was sealed has been changed or lost; names it.
        LabelsError: The store, or the map of the taxonomy's versions, cannot be read.
    """
    changes = read_changes(workspace.taxonomy_changes_file)
    return without_undone(carry(stored_judgements(workspace), made_by(changes, taxonomy.version)))


def stored_judgements(workspace: Workspace) -> list[Judgement]:
    """All judgements, oldest first, under the keys and versions that they were made under.

    Raises as :func:`current_judgements` does.
    """
    lines = read_lines(workspace.labels_file)
    check_seal(workspace.labels_file, read_seal(workspace.seal_file), lines)
    return in_order(lines)
