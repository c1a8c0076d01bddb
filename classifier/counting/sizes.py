"""How often firms of a stratum are members by their size, for sums of employees and turnover.

A plain bootstrap of the members found is at the mercy of the few large ones; the sizes of all firms are known, and
only who is a member has to be estimated.
"""

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import logit, sigmoid
from classifier.counting.records import MemberRates

N_BANDS = 4
BORROWED = 1.0
"""Firms of a cell that its neighbours stand for. With 1 to 5 the error on the benchmark ``counts`` hardly moves."""
STEP_SPREAD = (
    1.0  # standard deviation expected of a band's step of log odds: members twice or half as often are nothing odd
)
NEWTON_STEPS = 8
MAX_STEP = 6.0
TINY = 1e-6  # a beta distribution wants positive numbers


def size_bands(sizes: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """Band of each firm, ``(n_firms,)`` from 0: bands of larger and larger firms hold equal parts of the expected
    total.

    Args:
        sizes: ``(n_firms,)``.
        expected: ``(n_firms,)`` chance that the firm is a member; 0 for firms that are not looked at.
    """
    adds = np.flatnonzero((sizes > 0) & (expected > 0))  # most firms' turnover is not known: they move no edge
    order = adds[np.argsort(sizes[adds], kind="stable")]
    summed = np.cumsum((sizes * expected)[order])
    if not len(order):
        return np.zeros(len(sizes), dtype=np.int64)
    edges = sizes[order][np.searchsorted(summed, summed[-1] * np.arange(1, N_BANDS) / N_BANDS)]
    return np.asarray(np.searchsorted(edges, sizes, side="left"), dtype=np.int64)


def rates_by_size(
    rates: MemberRates, judged: NDArray[np.int64], members: NDArray[np.int64], rng: np.random.Generator
) -> MemberRates:
    """The rates of strata split by size, for sums of employees or turnover: large firms may be members less often.

    A band of sizes moves the log odds of all strata alike, as in a logistic regression with the strata's rates as
    offset; around that, a cell's rate is drawn as if ``BORROWED`` firms of it had been judged and had just that rate.
    Sizes are known for every firm, so that no total hangs on the one large member that a sample happened to meet.

    Args:
        rates: Of ``n_strata`` strata.
        judged: ``(n_strata, n_bands)`` firms judged.
        members: ``(n_strata, n_bands)`` members among them.
        rng: Source of chance.

    Returns:
        Rates of ``n_strata * n_bands`` cells, stratum by stratum.
    """
    point, _ = _moved(rates.point[None, :], judged, members)
    middle, spread = _moved(rates.draws, judged, members)
    step = rng.normal(size=spread.shape) * spread
    centre = sigmoid(logit(middle) + step[:, None, :])
    draws = rng.beta(
        np.maximum(BORROWED * centre + members, TINY), np.maximum(BORROWED * (1 - centre) + judged - members, TINY)
    )
    share = (BORROWED * point[0] + members) / (BORROWED + judged)
    return MemberRates(rates.method, rates.judged, share.ravel(), draws.reshape(len(draws), -1))


def _moved(
    rates: NDArray[np.float64], judged: NDArray[np.int64], members: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rates ``(n, n_strata, n_bands)`` with each band's step of the log odds, and the step's standard error ``(n,
    n_bands)``."""
    base = logit(rates)[:, :, None]
    step = np.zeros((len(rates), judged.shape[1]))
    found, wanted = members.sum(axis=0), 1 / STEP_SPREAD**2
    for _ in range(NEWTON_STEPS):
        share = sigmoid(base + step[:, None, :])
        slope = (judged * share * (1 - share)).sum(axis=1) + wanted
        step = step + (found - (judged * share).sum(axis=1) - wanted * step) / slope
        step = np.clip(step, -MAX_STEP, MAX_STEP)
    return sigmoid(base + step[:, None, :]), 1 / np.sqrt(slope)
