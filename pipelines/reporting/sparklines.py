"""Draw a row of yearly figures as a line the size of a word, which says its numbers to those who cannot see it.

The scale begins at nought: a line that fills its box whatever the numbers would make every cluster look like a boom.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from pipelines.outside_text import page_text

WIDTH, HEIGHT, PAD = 104, 28, 3
MIN_POINTS = 2


def sparkline(name: str, points: Sequence[tuple[int, float | None]]) -> str:
    """SVG of a figure by year; nothing where fewer than two years are known.

    Args:
        name: What is drawn, and of what; it is escaped here.
        points: Year and figure, oldest first; None is a gap in the line.
    """
    known = [(year, value) for year, value in points if value is not None]
    if len(known) < MIN_POINTS:
        return ""
    most = max(value for _, value in known) or 1.0
    first, last = points[0][0], points[-1][0]

    def x(year: int) -> float:
        return PAD + (WIDTH - 2 * PAD) * (year - first) / (last - first)

    def y(value: float) -> float:
        return HEIGHT - PAD - (HEIGHT - 2 * PAD) * value / most

    lines = [
        f'<polyline points="{" ".join(f"{x(year):.1f},{y(value):.1f}" for year, value in run)}"/>'
        for run in _runs(points)
    ]
    told = escape(f"{page_text(name)}: " + ", ".join(f"{year} {value:,.0f}" for year, value in known))
    end = f'<circle cx="{x(known[-1][0]):.1f}" cy="{y(known[-1][1]):.1f}" r="2.5"/>'
    return (
        f'<svg class="spark" role="img" aria-label="{told}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}"><title>{told}</title>{"".join(lines)}{end}</svg>'
    )


def _runs(points: Sequence[tuple[int, float | None]]) -> list[list[tuple[int, float]]]:
    """Years without a gap between them."""
    found: list[list[tuple[int, float]]] = [[]]
    for year, value in points:
        if value is None:
            found.append([])
        else:
            found[-1].append((year, value))
    return [run for run in found if len(run) > 1]
