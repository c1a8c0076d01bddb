"""Draw the plots of an evaluation: numbers in, SVG text out.

Nothing here carries a colour or a font: the page's style sheet does, because its Content-Security-Policy allows no
other style. Every plot says in words what it shows, for those who cannot see it, and every text is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from pipelines.outside_text import page_text

if TYPE_CHECKING:
    from classifier.curves import ReliabilityBin

WIDTH, HEIGHT = 340, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 328, 12, 214  # the plotting area, in the units of the view box
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
ROW_HEIGHT = 40  # of a dot plot: a label, and the line that it names
MARK = 6


@dataclass(frozen=True)
class DotRow:
    """One line of a dot plot; values are between 0 and 1, or None where there is none."""

    label: str
    value: float | None
    others: tuple[float | None, ...]


def reliability_plot(name: str, ident: str, bins: Sequence[ReliabilityBin]) -> str:
    """Stated probability against the share that belongs, with 95 % intervals; the diagonal is perfect."""
    marks = [_line(_x(0), _y(0), _x(1), _y(1), "ideal")]
    for part in bins:
        x = _x(part.stated)
        marks += [
            _line(x, _y(part.low), x, _y(part.high), "interval"),
            f'<circle class="ours" cx="{x:.1f}" cy="{_y(part.observed):.1f}" r="4"/>',
        ]
    told = "; ".join(f"stated {part.stated:.2f}, observed {part.observed:.2f} of {part.n:,}" for part in bins)
    axes = _axes("stated probability", "share that belongs")
    return _plot(ident, f"{name}: reliability", told or "No firm was judged.", [*axes, *marks])


def precision_recall_plot(
    name: str,
    ident: str,
    recall: Sequence[float],
    precision: Sequence[float],
    point: tuple[float, float] | None,
    share: float,
) -> str:
    """Precision against recall as the threshold falls; ``point`` is what the thresholds gave, ``share`` blind luck."""
    marks = [_line(_x(0), _y(share), _x(1), _y(share), "ideal")]
    if recall:
        path = " ".join(f"{_x(r):.1f},{_y(p):.1f}" for r, p in zip(recall, precision, strict=True))
        marks.append(f'<polyline class="curve" points="{path}"/>')
    if point:
        marks.append(f'<circle class="ours" cx="{_x(point[0]):.1f}" cy="{_y(point[1]):.1f}" r="5"/>')
    told = f"A list drawn blindly has a precision of {share:.2f}."
    for wanted in (0.5, 0.8):
        reached = [p for r, p in zip(recall, precision, strict=True) if r >= wanted]
        if reached:
            told += f" At a recall of {wanted:.1f} the precision is {max(reached):.2f}."
    if point:
        told += f" The thresholds gave a recall of {point[0]:.2f} and a precision of {point[1]:.2f}."
    return _plot(ident, f"{name}: precision and recall", told, [*_axes("recall", "precision"), *marks])


def score_histogram(
    name: str, ident: str, includes: Sequence[int], excludes: Sequence[int], thresholds: Sequence[float]
) -> str:
    """Firms by probability: those that belong upwards, the others downwards, each to a scale of its own."""
    middle = (TOP + BOTTOM) / 2
    marks = []
    width = (RIGHT - LEFT) / max(1, len(includes))
    for counts, kind, up in ((includes, "bar-in", True), (excludes, "bar-out", False)):
        most = max(counts, default=0)
        for place, count in enumerate(counts):
            if count:
                height = max(1.0, (middle - TOP - 8) * count / most)
                y = middle - height if up else middle
                x = LEFT + place * width
                marks.append(_rect(x + 0.5, y, width - 1, height, kind))
    marks.append(_line(LEFT, middle, RIGHT, middle, "axis"))
    marks += [_line(_x(cut), TOP, _x(cut), BOTTOM, "cut") for cut in thresholds]
    marks += [_text(_x(tick), BOTTOM + 16, f"{tick:g}", "tick middle") for tick in TICKS]
    marks.append(_text((LEFT + RIGHT) / 2, BOTTOM + 36, "probability", "title middle"))
    for y, counts, word in ((TOP + 4, includes, "belong"), (BOTTOM - 2, excludes, "do not")):
        marks.append(_text(RIGHT, y, f"{sum(counts):,} {word}", "tick end"))
        marks.append(_text(LEFT - MARK, y, f"{max(counts, default=0):,}", "tick end"))
    cuts = f", cut at {min(thresholds):.2f} to {max(thresholds):.2f}" if thresholds else ""
    upper = len(includes) // 2
    told = (
        f"{sum(includes):,} firms that belong, {sum(includes[upper:]):,} of them with a probability of at least one "
        f"half; {sum(excludes):,} that do not, {sum(excludes[upper:]):,} of them likewise{cuts}."
    )
    return _plot(ident, f"{name}: probabilities", told, marks)


def dot_plot(name: str, ident: str, rows: Sequence[DotRow]) -> str:
    """One line per row: a dot for the value, a tick for each of the others; as wide as the page gives."""
    marks: list[str] = []
    for number, row in enumerate(rows):
        y = ROW_HEIGHT * number
        shown = "-" if row.value is None else f"{row.value:.2f}"
        marks += [
            f'<text class="label" x="0" y="{y + 15}">{_safe(row.label)}</text>',
            f'<text class="value" x="100%" y="{y + 15}">{shown}</text>',
            f'<rect class="track" x="0" y="{y + 25}" width="100%" height="2"/>',
        ]
        marks += [
            f'<line class="other" x1="{100 * other:.1f}%" x2="{100 * other:.1f}%" y1="{y + 20}" y2="{y + 32}"/>'
            for other in row.others
            if other is not None
        ]
        if row.value is not None:
            marks.append(f'<circle class="ours" cx="{100 * row.value:.1f}%" cy="{y + 26}" r="5"/>')
    told = "; ".join(f"{row.label} {'-' if row.value is None else f'{row.value:.2f}'}" for row in rows)
    size = f'width="100%" height="{ROW_HEIGHT * len(rows)}"'
    return _svg(ident, size, name, told, marks)


def _plot(ident: str, title: str, told: str, marks: Iterable[str]) -> str:
    return _svg(ident, f'class="plot" viewBox="0 0 {WIDTH} {HEIGHT}"', title, told, marks)


def _svg(ident: str, size: str, title: str, told: str, marks: Iterable[str]) -> str:
    name = _safe(ident)
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" {size}>\n'
        f'<title id="{name}-title">{_safe(title)}</title>\n<desc id="{name}-desc">{_safe(told)}</desc>\n'
        + "\n".join(marks)
        + "\n</svg>"
    )


def _axes(across: str, up: str) -> list[str]:
    marks = []
    for tick in TICKS:
        marks += [
            _line(LEFT, _y(tick), RIGHT, _y(tick), "grid"),
            _text(LEFT - MARK, _y(tick) + 4, f"{tick:g}", "tick end"),
            _text(_x(tick), BOTTOM + 16, f"{tick:g}", "tick middle"),
        ]
    middle = f"{(TOP + BOTTOM) / 2:.1f}"
    return [
        *marks,
        _line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"),
        _text((LEFT + RIGHT) / 2, BOTTOM + 36, across, "title middle"),
        f'<text class="title middle" x="10" y="{middle}" transform="rotate(-90 10 {middle})">{_safe(up)}</text>',
    ]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{_safe(words)}</text>'


def _x(value: float) -> float:
    return LEFT + (RIGHT - LEFT) * value


def _y(value: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * value


def _safe(text: str) -> str:
    return escape(page_text(text))
