"""The values that the estimators of counts pass to each other.

Uncertainty travels as draws, not as a standard error: a share near 0 has an error bar that leans to one side.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["calibration", "misclassification"]


@dataclass(frozen=True)
class MemberRates:
    """What share of each stratum's unjudged firms belongs to a sector."""

    method: Method
    judged: int  # firms on whose judgement the rates rest
    point: NDArray[np.float64]  # (n_strata,)
    draws: NDArray[np.float64]  # (n_draws, n_strata)


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ErrorCounts:
    """Right and wrong decisions of one sector on judged firms; weighted sums where firms were drawn with unequal
    chances."""

    hits: float  # members assigned
    misses: float  # members not assigned
    false_alarms: float  # others assigned
    rejections: float  # others not assigned

    @property
    def judged(self) -> float:
        """All firms judged."""
        return self.hits + self.misses + self.false_alarms + self.rejections
