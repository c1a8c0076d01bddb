"""The bootstrap agrees with drawing firms by hand, keeps domains whole and covers what it says."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from classifier.intervals import DRAWS, interval, macro_f1_draws
from classifier.metrics import figures


def made(n: int, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Includes at 30 % and 10 %, assigned rightly for four firms of five."""
    rng = np.random.default_rng(seed)
    Y = rng.uniform(size=(n, 2)) < (0.3, 0.1)
    return Y, np.where(rng.uniform(size=Y.shape) < 0.8, Y, ~Y)


def test_draws_are_macro_f1_of_resampled_firms() -> None:
    Y, assigned = made(60, 0)
    draws = macro_f1_draws(Y, np.ones_like(Y), assigned, range(60))
    picked = np.random.default_rng(0).integers(60, size=(50, 60))[7]
    assert draws[7] == pytest.approx(f1_score(Y[picked], assigned[picked], average="macro"))
    assert len(draws) == DRAWS


def test_firms_of_one_domain_are_drawn_together() -> None:
    Y, assigned = made(300, 1)
    everyone = np.ones_like(Y)
    alone = macro_f1_draws(Y, everyone, assigned, range(300))
    copies = [np.repeat(cells, 4, axis=0) for cells in (Y, everyone, assigned)]
    together = macro_f1_draws(copies[0], copies[1], copies[2], np.repeat(np.arange(300), 4).tolist())
    np.testing.assert_allclose(together, alone)  # copies of a firm under its domain are no further evidence
    apart = macro_f1_draws(copies[0], copies[1], copies[2], range(1200))
    assert apart.std() < 0.6 * alone.std()


def test_what_was_not_judged_is_not_read() -> None:
    Y, assigned = made(60, 2)
    mask = np.ones_like(Y)
    mask[::3, 0] = False
    flipped = np.where(mask, Y, ~Y)
    np.testing.assert_array_equal(
        macro_f1_draws(Y, mask, assigned, range(60)), macro_f1_draws(flipped, mask, assigned, range(60))
    )


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    # A share p = 0.8 of correct assignments: F1 of the whole population follows from the two shares of includes.
    truth = np.mean([2 * 0.8 * q / (0.8 * q + 0.2 * (1 - q) + q) for q in (0.3, 0.1)])
    held = 0
    for seed in range(50):
        Y, assigned = made(600, seed)
        found = interval(macro_f1_draws(Y, np.ones_like(Y), assigned, range(600)))
        assert found is not None
        held += int(found[0] <= truth <= found[1])
    assert held >= 43  # of 50 at 95 %: fewer happens once in 300 times


def test_no_interval_without_includes() -> None:
    Y = np.zeros((20, 2), bool)
    assert interval(macro_f1_draws(Y, ~Y, ~Y, range(20))) is None
    assert figures("m", ["a", "b"], Y, ~Y, Y * 1.0, Y, probabilities=True).macro_f1 is None
