"""Charts of a cluster's page: round axes, labelled years, and marks that stand where the figures say."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from pipelines.reporting.charts import BOTTOM, TOP, Whisker, YearValue, short, ticks, whiskers, year_bars


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]), (50, [0, 10, 20, 30, 40, 50]),
        (51, [0, 20, 40, 60]), (1_234, [0, 500, 1_000, 1_500]), (0.3, [0, 0.1, 0.2, 0.3]),
    ],
    ids=["nobody", "one", "no halves of firms", "twos", "ends on the most", "just beyond", "thousands", "fraction"],
)  # fmt: skip
def test_axes_are_marked_at_round_numbers(most: float, expected: list[float]) -> None:
    assert ticks(most) == pytest.approx(expected)


@pytest.mark.parametrize("most", [1, 2, 9, 11, 99, 101, 4_999, 5_001, 123_456_789.0])
def test_an_axis_holds_its_figures_in_few_steps(most: float) -> None:
    marked = ticks(most)
    assert marked[-2] < most <= marked[-1]
    assert len(marked) <= 6


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (0.5, "0.5"), (1500, "1,500"), (20_000, "20k"), (1_500_000, "1.5m"), (3e9, "3bn")],
    ids=["nought", "half", "thousands", "ten thousands", "millions", "billions"],
)
def test_an_axis_is_short(value: float, expected: str) -> None:
    assert short(value) == expected


def test_bars_are_as_high_as_their_figures_and_gaps_stay_gaps() -> None:
    values = [YearValue(2019, 40.0), YearValue(2020, None), YearValue(2022, 10.0), YearValue(2023, 0.0)]
    drawn = ET.fromstring(year_bars("Firms", "firms", values, "2019: 40; 2020: not known"))
    bars = [found for found in drawn.iter("rect") if found.get("class") == "bar"]
    assert [float(bar.get("height", "0")) for bar in bars] == pytest.approx([BOTTOM - TOP, (BOTTOM - TOP) / 4], abs=0.1)
    assert float(bars[0].get("y", "0")) == pytest.approx(TOP, abs=0.1)
    labels = [found.text for found in drawn.iter("text") if "middle" in (found.get("class") or "")]
    assert labels == ["2019", "2020", "2021", "2022", "2023"]
    assert drawn.get("role") == "img"
    assert [found.text for found in drawn.iter("desc")] == ["2019: 40; 2020: not known"]


@pytest.mark.parametrize("years", [1, 10, 11, 50])
def test_years_are_labelled_without_touching_and_the_last_always_is(years: int) -> None:
    drawn = year_bars("Firms", "firms", [YearValue(2025 - place, 1.0) for place in range(years)], "")
    at = [float(x) for x in re.findall(r'class="tick middle" x="([\d.]+)"', drawn)]
    assert ">2025<" in drawn
    assert all(after - before > 30 for before, after in pairwise(at))


def test_whiskers_stand_on_a_scale_on_which_half_and_twice_are_as_far_from_one() -> None:
    rows = [
        Whisker("<b>Derby", 2.0, 0.5, 2.0, "2.00 (0.50 to 2.00)"),
        Whisker("Stoke", 1.0, None, None, "1.00"),
        Whisker("Nought", 0.5, 0.0, 1.0, "0.50 (0.00 to 1.00)"),
    ]
    text = whiskers("Areas", "areas", rows)
    drawn = ET.fromstring(text)
    assert [found.get("cx") for found in drawn.iter("circle")] == ["100.0%", "50.0%", "0.0%"]
    intervals = [found for found in drawn.iter("line") if found.get("class") == "interval"]
    assert [(found.get("x1"), found.get("x2")) for found in intervals] == [("0.0%", "100.0%"), ("0.0%", "50.0%")]
    assert "&lt;b&gt;Derby" in text
