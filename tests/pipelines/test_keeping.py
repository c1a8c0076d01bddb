"""Rules of retention, as tables: who stays, why, and what no setting can take away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.keeping import (
    Shown,
    State,
    by_table,
    kept_states,
    lasting,
    rollback_chain,
    runs_to_go,
    sets_to_go,
    states_with_words,
)
from pipelines.night_settings import KeepConfig
from pipelines.promotion import Promotion

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(day: str, hour: int = 3) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")


def state(day: str, hour: int = 3) -> State:
    return State(f"{day}-{hour:02}", at(day, hour), {"firms": 1})


def keep(**values: object) -> KeepConfig:
    return KeepConfig.model_validate({"history_days": 10, "monthly": True, "publications": 2, "runs_days": 30} | values)


@pytest.mark.parametrize(
    ("days", "settings", "expected"),
    [
        pytest.param([], keep(), [], id="no-run"),
        pytest.param(["2020-01-01"], keep(monthly=False), ["2020-01-01"], id="the-newest-however-old"),
        pytest.param(
            ["2026-11-12", "2026-11-22"], keep(monthly=False), ["2026-11-12", "2026-11-22"], id="ten-days-ago"
        ),
        pytest.param(["2026-11-11", "2026-11-22"], keep(monthly=False), ["2026-11-22"], id="eleven-days-ago"),
        pytest.param(
            ["2026-08-30", "2026-08-31", "2026-09-01", "2026-11-22"], keep(),
            ["2026-08-31", "2026-09-01", "2026-11-22"], id="last-of-each-month",
        ),
        pytest.param(["2025-11-30", "2026-11-22"], keep(), ["2025-11-30", "2026-11-22"], id="months-of-other-years"),
        pytest.param(["2025-10-31", "2025-11-01", "2026-11-22"], keep(), ["2025-11-01", "2026-11-22"], id="13-months"),
        pytest.param(["2026-10-31", "2026-11-01", "2026-11-22"], keep(months=1), ["2026-11-22"], id="no-month-before"),
    ],
)  # fmt: skip
def test_kept_states(days: list[str], settings: KeepConfig, expected: list[str]) -> None:
    found = kept_states([state(day) for day in reversed(days)], NOW, settings)
    assert sorted(found) == [f"{day}-03" for day in expected]


def test_months_are_those_of_utc() -> None:
    zone = datetime.fromisoformat("2026-09-01T00:30:00+02:00")  # still August in UTC
    states = [state("2026-08-31", 20), State("abroad", zone, {}), state("2026-11-22")]
    assert set(kept_states(states, NOW, keep())) == {"abroad", "2026-11-22-03"}


@given(st.lists(st.integers(0, 900), min_size=1, unique=True), st.integers(1, 400), st.integers(0, 400))
def test_a_longer_time_never_loses_a_state_and_time_alone_brings_none_back(
    ages: list[int], history: int, more: int
) -> None:
    states = [State(str(age), NOW - timedelta(days=age), {}) for age in ages]
    short = set(kept_states(states, NOW, keep(history_days=history)))
    assert short <= set(kept_states(states, NOW, keep(history_days=history + more)))
    left = [one for one in states if one.run_id in short]
    assert set(kept_states(left, NOW, keep(history_days=history))) == short
    assert set(kept_states(left, NOW + timedelta(days=more), keep(history_days=history))) <= short
    assert str(min(ages)) in short


@pytest.mark.parametrize(
    ("sets", "current", "expected"),
    [
        pytest.param([], None, "", id="none"),
        pytest.param([("a", 9, False), ("b", 8, False), ("c", 7, False)], "c", "a", id="beyond-the-number"),
        pytest.param([("a", 9, False), ("b", 8, False), ("c", 7, False)], "a", "", id="current-is-an-old-one"),
        pytest.param([("a", 9, True), ("b", 8, False), ("c", 7, False)], "c", "", id="held-waits"),
        pytest.param([("a", 11, True), ("b", 8, False), ("c", 7, False)], "c", "a", id="held-too-long"),
        pytest.param([("a", 9, False), ("b", 8, False), ("c", 7, True)], "b", "", id="held-do-not-count"),
        pytest.param([("a", 99, True)], "a", "", id="current-even-if-held-of-old"),
        pytest.param([("a", 99, False), ("b", 98, True), ("c", 97, True)], "a", "b", id="the-newest-held-of-old-stays"),
        pytest.param([("a", 99, True), ("b", 98, False)], "b", "a", id="held-of-old-and-overtaken"),
    ],
)
def test_sets_to_go(sets: list[tuple[str, int, bool]], current: str | None, expected: str) -> None:
    shown = [Shown(name, NOW - timedelta(days=age), held) for name, age, held in sets]
    assert sets_to_go(shown, current, NOW, keep()) == list(expected)


@pytest.mark.parametrize(
    ("days", "settings", "expected"),
    [
        pytest.param([], keep(), [], id="no-run"),
        pytest.param(["2020-01-01"], keep(), ["2020-01-01"], id="the-newest-however-old"),
        pytest.param(
            ["2026-11-19", "2026-11-20", "2026-11-22"], keep(), ["2026-11-20", "2026-11-22"], id="two-days-ago"
        ),
        pytest.param(["2026-11-20", "2026-11-22"], keep(history_days=1), ["2026-11-22"], id="no-longer-than-the-rest"),
    ],
)
def test_states_with_words(days: list[str], settings: KeepConfig, expected: list[str]) -> None:
    found = states_with_words([state(day) for day in reversed(days)], NOW, settings)
    assert sorted(found) == [f"{day}-03" for day in expected]


def test_what_lasts_is_all_but_the_large_tables() -> None:
    assert lasting({"firms": 1, "pages": 2, "embeddings": 3, "cells": None}) == {"firms": 1, "cells": None}


def promotion(model: str, previous: str | None, kind: str = "promote") -> Promotion:
    return Promotion("2026", "r", model, previous, kind, None, {})


@pytest.mark.parametrize(
    ("log", "current", "expected"),
    [
        pytest.param([], None, [], id="no-model"),
        pytest.param([("a", None)], "a", ["a"], id="first"),
        pytest.param([("a", None), ("b", "a"), ("c", "b")], "c", ["c", "b", "a"], id="all-the-way-back"),
        pytest.param([("a", None), ("b", "a"), ("c", "b")], "b", ["b", "a"], id="rolled-back"),
        pytest.param([("a", "b"), ("b", "a")], "b", ["b", "a"], id="to-and-fro"),
        pytest.param([("a", None)], "z", [], id="not-in-the-log"),
    ],
)
def test_rollback_chain(log: list[tuple[str, str | None]], current: str | None, expected: list[str]) -> None:
    found = rollback_chain([promotion(*entry) for entry in log], current)
    assert [entry.model_id for entry in found] == expected


def test_folders_of_runs_that_are_needed_stay_and_tables_never_written_have_no_snapshot() -> None:
    begun = {"old": NOW - timedelta(days=31), "named": NOW - timedelta(days=400), "young": NOW - timedelta(days=30)}
    assert runs_to_go(begun, {"named"}, NOW, keep()) == ["old"]
    assert by_table([{"firms": 1, "pages": None}, {"firms": 2}]) == {"firms": {1, 2}}
