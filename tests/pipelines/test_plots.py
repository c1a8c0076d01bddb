"""Plots are well-formed, carry their numbers in place and in words, and no text can break out of them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from classifier.curves import ReliabilityBin
from pipelines.reporting.plots import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    DotRow,
    dot_plot,
    precision_recall_plot,
    reliability_plot,
    score_histogram,
)

EVIL = '</svg><script>alert("1")</script>&\u202eevil'
BINS = (ReliabilityBin(90, 0.0, 0.1, 0.05, 0.2), ReliabilityBin(10, 1.0, 0.5, 0.25, 0.75))


def marks(svg: str, tag: str, kind: str) -> list[dict[str, str]]:
    """Attributes of the elements of one class; the text must be well-formed."""
    root = ET.fromstring(svg)
    return [dict(found.attrib) for found in root.iter(tag) if found.get("class") == kind]


def test_reliability_puts_dots_and_intervals_in_place() -> None:
    svg = reliability_plot("Space", "s", BINS)
    assert [(float(dot["cx"]), float(dot["cy"])) for dot in marks(svg, "circle", "ours")] == [
        (LEFT, round(BOTTOM - 0.1 * (BOTTOM - TOP), 1)),
        (RIGHT, (TOP + BOTTOM) / 2),
    ]
    spans = [(float(bar["y1"]), float(bar["y2"])) for bar in marks(svg, "line", "interval")]
    assert spans[1] == pytest.approx((BOTTOM - 0.25 * (BOTTOM - TOP), BOTTOM - 0.75 * (BOTTOM - TOP)))
    assert "stated 1.00, observed 0.50 of 10" in svg


def test_precision_recall_draws_the_curve_the_point_and_blind_luck() -> None:
    svg = precision_recall_plot("Space", "s", (0.5, 1.0), (1.0, 0.4), (0.5, 1.0), 0.1)
    assert marks(svg, "polyline", "curve")[0]["points"] == f"{(LEFT + RIGHT) / 2:.1f},{TOP:.1f} {RIGHT:.1f},{_y(0.4)}"
    assert len(marks(svg, "circle", "ours")) == 1
    assert marks(svg, "line", "ideal")[0]["y1"] == _y(0.1)
    assert "At a recall of 0.5 the precision is 1.00. At a recall of 0.8 the precision is 0.40." in svg


def test_histogram_scales_each_side_to_itself_and_marks_thresholds() -> None:
    svg = score_histogram("Space", "s", (1, 2, 0, 4), (800, 0, 0, 1), (0.25, 0.5))
    heights = [float(bar["height"]) for bar in marks(svg, "rect", "bar-in")]
    assert heights == pytest.approx([heights[2] / 4, heights[2] / 2, heights[2]], abs=0.1)
    out = [float(bar["height"]) for bar in marks(svg, "rect", "bar-out")]
    assert out == [pytest.approx(heights[2]), 1.0]  # one firm among 800 is still to be seen
    assert len(marks(svg, "line", "cut")) == 2
    assert "7 firms that belong, 4 of them" in svg


def test_dot_plot_has_a_line_per_row() -> None:
    rows = (DotRow("A", 0.5, (0.1, None)), DotRow("B", None, (0.3, 0.4)))
    svg = dot_plot("F1", "o", rows)
    assert [dot["cx"] for dot in marks(svg, "circle", "ours")] == ["50.0%"]
    assert [tick["x1"] for tick in marks(svg, "line", "other")] == ["10.0%", "30.0%", "40.0%"]


@pytest.mark.parametrize(
    "svg",
    [
        pytest.param(reliability_plot(EVIL, "s", BINS), id="reliability"),
        pytest.param(reliability_plot(EVIL, "s", ()), id="reliability of nothing"),
        pytest.param(precision_recall_plot(EVIL, "s", (), (), None, 0.0), id="precision and recall of nothing"),
        pytest.param(score_histogram(EVIL, "s", (0, 0), (0, 0), ()), id="histogram of nothing"),
        pytest.param(dot_plot(EVIL, "s", [DotRow(EVIL, 0.5, ())]), id="dots"),
        pytest.param(dot_plot(EVIL, EVIL, []), id="no dots, and an identifier from outside"),
    ],
)
def test_no_text_breaks_out(svg: str) -> None:
    root = ET.fromstring(svg)
    assert {found.tag for found in root.iter()} <= {
        "svg", "title", "desc", "line", "circle", "rect", "text", "polyline"
    }  # fmt: skip
    assert "style" not in {name for found in root.iter() for name in found.attrib}
    assert "\u202e" not in svg
    named = (root.get("aria-labelledby") or "").replace("-title", " ").split()
    assert root.get("role") == "img"
    assert named


def _y(value: float) -> str:
    return f"{BOTTOM - (BOTTOM - TOP) * value:.1f}"
