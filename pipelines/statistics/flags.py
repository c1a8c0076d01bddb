"""What a figure cannot say, as words; inside the roll-up as bits of one number, because millions of cells share few
combinations."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

# Conventions, not measurements: under four fifths read, the unread firms can outweigh most differences between areas;
# under half known, a sum says more about who files accounts than about the cluster. Look again with the error bars.
LOW_COVERAGE = 0.8
FEW_VALUES = 0.5
MIN_TWICE = 0.8

FLAGS: dict[str, str] = {
    "uncorrected": "The count takes the classifier's word for every firm; its errors have not been corrected for.",
    "no_interval": "The plain figure has no error bar; a corrected one, where there is one, has its own.",
    "low_coverage": f"Fewer than {LOW_COVERAGE:.0%} of the area's firms in the list were read and classified.",
    "few_values": f"Fewer than {FEW_VALUES:.0%} of the firms counted have a known value; the sum leaves out the rest.",
    "no_value": "Nothing is known: no firm was read and classified, or none that is counted here has a known value.",
    "not_trained": "The model had too few examples of this sector to find firms; those counted came through its parts.",
    "gathered": (
        "A cluster that gathers sectors and SIC codes: a firm counts once, in however many of them it is. No corrected "
        "figure is made of it."
    ),
    "part_not_trained": (
        "The model had too few examples of some of the sectors gathered here: their firms are missing, unless a SIC "
        "code or a part brings them in."
    ),
    "imputed_values": "Part of the sum was estimated, not reported.",
    "corrected_by_audit": "Corrected by an audit sample of these firms (calibration estimator).",
    "corrected_by_error_rates": (
        "Corrected by error rates of an audit of other firms (misclassification estimator): right as long as members "
        "and others look here as they did there."
    ),
    "from_training_errors": (
        "Corrected by the errors on the training firms, which nobody drew at random; an audit sample would be a "
        "measurement, this is a guess with a formula."
    ),
    "single_coder": f"Fewer than {MIN_TWICE:.0%} of the firms judged in the audit were judged by two coders.",
    "giants_uncorrected": "A firm so large that it moves the total has not been judged, and counts as classified.",
    "unread_like_read": (
        "Firms that could not be read were taken to be like those of their size and age that could: an assumption, not "
        "a finding."
    ),
    "carried_over": (
        "The correction of the cluster's firms, or of their employees or turnover, was carried over to this figure: "
        "as if the classifier erred as often here."
    ),
    "few_dates": (
        "Fewer than 80% of the cluster's firms have a known day of incorporation; the others are in no past year."
    ),
    "survivors_only": (
        "No dissolved firm is in the list: firms that have gone since are missing from past years, so that growth "
        "looks larger than it was."
    ),
    "same_firms": "Growth of the firms whose figures are known at both ends; entries and exits are not in it.",
    "few_firms": "Too few firms of the cluster here for a quotient (rollup.quotient_firms).",
    "not_all_classes": "Not all three of size, specialisation and growth could be judged: the stars are a minimum.",
    "few_owners_known": "For fewer than half of the firms it is known whether they have an owner abroad.",
    "distorted": (
        "One owner's many registrations, an address factory, a giant or figures out of line are in it; the figure "
        "without them stands beside it, and the table distortions names them."
    ),
    "suppressed": "Withheld: too few firms are behind it, one of them dominates it, or it would give another away.",
}

_BITS = {name: 1 << place for place, name in enumerate(FLAGS)}


def bits(names: Iterable[str]) -> int:
    """One number for a set of flags."""
    found = 0
    for name in names:
        found |= _BITS[name]
    return found


def where(condition: NDArray[np.bool_], name: str) -> NDArray[np.int64]:
    """``(n,) int64``: the flag's bit where the condition holds."""
    return np.where(condition, _BITS[name], 0).astype(np.int64)


def names_of(found: int) -> list[str]:
    """Flags of a number, in the order in which they are listed."""
    return [name for name, bit in _BITS.items() if found & bit]
