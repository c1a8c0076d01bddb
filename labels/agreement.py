"""How far coders agree on a sector, and where they do not.

Kappa and alpha sink towards 0 where nearly all firms are excludes, however well coders agree; Gwet's AC1 does not,
which is why they stand side by side. Intervals come from draws of the table, and are never of length 0. The measures
are written for many tables at once, since an interval takes thousands; tests hold them to scikit-learn (kappa) and NLTK
(alpha), which take one table in 8 and 14 ms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labels.store import SETTLED, Judgement

N_DRAWS = 4000
HALF_CELL = 0.5  # Jeffreys' prior of each cell of the table
LEVEL = (0.025, 0.975)
_DEFINITE: Final = ("include", "exclude")


@dataclass(frozen=True)
class Measure:
    """A measure of agreement with its 95 % interval; ``value`` is None where it has no meaning (all in one cell)."""

    value: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """Two coders on one sector, over the firms that both judged; ``raw + conflicts`` are those with a definite word
    of both."""

    sector: str
    coders: tuple[str, str]
    table: tuple[tuple[int, int], tuple[int, int]]  # rows first coder, columns second; include, then exclude
    unsure: int  # firms that both judged and at least one called unsure; not in the table
    raw: Measure
    kappa: Measure
    ac1: Measure


@dataclass(frozen=True)
class Conflict:
    """A firm and sector on which coders' last words differ and that nobody has settled."""

    firm_id: str
    sector: str
    words: tuple[tuple[str, str], ...]  # coder, label; by coder
    notes: tuple[str, ...] = ()  # of each of these words


@dataclass(frozen=True)
class Reliability:
    """All coders of one sector together."""

    sector: str
    coders: tuple[str, ...]
    firms: int  # with a definite word of two coders or more
    alpha: Measure


def last_judgements(judgements: Iterable[Judgement]) -> dict[tuple[str, str], dict[str, Judgement]]:
    """Each coder's last judgement, by (firm_id, sector)."""
    found: dict[tuple[str, str], dict[str, Judgement]] = {}
    for judgement in judgements:
        found.setdefault((judgement.firm_id, judgement.sector), {})[judgement.coder] = judgement
    return found


def last_words(judgements: Iterable[Judgement]) -> dict[tuple[str, str], dict[str, str]]:
    """Each coder's last label, by (firm_id, sector)."""
    return {
        pair: {coder: judgement.label for coder, judgement in by_coder.items()}
        for pair, by_coder in last_judgements(judgements).items()
    }


def agreements(judgements: Iterable[Judgement]) -> list[Agreement]:
    """Agreement of every two coders on every sector in which they judged a firm in common, by sector and coders."""
    tables: dict[tuple[str, str, str], NDArray[np.int64]] = {}
    unsure: dict[tuple[str, str, str], int] = {}
    for (_, sector), by_coder in last_words(judgements).items():
        for pair in combinations(sorted(by_coder.keys() - {SETTLED}), 2):
            key = (sector, *pair)
            table = tables.setdefault(key, np.zeros((2, 2), dtype=np.int64))
            words = [by_coder[coder] for coder in pair]
            if all(word in _DEFINITE for word in words):
                table[_DEFINITE.index(words[0]), _DEFINITE.index(words[1])] += 1
            else:
                unsure[key] = unsure.get(key, 0) + 1
    return [_agreement(sector, (one, other), tables[sector, one, other], unsure.get((sector, one, other), 0))
            for sector, one, other in sorted(tables)]  # fmt: skip


def reliabilities(judgements: Iterable[Judgement]) -> list[Reliability]:
    """Krippendorff's alpha of every sector in which two coders or more judged a firm, by sector."""
    coders: dict[str, set[str]] = {}
    counts: dict[str, Counter[tuple[int, int]]] = {}
    for (_, sector), by_coder in last_words(judgements).items():
        words = {coder: word for coder, word in by_coder.items() if coder != SETTLED and word in _DEFINITE}
        if len(words) > 1:
            coders.setdefault(sector, set()).update(words)
            includes = sum(word == "include" for word in words.values())
            counts.setdefault(sector, Counter())[includes, len(words) - includes] += 1
    return [
        Reliability(sector, tuple(sorted(coders[sector])), counts[sector].total(), _alpha(counts[sector]))
        for sector in sorted(counts)
    ]


def conflicts(judgements: Iterable[Judgement]) -> list[Conflict]:
    """Pairs that coders have left open, sorted; those with one coder, or settled, are none."""
    found = []
    for (firm_id, sector), by_coder in sorted(last_judgements(judgements).items()):
        words = [(coder, said.label) for coder, said in sorted(by_coder.items())]
        if SETTLED not in by_coder and len({label for _, label in words}) > 1:
            notes = tuple(said.note for _, said in sorted(by_coder.items()))
            found.append(Conflict(firm_id, sector, tuple(words), notes))
    return found


def raw_agreement(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share on the diagonal of tables of shares ``(..., 2, 2)``."""
    return table[..., 0, 0] + table[..., 1, 1]


def cohens_kappa(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cohen (1960): agreement beyond that of coders with these habits who choose blindly; NaN where that is certain."""
    one, other = table[..., 0, :].sum(axis=-1), table[..., :, 0].sum(axis=-1)
    chance = one * other + (1 - one) * (1 - other)
    return _beyond(raw_agreement(table), chance)


def gwets_ac1(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gwet (2008), first-order agreement coefficient: chance is ``2 p (1 - p)``, p the mean share of includes."""
    mean = (table[..., 0, :].sum(axis=-1) + table[..., :, 0].sum(axis=-1)) / 2
    return _beyond(raw_agreement(table), 2 * mean * (1 - mean))


def krippendorffs_alpha(patterns: NDArray[np.int64], firms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Krippendorff (2004), nominal: coders may differ from firm to firm; NaN where all words are one.

    Args:
        patterns: ``(n_patterns, 2) int``: includes and excludes of a firm, two words or more.
        firms: ``(..., n_patterns)``: how many firms have each pattern.
    """
    includes, excludes = patterns[:, 0], patterns[:, 1]
    apart = firms @ (includes * excludes / (includes + excludes - 1))
    one, other = firms @ includes, firms @ excludes
    return 1 - np.asarray(np.divide((one + other - 1) * apart, one * other, out=np.full_like(apart, np.nan),
                                    where=one * other > 1e-12))  # fmt: skip


def _alpha(counts: Counter[tuple[int, int]]) -> Measure:
    """Drawn as :func:`_agreement` draws; the prior is worth two firms, judged by tossing coins, as four half cells
    are."""
    sizes: Counter[int] = Counter()
    for pattern, firms in counts.items():
        sizes[sum(pattern)] += firms
    patterns = [(k, size - k) for size in sorted(sizes) for k in range(size + 1)]
    seen = np.array([counts[pattern] for pattern in patterns], dtype=np.float64)
    total = counts.total()
    prior = [4 * HALF_CELL * comb(k + j, k) / 2 ** (k + j) * sizes[k + j] / total for k, j in patterns]
    draws = np.random.default_rng(0).dirichlet(seen + prior, size=N_DRAWS) * total
    table = np.array(patterns, dtype=np.int64)
    value = float(krippendorffs_alpha(table, seen[None, :])[0])
    low, high = np.nanquantile(krippendorffs_alpha(table, draws), LEVEL)
    return Measure(None if np.isnan(value) else value, float(low), float(high))


def _agreement(sector: str, coders: tuple[str, str], table: NDArray[np.int64], unsure: int) -> Agreement:
    rng = np.random.default_rng(0)  # the same table, the same interval
    draws = rng.dirichlet(table.ravel() + HALF_CELL, size=N_DRAWS).reshape(-1, 2, 2)
    shares = table / table.sum() if table.sum() else None
    measures = []
    for measure in (raw_agreement, cohens_kappa, gwets_ac1):
        value = float(measure(shares)) if shares is not None else float("nan")
        low, high = np.quantile(measure(draws), LEVEL)
        measures.append(Measure(None if np.isnan(value) else value, float(low), float(high)))
    rows = tuple((int(row[0]), int(row[1])) for row in table)
    return Agreement(sector, coders, (rows[0], rows[1]), unsure, *measures)


def _beyond(observed: NDArray[np.float64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    room = 1 - np.asarray(chance)
    none = np.full_like(room, np.nan)
    return np.asarray(np.divide(np.asarray(observed) - chance, room, out=none, where=room > 1e-12))
