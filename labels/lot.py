"""Firms by lot: a permanent random number for each, and what a sample by these numbers says of a list.

Whoever has the lowest numbers of a list is a random sample of it, whatever else was judged and however often the list
has changed since (Ohlsson, "Coordination of samples using permanent random numbers", 1995). So a firm judged because
the model was unsure of it counts as well, once the lot has passed its number, and spoils nothing before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_UNJUDGED = 0.2
"""Share of a sample that may lack a judgement (passed over, unsure, new in the list) before the sample is cut shorter.
A choice about honesty, not a tuned figure: whoever is passed over is seldom like the others."""

LEVEL = (0.025, 0.975)
HALF = 0.5  # Jeffreys' prior: half a hit and half a miss


@dataclass(frozen=True)
class Share:
    """A share with its 95 % interval; ``value`` is None where nothing was judged."""

    value: float | None
    low: float
    high: float


def permanent_numbers(firm_ids: Sequence[str], seed: int = 0) -> NDArray[np.float64]:
    """``(n_firms,)`` numbers from 0 to 1 that depend on a firm's id and the seed alone."""
    key = str(seed).encode()
    digests = b"".join(
        hashlib.blake2b(firm_id.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
        for firm_id in firm_ids
    )
    return np.frombuffer(digests, dtype=">u8").astype(np.float64) / 2.0**64


def sample_by_lot(
    numbers: NDArray[np.float64], known: NDArray[np.bool_], drawn: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which firms of a list are its random sample: ``(n_firms,) bool``, a subset of ``known``.

    The sample ends with the last firm that came by lot; running on over firms that were judged for other reasons would
    favour these.

    Args:
        numbers: ``(n_firms,)`` permanent numbers of the firms of the list.
        known: ``(n_firms,)`` judged include or exclude.
        drawn: ``(n_firms,)`` asked for because the lot fell on them.
    """
    order = np.argsort(numbers, kind="stable")
    last = np.flatnonzero((known & drawn)[order])
    sample = np.zeros(len(numbers), dtype=np.bool_)
    if not len(last):
        return sample
    order = order[: last[-1] + 1]
    judged = np.cumsum(known[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(judged >= 1 - MOST_UNJUDGED)
    if len(enough):
        sample[order[: enough[-1] + 1]] = True
    return np.asarray(sample & known)


def share_of(hits: int, judged: int, whole: int) -> Share:
    """Share of hits with its 95 % interval (Jeffreys); exact where all ``whole`` firms of the list were judged."""
    if not judged:
        return Share(None, 0.0, 1.0)
    value = hits / judged
    if judged >= whole:
        return Share(value, value, value)
    from scipy.special import betaincinv

    low, high = (float(betaincinv(hits + HALF, judged - hits + HALF, level)) for level in LEVEL)
    return Share(value, min(low, value), max(high, value))
