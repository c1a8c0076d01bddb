"""Write an edit of the taxonomy into the text of its file, and leave the rest of that text alone."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import yaml

from labels.errors import LabelsError
from labels.taxonomy import Sector, Taxonomy, parse_taxonomy
from labels.taxonomy_changing import Edited
from labels.yaml_text import (
    Edit,
    Value,
    composed,
    edited,
    entries_after,
    entry_removed,
    field,
    field_edits,
    is_block_list,
)


def rewritten(path: Path, content: bytes, edit: Edited) -> bytes:
    """The taxonomy file after an edit, with its comments and layout.

    Args:
        path: Where the file is, for messages.
        content: The file as it is; a taxonomy that can be read.
        edit: The edit.

    Raises:
        LabelsError: The edit would leave no taxonomy (a sector its own parent), or the file is laid out in a way that
            cannot be edited; nothing is lost, the message says what to do by hand.
    """
    before = parse_taxonomy(path, content)
    text = content.decode("utf-8-sig")
    ends = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    new = edited(text, _edits(path, text, before, edit)).replace("\n", ends)
    made = new.encode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8")
    try:
        after = parse_taxonomy(path, made)
    except LabelsError as error:
        raise LabelsError(
            f"this edit would leave no taxonomy that can be read; nothing was changed. {error}"
        ) from error
    if replace(after, digest="") != edit.after:
        raise LabelsError(
            f"{path} is laid out in a way that firmscope cannot edit (aliases, or values in unusual places); nothing "
            f"was changed: write each sector as '- key: ...' with a field to a line, and run this again"
        )
    return made


def _edits(path: Path, text: str, before: Taxonomy, edit: Edited) -> list[Edit]:
    root = composed(text)
    sectors = field(root, "sectors") if root else None
    if not isinstance(root, yaml.MappingNode) or sectors is None or not is_block_list(sectors):
        raise LabelsError(
            f"{path}: sectors stand inside [ ]; write each in lines of its own, beginning with '- key: ...'"
        )
    edits = field_edits(text, root, "version", edit.after.version)
    now = edit.after.by_key
    for sector, entry in zip(before.sectors, sectors.value, strict=True):
        kept = edit.kept.get(sector.key)
        if kept is None:
            edits.append(entry_removed(text, entry))
        else:
            for name, value in _fields(now[kept]).items():
                if value != _fields(sector)[name]:
                    edits += field_edits(text, entry, name, value)
        if made := edit.added.get(sector.key):
            edits.append(entries_after(text, entry, [_written(found) for found in made]))
    clusters = field(root, "clusters")
    for cluster, entry in zip(before.clusters, clusters.value if clusters else (), strict=False):
        follows = next(found for found in edit.after.clusters if found.key == cluster.key)
        if follows.sectors != cluster.sectors:
            edits += field_edits(text, entry, "sectors", follows.sectors)
    return edits


def _fields(sector: Sector) -> dict[str, Value]:
    return {at.name: getattr(sector, at.name) for at in fields(Sector)}


def _written(sector: Sector) -> dict[str, Value]:
    """Fields of a new entry: those that say something, and the definition in any case, to be filled in."""
    return {name: value for name, value in _fields(sector).items() if value or name == "definition"}
