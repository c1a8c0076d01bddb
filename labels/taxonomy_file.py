"""Read the YAML of a taxonomy with its lines, and name every fault of its structure.

The file is written by hand by people who know sectors, not YAML: all faults are named at once, each with its line. What
this module lets through makes a :class:`labels.taxonomy.Taxonomy`; ``labels.taxonomy_check`` looks at what it says.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labels.errors import LabelsError

TIERS = ("super", "established", "new_economy")
NONE = "none"  # what a firm in no sector is said to be in; never a sector's key
KEY = re.compile(r"[a-z][a-z0-9_]{0,62}")
LINES = "__lines__"
_TOP = ("id", "version", "sectors", "clusters")
SECTOR_FIELDS = ("key", "name", "tier", "parents", "definition", "keywords")
_CLUSTER_FIELDS = ("key", "name", "tier", "sectors", "sic")
_SIC = re.compile(r"[0-9]{2}(\.?[0-9]([0-9]|[0-9]/?[0-9])?)?")
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """One fault with its line, counted from 1; ``sector`` is the key it concerns, where there is one."""

    line: int
    text: str
    sector: str = ""


@dataclass(frozen=True)
class Lines:
    """Where a mapping of the file stands: its first line, and the lines of its values and of the items in them."""

    start: int
    values: Mapping[str, int]
    items: Mapping[str, tuple[int, ...]]
    doubles: tuple[tuple[int, str], ...]  # fields that stand twice, and where

    def at(self, field: str, item: int | None = None) -> int:
        """Line of a field, or of an item of its list; that of the mapping when the field is not there."""
        if item is not None and item < len(self.items.get(field, ())):
            return self.items[field][item]
        return self.values.get(field, self.start)


def read_document(path: Path, content: bytes, example: str = "taxonomy file") -> Any:
    """The file's YAML as plain values; every mapping holds its :class:`Lines` under ``LINES``.

    Raises:
        LabelsError: Not YAML, or git left the marks of a conflict in it.
    """
    try:
        text = content.decode("utf-8-sig")
        conflict = _CONFLICT.search(text)
        if conflict:
            line = text.count("\n", 0, conflict.start()) + 1
            message = f"{path}, line {line}: git left a conflict here; expected a {example}: keep one side, remove "
            raise LabelsError(message + "the lines that begin with <<<<<<<, ======= and >>>>>>>, and check it again")
        return yaml.load(text, Loader=_LineLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise LabelsError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from error


def faults(document: Any) -> Iterator[Fault]:
    """Everything in a taxonomy's structure that cannot stand, in no particular order."""
    if not isinstance(document, dict):
        yield Fault(1, "expected a mapping with id, version and sectors")
        return
    lines: Lines = document[LINES]
    yield from _fields(document, _TOP, "")
    if not isinstance(document.get("id"), str) or not document["id"].strip():
        yield Fault(lines.at("id"), "the taxonomy needs an id, such as 'id: midlands'")
    version = document.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        yield Fault(lines.at("version"), "the taxonomy needs a whole-number version, such as 'version: 1'")
    entries, clusters = document.get("sectors"), document.get("clusters")
    if not isinstance(entries, list) or not entries:
        yield Fault(lines.at("sectors"), "'sectors' must be a list with at least one sector")
        return
    if clusters is not None and not isinstance(clusters, list):
        yield Fault(lines.at("clusters"), "'clusters' must be a list of mappings with key, name, sectors and sic")
        clusters = None
    line_of: dict[str, int] = {}
    sectors = [*_entries(lines, "sectors", entries, "sector", line_of)]
    yield from (found for found in sectors if isinstance(found, Fault))
    known = dict(line_of)
    gathered = [*_entries(lines, "clusters", clusters or [], "cluster", line_of)]
    yield from (found for found in gathered if isinstance(found, Fault))
    named = [entry for entry in sectors if not isinstance(entry, Fault)]
    for entry in named:
        yield from _sector_faults(entry, known)
    yield from _cycles(named)
    for cluster in gathered:
        if not isinstance(cluster, Fault):
            yield from _cluster_faults(cluster, known)


def unknown(word: str, known: Sequence[str] | Mapping[str, Any], otherwise: str) -> str:
    """The end of a sentence about a word that is not known: the nearest one that is, or what else to do."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; {otherwise}"


class _LineLoader(yaml.SafeLoader):
    """A safe loader whose mappings know their lines and the fields that stand twice in them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        values: dict[str, int] = {}
        items: dict[str, tuple[int, ...]] = {}
        doubles: list[tuple[int, str]] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a field's name must be a word", key.start_mark)
            if key.value in values:
                doubles.append((key.start_mark.line + 1, key.value))
            values[key.value] = key.start_mark.line + 1
            if isinstance(value, yaml.SequenceNode):
                items[key.value] = tuple(item.start_mark.line + 1 for item in value.value)
        lines = Lines(node.start_mark.line + 1, values, items, tuple(doubles))
        return super().construct_mapping(node, deep=deep) | {LINES: lines}


def _entries(
    lines: Lines, field: str, entries: list[Any], what: str, line_of: dict[str, int]
) -> Iterator[Fault | dict[str, Any]]:
    """Entries whose key can be used, and the faults of the others; ``line_of`` takes the keys in."""
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict):
            yield Fault(lines.at(field, number), f"{what} number {number + 1} must be a mapping with key and name")
            continue
        at, key = entry[LINES], entry.get("key")
        if not isinstance(key, str) or not KEY.fullmatch(key) or key == NONE:
            text = f"key {key!r}: expected lower-case letters, digits and _, such as space_tech (not '{NONE}')"
            yield Fault(at.start, text)
            continue
        if key in line_of:
            text = f"{what} {key} stands twice, first in line {line_of[key]}; rename or remove one"
            yield Fault(at.at("key"), text, key)
        else:
            line_of[key] = at.at("key")
        yield entry


def _fields(entry: dict[str, Any], known: Sequence[str], about: str, sector: str = "") -> Iterator[Fault]:
    lines: Lines = entry[LINES]
    for line, field in lines.doubles:
        yield Fault(line, f"{about}field {field!r} stands twice; remove one", sector)
    for field in entry.keys() - set(known) - {LINES}:
        text = f"{about}unknown field {field!r}{unknown(str(field), known, 'known: ' + ', '.join(known))}"
        yield Fault(lines.at(str(field)), text, sector)


def _common(entry: dict[str, Any], what: str, known: Sequence[str], lists: Sequence[str]) -> Iterator[Fault]:
    lines, key = entry[LINES], entry["key"]
    yield from _fields(entry, known, f"{what} {key}: ", key)
    if not isinstance(entry.get("name"), str) or not entry["name"].strip():
        yield Fault(lines.at("name"), f"{what} {key} needs a name", key)
    if entry.get("tier") not in (None, "", *TIERS):
        text = f"{what} {key}: tier {entry['tier']!r}, expected one of {', '.join(TIERS)}, or none"
        yield Fault(lines.at("tier"), text, key)
    for field in lists:
        if texts_of(entry, field) is None:
            example = "['30.3', '62012'] (in quotation marks)" if field == "sic" else "[aerospace]"
            yield Fault(lines.at(field), f"{what} {key}: {field} must be a list of texts, such as {example}", key)


def texts_of(entry: Mapping[str, Any], field: str) -> list[str] | None:
    """A field's list of texts, empty when it is not there; None when it is something else."""
    values = entry.get(field)
    if values in (None, ""):
        return []
    return values if isinstance(values, list) and all(isinstance(value, str) for value in values) else None


def _sector_faults(entry: dict[str, Any], known: Mapping[str, int]) -> Iterator[Fault]:
    yield from _common(entry, "sector", SECTOR_FIELDS, ("parents", "keywords"))
    yield from _strangers(entry, "sector", "parents", "parent", known)
    if not isinstance(entry.get("definition") or "", str):
        yield Fault(entry[LINES].at("definition"), f"sector {entry['key']}: definition must be a text", entry["key"])


def _strangers(
    entry: dict[str, Any], what: str, field: str, one: str, known: Mapping[str, int]
) -> Iterator[Fault]:  # fmt: skip
    for place, word in enumerate(texts_of(entry, field) or ()):
        if word not in known:
            text = f"{what} {entry['key']}: unknown {one} {word!r}"
            text += unknown(word, known, f"add that sector or remove the {one}")
            yield Fault(entry[LINES].at(field, place), text, entry["key"])


def _cluster_faults(entry: dict[str, Any], known: Mapping[str, int]) -> Iterator[Fault]:
    lines, key = entry[LINES], entry["key"]
    yield from _common(entry, "cluster", _CLUSTER_FIELDS, ("sectors", "sic"))
    yield from _strangers(entry, "cluster", "sectors", "sector", known)
    for place, code in enumerate(texts_of(entry, "sic") or ()):
        if not _SIC.fullmatch(code):
            text = f"cluster {key}: SIC code {code!r}, expected two to five digits, such as 30, 30.3 or 62012"
            yield Fault(lines.at("sic", place), text, key)
    if not entry.get("sectors") and not entry.get("sic"):
        yield Fault(lines.start, f"cluster {key} gathers nothing; give it sectors, SIC codes or both", key)


def _cycles(entries: list[dict[str, Any]]) -> Iterator[Fault]:
    parents: dict[str, list[str]] = {}
    for entry in entries:
        parents.setdefault(entry["key"], []).extend(texts_of(entry, "parents") or ())
    told: set[frozenset[str]] = set()
    for entry in entries:
        trail = _way_back(entry["key"], parents)
        if trail and frozenset(trail) not in told:
            told.add(frozenset(trail))
            text = f"sectors are parents of each other: {' -> '.join(trail)}; remove one of these parents"
            yield Fault(entry[LINES].at("parents"), text, entry["key"])


def _way_back(start: str, parents: Mapping[str, list[str]]) -> list[str]:
    waiting = [[start, parent] for parent in parents[start]]
    seen: set[str] = set()
    while waiting:
        trail = waiting.pop()
        if trail[-1] == start:
            return trail
        if trail[-1] not in seen:
            seen.add(trail[-1])
            waiting.extend([*trail, parent] for parent in parents.get(trail[-1], ()))
    return []
