"""What is asked, in which shares, and that the lot, the list and the unlike are honoured."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from labels.queue import (
    BATCH,
    COLD,
    DEFINITION,
    DISAGREEMENT,
    FEW,
    FEW_INCLUDES,
    LIKELY,
    MANY,
    MAX_SECTORS_AT_ONCE,
    RANDOM,
    SECOND,
    THRESHOLD,
    Pick,
    SectorView,
    ask,
    ask_across,
    asked_note,
    best_first,
    why_asked,
)

N = 400


def view(sector: str = "space", seed: int = 0, trained: bool = True, includes: int = 50) -> SectorView:
    """A sector whose firms' scores, halves and likeness are chance, each by itself."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(N, 16)).astype(np.float32)
    return SectorView(
        sector=sector,
        numbers=rng.random(N),
        vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        open=np.ones(N, dtype=bool),
        second=np.zeros(N, dtype=bool),
        listed=np.arange(N) % 10 == 0,
        likeness=rng.random(N),
        probability=rng.random(N) if trained else None,
        threshold=0.4,
        halves=(rng.normal(size=N), rng.normal(size=N)) if trained else None,
        includes=includes,
    )


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        pytest.param(view(trained=False, includes=0), COLD, id="no model yet"),
        pytest.param(view(includes=FEW_INCLUDES - 1), FEW, id="few includes"),
        pytest.param(view(), MANY, id="many includes"),
    ],
)
def test_reasons_come_in_their_shares(given: SectorView, shares: dict[str, float]) -> None:
    counts = Counter(pick.why for pick in ask(given, 100))
    assert counts == {why: round(100 * share) for why, share in shares.items()}


@pytest.mark.parametrize("step", [1, 3, 7])
def test_shares_hold_however_few_are_asked_at_a_time(step: int) -> None:
    given, counts, asked = view(), Counter[str](), 0
    while asked < 105:
        picks = ask(replace(given, asked=asked), step)
        counts.update(pick.why for pick in picks)
        asked += len(picks)
    for why, share in MANY.items():
        assert counts[why] == pytest.approx(105 * share, abs=3)


def test_nobody_is_asked_twice_and_only_who_may_be() -> None:
    given = view()
    given = replace(given, open=np.arange(N) % 3 == 0)
    picks = ask(given, N)
    rows = [pick.row for pick in picks]
    assert sorted(rows) == np.flatnonzero(given.open).tolist()  # everybody in the end, and none but them
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("why", "best"),
    [
        pytest.param(LIKELY, lambda given: np.argmax(given.probability), id="likely"),
        pytest.param(THRESHOLD, lambda given: np.argmin(np.abs(given.probability - 0.4)), id="threshold"),
        pytest.param(DEFINITION, lambda given: np.argmax(given.likeness), id="definition"),
        pytest.param(RANDOM, lambda given: np.argmin(given.numbers), id="lot"),
    ],
)
def test_the_best_of_each_reason_stands_first(why: str, best: object) -> None:
    given = view()
    assert callable(best)
    assert best_first(given, why)[0] == best(given)


def test_disagreement_counts_where_one_half_would_put_the_firm_on_top() -> None:
    words, meaning = np.arange(N, dtype=float), np.arange(N, dtype=float)
    words[5], meaning[5] = 1000.0, -1000.0  # first by words, last by meaning
    words[200], words[100] = words[100], words[200]  # moved by a hundred places in the middle
    given = replace(view(), halves=(words, meaning))
    assert best_first(given, DISAGREEMENT)[0] == 5


def test_firms_not_looked_at_are_left_to_the_lot() -> None:
    given = view()
    unknown = np.full(N, np.nan)
    given = replace(given, probability=unknown, halves=(unknown, unknown), likeness=unknown)
    picks = ask(given, 30)
    assert [pick.why for pick in picks] == [RANDOM] * 30


def test_the_lot_falls_in_turn_on_the_list_and_on_all() -> None:
    given = view()
    unknown = np.full(N, np.nan)
    drawn = [pick.row for pick in ask(replace(given, probability=unknown, halves=(unknown, unknown)), 60)]
    by_number = np.argsort(given.numbers).tolist()
    inside = [row for row in by_number if given.listed[row]]
    expected: list[int] = []
    for turn in range(60):
        whom = inside if turn % 2 == 0 and set(inside) - set(expected) else by_number
        expected.append(next(row for row in whom if row not in expected))
    assert drawn == expected


def test_ten_of_a_kind_are_not_asked_in_a_row() -> None:
    """Thirty firms with the same words stand nearest the threshold; others are nearly as near."""
    given = view()
    vectors = given.vectors.copy()
    vectors[:30] = vectors[0]
    probability = np.full(N, 0.02)
    probability[:30] = 0.4
    probability[30:80] = 0.38
    given = replace(given, vectors=vectors, probability=probability)
    picks = [pick.row for pick in ask(given, BATCH) if pick.why == THRESHOLD]
    assert sum(row < 30 for row in picks) == 1
    assert all(row < 80 for row in picks)


def test_without_a_model_the_definition_leads_and_the_lot_stays() -> None:
    given = view(trained=False, includes=0)
    picks = ask(given, BATCH)
    alike = set(np.argsort(-given.likeness)[:80].tolist())
    assert all(pick.row in alike for pick in picks if pick.why == DEFINITION)
    assert sum(pick.why == RANDOM for pick in picks) == 4


def test_second_opinions_only_on_what_others_judged() -> None:
    given = view()
    others = np.arange(N) < 50
    given = replace(given, open=~others, second=others)
    picks = ask(given, 110)
    assert {pick.why for pick in picks if pick.row < 50} == {SECOND}
    assert sum(pick.why == SECOND for pick in picks) == 10


def test_one_firm_is_asked_for_several_sectors_at_once() -> None:
    views = [view(name, seed=0) for name in ("a", "b", "c", "d", "e", "f")]  # the same numbers, so the same nearness
    picks = ask_across(views, 40)
    by_firm = Counter(pick.row for pick in picks)
    assert max(by_firm.values()) == MAX_SECTORS_AT_ONCE
    order = [pick.row for pick in picks]
    assert order == [row for row in dict.fromkeys(order) for _ in range(by_firm[row])]  # one behind the other
    assert len({(pick.row, pick.sector) for pick in picks}) == len(picks)


def test_the_sector_with_the_fewest_judgements_is_next() -> None:
    far = np.full(N, 0.001)  # near no threshold: no second question on a firm
    behind = replace(view("behind", seed=1), probability=far, asked=2)
    ahead = replace(view("ahead", seed=2), probability=far, asked=12)
    sectors = [pick.sector for pick in ask_across([ahead, behind], 14)]
    assert sectors[:10] == ["behind"] * 10
    assert sectors[10:].count("ahead") == 2


def test_a_sector_with_nobody_left_does_not_stop_the_others() -> None:
    empty = replace(view("empty", seed=1), open=np.zeros(N, dtype=bool))
    picks = ask_across([empty, view("full", seed=2)], 20)
    assert [pick.sector for pick in picks] == ["full"] * 20
    assert ask(empty, 5) == []
    assert ask_across([empty], 5) == []


@pytest.mark.parametrize(
    ("note", "why"),
    [
        pytest.param("asked: random", "random", id="plain"),
        pytest.param("asked: near the threshold; only resells", "near the threshold", id="with the coder's words"),
        pytest.param("asked: random; asked: twice; yes", "random", id="a coder who writes like a queue"),
        pytest.param("only resells", "", id="nobody asked"),
        pytest.param("", "", id="empty"),
    ],
)
def test_notes_tell_why(note: str, why: str) -> None:
    assert why_asked(note) == why
    assert why_asked(asked_note(RANDOM, "asked: x; y")) == RANDOM


def test_the_same_view_gives_the_same_questions() -> None:
    assert ask(view(), 50) == ask(view(), 50)
    assert ask(view(), 50)[:20] == ask(view(), 20)
    assert isinstance(ask(view(), 1)[0], Pick)
