"""Growth, firms alive on a day, and high growth: worked by hand, with the days and rates at which it tips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.growth import alive, growth, high_growth, incorporated

nan = float("nan")


@pytest.mark.parametrize(
    ("start", "end", "share", "per_year", "reason"),
    [
        # 1.5**(1/5): log 1.5 = 0.405465, a fifth 0.0810930, exp 1.084472
        pytest.param(120, 180, 0.5, 0.084472, "", id="half as much again in five years"),
        pytest.param(120, 120, 0.0, 0.0, "", id="the same"),
        pytest.param(243, 32, 32 / 243 - 1, 2 / 3 - 1, "", id="a third lost every year: (2/3)**5 = 32/243"),
        pytest.param(120, 0, -1.0, -1.0, "", id="all gone"),
        pytest.param(0, 180, nan, nan, "no_base", id="from nothing"),
        pytest.param(0, 0, nan, nan, "no_base", id="nothing to nothing"),
        pytest.param(-5, 180, nan, nan, "no_base", id="from a negative"),
        pytest.param(nan, 180, nan, nan, "unknown", id="start not known"),
        pytest.param(0, nan, nan, nan, "unknown", id="end not known"),
        pytest.param(120, -1, nan, nan, "unknown", id="to a negative"),
    ],
)
def test_growth_worked_by_hand(start: float, end: float, share: float, per_year: float, reason: str) -> None:
    found = growth([start], [end], years=5)
    assert found.share == pytest.approx([share], nan_ok=True)
    assert found.per_year == pytest.approx([per_year], abs=1e-6, nan_ok=True)
    assert list(found.reason) == [reason]


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.integers(1, 20))
def test_growing_by_the_yearly_rate_every_year_gives_the_growth(start: float, end: float, years: int) -> None:
    found = growth(start, end, years)
    assert start * (1 + found.per_year) ** years == pytest.approx(end, rel=1e-6)


BEGUN = np.array([100, 100, 200, nan, 300, 250, 90])
ENDED = np.array([nan, 200, nan, 150, 300, 240, -np.inf])  # ended before they could live, or nobody knows when


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(99, 0, id="the day before the first"),
        pytest.param(100, 2, id="on the day of incorporation"),
        pytest.param(199, 2, id="the last day of the second"),
        pytest.param(200, 2, id="one goes and one comes: it is the end of the day"),
        pytest.param(1000, 2, id="for ever, without an end"),
    ],
)
def test_alive_on_a_day(day: int, expected: int) -> None:
    assert alive(BEGUN, ENDED, day).sum() == expected


def test_dates_count_as_their_day_numbers() -> None:
    begun = np.array(["1970-01-11", "NaT"], dtype="datetime64[D]")
    ended = np.array(["NaT", "NaT"], dtype="datetime64[ns]")
    assert [alive(begun, ended, day).sum() for day in (9, 10)] == [0, 1]
    assert list(incorporated(begun, 10, 10)) == [True, False]
    assert list(incorporated(begun, 11, 20)) == [False, False]


@pytest.mark.parametrize(
    ("employees", "eligible", "high"),
    [
        pytest.param([10, 12, 14, 18], True, True, id="18/10 = 1.8 > 1.728"),
        pytest.param([125, 150, 180, 216], True, False, id="20 % a year exactly is not more than 20 %"),
        pytest.param([125, 150, 180, 217], True, True, id="one employee more is"),
        pytest.param([9, 20, 30, 90], False, False, id="nine at the start"),
        pytest.param([10, nan, nan, 18], True, True, id="years between are not asked for"),
        pytest.param([nan, 12, 14, 18], False, False, id="start not known"),
        pytest.param([10, 12, 14, nan], False, False, id="end not known"),
        pytest.param([10, 9, 8, 0], True, False, id="closed down"),
    ],
)
def test_high_growth_in_employees(employees: list[float], eligible: bool, high: bool) -> None:
    found = high_growth(np.array([employees]), np.array([employees]))
    assert (found[0][0], found[1][0]) == (eligible, high)


def test_high_growth_in_turnover_still_asks_for_ten_employees() -> None:
    turnover = np.array([[1e6, nan, nan, 2e6], [1e6, nan, nan, 2e6], [0, nan, nan, 2e6], [1e6, nan, nan, 1.1e6]])
    employees = np.array([[10, nan, nan, nan], [9, nan, nan, nan], [10, 10, 10, 10], [10, 10, 10, 10]])
    eligible, high = high_growth(turnover, employees)
    assert eligible.tolist() == [True, False, False, True]
    assert high.tolist() == [True, False, False, False]


def test_other_definitions_and_other_years() -> None:
    employees = np.array([[5.0, 6.0, 7.0, 7.0, 20.0]])
    assert high_growth(employees, employees, 2, rate=0.1, years=2, least_employees=5)[1].tolist() == [True]  # 18 %
    assert high_growth(employees, employees, 2, rate=0.1, years=2, least_employees=6)[0].tolist() == [False]
    assert high_growth(employees, employees, 2)[0].tolist() == [False]  # no column three years before
    assert high_growth(employees[:, :3], employees[:, :3])[0].tolist() == [False]


@given(st.lists(st.lists(st.one_of(st.just(nan), st.floats(0, 500)), min_size=4, max_size=4), min_size=1))
def test_a_higher_bar_never_adds_a_firm(rows: list[list[float]]) -> None:
    employees = np.array(rows)
    low = high_growth(employees, employees, rate=0.1)
    bar = high_growth(employees, employees, rate=0.2)
    assert (low[0] == bar[0]).all()
    assert (low[1] >= bar[1]).all()
    assert (bar[0] >= bar[1]).all()
