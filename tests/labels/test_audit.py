"""An audit's draw: every firm has a known chance, and the sample stands for all of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from labels.audit import LEAST_PER_STRATUM, Stratum, draw_sample, place
from labels.errors import LabelsError


def scores(firms: int = 5_000, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    chances = np.random.default_rng(seed).beta(0.2, 4, firms)
    return chances, chances >= 0.3


def test_every_firm_has_a_chance_and_the_weights_stand_for_all() -> None:
    chances, assigned = scores()
    found = draw_sample(chances, assigned, 300, np.random.default_rng(0))
    assert found.drawn.sum() == 300 == sum(stratum.drawn for stratum in found.strata)
    for number, stratum in enumerate(found.strata):
        members = found.stratum == number
        assert (stratum.firms, stratum.drawn) == (members.sum(), found.drawn[members].sum())
        assert stratum.drawn >= LEAST_PER_STRATUM
        assert set(assigned[members]) == {stratum.side == "in"}
        assert stratum.lowest == chances[members].min()
    assert sum(stratum.weight * stratum.drawn for stratum in found.strata) == pytest.approx(len(chances))
    weight = {side: [at.weight for at in found.strata if at.side == side] for side in ("in", "out")}
    assert max(weight["in"]) < min(weight["out"])  # dense above the threshold
    assert weight["out"] == sorted(weight["out"], reverse=True)  # and denser the nearer to it


def test_chances_are_what_they_are_said_to_be() -> None:
    chances, assigned = scores(400)
    times, said = np.zeros(400), np.zeros(400)
    for seed in range(400):
        found = draw_sample(chances, assigned, 60, np.random.default_rng(seed), areas=["a", "b", "c", "d"] * 100)
        times += found.drawn
        said += np.array([1 / stratum.weight for stratum in found.strata])[found.stratum]
    assert said.sum() == pytest.approx(400 * 60)
    off = (times - said) / np.sqrt(np.maximum(said * (1 - said / 400), 1e-9))
    assert np.abs(off).max() < 4.5


def test_a_sample_by_area_is_even() -> None:
    chances, assigned = scores()
    areas = ["north"] * 2_500 + ["south"] * 2_500
    found = draw_sample(chances, assigned, 300, np.random.default_rng(0), areas=areas)
    for number, stratum in enumerate(found.strata):
        members = np.flatnonzero(found.stratum == number)
        taken = Counter(areas[row] for row in members if found.drawn[row])
        for area in ("north", "south"):
            share = sum(areas[row] == area for row in members) / stratum.firms
            assert abs(taken[area] - share * stratum.drawn) <= 1.0


def test_giants_are_all_drawn_beside_the_sample() -> None:
    chances, assigned = scores()
    giant = np.arange(5_000) < 7
    found = draw_sample(chances, assigned, 300, np.random.default_rng(0), giant)
    assert found.drawn[giant].all()
    assert found.strata[0] == Stratum("giant", 0.0, 7, 7)
    assert found.drawn.sum() == 307


@pytest.mark.parametrize(
    ("firms", "share_in", "drawn"),
    [
        pytest.param(40, 0.5, 40, id="fewer firms than asked for: all"),
        pytest.param(5_000, 0.0, 100, id="nobody assigned"),
        pytest.param(5_000, 1.0, 100, id="everybody assigned"),
        pytest.param(5_000, 0.0006, 100, id="three assigned"),
    ],
)
def test_odd_populations(firms: int, share_in: float, drawn: int) -> None:
    chances = np.linspace(0, 1, firms)
    assigned = np.arange(firms) >= round(firms * (1 - share_in))
    found = draw_sample(chances, assigned, 100, np.random.default_rng(0))
    assert found.drawn.sum() == drawn
    assert all(stratum.drawn for stratum in found.strata)
    if 0 < assigned.sum() < 50:
        assert found.drawn[assigned].all()


def test_equal_scores_can_be_drawn_from() -> None:
    found = draw_sample(np.full(1_000, 0.1), np.zeros(1_000, dtype=np.bool_), 100, np.random.default_rng(0))
    assert found.drawn.sum() == 100


def test_newcomers_go_where_their_score_and_side_say() -> None:
    strata = (Stratum("giant", 0, 1, 1), Stratum("in", 0.5, 9, 5), Stratum("in", 0.8, 9, 5), Stratum("out", 0.01, 9, 5),
              Stratum("out", 0.2, 9, 5))  # fmt: skip
    chances = np.array([0.4, 0.6, 0.8, 0.99, 0.0, 0.2, 0.7])
    assigned = np.array([True, True, True, True, False, False, False])
    assert place(strata, chances, assigned).tolist() == [1, 1, 2, 2, 3, 4, 4]
    assert place(strata[3:], chances, assigned).tolist() == [1, 1, 1, 1, 0, 1, 1]


def test_the_same_seed_draws_the_same_firms() -> None:
    chances, assigned = scores()
    one, same, other = (draw_sample(chances, assigned, 300, np.random.default_rng(seed)).drawn for seed in (1, 1, 2))
    assert (one == same).all()
    assert not (one == other).all()


@pytest.mark.parametrize(("firms", "size"), [(0, 300), (100, 20)])
def test_what_cannot_be_drawn(firms: int, size: int) -> None:
    with pytest.raises(LabelsError, match="expected at least one firm, and a size of 50 or more"):
        draw_sample(np.zeros(firms), np.zeros(firms, dtype=np.bool_), size, np.random.default_rng(0))
