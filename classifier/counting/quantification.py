"""The textbook estimators of a prevalence from a classifier's output, as functions of arrays.

They are here to compare with and to check our own estimators against a library that others wrote; figures are made by
``rates`` and ``totals``, which know how sure they are.
"""

import numpy as np
from numpy.typing import NDArray

EM_TOLERANCE = 1e-4
EM_STEPS = 1000


def classify_and_count(assigned: NDArray[np.bool_]) -> float:
    """Share of firms assigned."""
    return float(assigned.mean())


def mean_probability(probabilities: NDArray[np.float64]) -> float:
    """Probabilistic classify and count: the mean probability."""
    return float(probabilities.mean())


def adjusted_count(share: float, hit_rate: float, false_alarm_rate: float) -> float:
    """Adjusted count (Forman 2008), ``(share - fpr) / (tpr - fpr)``, clipped to [0, 1]; ``share`` where the rates are
    equal.

    With mean probabilities of members and of others in place of the rates it is the probabilistic adjusted count
    (Bella et al. 2010).
    """
    if hit_rate == false_alarm_rate:
        return share
    return float(np.clip((share - false_alarm_rate) / (hit_rate - false_alarm_rate), 0.0, 1.0))


def expectation_maximisation(probabilities: NDArray[np.float64], training_prevalence: float) -> float:
    """Prevalence by the method of Saerens, Latinne and Decaestecker (2002), for calibrated probabilities.

    Args:
        probabilities: ``(n_firms,)``, calibrated where members had ``training_prevalence``.
        training_prevalence: Strictly between 0 and 1.
    """
    prevalence = training_prevalence
    for _ in range(EM_STEPS):
        member = prevalence / training_prevalence * probabilities
        other = (1 - prevalence) / (1 - training_prevalence) * (1 - probabilities)
        before, prevalence = prevalence, float((member / (member + other)).mean())
        if abs(prevalence - before) < EM_TOLERANCE / 2:
            break
    return prevalence
