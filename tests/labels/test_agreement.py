"""Agreement worked by hand, and coders' conflicts until they are settled."""

from __future__ import annotations

import numpy as np
import pytest

from labels.agreement import agreements, cohens_kappa, conflicts, gwets_ac1, krippendorffs_alpha, reliabilities
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
    assert open_pair.notes == ("", "")
    assert conflicts([*words, said("f", "b", "include")]) == []
    settled = [*words, said("f", "settled", "exclude")]
    assert conflicts(settled) == []
    assert agreements(settled) == agreements(words)  # settling is no coder's judgement


def test_a_conflict_shows_what_each_coder_noted() -> None:
    words = [
        Judgement("f", "air", "include", "b", "2026-01-01", "makes wings"),
        Judgement("f", "air", "unsure", "a", "2026-01-01", "sells them?"),
    ]
    (found,) = conflicts(words)
    assert (found.words, found.notes) == ((("a", "unsure"), ("b", "include")), ("sells them?", "makes wings"))


def panel(seed: int, firms: int, coders: int, share: float) -> list[Judgement]:
    """Firms that ``share`` of the coders have judged, mostly alike."""
    rng = np.random.default_rng(seed)
    return [
        said(f"f{firm}", f"c{coder}", "include" if rng.random() < (0.8 if kind < 0.3 else 0.1) else "exclude")
        for firm, kind in enumerate(rng.random(firms))
        for coder in range(coders)
        if rng.random() < share
    ]


@pytest.mark.parametrize(
    ("firms", "coders", "share"),
    [(30, 2, 1.0), (40, 3, 0.7), (60, 5, 0.5), pytest.param(3, 2, 1.0, id="hardly any")],
)
def test_alpha_and_kappa_are_those_of_the_libraries(firms: int, coders: int, share: float) -> None:
    from nltk.metrics.agreement import AnnotationTask
    from sklearn.metrics import cohen_kappa_score

    words = panel(firms, firms, coders, share)
    of_firm: dict[str, dict[str, str]] = {}
    for word in words:
        of_firm.setdefault(word.firm_id, {})[word.coder] = word.label
    pairs = [(who, firm, label) for firm, by in of_firm.items() if len(by) > 1 for who, label in by.items()]
    (found,) = reliabilities([*words, said("f0", "settled", "include"), said("f1", "c9", "unsure")])
    assert found.alpha.value == pytest.approx(AnnotationTask(data=pairs).alpha(), abs=1e-12)
    assert found.firms == len({firm for _, firm, _ in pairs})
    assert found.alpha.low < found.alpha.high
    assert found.alpha.value is not None
    assert found.alpha.value == 1 or found.alpha.low < found.alpha.value < found.alpha.high
    for at in agreements(words):
        both = [by for by in of_firm.values() if set(at.coders) <= set(by)]
        kappa = cohen_kappa_score(*([by[coder] for by in both] for coder in at.coders))
        assert at.kappa.value == pytest.approx(kappa, abs=1e-12)


def test_alpha_of_one_word_alone_has_no_meaning() -> None:
    (found,) = reliabilities(coded(0, 0, 0, 20))
    assert found.alpha.value is None
    assert reliabilities([said("f", "a", "include"), said("g", "b", "include")]) == []


def test_alpha_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(6)
    truth = np.array([[0.12, 0.03], [0.02, 0.83]])
    patterns = np.array([(2, 0), (1, 1), (0, 2)])
    exact = float(krippendorffs_alpha(patterns, 1e9 * np.array([[0.12, 0.05, 0.83]]))[0])
    inside = 0
    for _ in range(200):
        (found,) = reliabilities(coded(*rng.multinomial(150, truth.ravel()).tolist()))
        inside += found.alpha.low <= exact <= found.alpha.high
    assert inside >= 182
