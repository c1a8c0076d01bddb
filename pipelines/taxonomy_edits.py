"""Edit the workspace's taxonomy: the file, the seeds that name its keys, and the map that labels are carried by.

The map is written first and the taxonomy last. What is killed between the two is noticed by the next reading of the
labels, and the same command run again ends it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labels.carrying import Undealt, carry, dealing_out
from labels.errors import LabelsError
from labels.seeds import carried_seeds, parse_seeds
from labels.taxonomy import Taxonomy, load_taxonomy, parse_taxonomy
from labels.taxonomy_changing import Edited, New
from labels.taxonomy_file import LINES, SECTOR_FIELDS, read_document, texts_of, unknown
from labels.taxonomy_history import HEADER, Change, change_text, made_by, read_changes
from labels.taxonomy_text import rewritten
from pipelines.crashing import crash_point
from pipelines.errors import UsageError
from pipelines.judgements import stored_judgements
from pipelines.runs import Run
from pipelines.workspace import Workspace, write_whole

Make = Callable[[Taxonomy, str], Edited]
"""An edit: from the taxonomy and today's date to what it becomes."""


@dataclass(frozen=True)
class Done:
    """What an edit did."""

    change: Change
    judgements: int  # made for the keys that were changed
    carried: int  # judgements that they count as now
    undealt: int  # firms of a split sector that wait to be dealt out
    seeds: bool  # whether seeds.yaml was changed
    kept_as: Path  # the taxonomy before
    notes: tuple[str, ...]


def edit_taxonomy(run: Run, make: Make) -> Done:
    """Make an edit and keep the taxonomy that was before. Nothing is written unless all of it can be.

    Raises:
        LabelsError: The edit cannot be made; names the key, or the line.
        UsageError: Another edit was begun and not finished, or another taxonomy of this version is kept already.
    """
    workspace = run.workspace
    path = workspace.taxonomy_file
    before = load_taxonomy(path)
    content = path.read_bytes()
    changes = read_changes(workspace.taxonomy_changes_file)
    edit = make(before, run.started_at.date().isoformat())
    begun = _begun(changes, before, edit.change)
    made = rewritten(path, content, edit)
    seeds = workspace.seeds_file.read_bytes() if workspace.seeds_file.is_file() else b""
    new_seeds = carried_seeds(workspace.seeds_file, seeds, before, edit.change)
    parse_seeds(workspace.seeds_file, new_seeds, parse_taxonomy(path, made))
    kept_as = workspace.taxonomies_folder / f"{_file_name(before.id)}-{before.version}.yaml"
    if kept_as.is_file() and kept_as.read_bytes() != content:
        raise UsageError(
            f"{kept_as} is another version {before.version} than {path}, as when two branches each changed the "
            f"taxonomy; expected one: give taxonomy.yaml the next free version, or remove {kept_as.name} if it was "
            "never used"
        )
    led_here = made_by([change for change in changes if change is not begun], before.version)
    done = _done(workspace, edit, led_here, new_seeds != seeds, kept_as)
    write_whole(kept_as, content)
    if begun is None:
        held = workspace.taxonomy_changes_file.read_bytes() if changes else HEADER.encode()
        write_whole(workspace.taxonomy_changes_file, _ended(held) + change_text(edit.change).encode())
    crash_point("taxonomy-change-written")
    if new_seeds != seeds:
        write_whole(workspace.seeds_file, new_seeds)
    crash_point("taxonomy-seeds-written")
    write_whole(path, made)
    run.notes["taxonomy"] = {"change": edit.change.said, "version": edit.change.version_to}
    return done


def open_splits(workspace: Workspace) -> list[Undealt]:
    """Firms that were in a sector since split, with each part that nobody has judged them for; sorted.

    Firms that are in the list no longer are among them: their labels are kept.
    """
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    changes = made_by(read_changes(workspace.taxonomy_changes_file), taxonomy.version)
    return dealing_out(stored_judgements(workspace), changes) if changes else []


def read_new_sectors(path: Path) -> dict[str, New]:
    """Sectors that an edit makes, as they would stand in taxonomy.yaml, by key.

    Raises:
        LabelsError: Not a list of sectors; names the line.
    """
    try:
        records = read_document(path, path.read_bytes(), "list of sectors")
    except FileNotFoundError as error:
        raise LabelsError(f"{path}: no such file; expected a list of sectors") from error
    if not isinstance(records, list):
        raise LabelsError(f"{path}: expected a list of sectors, each with key, name and definition")
    found: dict[str, New] = {}
    for record in records:
        if not isinstance(record, dict) or not isinstance(record.get("key"), str):
            raise LabelsError(f"{path}: expected every sector to be a mapping with a key")
        where = f"{path}, line {record[LINES].start}"
        for name in record.keys() - set(SECTOR_FIELDS) - {LINES}:
            known = f"known: {', '.join(SECTOR_FIELDS)}"
            raise LabelsError(f"{where}: unknown field {name!r}{unknown(str(name), SECTOR_FIELDS, known)}")
        texts = {name: record.get(name) for name in ("name", "tier", "definition")}
        lists = {name: texts_of(record, name) for name in ("parents", "keywords")}
        if not all(value is None or isinstance(value, str) for value in texts.values()) or None in lists.values():
            raise LabelsError(f"{where}: name, tier and definition must be texts, parents and keywords lists of texts")
        parents, keywords = (tuple(lists[name] or ()) if name in record else None for name in ("parents", "keywords"))
        key = record["key"]
        found[key] = New(key, texts["name"], texts["tier"], parents, texts["definition"], keywords)
    return found


def _begun(changes: list[Change], before: Taxonomy, change: Change) -> Change | None:
    """The same change, if it was begun already and not finished."""
    further = [found for found in changes if found.version_to > before.version]
    if not further:
        return None
    if len(further) > 1 or not further[0].says_the_same(change):
        made_by(changes, before.version)  # says what is wrong, and what to do
    return further[0]


def _done(workspace: Workspace, edit: Edited, changes: list[Change], seeds: bool, kept_as: Path) -> Done:
    stored = stored_judgements(workspace)
    before = carry(stored, changes)
    after = carry(before, [edit.change])
    waiting = dealing_out(stored, [*changes, edit.change])
    return Done(
        change=edit.change,
        judgements=sum(word.sector in edit.change.before for word in before),
        carried=sum(word.taxonomy_version == str(edit.change.version_to) for word in after),
        undealt=len({found.firm_id for found in waiting if found.version == edit.change.version_to}),
        seeds=seeds,
        kept_as=kept_as,
        notes=edit.notes,
    )


def _ended(content: bytes) -> bytes:
    return content if content.endswith(b"\n") else content + b"\n"


def _file_name(taxonomy_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", taxonomy_id)
