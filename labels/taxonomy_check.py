"""Look at what a taxonomy says: rules that cannot be read, keywords that tell nobody apart, sectors that are the same.

A fault of the structure is an error, as is a rule that cannot be read; the rest are warnings, for a person to judge.
Everything is found in one go, with its line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import yaml

from labels.keywords import KeywordError, parse_rule
from labels.seeds import KINDS
from labels.taxonomy_file import LINES, Fault, texts_of, unknown
from labels.yaml_text import composed, field

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from labels.taxonomy import Taxonomy

Level = Literal["error", "warning"]

ALIKE = 0.8
"""Jaccard index of two sectors' includes from which they are told of: no two of the directory's 23 sectors reach 0.18
(70 % of its firms), and no sector and its parent 0.41 (shipped seeds)."""
MIN_INCLUDES = 5  # in either sector; fewer are alike by chance
EVERYTHING = 0.8
"""Share of firms from which a keyword says nothing. A convention: the broadest rule of the shipped taxonomy meets 6 %
of the shipped seeds."""
MIN_TEXTS = 30  # fewer say nothing about a keyword


@dataclass(frozen=True, order=True)
class Problem:
    """One problem; ``line`` is 0 where it is in no line of a file."""

    file: str
    line: int
    level: Level
    sector: str
    text: str


@dataclass(frozen=True)
class UnreadRule:
    """A keyword rule that cannot be read, and why."""

    sector: str
    rule: str
    why: str


@dataclass(frozen=True)
class Entry:
    """A sector as the file has it, whatever else is wrong with it: enough to look at its words."""

    key: str
    line: int
    definition: str
    definition_line: int
    keywords: tuple[tuple[int, str], ...]  # line, rule


def unread_rules(taxonomy: Taxonomy) -> tuple[UnreadRule, ...]:
    """Rules that nothing can be made of, in taxonomy order."""
    found = []
    for sector in taxonomy.sectors:
        for rule in sector.keywords:
            why = _why_unread(rule)
            if why:
                found.append(UnreadRule(sector.key, rule, why))
    return tuple(found)


def entries(document: Any) -> list[Entry]:
    """Sectors of a taxonomy file as far as they can be made out."""
    records = document.get("sectors") if isinstance(document, dict) else None
    found = []
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict) and isinstance(record.get("key"), str):
            lines, definition = record[LINES], record.get("definition")
            keywords = tuple(
                (lines.at("keywords", place), rule) for place, rule in enumerate(texts_of(record, "keywords") or ())
            )
            found.append(Entry(
                record["key"], lines.start, definition if isinstance(definition, str) else "", lines.at("definition"),
                keywords,
            ))  # fmt: skip
    return found


def word_problems(found: Iterable[Entry]) -> Iterator[tuple[Level, Fault]]:
    """Definitions that say nothing, and rules that cannot be read or stand twice."""
    for entry in found:
        if not entry.definition.strip():
            text = (
                f"sector {entry.key} has no definition: its model starts from its name alone, and coders have no rule"
            )
            yield "warning", Fault(entry.definition_line, text, entry.key)
        seen: set[str] = set()
        for line, rule in entry.keywords:
            why = _why_unread(rule)
            if why:
                yield "error", Fault(line, f"sector {entry.key}: keyword rule {rule[:120]!r}, {why}", entry.key)
            elif rule in seen:
                yield "warning", Fault(line, f"sector {entry.key}: keyword rule {rule!r} stands twice", entry.key)
            seen.add(rule)


def use_problems(found: Iterable[Entry], met: Mapping[str, int], texts: int, of: str) -> Iterator[Fault]:
    """Keywords that tell nobody apart.

    Args:
        found: The sectors.
        met: Texts that meet each rule that can be read.
        texts: All texts that were looked at; under ``MIN_TEXTS`` nothing is said.
        of: What the texts are, in a person's words.
    """
    if texts < MIN_TEXTS:
        return
    for entry in found:
        unmet: dict[int, list[str]] = {}
        for line, rule in {rule: (line, rule) for line, rule in reversed(entry.keywords)}.values():
            number = met.get(rule)
            if number == 0:
                unmet.setdefault(line, []).insert(0, repr(rule))
            elif number is not None and number >= EVERYTHING * texts:
                text = f"sector {entry.key}: keyword rule {rule!r} is met by {number:,} of {texts:,} {of}: it tells "
                yield Fault(line, text + "nobody apart", entry.key)
        for line, rules in unmet.items():
            about = f"keyword rule {rules[0]} is" if len(rules) == 1 else f"keyword rules {', '.join(rules)} are"
            yield Fault(line, f"sector {entry.key}: {about} met by none of {texts:,} {of}", entry.key)


def alike(taxonomy: Taxonomy, include: NDArray[np.bool_], judged: NDArray[np.bool_]) -> Iterator[tuple[str, str, str]]:
    """Pairs of sectors that the labels cannot tell apart, and how alike they are in words.

    Args:
        taxonomy: The sectors.
        include: ``(n_firms, n_sectors) bool``, columns in taxonomy order.
        judged: The same shape; firms that were judged for both of two sectors are compared.
    """
    for first, second in combinations(range(len(taxonomy.keys)), 2):
        both = judged[:, first] & judged[:, second]
        one, other = include[both, first], include[both, second]
        union = int((one | other).sum())
        shared = int((one & other).sum())
        if min(int(one.sum()), int(other.sum())) < MIN_INCLUDES or shared < ALIKE * union:
            continue
        firms = int(both.sum())
        same = f"the same {shared} includes and {firms - shared} excludes"
        most = f"{shared} of {union} includes in common, of {firms} firms judged for both"
        yield taxonomy.keys[first], taxonomy.keys[second], same if shared == union else most


def strangers(sectors: Iterable[str], taxonomy: Taxonomy) -> Iterator[tuple[str, int]]:
    """Sectors that judgements name and the taxonomy does not have, with how many do."""
    counted = Counter(sector for sector in sectors if sector not in taxonomy.by_key)
    yield from sorted(counted.items())


def seed_faults(content: str, keys: Sequence[str]) -> Iterator[Fault]:
    """What cannot stand in a seed file, with lines; a file that is no YAML is for who reads it to refuse."""
    root = composed(content)
    first: dict[str, int] = {}
    for number, node in enumerate(root.value if isinstance(root, yaml.SequenceNode) else (), start=1):
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.MappingNode):
            yield Fault(line, f"seed number {number} must be a mapping with id, kind, sectors and text")
            continue
        named = field(node, "id")
        name = named.value if isinstance(named, yaml.ScalarNode) else f"number {number}"
        if not isinstance(named, yaml.ScalarNode) or not isinstance(field(node, "text"), yaml.ScalarNode):
            yield Fault(line, f"seed {name} needs an id and a text")
        if name in first:
            yield Fault(line, f"seed {name} stands twice, first in line {first[name]}; rename one")
        first.setdefault(name, line)
        kind = field(node, "kind")
        if kind is None or kind.value not in KINDS:
            seen = kind.value if kind is not None else None
            yield Fault(line, f"seed {name}: kind {seen!r}, expected one of {', '.join(KINDS)}")
        for listed in (field(node, "sectors"), field(node, "unsure")):
            for item in listed.value if isinstance(listed, yaml.SequenceNode) else ():
                if item.value not in keys:
                    rest = unknown(str(item.value), keys, "add it to the taxonomy or mend the seed")
                    at = item.start_mark.line + 1
                    yield Fault(at, f"seed {name}: unknown sector {item.value!r}{rest}", str(item.value))


def _why_unread(rule: str) -> str:
    try:
        parse_rule(rule)
    except KeywordError as error:
        return f"character {error.position + 1}: {error.reason}"
    return ""
