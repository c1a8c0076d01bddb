"""Audits under the keys of the present taxonomy: a sector that was only renamed keeps its audit.

The files of an audit are never changed. One of a sector that was split, merged or retired says nothing of what there is
now, and is left out where it is used, as one of an unknown sector is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from labels.taxonomy import load_taxonomy
from labels.taxonomy_history import Change, made_by, read_changes
from pipelines.audit_files import Audit, read_audits
from pipelines.workspace import Workspace


def current_audits(workspace: Workspace) -> list[Audit]:
    """All audits, oldest first.

    Raises:
        UsageError: A folder of ``audits/`` is not an audit as it was written.
        LabelsError: The map of the taxonomy's versions cannot be read.
    """
    audits = read_audits(workspace.audits_folder)
    if not audits or not workspace.taxonomy_changes_file.is_file():
        return audits
    version = load_taxonomy(workspace.taxonomy_file).version
    changes = made_by(read_changes(workspace.taxonomy_changes_file), version)
    return [under_new_keys(audit, changes) for audit in audits]


def under_new_keys(audit: Audit, changes: Iterable[Change]) -> Audit:
    """The audit with its sectors as they are called after these changes.

    A change of the day on which it was drawn came after it where the audit has the key that the change took away.
    """
    now = {key: key for key in audit.sectors}
    for change in changes:
        if change.kind == "rename" and change.date >= audit.drawn_on:
            now = {key: change.after[0] if at == change.before[0] else at for key, at in now.items()}
    if all(key == at for key, at in now.items()):
        return audit
    return replace(
        audit,
        strata={now[key]: strata for key, strata in audit.strata.items()},
        sample=tuple(replace(drawn, sector=now[drawn.sector]) for drawn in audit.sample),
    )
