"""What a taxonomy says: words that cannot be read or tell nobody apart, sectors that are the same, faults of seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labels.taxonomy import Sector, Taxonomy
from labels.taxonomy_check import (
    ALIKE,
    MIN_TEXTS,
    Entry,
    alike,
    entries,
    seed_faults,
    strangers,
    use_problems,
    word_problems,
)
from labels.taxonomy_file import read_document

TEXT = """\
id: t
version: 1
sectors:
  - key: space
    name: Space
    definition: Things in orbit.
    keywords:
      - satellite*
      - '"not closed'
      - 'orbit AND (payload'
      - satellite*
  - key: bread
    name: Bread
    keywords: [bread, oven]
"""


def found() -> list[Entry]:
    return entries(read_document(Path("t.yaml"), TEXT.encode()))


def test_rules_are_named_with_line_and_character() -> None:
    said = [(level, fault.line, fault.text) for level, fault in word_problems(found())]
    assert [(level, line) for level, line, _ in said] == [("error", 9), ("error", 10), ("warning", 11), ("warning", 12)]
    assert said[0][2].startswith("sector space: keyword rule '\"not closed', character 1: ")
    assert "character 19: " in said[1][2]
    assert said[2][2].endswith("'satellite*' stands twice")
    assert said[3][2].startswith("sector bread has no definition")


@pytest.mark.parametrize(
    ("met", "texts", "expected"),
    [
        pytest.param({"satellite*": 3, "bread": 1, "oven": 2}, 100, [], id="each meets some"),
        pytest.param({"satellite*": 0, "bread": 0, "oven": 0}, 100, [
            (8, "sector space: keyword rule 'satellite*' is met by none of 100 firms"),
            (14, "sector bread: keyword rules 'bread', 'oven' are met by none of 100 firms"),
        ], id="nothing"),
        pytest.param({"satellite*": 80, "bread": 79, "oven": 1}, 100, [
            (8, "sector space: keyword rule 'satellite*' is met by 80 of 100 firms: it tells nobody apart"),
        ], id="everything"),
        pytest.param({"satellite*": 0, "bread": 29, "oven": 0}, MIN_TEXTS - 1, [], id="too few texts to say"),
    ],
)  # fmt: skip
def test_keywords_that_tell_nobody_apart(met: dict[str, int], texts: int, expected: list[tuple[int, str]]) -> None:
    assert [(fault.line, fault.text) for fault in use_problems(found(), met, texts, "firms")] == expected


def pairs(include: list[list[int]], judged: list[list[int]] | None = None) -> list[tuple[str, str, str]]:
    taxonomy = Taxonomy("t", 1, tuple(Sector(key, key) for key in "abc"), "")
    mask = np.ones((len(include), 3), bool) if judged is None else np.array(judged, bool)
    return list(alike(taxonomy, np.array(include, bool), mask))


def test_sectors_that_labels_cannot_tell_apart() -> None:
    same = [[1, 1, 0]] * 6 + [[0, 0, 1]] * 6
    assert pairs(same) == [("a", "b", "the same 6 includes and 6 excludes")]
    nearly = [[1, 1, 0]] * 8 + [[1, 0, 0]] * 2 + [[0, 0, 1]] * 6
    assert ALIKE == 0.8
    assert pairs(nearly) == [("a", "b", "8 of 10 includes in common, of 16 firms judged for both")]
    assert pairs([*nearly, [1, 0, 0]]) == []  # 8 of 11
    assert pairs(same[2:]) == []  # four includes are alike by chance
    apart = [[1, 1, 1]] * 6 + [[0, 0, 0]] * 6  # c judged on others than a and b were
    assert pairs(apart, [[1, 1, 0]] * 4 + [[1, 0, 1]] * 4 + [[0, 1, 1]] * 4) == []


def test_seeds_are_named_with_their_lines() -> None:
    seeds = """\
- id: s1
  kind: include
  sectors: [space, spase]
  text: We orbit.
- {id: s1, kind: maybe, text: We bake., unsure: [bread]}
- id: s3
  kind: none
  sectors:
    - bread
    - nothing_like_it
- just a text
"""
    assert [(fault.line, fault.text.split(";")[0]) for fault in seed_faults(seeds, ["space", "bread"])] == [
        (3, "seed s1: unknown sector 'spase'"),
        (5, "seed s1 stands twice, first in line 1"),
        (5, "seed s1: kind 'maybe', expected one of include, near_miss, none"),
        (6, "seed s3 needs an id and a text"),
        (10, "seed s3: unknown sector 'nothing_like_it'"),
        (11, "seed number 4 must be a mapping with id, kind, sectors and text"),
    ]


def test_judgements_on_sectors_that_are_not_there() -> None:
    taxonomy = Taxonomy("t", 1, (Sector("a", "a"),), "")
    assert list(strangers(["b", "a", "b", "c"], taxonomy)) == [("b", 2), ("c", 1)]
