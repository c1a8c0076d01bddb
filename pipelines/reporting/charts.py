"""Charts of a cluster's page: figures by year as bars, and quotients with their intervals as dots and whiskers.

Axes begin at nought and are marked at round numbers. Quotients stand on a logarithmic scale, on which half and twice
are as far from one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.reporting.svg import circle, line, rect, svg, text

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 52, 354, 18, 200
LABEL_WIDTH = 34  # of a year below its bar, so that two never touch
MAX_TICKS = 5
ROW_HEIGHT, AXIS_HEIGHT = 38, 24
FARTHEST = 6  # quotients beyond 2 to this power, either way, are drawn at the edge


@dataclass(frozen=True)
class YearValue:
    """A figure of one year; None: not known, or withheld."""

    year: int
    value: float | None


@dataclass(frozen=True)
class Whisker:
    """A quotient with its 95 % interval, and the words that say so; ``label`` may come from outside."""

    label: str
    value: float
    low: float | None
    high: float | None
    told: str


def ticks(most: float) -> list[float]:
    """Round numbers (1, 2 or 5 and noughts apart) from 0 to the first at or beyond ``most``, in at most five steps."""
    if most <= 0 or not math.isfinite(most):
        return [0.0, 1.0]
    scale = 10.0 ** math.floor(math.log10(most / MAX_TICKS))
    step = next(scale * part for part in (1, 2, 5, 10) if math.ceil(most / (scale * part)) <= MAX_TICKS)
    step = max(step, 1.0) if most >= 1 else step
    return [step * place for place in range(math.ceil(most / step) + 1)]


def short(value: float) -> str:
    """A round number as an axis says it: 1,500, 20k, 1.5m, 3bn."""
    for size, word in ((1e9, "bn"), (1e6, "m"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if word == 'k' else size):,.4g}{word}"
    return f"{value:,.4g}"


def year_bars(title: str, ident: str, values: Sequence[YearValue], told: str) -> str:
    """A bar for every year from the first to the last; a year without a figure has none.

    Args:
        title: Name of the chart.
        ident: Begin of its ids.
        values: Figures by year, at least one.
        told: What the chart shows, in words.
    """
    by_year = {found.year: found.value for found in values}
    first, last = min(by_year), max(by_year)
    marked = ticks(max((value for value in by_year.values() if value is not None), default=0.0))

    def height(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * value / marked[-1]

    marks = []
    for tick in marked:
        y = height(tick)
        marks += [line(LEFT, y, RIGHT, y, "grid"), text(LEFT - 6, y + 4, short(tick), "tick end")]
    step = (RIGHT - LEFT) / (last - first + 1)
    every = max(1, math.ceil(LABEL_WIDTH / step))
    for year in range(first, last + 1):
        x = LEFT + (year - first) * step
        value = by_year.get(year)
        if value:
            marks.append(rect(x + step * 0.14, height(value), step * 0.72, BOTTOM - height(value), "bar"))
        if (last - year) % every == 0:
            marks.append(text(x + step / 2, BOTTOM + 17, str(year), "tick middle"))
    marks.append(line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    return svg(ident, f'class="plot" viewBox="0 0 {WIDTH} {HEIGHT}"', title, told, marks)


def whiskers(title: str, ident: str, found: Sequence[Whisker]) -> str:
    """A row for every quotient, in their order, and a line at 1; as wide as the page gives."""
    ends = [end for row in found for end in (row.value, row.low, row.high) if end is not None and end > 0]
    lowest = max(-FARTHEST, min(-1, math.floor(math.log2(min(ends, default=1)))))
    highest = min(FARTHEST, max(1, math.ceil(math.log2(max(ends, default=1)))))

    def across(value: float) -> str:
        power = min(max(math.log2(value), lowest), highest) if value > 0 else lowest
        return f"{100 * (power - lowest) / (highest - lowest):.1f}%"

    bottom = AXIS_HEIGHT + ROW_HEIGHT * len(found)
    every = 2 if highest - lowest > 6 else 1
    marks = []
    for power in range(lowest, highest + 1):
        x = across(2.0**power)
        marks.append(line(x, AXIS_HEIGHT - 4, x, bottom, "one" if power == 0 else "grid"))
        if power % every == 0:
            side = "start" if power == lowest else "end" if power == highest else "middle"
            marks.append(text(x, 12, f"{2.0**power:g}", f"tick {side}"))
    for place, row in enumerate(found):
        y = AXIS_HEIGHT + ROW_HEIGHT * place
        marks += [text("0", y + 15, row.label, "label"), text("100%", y + 15, row.told, "value")]
        if row.low is not None and row.high is not None:
            marks.append(line(across(row.low), y + 27, across(row.high), y + 27, "interval"))
        marks.append(circle(across(row.value), y + 27, 5, "ours"))
    told = "; ".join(f"{row.label} {row.told}" for row in found)
    return svg(ident, f'class="whiskers" width="100%" height="{bottom + 6}"', title, told, marks)
