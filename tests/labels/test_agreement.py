"""Agreement worked by hand, and coders' conflicts until they are settled."""

from __future__ import annotations

import numpy as np
import pytest

from labels.agreement import agreements, cohens_kappa, conflicts, gwets_ac1
from labels.store import Judgement


def said(firm_id: str, coder: str, label: str, sector: str = "air") -> Judgement:
    return Judgement(firm_id, sector, label, coder, "2026-01-01")


def coded(both_in: int, first_in: int, second_in: int, both_out: int) -> list[Judgement]:
    pairs = [("include", "include")] * both_in + [("include", "exclude")] * first_in
    pairs += [("exclude", "include")] * second_in + [("exclude", "exclude")] * both_out
    return [said(f"f{n}", coder, word) for n, pair in enumerate(pairs) for coder, word in zip("ab", pair, strict=True)]


@pytest.mark.parametrize(
    ("table", "raw", "kappa", "ac1"),
    [
        # p_o 0.7; includes 0.5 and 0.6: chance 0.5; AC1's chance 2 * 0.55 * 0.45 = 0.495
        pytest.param((20, 5, 10, 15), 0.7, 0.4, 0.205 / 0.505, id="ordinary"),
        # p_o 0.96; includes 0.03 each: kappa's chance 0.9418, AC1's 0.0582
        pytest.param((1, 2, 2, 95), 0.96, (0.96 - 0.9418) / 0.0582, (0.96 - 0.0582) / 0.9418, id="kappa's paradox"),
        pytest.param((10, 0, 0, 10), 1.0, 1.0, 1.0, id="of one mind"),
        pytest.param((0, 0, 0, 50), 1.0, None, 1.0, id="nobody included: kappa has no meaning"),
    ],
)
def test_measures_worked_by_hand(table: tuple[int, int, int, int], raw: float, kappa: float | None, ac1: float) -> None:
    (found,) = agreements(coded(*table))
    assert (found.sector, found.coders) == ("air", ("a", "b"))
    assert found.table == ((table[0], table[1]), (table[2], table[3]))
    assert found.raw.value == pytest.approx(raw)
    assert found.ac1.value == pytest.approx(ac1)
    assert found.kappa.value == (None if kappa is None else pytest.approx(kappa))
    for measure in (found.raw, found.ac1, found.kappa):
        assert measure.low < measure.high
        if measure.value is not None and measure.value < 1:
            assert measure.low < measure.value < measure.high


def test_intervals_shrink_with_the_number_of_firms() -> None:
    few, many = (agreements(coded(*(n * k for n in (4, 1, 1, 4))))[0].kappa for k in (1, 20))
    assert few.high - few.low > 2 * (many.high - many.low)


def test_kappa_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(5)
    truth = np.array([[0.12, 0.03], [0.02, 0.83]])
    inside = {"kappa": 0, "ac1": 0}
    for _ in range(200):
        (found,) = agreements(coded(*rng.multinomial(150, truth.ravel()).tolist()))
        inside["kappa"] += found.kappa.low <= float(cohens_kappa(truth)) <= found.kappa.high
        inside["ac1"] += found.ac1.low <= float(gwets_ac1(truth)) <= found.ac1.high
    assert min(inside.values()) >= 182


def test_unsure_words_stand_beside_the_table() -> None:
    words = [*coded(3, 0, 0, 3), said("u", "a", "unsure"), said("u", "b", "include"), said("alone", "a", "include")]
    (found,) = agreements(words)
    assert (found.unsure, sum(map(sum, found.table))) == (1, 6)


def test_conflicts_last_until_they_are_settled() -> None:
    words = [said("f", "a", "include"), said("f", "b", "exclude"), said("g", "a", "include"), said("g", "b", "include")]
    (open_pair,) = conflicts(words)
    assert (open_pair.firm_id, open_pair.words) == ("f", (("a", "include"), ("b", "exclude")))
    assert conflicts([*words, said("f", "b", "include")]) == []
    settled = [*words, said("f", "settled", "exclude")]
    assert conflicts(settled) == []
    assert agreements(settled) == agreements(words)  # settling is no coder's judgement
