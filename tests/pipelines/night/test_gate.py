"""The gate: every check at its threshold, on it, and beyond."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.night.gate import GateResult, judge
from pipelines.night.state import Candidate, ListMove, Pair, Reached, State
from pipelines.night_settings import GateConfig

STATE = State(100, 90, 95, 2, 2_000.0)
BEFORE = "20261121T010000Z-aaaaaa"


def verdict(published: str | None = BEFORE, settings: GateConfig | None = None, **now: Any) -> GateResult:
    """The gate's word on a night of which only some facts are given."""
    return judge(published, Candidate(**{"state": STATE, **now}), settings or GateConfig())


def reasons(result: GateResult) -> list[str]:
    """Names of the checks that hold, in order."""
    return [check.name for check in result.reasons]


def moved(before: int, entered: dict[str, int] | None = None, left: dict[str, int] | None = None) -> ListMove:
    """A list of that size, moved so."""
    entered, left = entered or {}, left or {}
    after = before + sum(entered.values()) - sum(left.values())
    return ListMove("space", "Space", before, after, entered, left)


@pytest.mark.parametrize(
    ("tried", "answered", "held"),
    [
        pytest.param(100, 60, True, id="60 %"),
        pytest.param(100, 94, True, id="94 %"),
        pytest.param(100, 95, False, id="95 % exactly"),
        pytest.param(100, 99, False, id="99 %"),
        pytest.param(100, 100, False, id="all"),
        pytest.param(100_000, 94_999, True, id="one site short of 95 %"),
        pytest.param(20, 19, False, id="95 % of twenty"),
        pytest.param(10, 6, True, id="60 % of a short list"),
        pytest.param(10, 9, False, id="one of ten: one site alone holds no night"),
        pytest.param(10, 8, True, id="two of ten"),
        pytest.param(1, 0, True, id="the only site"),
        pytest.param(0, 0, False, id="none was due"),
    ],
)
def test_a_night_that_reached_too_few_sites_is_held(tried: int, answered: int, held: bool) -> None:
    missed = {"timeout": tried - answered} if tried > answered else {}
    found = verdict(reached=Reached(tried, answered, tried, missed))
    assert reasons(found) == (["reached"] if held else [])


@pytest.mark.parametrize("published", [BEFORE, None])
@pytest.mark.parametrize(("undone", "held"), [(0, False), (5, False), (6, True), (100, True)])
def test_parts_that_failed_hold_a_night_when_too_many_firms_were_in_them(
    undone: int, held: bool, published: str | None
) -> None:
    found = verdict(published, undone=undone)
    assert reasons(found) == (["parts"] if held else [])
    assert any("failed three times" in check.sentence for check in found.checks) == bool(undone)


def test_the_shortfall_is_said_on_a_night_that_passes() -> None:
    found = verdict(reached=Reached(100, 96, 100, {"timeout": 3, "dns_failed": 1}))
    said = next(check.sentence for check in found.checks if check.name == "reached")
    assert not found.held
    assert said == (
        "Of 100 sites read before and tried since, 96 answered (96.0%); 4 did not (dns_failed 1, timeout 3); "
        "at least 95% must."
    )


@pytest.mark.parametrize(
    ("tried", "answered", "known", "held"),
    [
        pytest.param(10, 9, 1_000, False, id="one failure among the few that were due"),
        pytest.param(50, 0, 1_000, False, id="all of few: 5 % of all that were read"),
        pytest.param(50, 0, 999, True, id="all of few, and more than 5 % of all"),
        pytest.param(99, 93, 1_000, False, id="chance, at 99 sites"),
        pytest.param(100, 94, 1_000, True, id="enough were due to be judged by themselves"),
    ],
)
def test_few_due_sites_are_measured_against_all_that_were_read(
    tried: int, answered: int, known: int, held: bool
) -> None:
    assert verdict(reached=Reached(tried, answered, known, {"timeout": tried - answered})).held is held


@pytest.mark.parametrize(
    ("move", "held"),
    [
        pytest.param(moved(100, {"site_changed": 20}), False, id="20 % enter"),
        pytest.param(moved(100, {"site_changed": 21}), True, id="21 % enter"),
        pytest.param(
            moved(100, left={"site_changed": 11, "site_gone": 10}), True, id="leave by changed and dead sites"
        ),
        pytest.param(moved(100, {"site_changed": 11}, {"site_changed": 10}), True, id="as many in as out"),
        pytest.param(moved(100, {"site_and_model": 21}), True, id="site or model, nobody knows"),
        pytest.param(moved(100, {"something_new": 21}), True, id="a cause of another release is not decided"),
        pytest.param(moved(9, {"site_changed": 2}), False, id="fewer firms than list_firms"),
        pytest.param(moved(10, {"site_changed": 3}), True, id="30 % of a short list"),
        pytest.param(moved(0, {"site_changed": 3}), True, id="an empty list fills by itself"),
        pytest.param(moved(0, {"taxonomy_changed": 300}), False, id="a new sector"),
        *(
            pytest.param(moved(100, {cause: 60}, {cause: 60}), False, id=cause)
            for cause in ("register_changed", "model_changed", "taxonomy_changed", "label_changed", "settings_changed")
        ),
        pytest.param(moved(100, {"model_changed": 60, "site_changed": 20}), False, id="only the undecided count"),
        pytest.param(moved(100, {"unexplained": 1}), True, id="one without a cause"),
        pytest.param(moved(1, left={"site_gone": 1}), True, id="one to none"),
        pytest.param(moved(40, left={"register_changed": 40}), False, id="emptied by a decision"),
        pytest.param(
            moved(40, left={"register_changed": 39, "site_gone": 1}), True, id="emptied, the last by its site"
        ),
        pytest.param(moved(40), False, id="still"),
    ],
)
def test_a_list_that_moves_without_a_decision_is_held(move: ListMove, held: bool) -> None:
    found = verdict(lists=(move, ListMove("cyber", "Cyber", 5, 5)))
    assert reasons(found) == (["lists"] if held else [])
    assert all("Space" in check.sentence for check in found.reasons)


def test_every_list_that_moves_is_a_reason() -> None:
    lists = tuple(ListMove(key, key, 10, 0, {}, {"site_gone": 10}) for key in ("a", "b", "c"))
    assert [check.about for check in verdict(lists=lists).reasons] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("now", "held"),
    [(0.90, False), (0.85, False), (0.8499, True), (0.95, False), (0.0, True)],
    ids=["same", "5 points", "just beyond", "rises", "nothing left"],
)
def test_coverage_that_falls_is_held(now: float, held: bool) -> None:
    assert reasons(verdict(coverage=Pair(1_000, 0.90, now))) == (["coverage"] if held else [])


@pytest.mark.parametrize(
    ("failures", "held"),
    [
        pytest.param(Pair(1_000, 0.02, 0.04), True, id="doubles"),
        pytest.param(Pair(1_000, 0.02, 0.039), False, id="not quite"),
        pytest.param(Pair(1_000, 0.02, 0.01), False, id="halves"),
        pytest.param(Pair(100, 0.01, 0.05), False, id="four sites more"),
        pytest.param(Pair(100, 0.0, 0.05), True, id="five sites more, none before"),
        pytest.param(Pair(100_000, 0.0, 0.0099), False, id="under a hundredth of a long list"),
        pytest.param(Pair(100_000, 0.005, 0.015), True, id="a hundredth more, and threefold"),
    ],
)
def test_failures_that_double_are_held(failures: Pair, held: bool) -> None:
    assert reasons(verdict(failures=failures)) == (["failures"] if held else [])


@pytest.mark.parametrize(
    ("now", "held"),
    [(2_000, False), (1_001, False), (1_000, True), (0, True), (9_000, False)],
    ids=["same", "just above half", "half", "nothing", "more"],
)
def test_words_that_halve_are_held(now: float, held: bool) -> None:
    assert reasons(verdict(chars=Pair(90, 2_000, now))) == (["words"] if held else [])


@pytest.mark.parametrize("published", [None, BEFORE], ids=["first night", "any other"])
def test_a_total_that_breaks_always_holds(published: str | None) -> None:
    found = verdict(published, breaks=("Firm f stands twice.",))
    assert reasons(found) == ["totals"]
    assert found.reasons[0].sentence == "Firm f stands twice."


@pytest.mark.parametrize(
    ("read", "sites", "held"),
    [
        pytest.param(1, 100, False, id="one firm was read"),
        pytest.param(0, 100, True, id="no firm was read"),
        pytest.param(0, 0, False, id="nobody's site was visited: a register alone"),
    ],
)
def test_the_first_publication_only_needs_a_firm_that_was_read(read: int, sites: int, held: bool) -> None:
    now: dict[str, Any] = {
        "reached": Reached(100, 10, 100),
        "failures": Pair(100, 0.0, 0.9),
        "lists": (moved(10, left={"unexplained": 10}),),
    }
    assert verdict(None, state=State(100, read, sites, 90, None), **now).held is held


def test_thresholds_are_the_settings() -> None:
    slack = GateConfig(
        reached=0.5, list_moves=5, list_firms=1, list_empties=1_000, coverage_falls=1, failures_rise=100,
        failures_least=1, words_fall=1,
    )  # fmt: skip
    strict = GateConfig(
        reached=1, list_moves=0, list_firms=1, list_empties=1, coverage_falls=0, failures_rise=1, failures_least=1,
        words_fall=0,
    )  # fmt: skip
    now: dict[str, Any] = {
        "reached": Reached(1_000, 998, 1_000), "coverage": Pair(1_000, 0.9, 0.899), "failures": Pair(1_000, 0.02, 0.03),
        "chars": Pair(1_000, 2_000, 1_999), "lists": (moved(100, {"site_changed": 1}),),
    }  # fmt: skip
    assert not verdict(settings=slack, **now).held
    assert reasons(verdict(settings=strict, **now)) == ["reached", "coverage", "failures", "words", "lists"]


def test_every_check_says_its_figures_whether_it_passed_or_not() -> None:
    found = verdict(
        reached=Reached(100, 60, 100, {"timeout": 40}), coverage=Pair(9, 0.9, 0.1), failures=Pair(100, 0.01, 0.4),
        chars=Pair(9, 2_000, 10), lists=(moved(10, left={"site_gone": 9}),),
    )  # fmt: skip
    assert [check.name for check in found.checks] == ["totals", "reached", "coverage", "failures", "words", "lists"]
    assert all(any(char.isdigit() for char in check.sentence) for check in found.checks)
    told = found.as_dict()
    assert told["held"] is True
    assert len(told["reasons"]) == 5


@given(answered=st.integers(0, 200), fewer=st.integers(0, 200), entered=st.integers(0, 50), more=st.integers(0, 50))
def test_a_worse_night_is_never_published_where_a_better_one_was_held(
    answered: int, fewer: int, entered: int, more: int
) -> None:
    def night(answered: int, entered: int) -> GateResult:
        missed = {"timeout": 200 - answered} if answered < 200 else {}
        return verdict(reached=Reached(200, answered, 200, missed), lists=(moved(50, {"site_changed": entered}),))

    better, worse = night(answered, entered), night(max(answered - fewer, 0), entered + more)
    assert not better.held or worse.held
    assert night(answered, entered) == better
