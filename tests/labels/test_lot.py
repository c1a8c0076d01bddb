"""Firms by lot: numbers that stay, samples that lists' changes do not bend, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest

from labels.lot import MOST_UNJUDGED, permanent_numbers, sample_by_lot, share_of

FIRMS = [f"firm-{number}" for number in range(2000)]


def test_a_firm_keeps_its_number_whatever_the_list() -> None:
    whole = dict(zip(FIRMS, permanent_numbers(FIRMS), strict=True))
    some = FIRMS[1500:] + FIRMS[:7]
    assert [whole[firm_id] for firm_id in some] == permanent_numbers(some).tolist()
    assert not np.array_equal(permanent_numbers(FIRMS), permanent_numbers(FIRMS, seed=1))


def test_numbers_are_spread_evenly() -> None:
    counts, _ = np.histogram(permanent_numbers(FIRMS), bins=10, range=(0, 1))
    assert counts.min() > 150  # 200 expected, standard deviation 13
    assert counts.max() < 250


def bools(text: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([letter == "1" for letter in text], dtype=bool)


@pytest.mark.parametrize(
    ("known", "drawn", "sample"),
    [
        pytest.param("1110000000", "1110000000", "1110000000", id="the first ones, all drawn"),
        pytest.param("1111100000", "1010000000", "1110000000", id="it ends with the last that was drawn"),
        pytest.param("0000000001", "0000000000", "0000000000", id="nothing by lot, no sample"),
        pytest.param("0000000001", "0000000001", "0000000000", id="nine before it not judged: not enough of them"),
        pytest.param("1111011111", "1000000001", "1111011111", id="one in ten passed over"),
        pytest.param("1111000011", "1000000001", "1111000000", id="cut where too many were passed over"),
        pytest.param("0111111111", "0100000001", "0111111111", id="a new firm with the lowest number"),
    ],
)
def test_the_sample_is_what_has_the_lowest_numbers(known: str, drawn: str, sample: str) -> None:
    numbers = np.linspace(0.05, 0.95, len(known))
    assert sample_by_lot(numbers, bools(known), bools(drawn)).tolist() == bools(sample).tolist()
    mixed = np.random.default_rng(1).permutation(len(known))  # the order of rows does not matter
    found = sample_by_lot(numbers[mixed], bools(known)[mixed], bools(drawn)[mixed])
    assert found.tolist() == bools(sample)[mixed].tolist()


def test_firms_judged_for_other_reasons_do_not_bend_the_share() -> None:
    """A list of which 70 % are right; the judged are mostly wrong ones, and 30 came by lot: the sample is not bent."""
    found = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        right = rng.random(300) < 0.7
        numbers = rng.random(300)
        doubtful = np.flatnonzero(~right)[:60]
        by_lot = np.argsort(numbers)[np.isin(np.argsort(numbers), doubtful, invert=True)][:30]
        known = np.zeros(300, dtype=bool)
        known[doubtful] = known[by_lot] = True
        drawn = np.zeros(300, dtype=bool)
        drawn[by_lot] = True
        sample = sample_by_lot(numbers, known, drawn)
        assert known[sample].all()
        found.append(right[sample].mean() - right.mean())
        assert right[known].mean() < 0.5  # what taking all the judged would say
    assert abs(float(np.mean(found))) < 0.01  # standard error 0.004


def test_a_list_that_grew_does_not_keep_its_old_sample_as_a_measure() -> None:
    numbers = permanent_numbers(FIRMS)
    old = np.arange(len(FIRMS)) < 20  # the list was 20 firms, all of them judged by lot; now it is 2,000
    sample = sample_by_lot(numbers, old, old)
    assert sample.sum() <= 2


def test_jeffreys_interval_by_hand() -> None:
    found = share_of(8, 10, 100)
    assert found.value == 0.8
    assert (found.low, found.high) == pytest.approx(
        (0.4969, 0.9559), abs=1e-3
    )  # Brown, Cai and DasGupta 2001: Beta(8.5, 2.5)
    assert share_of(0, 5, 9).low == 0.0
    assert share_of(5, 5, 9).high == 1.0
    assert share_of(5, 5, 9).low < 0.7


def test_a_list_judged_whole_has_no_error() -> None:
    assert share_of(3, 4, 4) == pytest.approx(share_of(3, 4, 4))
    assert (share_of(3, 4, 4).low, share_of(3, 4, 4).high) == (0.75, 0.75)
    assert share_of(0, 0, 4).value is None
    assert 0 < MOST_UNJUDGED < 0.5
