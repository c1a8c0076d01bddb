"""How figures, days and strangers' words are written on the pages."""

from __future__ import annotations

import pytest

from pipelines.reporting.page import count, day, estimate, outside, probability, share


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "not known"), (0.0, "0"), (1234567.0, "1,234,567"), (12.5, "12.5"), (1234.5, "1,234"), (-3.0, "-3")],
)
def test_count(value: float | None, expected: str) -> None:
    assert count(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0%"), (0.001, "under 1%"), (0.925, "92%"), (0.9996, "over 99%"), (1.0, "100%")],
)
def test_share(value: float, expected: str) -> None:
    assert share(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "not known"), (0.0, "0.00"), (0.001, "< 0.01"), (0.5, "0.50"), (0.9951, "> 0.99"), (1.0, "1.00")],
)
def test_probability(value: float | None, expected: str) -> None:
    assert probability(value) == expected


@pytest.mark.parametrize(
    ("iso", "expected"),
    [("2026-03-01", "1 March 2026"), ("2026-12-31T23:59:59Z", "31 December 2026"), (None, "not known")],
)
def test_day(iso: str | None, expected: str) -> None:
    assert day(iso) == expected


def test_outside_text_is_cut_at_its_length() -> None:
    assert (outside("abc", 3), outside("abcd", 3), outside("ab cd", 3)) == ("abc", "abc…", "ab…")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, "0"), (2.345, "2.3"), (9.96, "10"), (12.6, "13"), (1234.5, "1,230"), (98_765_432.1, "98,800,000")],
)
def test_an_estimate_has_three_digits_that_mean_something(value: float, expected: str) -> None:
    assert estimate(value) == expected
