"""What share of each stratum belongs to a sector: from an audit of these firms, or from error rates measured
elsewhere.

A stratum in which no member was found is not taken to have none, and one in which all were members not to have only
members: every rate is drawn from what its sample leaves possible.
"""

import numpy as np
from numpy.typing import NDArray

from classifier.counting.records import ErrorCounts, Interval, MemberRates
from classifier.counting.totals import LEVEL
from classifier.errors import CountingError

N_DRAWS = 1000  # quantiles of a second run differ by about 2 % of the interval's length
HALF = 0.5
"""Jeffreys' half a case. For members it is shared among the strata of a side by their samples: half a member in each
of seven strata would put several members there that nobody saw, and at a prevalence of 0.5 % such intervals held the
truth in 63 % of draws, shared ones in 97 % (benchmark ``counts``)."""

MIN_DISCRIMINATION = 0.1
"""Error rates closer together than this say nothing about how many members there are."""
MIN_AGREEING = 0.01
"""Share of draws of the error rates that must be able to explain the share assigned; with fewer they belong to other
firms."""


def audited_rates(
    judged: NDArray[np.int64],
    members: NDArray[np.int64],
    inside: NDArray[np.bool_],
    rng: np.random.Generator,
    n_draws: int = N_DRAWS,
) -> MemberRates:
    """Calibration estimator: the share of members among the firms judged in each stratum.

    With strata sampled at random this is the Horvitz-Thompson estimator, unbiased whatever the model's probabilities
    are worth.

    Args:
        judged: ``(n_strata,)`` firms judged; at least one in each. There may be no strata, where all firms are
            giants.
        members: ``(n_strata,)`` members among them.
        inside: ``(n_strata,) bool``: strata of firms that the classifier put in the sector.
        rng: Source of chance.
        n_draws: Draws.

    Raises:
        CountingError: A stratum in which no firm was judged.
    """
    if (judged < 1).any() or (members > judged).any():
        message = (
            f"judged {judged.tolist()}, members {members.tolist()}; expected at least one firm judged in each stratum"
        )
        raise CountingError(message)
    share = np.ones(len(judged))
    for side in (inside, ~inside):
        share[side] = judged[side] / max(int(judged[side].sum()), 1)
    draws = rng.beta(members + HALF * share, judged - members + HALF, size=(n_draws, len(judged)))
    return MemberRates("calibration", int(judged.sum()), members / judged, draws)


def rates_from_errors(
    errors: ErrorCounts, assigned: int, firms: int, rng: np.random.Generator, n_draws: int = N_DRAWS
) -> MemberRates | None:
    """Misclassification estimator: the shares of members that explain how many firms were assigned.

    ``prevalence = (share assigned - false alarm rate) / (hit rate - false alarm rate)``, then Bayes' rule for
    assigned firms and others. Draws of the error rates that cannot explain the share assigned are left out, and the
    others weighted by the Jacobian, after Meertens, Diks, van den Herik and Takes (2019), "A Bayesian approach for
    accurate classification-based aggregates". It holds for another prevalence than where the errors were counted, as
    long as members and others look as they did there.

    Returns:
        Rates of two strata, assigned and not; None where the errors say nothing about these firms.
    """
    if firms <= 0:
        return None
    share = assigned / firms
    hit = rng.beta(errors.hits + HALF, errors.misses + HALF, size=4 * n_draws)
    alarm = rng.beta(errors.false_alarms + HALF, errors.rejections + HALF, size=4 * n_draws)
    fits = (hit - alarm >= MIN_DISCRIMINATION) & (alarm <= share) & (share <= hit)
    if fits.mean() < MIN_AGREEING:
        return None
    weight = 1 / (hit[fits] - alarm[fits])
    chosen = rng.choice(np.flatnonzero(fits), n_draws, p=weight / weight.sum())
    hit, alarm = hit[chosen], alarm[chosen]
    draws = _by_bayes(hit, (share - alarm) / (hit - alarm), share)
    point = draws.mean(axis=0)
    members, others = errors.hits + errors.misses, errors.false_alarms + errors.rejections
    if members and others:
        hit_rate, alarm_rate = errors.hits / members, errors.false_alarms / others
        if alarm_rate <= share <= hit_rate and hit_rate - alarm_rate >= MIN_DISCRIMINATION:
            prevalence = (share - alarm_rate) / (hit_rate - alarm_rate)
            point = _by_bayes(np.array([hit_rate]), np.array([prevalence]), share)[0]
    return MemberRates("misclassification", round(errors.judged), point, draws)


def precision_and_recall(
    rates: MemberRates,
    inside: NDArray[np.bool_],
    firms: NDArray[np.int64],
    members: NDArray[np.int64],
    judged: NDArray[np.int64],
) -> tuple[Interval | None, Interval | None]:
    """Precision and recall of the classifier on the firms audited, weighted as they were drawn, with 95 % intervals.

    Args:
        rates: Of :func:`audited_rates`.
        inside: ``(n_strata,) bool``: the classifier put these firms in the sector.
        firms: ``(n_strata,)`` all firms.
        members: ``(n_strata,)`` members among the judged.
        judged: ``(n_strata,)`` firms judged.

    Returns:
        Precision (None where nobody was assigned) and recall (None where no member was found).
    """
    point = members + rates.point * (firms - judged)
    draws = members + rates.draws * (firms - judged)
    assigned = float(firms[inside].sum())
    precision = None
    if assigned:
        low, high = np.quantile(draws[:, inside].sum(axis=1) / assigned, LEVEL)
        value = float(point[inside].sum()) / assigned
        precision = Interval(value, min(float(low), value), max(float(high), value))
    if not point.sum():
        return precision, None
    whole = draws.sum(axis=1)
    found = np.divide(draws[:, inside].sum(axis=1), whole, out=np.zeros_like(whole), where=whole > 0)
    low, high = np.quantile(found, LEVEL)
    value = float(point[inside].sum() / point.sum())
    return precision, Interval(value, min(float(low), value), max(float(high), value))


def _by_bayes(hit: NDArray[np.float64], prevalence: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Share of members among assigned firms and among others, ``(n, 2)``."""
    found = np.stack([hit * prevalence / share if share else np.zeros_like(hit),
                      (1 - hit) * prevalence / (1 - share) if share < 1 else np.zeros_like(hit)], axis=1)  # fmt: skip
    return np.clip(found, 0.0, 1.0)
