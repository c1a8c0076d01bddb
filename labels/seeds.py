"""Seed examples: texts written for a taxonomy, judged completely, that train the first model.

A seed lists every sector it is in; a sector not listed, not implied as a parent and not ``unsure`` is a judged exclude.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labels.errors import LabelsError
from labels.taxonomy import SHIPPED, Taxonomy, shipped_taxonomy
from labels.taxonomy_history import Change
from labels.yaml_text import Edit, composed, edited, field, field_edits

KINDS = ("include", "near_miss", "none")
_LISTS = ("sectors", "unsure")


@dataclass(frozen=True)
class Seed:
    """One example: a text as a firm's website would put it, and the sectors it is in."""

    id: str
    kind: str
    text: str
    sectors: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()

    def labels(self, taxonomy: Taxonomy) -> dict[str, str]:
        """Label (include, exclude, unsure) for every sector of the taxonomy."""
        include = set(self.sectors).union(*(taxonomy.ancestors(key) for key in self.sectors))
        return {
            key: "include" if key in include else "unsure" if key in self.unsure else "exclude" for key in taxonomy.keys
        }


def shipped_seeds(name: str) -> bytes:
    """All seed files of a shipped taxonomy as one YAML list, ready to be written into a workspace."""
    if name not in SHIPPED:
        return b""
    folder = shipped_taxonomy(name).parent / "seeds"
    parts = [path.read_bytes().strip() for path in sorted(folder.glob("*.yaml"))]
    return b"\n\n".join(parts) + b"\n"


def carried_seeds(path: Path, content: bytes, taxonomy: Taxonomy, change: Change) -> bytes:
    """The seed file after a change of the taxonomy, comments and texts as they were.

    A seed is judged for every sector, so that nothing may merely fall away: who was in a split sector is ``unsure`` in
    its parts, and who was in one that is gone stays in its parents. Done again, it changes nothing more.

    Args:
        path: Where the file is, for messages.
        content: The seed file.
        taxonomy: As it was before the change.
        change: The change.
    """
    text = content.decode("utf-8-sig")
    root, edits = composed(text), list[Edit]()
    for node in root.value if isinstance(root, yaml.SequenceNode) else ():
        if not isinstance(node, yaml.MappingNode):
            raise LabelsError(f"{path}, line {node.start_mark.line + 1}: expected a seed with id, kind, sectors, text")
        lists = [field(node, name) for name in _LISTS]
        held = [tuple(item.value for item in found.value) if isinstance(found, yaml.SequenceNode) else ()
                for found in lists]  # fmt: skip
        for name, before, after in zip(_LISTS, held, _carried(held[0], held[1], taxonomy, change), strict=True):
            if after != before:
                edits += field_edits(text, node, name, after)
    return (
        edited(text, edits).encode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8")
        if edits
        else content
    )


def load_seeds(path: Path, taxonomy: Taxonomy) -> tuple[Seed, ...]:
    """Read the seed examples of a workspace; none when the file is missing or empty.

    Raises:
        LabelsError: Not a list of seeds, a seed id that stands twice, or an unknown sector.
    """
    return parse_seeds(path, path.read_bytes(), taxonomy) if path.is_file() else ()


def parse_seeds(path: Path, content: bytes, taxonomy: Taxonomy) -> tuple[Seed, ...]:
    """The seed examples that these bytes are; ``path`` is only named in errors, which are those of ``load_seeds``."""
    try:
        records = yaml.load(content.decode("utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LabelsError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error
    if records is None:
        return ()
    if not isinstance(records, list):
        raise LabelsError(f"{path}: expected a list of seeds, each with id, kind, sectors and text")
    seeds = tuple(_seed(record, number, path, taxonomy) for number, record in enumerate(records, start=1))
    _refuse_doubles(seeds, path)
    return seeds


def _carried(
    sectors: tuple[str, ...], unsure: tuple[str, ...], taxonomy: Taxonomy, change: Change
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lists of a seed after a change; those of one that it does not touch as they were."""
    known = [key for key in sectors if key in taxonomy.by_key]
    inside = set(change.before) & set(sectors).union(*(taxonomy.ancestors(key) for key in known))
    doubted = set(change.before) & set(unsure)
    if not inside and not doubted:
        return sectors, unsure
    implied = dict(change.implied)
    opens = change.kind == "split"
    known_in = {key: (*implied.get(key, ()), *(() if opens else change.after)) for key in change.before}
    keep = _once([now for key in sectors for now in known_in.get(key, (key,))])
    doubt = [now for key in unsure for now in (change.after if key in change.before else (key,))]
    if opens and inside:
        doubt += change.after
    return keep, tuple(key for key in _once(doubt) if key not in keep)


def _once(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))


def _seed(record: Any, number: int, path: Path, taxonomy: Taxonomy) -> Seed:
    if not isinstance(record, dict) or not isinstance(record.get("id"), str) or not isinstance(record.get("text"), str):
        raise LabelsError(f"{path}, seed {number}: needs an id and a text")
    name = record["id"]
    if record.get("kind") not in KINDS:
        raise LabelsError(f"{path}, seed {name}: kind {record.get('kind')!r}, expected one of {', '.join(KINDS)}")
    sectors, unsure = tuple(record.get("sectors") or ()), tuple(record.get("unsure") or ())
    for key in (*sectors, *unsure):
        if key not in taxonomy.by_key:
            raise LabelsError(f"{path}, seed {name}: unknown sector {key!r}; add it to the taxonomy or mend the seed")
    return Seed(name, record["kind"], " ".join(record["text"].split()), sectors, unsure)


def _refuse_doubles(seeds: Sequence[Seed], path: Path) -> None:
    seen: set[str] = set()
    for seed in seeds:
        if seed.id in seen:
            raise LabelsError(f"{path}: seed {seed.id} stands twice; rename one")
        seen.add(seed.id)
