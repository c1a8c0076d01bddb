"""Figures in classes: what reads alike is never split, nothing is lost, and more is never a lighter colour."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.maps.classes import METRICS, Metric, classed, count_text, pounds_text
from pipelines.maps.colours import CLASSES

BUSINESSES, _, TURNOVER = METRICS


@pytest.mark.parametrize(
    ("values", "legend"),
    [
        ([1.0], [(0, "1", 1)]),
        ([1, 1, 2], [(0, "1", 2), (4, "2", 1)]),
        ([1, 2, 3], [(0, "1", 1), (2, "2", 1), (4, "3", 1)]),
        (
            [1] * 90 + [2] * 5 + [3] * 3 + [4, 9, 30],
            [(0, "1", 90), (1, "2", 5), (2, "3", 3), (3, "4 to 9", 2), (4, "30", 1)],
        ),
        (
            list(range(1, 11)),
            [(0, "1 to 2", 2), (1, "3 to 4", 2), (2, "5 to 6", 2), (3, "7 to 8", 2), (4, "9 to 10", 2)],
        ),
        ([1 / 3, 0.34, 0.5, 1.0], [(0, "0.3", 2), (2, "0.5", 1), (4, "1", 1)]),
        ([0.01], [(0, "under 0.1", 1)]),
    ],
    ids=["one", "two values", "three lie apart", "most are ones", "ten", "shares that read alike", "a small share"],
)  # fmt: skip
def test_classes(values: list[float], legend: list[tuple[int, str, int]]) -> None:
    _, found = classed(BUSINESSES, values)
    assert [(each.number, each.label, each.hexagons) for each in found] == legend


@settings(deadline=None)  # the machine is shared
@given(
    st.sampled_from(METRICS),
    st.lists(st.floats(0, 1e10, allow_nan=False) | st.integers(0, 4).map(float), min_size=1, max_size=200),
)
def test_laws(metric: Metric, values: list[float]) -> None:
    classes, legend = classed(metric, values)
    assert len(legend) <= CLASSES
    assert sum(each.hexagons for each in legend) == len(values) == len(classes)
    assert {each.number for each in legend} == set(classes) <= set(range(CLASSES))
    by_value = sorted(zip(values, classes, strict=True))
    assert [number for _, number in by_value] == sorted(classes)
    assert len({metric.text(value): number for value, number in by_value}) == len(
        {(metric.text(value), number) for value, number in by_value}
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1.0, "1"), (2.25, "2.2"), (999.96, "1,000"), (12345.6, "12,346"), (0.04, "under 0.1")],
)
def test_counts_in_words(value: float, text: str) -> None:
    assert count_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "£0"), (950.4, "£950"), (46_249.0, "£46,200"), (999_999.0, "£1m"), (5_234_000.0, "£5.23m"),
        (999_900_000.0, "£1bn"), (1.35e9, "£1.35bn"), (-2.5e6, "-£2.5m"), (-300.0, "-£300"),
    ],
)  # fmt: skip
def test_pounds_in_words(value: float, text: str) -> None:
    assert pounds_text(value) == text
