"""The taxonomy: sectors, their tiers, parents, definitions and keywords, and the clusters that gather them.

A cluster is a container: a firm is in it when it is in one of its sectors, or has one of its SIC codes. It is counted
beside the sectors, but no model learns it and nobody is judged for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from labels.errors import LabelsError
from labels.taxonomy_file import NONE, TIERS, faults, read_document, texts_of

__all__ = ["NONE", "SHIPPED", "TIERS", "Cluster", "Sector", "Taxonomy", "load_taxonomy", "shipped_taxonomy"]

SHIPPED = ("midlands",)


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
class Cluster:
    """A container of sectors and SIC 2007 codes, these as the digits that a firm's code begins with."""

    key: str
    name: str
    tier: str = ""
    sectors: tuple[str, ...] = ()
    sic: tuple[str, ...] = ()

    def holds(self, sectors: Collection[str], codes: Iterable[str]) -> bool:
        """Whether a firm is in it that is in these sectors and has these SIC codes."""
        if any(key in sectors for key in self.sectors):
            return True
        return bool(self.sic) and any(code.startswith(self.sic) for code in codes)


@dataclass(frozen=True)
class Taxonomy:
    """Sectors in the order that every matrix of labels or scores follows."""

    id: str
    version: int
    sectors: tuple[Sector, ...]
    digest: str  # SHA-256 of the file
    clusters: tuple[Cluster, ...] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Sector keys in taxonomy order."""
        return tuple(sector.key for sector in self.sectors)

    @cached_property
    def counted(self) -> tuple[str, ...]:
        """Keys of everything that is counted: sectors, then clusters."""
        return (*self.keys, *(cluster.key for cluster in self.clusters))

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
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise LabelsError(f"{path}: no such file; shipped taxonomies: {', '.join(SHIPPED)}") from error
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read ({error.strerror}); expected a taxonomy file") from error
    return parse_taxonomy(path, content)


def parse_taxonomy(path: Path, content: bytes) -> Taxonomy:
    """The taxonomy that these bytes are; ``path`` is only named in errors, which are those of ``load_taxonomy``."""
    document = read_document(path, content)
    fault = next(faults(document), None)
    if fault:
        raise LabelsError(f"{path}, line {fault.line}: {fault.text}")
    return Taxonomy(
        str(document["id"]),
        document["version"],
        tuple(_sector(entry) for entry in document["sectors"]),
        hashlib.sha256(content).hexdigest(),
        tuple(_cluster(entry) for entry in document.get("clusters") or ()),
    )


def shipped_taxonomy(name: str) -> Path:
    """Path of a taxonomy that is shipped with firmscope.

    Raises:
        LabelsError: None of that name is shipped.
    """
    if name not in SHIPPED:
        raise LabelsError(f"{name!r} is neither a file nor a shipped taxonomy; shipped: {', '.join(SHIPPED)}")
    return Path(str(files("labels"))) / "shipped" / name / "taxonomy.yaml"


def _sector(entry: dict[str, Any]) -> Sector:
    return Sector(
        key=entry["key"],
        name=entry["name"],
        tier=entry.get("tier") or "",
        parents=tuple(texts_of(entry, "parents") or ()),
        definition=" ".join((entry.get("definition") or "").split()),
        keywords=tuple(texts_of(entry, "keywords") or ()),
    )


def _cluster(entry: dict[str, Any]) -> Cluster:
    codes = (code.replace(".", "").replace("/", "") for code in texts_of(entry, "sic") or ())
    sectors = tuple(texts_of(entry, "sectors") or ())
    return Cluster(entry["key"], entry["name"], entry.get("tier") or "", sectors, tuple(codes))
