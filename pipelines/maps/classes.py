"""Put figures into at most five classes of about as many hexagons each; figures that read alike are never split.

Most hexagons have one business, so that classes are of equal size only where the figures let them be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.maps.colours import CLASSES

_SMALL = 0.01  # of a firm shared out over many addresses


@dataclass(frozen=True)
class Metric:
    """A figure that the map can show: its name, its letter in the page's classes, and how a value is written."""

    key: str
    name: str
    letter: str
    rounded: Callable[[float], float]
    text: Callable[[float], str]


@dataclass(frozen=True)
class LegendClass:
    """One class: ``number`` is its colour, 0 for the fewest; ``label`` its range; ``hexagons`` how many it has."""

    number: int
    label: str
    hexagons: int


def count_rounded(value: float) -> float:
    """A count as it is shown: whole from a thousand on, to a tenth below; what would become nothing is ``_SMALL``."""
    if 0 < value < 0.05:
        return _SMALL
    return float(round(value)) if abs(value) >= 1000 else round(float(value), 1)


def count_text(value: float) -> str:
    """A count with thousands separators, and one decimal if it has any; a share too small for that is "under 0.1"."""
    shown = count_rounded(value)
    if shown == _SMALL:
        return "under 0.1"
    return f"{shown:,.0f}" if shown.is_integer() else f"{shown:,.1f}"


def pounds_rounded(value: float) -> float:
    """A sum of money to three digits, and to whole pounds."""
    return float(round(float(f"{value:.3g}")))


def pounds_text(value: float) -> str:
    """A sum of money in words that fit a map: £950, £46,200, £5.2m, £1.35bn."""
    shown = pounds_rounded(value)
    for least, unit in ((1e9, "bn"), (1e6, "m")):
        if abs(shown) >= least:
            return f"£{shown / least:.3g}{unit}".replace("£-", "-£")
    return f"£{shown:,.0f}".replace("£-", "-£")


METRICS = (
    Metric("businesses", "Businesses", "a", count_rounded, count_text),
    Metric("employees", "Employees", "b", count_rounded, count_text),
    Metric("turnover_gbp", "Turnover", "c", pounds_rounded, pounds_text),
)


def classed(metric: Metric, values: Sequence[float]) -> tuple[tuple[int, ...], tuple[LegendClass, ...]]:
    """Class of each value, ``(n,)``, and the legend from few to many.

    Each class takes values in ascending order until it has its share of those that are left. With fewer classes than
    colours, the classes lie as far apart in colour as they can.
    """
    times = Counter(metric.rounded(value) for value in values)
    left, groups = len(values), list[list[float]]()
    group, held = list[float](), 0
    for value in sorted(times):
        group.append(value)
        held += times[value]
        if held >= left / (CLASSES - len(groups)) or len(times) <= CLASSES:
            groups.append(group)
            left, group, held = left - held, [], 0
    if group:
        groups.append(group)
    apart = (CLASSES - 1) / (len(groups) - 1) if len(groups) > 1 else 0
    colour = [round(number * apart) for number in range(len(groups))]
    place = {value: colour[number] for number, found in enumerate(groups) for value in found}
    legend = tuple(
        LegendClass(colour[number], _range(metric, found), sum(times[value] for value in found))
        for number, found in enumerate(groups)
    )
    return tuple(place[metric.rounded(value)] for value in values), legend


def _range(metric: Metric, values: Sequence[float]) -> str:
    first, last = metric.text(values[0]), metric.text(values[-1])
    return first if first == last else f"{first} to {last}"
