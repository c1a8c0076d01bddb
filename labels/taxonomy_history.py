"""The map from every version of a taxonomy to the next: ``taxonomy_changes.yaml``, append-only, made for git.

Judgements keep the key and the version under which they were made; this file says what became of the key since. Two
branches that each changed the taxonomy give one version two successors, and no reading of the labels would be right:
that is refused with both lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import yaml

from labels.errors import LabelsError
from labels.taxonomy_file import KEY, LINES, Lines, read_document

Kind = Literal["rename", "split", "merge", "retire"]
KINDS: tuple[Kind, ...] = get_args(Kind)
HEADER = """\
# What became of the taxonomy's keys, version by version; written by `firmscope taxonomy rename/split/merge/retire`.
# Lines are only ever added: judgements in labels.csv keep the key of the version they were made under, and are
# read by this map.
"""
_COUNTS = {
    "rename": (1, 1, 1),
    "split": (1, 2, None),
    "merge": (2, 1, 1),
    "retire": (1, 0, 0),
}  # least from, to; most to


@dataclass(frozen=True)
class Change:
    """What one edit did to the keys: those of ``before`` stand no more, unless they are in ``after`` as well."""

    version_from: int
    version_to: int
    kind: Kind
    before: tuple[str, ...]
    after: tuple[str, ...]
    date: str = ""  # ISO
    nested: tuple[str, ...] = ()  # of a merge: keys that lay inside another of ``before``; who was out of that was out
    implied: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Sectors that an include of a key of ``before`` also put a firm in, and that ``after`` does not put it in."""

    @property
    def said(self) -> str:
        """The edit as a person would type it."""
        words = {
            "rename": f"rename {self.before[0]} {' '.join(self.after)}",
            "split": f"split {self.before[0]} {' '.join(self.after)}",
            "merge": f"merge {' '.join(self.before)} --into {' '.join(self.after)}",
            "retire": f"retire {self.before[0]}",
        }
        return words[self.kind]

    def says_the_same(self, other: Change) -> bool:
        """Whether both are one edit, whenever it was made."""
        return replace(self, date="") == replace(other, date="")


def read_changes(path: Path) -> list[Change]:
    """All changes, oldest first; none when there is no file yet.

    Raises:
        LabelsError: Not a list of changes, or one version has two different successors; names the lines.
    """
    if not path.is_file():
        return []
    records = read_document(path, path.read_bytes(), "list of changes")
    if records is None:
        return []
    if not isinstance(records, list):
        raise LabelsError(f"{path}: expected a list of changes; restore the file from git")
    found: dict[int, tuple[int, Change]] = {}
    for record in records:
        line, change = _change(path, record)
        if change.version_from in found:
            first, other = found[change.version_from]
            if not change.says_the_same(other):
                raise LabelsError(
                    f"{path}, lines {first} and {line}: version {change.version_from} was changed twice ({other.said}; "
                    f"{change.said}), as when two branches are merged; expected one change from each version: keep "
                    "one side's taxonomy.yaml, seeds.yaml and change, and make the other's again with: "
                    f"firmscope taxonomy {change.said}"
                )
        else:
            found[change.version_from] = line, change
    return [change for _, change in sorted(found.values(), key=lambda pair: pair[1].version_from)]


def made_by(changes: Sequence[Change], version: int) -> list[Change]:
    """The changes that led to this version of the taxonomy.

    Raises:
        LabelsError: There are changes from this version on: an edit did not come to its end, and seeds may have been
            changed for it already.
    """
    further = [change for change in changes if change.version_to > version]
    if further:
        raise LabelsError(
            f"taxonomy_changes.yaml leads to version {further[-1].version_to}, taxonomy.yaml is at version {version}, "
            "as after an edit that was interrupted or when one of the two was put back; expected both to agree: run "
            f"firmscope taxonomy {further[0].said} (again), or restore both files and seeds.yaml from git"
        )
    return list(changes)


def change_text(change: Change) -> str:
    """The change as it is appended to the file."""
    record: dict[str, Any] = {
        "version_from": change.version_from,
        "version_to": change.version_to,
        "kind": change.kind,
        "from": list(change.before),
        "to": list(change.after),
        "date": change.date,
    }
    if change.nested:
        record["nested"] = list(change.nested)
    if change.implied:
        record["implied"] = {key: list(sectors) for key, sectors in change.implied}
    return yaml.safe_dump([record], sort_keys=False, default_flow_style=None, width=110)


def _change(path: Path, record: Any) -> tuple[int, Change]:
    if not isinstance(record, dict):
        raise LabelsError(f"{path}: expected every change to be a mapping with version_from, version_to and kind")
    lines: Lines = record[LINES]
    where = f"{path}, line {lines.start}"
    version, kind = record.get("version_from"), record.get("kind")
    if not isinstance(version, int) or record.get("version_to") != version + 1:
        seen = f"{version!r} and {record.get('version_to')!r}"
        raise LabelsError(f"{where}: version_from and version_to are {seen}, expected a whole number and the next")
    if kind not in KINDS:
        raise LabelsError(f"{where}: kind {kind!r}, expected one of {', '.join(KINDS)}")
    before, after = _keys(where, record, "from"), _keys(where, record, "to")
    least_before, least_after, most_after = _COUNTS[kind]
    if len(before) < least_before or len(after) < least_after or (most_after is not None and len(after) > most_after):
        raise LabelsError(f"{where}: a {kind} from {len(before)} keys to {len(after)} cannot be; restore the file")
    implied = record.get("implied") or {}
    if not isinstance(implied, dict):
        raise LabelsError(f"{where}: implied must be a mapping from keys to lists of keys")
    return lines.start, Change(
        version, version + 1, cast("Kind", kind), before, after, str(record.get("date") or ""),
        _keys(where, record, "nested"),
        tuple((key, _keys(where, implied, key)) for key in implied if key != LINES),
    )  # fmt: skip


def _keys(where: str, record: dict[str, Any], field: str) -> tuple[str, ...]:
    keys = record.get(field) or []
    if not isinstance(keys, list) or not all(isinstance(key, str) and KEY.fullmatch(key) for key in keys):
        raise LabelsError(f"{where}: {field} must be a list of sector keys, such as [space_tech]")
    return tuple(keys)
