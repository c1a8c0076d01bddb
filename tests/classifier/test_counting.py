"""Corrected counts: worked by hand where they can be, and against the truth where they cannot."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.counting.choice import choose
from classifier.counting.giants import giants
from classifier.counting.rates import audited_rates, precision_and_recall, rates_from_errors
from classifier.counting.records import ErrorCounts
from classifier.counting.sector_count import Firms, Sample, add_up, rated_by_audit, rated_by_errors, weighted_errors
from classifier.counting.sizes import size_bands
from classifier.counting.training_errors import count_errors, errors_of
from classifier.counting.unread import cells_by_size_and_age, stand_ins
from classifier.errors import CountingError
from tests.benchmarks.counts import coverage, real_scores, simulate


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def firms(assigned: NDArray[np.bool_], giant: NDArray[np.bool_] | None = None) -> Firms:
    none = np.zeros(len(assigned), dtype=np.bool_)
    return Firms(~none, assigned, none if giant is None else giant, None)


def sample(stratum: list[int], judged: list[int], member: list[int], inside: list[bool]) -> Sample:
    """Two or more strata; ``judged`` and ``member`` are rows."""
    n, at = len(stratum), np.array(stratum, dtype=np.int16)
    is_judged, is_member = np.isin(np.arange(n), judged), np.isin(np.arange(n), member)
    return Sample(
        at, np.array(inside), np.zeros(len(inside), dtype=np.bool_), is_judged, is_member,
        np.bincount(at[is_judged], minlength=len(inside)),
        np.bincount(at[is_judged & is_member], minlength=len(inside)),
    )  # fmt: skip


# Ten firms in the sector, four judged, three of them members; forty outside, ten judged, one a member.
STRATA = [0] * 10 + [1] * 40
HAND = sample(STRATA, [0, 1, 2, 3, *range(10, 20)], [0, 1, 2, 10], [True, False])
HAND_FIRMS = firms(np.array(STRATA) == 0)


def test_a_count_worked_by_hand() -> None:
    (found,) = add_up(rated_by_audit(HAND_FIRMS, HAND, rng()), np.zeros(50, dtype=np.int64), 1, rng())
    assert found.value == pytest.approx(10 * 3 / 4 + 40 * 1 / 10)
    assert 4 <= found.low < found.value < found.high <= 50  # four members are known by name


def test_parts_add_up_to_the_whole() -> None:
    part = np.arange(50) % 3
    rated = rated_by_audit(HAND_FIRMS, HAND, rng())
    for sizes in (None, np.arange(50.0)):
        (whole,) = add_up(rated, np.zeros(50, dtype=np.int64), 1, rng(), sizes)
        parts = add_up(rated, part, 3, rng(), sizes)
        assert sum(found.value for found in parts) == pytest.approx(whole.value)


def test_who_was_judged_is_not_guessed() -> None:
    everybody = sample(STRATA, list(range(50)), [0, 10, 11], [True, False])
    (found,) = add_up(rated_by_audit(HAND_FIRMS, everybody, rng()), np.zeros(50, dtype=np.int64), 1, rng())
    assert (found.low, found.value, found.high) == (3.0, 3.0, 3.0)


def test_nobody_found_is_not_nobody_there() -> None:
    none = sample([0] * 10 + [1] * 4_000, [0, 1, 2, *range(10, 60)], [], [True, False])
    everybody = firms(np.arange(4_010) < 10)
    (found,) = add_up(rated_by_audit(everybody, none, rng()), np.zeros(4_010, dtype=np.int64), 1, rng())
    assert found.value == 0.0
    assert 60 < found.high < 400  # 50 firms without a member leave a rate of several per cent possible


def test_a_stratum_without_judgements_joins_its_neighbour() -> None:
    three = sample([0] * 10 + [1] * 10 + [2] * 10, [*range(5), *range(20, 25)], [20], [True, False, False])
    (found,) = add_up(rated_by_audit(firms(np.arange(30) < 10), three, rng()), np.zeros(30, dtype=np.int64), 1, rng())
    assert found.value == pytest.approx(1 + 19 / 5 - 4 / 5)  # the middle's ten count by the last stratum's fifth


def test_rates_want_a_judgement_in_every_stratum() -> None:
    with pytest.raises(CountingError, match="at least one firm judged in each stratum"):
        audited_rates(np.array([3, 0]), np.array([1, 0]), np.array([True, False]), rng())


def test_precision_and_recall_are_weighted_as_firms_were_drawn() -> None:
    judged, members, inside = np.array([4, 10]), np.array([3, 1]), np.array([True, False])
    rates = audited_rates(judged, members, inside, rng())
    precision, recall = precision_and_recall(rates, inside, np.array([10, 40]), members, judged)
    assert precision is not None
    assert recall is not None
    assert precision.value == pytest.approx(0.75)
    assert recall.value == pytest.approx(7.5 / 11.5)
    for found in (precision, recall):
        assert 0 <= found.low < found.value < found.high <= 1


@pytest.mark.parametrize(
    ("errors", "assigned", "expected"),
    [
        # hit rate 0.8, false alarms 0.1: 240 of 1,000 assigned mean 200 members
        pytest.param(ErrorCounts(80, 20, 10, 90), 240, 200, id="by hand"),
        # counted where half were members, used where one in a hundred is: 0.9 * 10 + 0.01 * 990 = 18.9
        pytest.param(ErrorCounts(4500, 500, 50, 4950), 19, 10.1, id="another prevalence"),
    ],
)
def test_misclassification_estimator(errors: ErrorCounts, assigned: int, expected: float) -> None:
    rated = rated_by_errors(firms(np.arange(1_000) < assigned), errors, rng())
    assert rated is not None
    (found,) = add_up(rated, np.zeros(1_000, dtype=np.int64), 1, rng())
    assert found.value == pytest.approx(expected, abs=0.3)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("errors", "assigned"),
    [
        pytest.param(ErrorCounts(900, 100, 300, 700), 10, id="fewer assigned than false alarms alone would be"),
        pytest.param(ErrorCounts(500, 500, 480, 520), 490, id="no better than chance"),
    ],
)
def test_errors_that_cannot_explain_what_was_found_correct_nothing(errors: ErrorCounts, assigned: int) -> None:
    assert rates_from_errors(errors, assigned, 1_000, rng()) is None


def test_audit_errors_carry_over_to_other_firms() -> None:
    errors = weighted_errors(HAND, np.array([10.0, 40.0]))
    hit_rate, alarm_rate = (
        errors.hits / (errors.hits + errors.misses),
        errors.false_alarms / (errors.false_alarms + errors.rejections),
    )
    assert hit_rate == pytest.approx(7.5 / 11.5)
    assert alarm_rate == pytest.approx(2.5 / 38.5)
    assert errors.judged < 14  # unequal weights tell less than the number of firms


def test_giants_count_as_judged_or_as_classified_and_stand_for_nobody() -> None:
    sizes = np.append(np.full(49, 10.0), 100_000.0)
    assigned = np.array(STRATA) == 0
    giant = giants(np.full(50, 0.1), assigned, [sizes])  # the others hold a tenth each, but are all alike
    assert np.flatnonzero(giant).tolist() == [49]
    everybody = firms(assigned, giant)
    part = np.zeros(50, dtype=np.int64)
    rated = rated_by_audit(everybody, HAND, rng())
    (found,) = add_up(rated, part, 1, rng(), sizes)
    assert rated.giants_at_word
    assert found.high < 1_000  # nobody put it in, and one in ten like it being members does not make it a tenth of one
    included = sample(STRATA, [0, 1, 2, 3, *range(10, 20), 49], [0, 1, 2, 10, 49], [True, False])
    judged = rated_by_audit(everybody, included, rng())
    (found,) = add_up(judged, part, 1, rng(), sizes)
    assert not judged.giants_at_word
    assert found.low > 100_000


def test_a_list_of_giants_counts_them_one_by_one() -> None:
    nobody_else = sample([0] * 4, [0, 1], [0], [False])
    alone = Sample(
        nobody_else.stratum, nobody_else.inside, np.array([True]), nobody_else.judged, nobody_else.member,
        nobody_else.taken, nobody_else.hits,
    )  # fmt: skip
    rated = rated_by_audit(firms(np.array([False, False, True, False])), alone, rng())
    assert rated.giants_at_word
    for sizes, expected in ((None, 2.0), (np.array([5.0, 6.0, 7.0, 8.0]), 12.0)):
        (found,) = add_up(rated, np.zeros(4, dtype=np.int64), 1, rng(), sizes)
        assert (found.low, found.value, found.high) == (expected, expected, expected)


def test_giants_are_as_few_as_their_shares_allow() -> None:
    sizes = np.random.default_rng(1).pareto(0.7, 5_000)
    assert 0 < giants(np.zeros(5_000), np.ones(5_000, dtype=np.bool_), [sizes]).sum() <= 20
    assert not giants(np.zeros(10), np.zeros(10, dtype=np.bool_), [np.full(10, 9.0)]).any()  # no total, no giant


def test_size_bands_hold_equal_shares() -> None:
    sizes = np.random.default_rng(2).lognormal(2, 1.5, 4_000)
    band = size_bands(sizes, np.ones(4_000))
    held = [sizes[band == number].sum() / sizes.sum() for number in range(4)]
    assert held == pytest.approx([0.25] * 4, abs=0.03)
    assert sizes[band == 0].max() <= sizes[band == 3].min()


def test_firms_that_could_not_be_read() -> None:
    cells = cells_by_size_and_age(
        np.array([1.0, 9.0, 10.0, 300.0, math.nan]), np.array([0.0, 3.0, 30.0, math.nan, math.nan])
    )
    assert cells.tolist() == [0, 1, 6 + 4, 18 + 5, 24 + 5]
    # a hundred small firms read, a quarter in stratum 0; two large ones read: too few to speak for large ones
    small, large = 0, 23
    cells = np.array([small] * 100 + [large] * 2 + [small, large])
    stratum = np.array([0] * 25 + [1] * 75 + [0, 0] + [0, 0])
    read = np.arange(104) < 102
    shares = stand_ins(cells, read, stratum, 2)
    assert shares[small] == pytest.approx([0.25, 0.75])
    assert shares[large] == pytest.approx([27 / 102, 75 / 102])


@pytest.mark.parametrize(
    ("settled", "in_frame", "same_model", "training", "basis"),
    [
        pytest.param(None, 0.0, False, True, "training_errors", id="no audit"),
        pytest.param(None, 0.0, False, False, "none", id="nothing known"),
        pytest.param(1.0, 1.0, True, True, "audit", id="of these firms"),
        pytest.param(1.0, 0.95, False, True, "audit", id="of these firms, trained again since"),
        pytest.param(1.0, 0.5, True, True, "audit_errors", id="of other firms"),
        pytest.param(1.0, 0.5, False, True, "training_errors", id="of other firms and another model"),
        pytest.param(0.79, 1.0, True, True, "training_errors", id="not finished"),
    ],
)
def test_which_evidence_when(
    settled: float | None, in_frame: float, same_model: bool, training: bool, basis: str
) -> None:
    found = choose(settled=settled, in_frame=in_frame, same_model=same_model, training_errors=training)
    assert found.basis == basis
    assert found.reason


def test_training_errors_are_counted_where_judged() -> None:
    chances = np.array([[0.9, np.nan], [0.2, 0.8], [0.6, 0.1], [0.1, np.nan], [0.4, 0.5]])
    Y = np.array([[1, 0], [1, 1], [0, 0], [0, 0], [0, 0]], dtype=np.bool_)
    counts = count_errors(chances, Y, np.array([0.5, 0.5]))
    assert counts.tolist() == [[1, 1, 1, 2], [1, 0, 1, 1]]
    assert errors_of(counts, 0) == ErrorCounts(1, 1, 1, 2)
    assert errors_of(np.zeros((1, 4), dtype=np.int64), 0) is None


@pytest.mark.realdata
def test_on_real_scores_counts_are_right_and_intervals_hold(shared: Path) -> None:
    """A smaller run of the benchmark ``counts``; the seed is fixed: other figures are another method."""
    scored = real_scores(shared / "labelled" / "yc.jsonl")
    for prevalence, plain_is_off in ((0.005, 5.0), (0.05, 1.3)):
        found = list(simulate(scored, prevalence, 60, seed=3))
        truth = found[0].truth
        assert np.mean([answer.plain for answer in found]) > plain_is_off * truth
        assert np.mean([answer.corrected.value for answer in found]) == pytest.approx(truth, rel=0.1)
        assert coverage([(answer.truth, answer.corrected) for answer in found]) >= 0.93
        assert coverage([(answer.employees_truth, answer.employees) for answer in found]) >= 0.88
        assert np.mean([answer.corrected.high < answer.plain for answer in found]) > 0.5  # not by saying nothing
