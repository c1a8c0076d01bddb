"""Made websites whose words are spread as words of real sites are, with what analysts look for planted in known shares.

Two thirds of a real site's words come from a few hundred words, and half of its distinct words stand on no other
site: an index of evenly drawn words would look faster, and be larger, than it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

VOCABULARY = 200_000
ZIPF = 1.05  # frequency of the word of rank r: 1 / (r + SHIFT) ** ZIPF
SHIFT = 2.7
PAGES = 4  # of a site on average
WORDS = 600  # of a site on average
COMMON = """
    the and to of a in our we for with your is you on are as or be by that from have can at all an this will it not more
    has new which their team been work about up us service business over provide quality range company customers years
    support one products services project contact systems design experience people time home best high made
"""
SYLLABLES = "ba ce di fo gu la me ni ro su ta ve wi zo pra ster lin mon der ger tion ment ex con al is um ock"

SAID = {
    "satellites": 0.01, "small satellites": 0.004, "earth observation": 0.003, "earth and ocean observation": 0.001,
    "heat pumps": 0.01, "ground source": 0.004, "installation": 0.15, "electric vehicles": 0.02, "charging": 0.05,
    "batteries": 0.04, "robots": 0.02, "toys": 0.02, "games": 0.03, "recycling": 0.06, "medical devices": 0.02,
    "devices for medical use": 0.003, "cyber security": 0.03, "penetration testing": 0.01, "aerospace": 0.05,
    "precision engineering": 0.04, "manufacturing": 0.25, "we design and manufacture": 0.05, "hydrogen": 0.015,
    "fuel cells": 0.006, "electrolysers": 0.003, "offshore wind": 0.01, "drones": 0.01, "unmanned aerial": 0.003,
    "photography": 0.06, "internet of things": 0.02, "IoT": 0.03, "R&D": 0.06, "sensors": 0.05, "furniture": 0.05,
    "gardens": 0.04, "precision farming": 0.004, "agri-tech": 0.004, "crop monitoring": 0.002, "C++": 0.02,
    "5G": 0.01, "the UK\u2019s leading": 0.1, "\u00a310m": 0.05,
}  # fmt: skip
"""What is planted, once to three times, and in which share of the sites."""

QUERIES = (
    "satellite*",
    '"earth observation"',
    'NEAR("earth" "observation", 8)',
    "heat pump*",
    '(heat pump* OR "ground source") AND install*',
    '"electric vehicle*" AND (charg* OR batter*)',
    "robot* NOT (toy* OR game*)",
    "recycl*",
    'NEAR("medical" "device*", 5)',
    'cyber* AND "penetration test*"',
    "precision engineer* AND aerospace",
    "manufactur*",
    "hydrogen AND (fuel cell* OR electroly*)",
    "(drone* OR UAV* OR unmanned aerial) NOT photograph*",
    '"internet of things" OR IoT',
    "R&D AND sensor*",
    "design* AND manufactur* AND NOT (furniture OR garden*)",
    "we design and manufacture",
    "precision farm* OR agri-tech OR NEAR(crop* monitor*, 3)",
    "smal* satell*",
)
"""Twenty rules such as analysts write: words, beginnings, phrases, brackets, NOT and NEAR, rare and frequent."""


@dataclass(frozen=True)
class MadeSite:
    """A site's pages."""

    firm_id: str
    pages: tuple[str, ...]


def made_sites(count: int, seed: int = 0) -> Iterator[MadeSite]:
    """``count`` sites, the same for the same seed."""
    rng = np.random.default_rng(seed)
    vocabulary = np.array(_vocabulary(rng), dtype=object)
    chances = 1 / (np.arange(VOCABULARY) + SHIFT) ** ZIPF
    edges = np.cumsum(chances / chances.sum())
    phrases, shares = list(SAID), np.array(list(SAID.values()))
    for number in range(count):
        total = max(20, int(rng.lognormal(np.log(WORDS) - 0.32, 0.8)))
        ranks = np.minimum(np.searchsorted(edges, rng.random(total)), VOCABULARY - 1)
        words: list[str] = vocabulary[ranks].tolist()
        for phrase in np.flatnonzero(rng.random(len(phrases)) < shares).tolist():
            for place in rng.integers(0, total, rng.integers(1, 4)).tolist():
                words[place] = phrases[phrase]
        for place in range(int(rng.integers(8, 16)), total - 1, 14):
            words[place] += "."
            words[place + 1] = words[place + 1].capitalize()
        ends = sorted({0, total, *rng.integers(1, total, int(rng.integers(0, 2 * PAGES - 1))).tolist()})
        pages = tuple(" ".join(words[start:end]) for start, end in pairwise(ends))
        yield MadeSite(f"firm-{number:07d}", pages)


def _vocabulary(rng: np.random.Generator) -> list[str]:
    """Distinct words, the most frequent first; made ones sound like none that is planted."""
    found, syllables = dict.fromkeys(COMMON.split()), SYLLABLES.split()
    while len(found) < VOCABULARY:
        lengths, parts = (
            rng.integers(2, 6, VOCABULARY).tolist(),
            rng.integers(0, len(syllables), (VOCABULARY, 5)).tolist(),
        )
        found |= dict.fromkeys(
            "".join(syllables[part] for part in chosen[:length]) for length, chosen in zip(lengths, parts, strict=True)
        )
    return list(found)[:VOCABULARY]
