"""The taxonomy: sectors, their tiers, parents, definitions and keywords, read from plain YAML.

Every problem is reported with its line, because the file is written by hand by people who know sectors, not YAML.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from labels.errors import LabelsError

TIERS = ("super", "established", "new_economy")
SHIPPED = ("midlands",)
NONE = "none"  # what a firm in no sector is said to be in; never a sector's key
_KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TOP = {"id", "version", "sectors"}
_FIELDS = ("key", "name", "tier", "parents", "definition", "keywords")
_LINE = "__line__"


@dataclass(frozen=True)
class Sector:
    """One sector; a firm in it belongs to each of ``parents`` as well."""

    key: str
    name: str
    tier: str = ""
    parents: tuple[str, ...] = ()
    definition: str = ""
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taxonomy:
    """Sectors in the order that every matrix of labels or scores follows."""

    id: str
    version: int
    sectors: tuple[Sector, ...]
    digest: str  # SHA-256 of the file

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Sector keys in taxonomy order."""
        return tuple(sector.key for sector in self.sectors)

    @cached_property
    def by_key(self) -> dict[str, Sector]:
        """Sectors by key."""
        return {sector.key: sector for sector in self.sectors}

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """For each sector the columns of its direct parents, in taxonomy order."""
        place = {key: column for column, key in enumerate(self.keys)}
        return tuple(tuple(place[parent] for parent in sector.parents) for sector in self.sectors)

    def ancestors(self, key: str) -> frozenset[str]:
        """All sectors that membership in ``key`` implies, without ``key`` itself."""
        found: set[str] = set()
        waiting = list(self.by_key[key].parents)
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting.extend(self.by_key[parent].parents)
        return frozenset(found)


def load_taxonomy(path: Path) -> Taxonomy:
    """Read and check a taxonomy file.

    Raises:
        LabelsError: The file cannot be read, or has a problem; the message names the first one and its line.
    """
    try:
        raw = path.read_bytes()
        document = yaml.load(raw.decode("utf-8-sig"), Loader=_LineLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise LabelsError(f"{path}: no such file; shipped taxonomies: {', '.join(SHIPPED)}") from error
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read ({error.strerror}); expected a taxonomy file") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise LabelsError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error
    problem = next(_problems(document), None)
    if problem:
        line, text = problem
        raise LabelsError(f"{path}, line {line}: {text}")
    sectors = tuple(
        Sector(
            key=entry["key"],
            name=str(entry["name"]),
            tier=str(entry.get("tier") or ""),
            parents=tuple(entry.get("parents") or ()),
            definition=" ".join(str(entry.get("definition") or "").split()),
            keywords=tuple(str(word) for word in entry.get("keywords") or ()),
        )
        for entry in document["sectors"]
    )
    return Taxonomy(str(document["id"]), document["version"], sectors, hashlib.sha256(raw).hexdigest())


def shipped_taxonomy(name: str) -> Path:
    """Path of a taxonomy that is shipped with firmscope.

    Raises:
        LabelsError: None of that name is shipped.
    """
    if name not in SHIPPED:
        raise LabelsError(f"{name!r} is neither a file nor a shipped taxonomy; shipped: {', '.join(SHIPPED)}")
    return Path(str(files("labels"))) / "shipped" / name / "taxonomy.yaml"


class _LineLoader(yaml.SafeLoader):
    """A safe loader whose mappings know their line, and refuse a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep) | {_LINE: node.start_mark.line + 1}


def _problems(document: Any) -> Iterator[tuple[int, str]]:
    if not isinstance(document, dict):
        yield 1, "expected a mapping with id, version and sectors"
        return
    for field in document.keys() - _TOP - {_LINE}:
        yield document[_LINE], _unknown(str(field), sorted(_TOP))
    if not isinstance(document.get("id"), str) or not document["id"].strip():
        yield document[_LINE], "the taxonomy needs an id, such as 'id: midlands'"
    if not isinstance(document.get("version"), int):
        yield document[_LINE], "the taxonomy needs a whole-number version, such as 'version: 1'"
    entries = document.get("sectors")
    if not isinstance(entries, list) or not entries:
        yield document[_LINE], "'sectors' must be a list with at least one sector"
        return
    yield from _sector_problems(entries)


def _sector_problems(entries: list[Any]) -> Iterator[tuple[int, str]]:
    line_of: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            yield 1, f"sector number {number} must be a mapping with key and name"
            return
        line, key = entry[_LINE], entry.get("key")
        if not isinstance(key, str) or not _KEY.fullmatch(key) or key == NONE:
            yield line, f"key {key!r}: expected lower-case letters, digits and _, such as space_tech (not '{NONE}')"
            return
        if key in line_of:
            yield line, f"sector {key} stands twice, first in line {line_of[key]}; rename or remove one"
        line_of[key] = line
        yield from _field_problems(entry)
    for entry in entries:
        for parent in entry.get("parents") or ():
            if parent not in line_of:
                near = difflib.get_close_matches(str(parent), line_of, n=1)
                hint = f"; did you mean {near[0]}?" if near else "; add that sector or remove the parent"
                yield entry[_LINE], f"sector {entry['key']}: unknown parent {parent!r}{hint}"
                return
    yield from _cycles(entries)


def _field_problems(entry: dict[str, Any]) -> Iterator[tuple[int, str]]:
    line, key = entry[_LINE], entry["key"]
    for field in entry.keys() - set(_FIELDS) - {_LINE}:
        yield line, f"sector {key}: {_unknown(str(field), list(_FIELDS))}"
    if not isinstance(entry.get("name"), str) or not entry["name"].strip():
        yield line, f"sector {key} needs a name"
    if entry.get("tier") not in (None, "", *TIERS):
        yield line, f"sector {key}: tier {entry['tier']!r}, expected one of {', '.join(TIERS)}, or none"
    for field in ("parents", "keywords"):
        values = entry.get(field) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            yield line, f"sector {key}: {field} must be a list of texts, such as [aerospace]"


def _cycles(entries: list[dict[str, Any]]) -> Iterator[tuple[int, str]]:
    parents = {entry["key"]: list(entry.get("parents") or ()) for entry in entries}
    for entry in entries:
        trail = _way_back(entry["key"], parents)
        if trail:
            yield entry[_LINE], f"sectors are parents of each other: {' -> '.join(trail)}; remove one of these parents"


def _way_back(start: str, parents: dict[str, list[str]]) -> list[str]:
    waiting = [[start, parent] for parent in parents[start]]
    seen: set[str] = set()
    while waiting:
        trail = waiting.pop()
        if trail[-1] == start:
            return trail
        if trail[-1] not in seen:
            seen.add(trail[-1])
            waiting.extend([*trail, parent] for parent in parents[trail[-1]])
    return []


def _unknown(field: str, known: list[str]) -> str:
    near = difflib.get_close_matches(field, known, n=1)
    return f"unknown field {field!r}" + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}")
