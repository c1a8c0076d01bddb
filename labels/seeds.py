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

KINDS = ("include", "near_miss", "none")


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


def load_seeds(path: Path, taxonomy: Taxonomy) -> tuple[Seed, ...]:
    """Read the seed examples of a workspace; none when the file is missing or empty.

    Raises:
        LabelsError: Not a list of seeds, a seed id that stands twice, or an unknown sector.
    """
    if not path.is_file():
        return ()
    try:
        records = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LabelsError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error
    if records is None:
        return ()
    if not isinstance(records, list):
        raise LabelsError(f"{path}: expected a list of seeds, each with id, kind, sectors and text")
    seeds = tuple(_seed(record, number, path, taxonomy) for number, record in enumerate(records, start=1))
    _refuse_doubles(seeds, path)
    return seeds


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
