"""Draw an audit sample: the firms that coders judge so that errors can be measured and counts corrected.

The sample is dense where a probability says little and thin where it says much, yet every firm has a known chance of
being drawn, those far below the threshold too: what a classifier misses, it misses there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labels.errors import LabelsError

Side = Literal["giant", "in", "out"]

SIZE = 300  # firms of a sector: two days of one coder; at a prevalence of 1 % the count is then known to about a third
# Chosen on the benchmark `counts` (real scores, 20,000 firms, 300 drawn; see tests/benchmarks/README.md).
# Look again when audits of real lists are there.
STRATA_IN = 3
STRATA_OUT = 7
SHARE_IN = 0.3
"""Least share of the sample among the firms that are in the sector, so that precision is known as well."""
LEAST_PROBABILITY = 0.002
"""A probability counts as no less when firms are dealt to strata: the least probable firms are drawn from all the
same."""
LEAST_PER_STRATUM = 5


@dataclass(frozen=True)
class Stratum:
    """Firms with about the same probability, drawn with one chance: ``drawn / firms``."""

    side: Side  # giant: drawn whatever its probability; in, out: whether the classifier put the firm in the sector
    lowest: float  # probability from which a firm belongs here, on its side
    firms: int
    drawn: int

    @property
    def weight(self) -> float:
        """Firms that each firm drawn stands for."""
        return self.firms / self.drawn


@dataclass(frozen=True)
class Draw:
    """One sector's audit sample."""

    strata: tuple[
        Stratum, ...
    ]  # giants first where there are any, then in, then out; least probable first on each side
    stratum: NDArray[np.int16]  # (n_firms,) place of each firm in ``strata``
    drawn: NDArray[np.bool_]  # (n_firms,)


def draw_sample(
    probabilities: NDArray[np.float64],
    assigned: NDArray[np.bool_],
    size: int,
    rng: np.random.Generator,
    giants: NDArray[np.bool_] | None = None,
    areas: Sequence[str] | None = None,
) -> Draw:
    """Draw ``size`` firms of one sector, beside the giants, who are all drawn.

    Each side is cut where the summed spread ``sqrt(p (1 - p))`` of its firms reaches equal parts (Dalenius and Hodges
    1959), and equal parts get equal samples: Neyman's allocation if the probabilities are right, and unbiased if they
    are not.

    Args:
        probabilities: ``(n_firms,)`` of the sector.
        assigned: ``(n_firms,) bool``: who is in the sector.
        size: Firms to draw; all are drawn when there are no more.
        rng: Source of chance.
        giants: ``(n_firms,) bool``: firms so large that each is judged. None: none.
        areas: ``(n_firms,)``: spread the sample of each stratum evenly over these, as a list sorted by area is
            sampled at even steps. The chances stay the same. None: not.

    Raises:
        LabelsError: No firms, or a size that leaves strata without a firm.
    """
    n_firms = len(probabilities)
    if not n_firms or size < (STRATA_IN + STRATA_OUT) * LEAST_PER_STRATUM:
        least = (STRATA_IN + STRATA_OUT) * LEAST_PER_STRATUM
        raise LabelsError(
            f"an audit of {size} of {n_firms} firms; expected at least one firm, and a size of {least} or more"
        )
    whole = np.zeros(n_firms, dtype=bool) if giants is None else giants
    stratum = np.full(n_firms, -1, dtype=np.int16)
    drawn = whole.copy()
    strata: list[Stratum] = []
    if whole.any():
        stratum[whole] = 0
        strata.append(Stratum("giant", 0.0, int(whole.sum()), int(whole.sum())))
    sides: tuple[tuple[Side, NDArray[np.int64], int], ...] = (
        ("in", np.flatnonzero(assigned & ~whole), STRATA_IN),
        ("out", np.flatnonzero(~assigned & ~whole), STRATA_OUT),
    )
    shares = _share_out(
        size, [_spread(probabilities[rows]) for _, rows, _ in sides], [len(rows) for _, rows, _ in sides]
    )
    for (side, rows, parts), share in zip(sides, shares, strict=True):
        for members, number in _cut(rows, probabilities, parts, share):
            stratum[members] = len(strata)
            drawn[_chosen(members, number, rng, areas)] = True
            strata.append(Stratum(side, float(probabilities[members].min()), len(members), number))
    return Draw(tuple(strata), stratum, drawn)


def place(
    strata: Sequence[Stratum], probabilities: NDArray[np.float64], assigned: NDArray[np.bool_]
) -> NDArray[np.int16]:
    """Stratum of firms that were not there when the sample was drawn, ``(n_firms,)``, by side and probability.

    A firm goes to its side's highest stratum that begins at or below its probability; to the other side where its own
    has none.
    """
    found = np.zeros(len(probabilities), dtype=np.int16)
    for side, chosen in (("in", assigned), ("out", ~assigned)):
        places = [at for at, stratum in enumerate(strata) if stratum.side == side]
        places = places or [at for at, stratum in enumerate(strata) if stratum.side != "giant"]
        places.sort(key=lambda at: strata[at].lowest)
        edges = np.array([strata[at].lowest for at in places[1:]])
        found[chosen] = np.array(places, dtype=np.int16)[np.searchsorted(edges, probabilities[chosen], side="right")]
    return found


def _spread(probabilities: NDArray[np.float64]) -> float:
    clipped = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return float(np.sqrt(clipped * (1 - clipped)).sum())


def _share_out(size: int, spreads: Sequence[float], firms: Sequence[int]) -> tuple[int, int]:
    """Sample on each side; what one side has not the firms for goes to the other."""
    total = sum(spreads)
    inside = max(SHARE_IN, spreads[0] / total if total else 0.0) * size
    if firms[1]:
        inside = min(inside, (1 - SHARE_IN) * size)
    into = min(round(inside), firms[0])
    out = min(size - into, firms[1])
    return min(size - out, firms[0]), out


def _cut(
    rows: NDArray[np.int64], probabilities: NDArray[np.float64], parts: int, size: int
) -> list[tuple[NDArray[np.int64], int]]:
    """Strata of one side, least probable first, and the number to draw in each."""
    if not len(rows):
        return []
    rows = rows[np.lexsort((rows, probabilities[rows]))]
    clipped = np.clip(probabilities[rows], LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    summed = np.cumsum(np.sqrt(clipped * (1 - clipped)))
    parts = max(1, min(parts, size // LEAST_PER_STRATUM))
    cuts = np.searchsorted(summed, summed[-1] * np.arange(1, parts) / parts)
    members = [part for part in np.split(rows, np.unique(cuts)) if len(part)]
    numbers = [0] * len(members)
    left = min(size, len(rows))
    for done, at in enumerate(sorted(range(len(members)), key=lambda at: len(members[at]))):
        numbers[at] = min(len(members[at]), left // (len(members) - done))
        left -= numbers[at]
    return list(zip(members, numbers, strict=True))


def _chosen(
    members: NDArray[np.int64], number: int, rng: np.random.Generator, areas: Sequence[str] | None
) -> NDArray[np.int64]:
    if areas is None:
        return np.asarray(rng.choice(members, number, replace=False))
    mixed = rng.permutation(members)  # the order within an area must be chance
    ordered = mixed[np.argsort(np.array([areas[row] for row in mixed]), kind="stable")]
    steps = (np.arange(number) + rng.random()) * (len(members) / number)
    return np.asarray(ordered[steps.astype(np.int64)])
