"""When a site is visited next: bounds and order hold for every history, and a table of hands-on cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.scheduling import (
    FULL_HISTORY,
    LONGEST_ASKED,
    PATIENT_VISITS,
    Bounds,
    Ending,
    History,
    hours_between_changes,
    is_due,
    next_due,
)

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
BOUNDS = Bounds.of(20, 28 * 24)
HOUR = timedelta(hours=1)

ids = st.text(min_size=1, max_size=8)
histories = st.builds(
    lambda visits, changed, hours, failures: History(visits, round(visits * changed), hours * visits, failures),
    st.integers(0, FULL_HISTORY - 1),
    st.floats(0, 1),
    st.floats(0.01, 10_000),
    st.integers(0, 10_000),
)
endings = st.sampled_from([ending for ending in Ending if ending is not Ending.UNVISITED])


@given(ids, histories, endings)
def test_never_outside_the_bounds(firm_id: str, history: History, ending: Ending) -> None:
    assert BOUNDS.shortest <= next_due(firm_id, history, ending, NOW, BOUNDS) - NOW <= BOUNDS.longest


@given(ids, histories, st.sampled_from([Ending.FAILED, Ending.REFUSED]))
def test_patience_grows_with_failures(firm_id: str, history: History, ending: Ending) -> None:
    one_more = History(history.visits, history.changes, history.watched_h, history.failures + 1)
    assert next_due(firm_id, history, ending, NOW, BOUNDS) <= next_due(firm_id, one_more, ending, NOW, BOUNDS)


@given(ids, histories)
def test_what_changes_more_often_is_due_no_later(firm_id: str, history: History) -> None:
    if history.changes < history.visits:
        livelier = History(history.visits, history.changes + 1, history.watched_h, history.failures)
        answered = Ending.ANSWERED
        assert next_due(firm_id, livelier, answered, NOW, BOUNDS) <= next_due(firm_id, history, answered, NOW, BOUNDS)


@given(histories, st.floats(-10, 10_000), st.booleans())
def test_history_stays_short_and_possible(history: History, hours: float, changed: bool) -> None:
    longer = history.compared(hours, changed)
    assert 0 <= longer.changes <= longer.visits < FULL_HISTORY
    assert longer.failures == history.failures
    assert not changed or longer.changes


def waits(firm_id: str, changes: list[bool]) -> list[float]:
    """Hours that a site is left alone, visit after visit, when each visit comes as soon as it is due."""
    history, waited = History(), []
    for changed in changes:
        wait = (next_due(firm_id, history, Ending.ANSWERED, NOW, BOUNDS) - NOW) / HOUR
        waited.append(wait)
        history = history.compared(wait, changed)
    return waited


@given(ids)
def test_a_site_that_changes_at_every_visit_is_due_as_soon_as_allowed(firm_id: str) -> None:
    assert waits(firm_id, [True] * 40) == [20] * 40


@given(ids)
def test_a_site_that_never_changes_is_soon_left_for_the_longest_time(firm_id: str) -> None:
    waited = waits(firm_id, [False] * 8)
    assert waited[0] == 20
    assert waited == sorted(waited)
    assert waited[-1] >= 0.9 * 28 * 24


def test_a_site_that_changes_its_ways_is_believed() -> None:
    quiet_then_lively = waits("f", [False] * 30 + [True] * 18)
    assert quiet_then_lively[29] >= 0.9 * 28 * 24
    assert quiet_then_lively[-1] <= 3 * 24
    assert waits("f", [True] * 30 + [False] * 15)[-1] >= 0.9 * 28 * 24


@pytest.mark.parametrize(
    ("history", "hours"),
    [
        pytest.param(History(), None, id="nothing compared yet"),
        pytest.param(History(1, 0, 20), 20 / 0.28768207, id="one visit without a change: -log(1.5 / 2)"),
        pytest.param(History(1, 1, 20), 20 / 1.38629436, id="one visit with a change: -log(0.5 / 2)"),
        pytest.param(History(9, 3, 9 * 24), 24 / 0.43078292, id="3 of 9 nights: -log(6.5 / 10), more than 3"),
    ],
)
def test_hours_between_changes(history: History, hours: float | None) -> None:
    assert hours_between_changes(history) == (pytest.approx(hours) if hours else None)


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("history", "ending", "not_before", "least", "most"),
    [
        pytest.param(History(), Ending.ANSWERED, None, 20 * HOUR, 20 * HOUR, id="first visit: nothing is known"),
        pytest.param(History(failures=1), Ending.FAILED, None, 20 * HOUR, 20 * HOUR, id="failed once"),
        pytest.param(History(failures=3), Ending.FAILED, None, 72 * HOUR, 80 * HOUR, id="failed three times"),
        pytest.param(History(failures=999), Ending.FAILED, None, 25.2 * DAY, 28 * DAY, id="failed for ever"),
        pytest.param(History(failures=2), Ending.REFUSED, None, 36 * HOUR, 40 * HOUR, id="403 twice"),
        pytest.param(History(failures=PATIENT_VISITS), Ending.REFUSED, None, 25.2 * DAY, 28 * DAY, id="403 thrice"),
        pytest.param(History(9, 9, 9), Ending.LEFT_ALONE, None, 25.2 * DAY, 28 * DAY, id="robots.txt says no"),
        pytest.param(History(), Ending.UNVISITED, None, 0 * HOUR, 0 * HOUR, id="we did not get there"),
        pytest.param(History(failures=1), Ending.FAILED, NOW + HOUR, 20 * HOUR, 20 * HOUR, id="Retry-After: soon"),
        pytest.param(History(failures=1), Ending.FAILED, NOW + 60 * DAY, 60 * DAY, 60 * DAY, id="Retry-After: late"),
        pytest.param(History(failures=1), Ending.FAILED, NOW + 9999 * DAY, LONGEST_ASKED, LONGEST_ASKED,
                     id="Retry-After: never"),
    ],
)  # fmt: skip
def test_next_due(
    history: History, ending: Ending, not_before: datetime | None, least: timedelta, most: timedelta
) -> None:
    assert least <= next_due("f", history, ending, NOW, BOUNDS, not_before) - NOW <= most


def test_sites_that_wait_long_do_not_come_due_together() -> None:
    due = {next_due(f"f{number}", History(), Ending.LEFT_ALONE, NOW, BOUNDS).date() for number in range(100)}
    assert len(due) >= 3


SITE = "http://firm.example/"


def held(**changes: Any) -> dict[str, Any]:
    row = {"source": "crawl", "website": SITE, "outcome": "ok", "crawled_at": NOW - 30 * HOUR, "due_at": NOW + HOUR}
    return row | {"not_before": None} | changes


@pytest.mark.parametrize(
    ("row", "website", "bounds", "due"),
    [
        pytest.param(None, SITE, BOUNDS, True, id="never visited"),
        pytest.param(None, None, BOUNDS, True, id="never stated as without a website"),
        pytest.param(held(), SITE, BOUNDS, False, id="not due yet"),
        pytest.param(held(due_at=NOW), SITE, BOUNDS, True, id="due"),
        pytest.param(held(due_at=None), SITE, BOUNDS, True, id="visited by the release before, long ago"),
        pytest.param(held(due_at=None, crawled_at=NOW - HOUR), SITE, BOUNDS, False, id="by the release before, lately"),
        pytest.param(held(), "http://new.example", BOUNDS, True, id="another website"),
        pytest.param(held(), None, BOUNDS, True, id="website taken away"),
        pytest.param(held(website=None, due_at=NOW - 9 * DAY), None, BOUNDS, False, id="still none"),
        pytest.param(held(outcome="not_attempted"), SITE, BOUNDS, True, id="we did not get there"),
        pytest.param(held(outcome="not_attempted", not_before=NOW + HOUR), SITE, BOUNDS, False, id="asked to wait"),
        pytest.param(held(source="texts", due_at=None), SITE, BOUNDS, False, id="words were imported"),
        pytest.param(held(source="warc"), SITE, BOUNDS, False, id="an archive stood in, not due yet"),
        pytest.param(held(source="warc", due_at=NOW), SITE, BOUNDS, True, id="an archive stood in, due"),
        pytest.param(held(crawled_at=NOW), SITE, Bounds.of(0, 672), True, id="always due"),
        pytest.param(held(not_before=NOW + HOUR), SITE, Bounds.of(0, 672), False, id="always due, but asked to wait"),
        pytest.param(held(), SITE, Bounds.of(1, 24), True, id="the longest wait was shortened since"),
        pytest.param(held(due_at=NOW), SITE, Bounds.of(48, 672), False, id="the shortest wait was lengthened since"),
        pytest.param(held(crawled_at=NOW + 9 * DAY), SITE, BOUNDS, True, id="the clock was wrong at the last visit"),
    ],
)
def test_due(row: dict[str, Any] | None, website: str | None, bounds: Bounds, due: bool) -> None:
    assert is_due(row, website, NOW, bounds) is due


def test_the_longest_wait_is_never_shorter_than_the_shortest() -> None:
    assert Bounds.of(48, 24) == Bounds(48 * HOUR, 48 * HOUR)
