"""The few shapes that drawings on a page are made of: numbers in, SVG text out.

Nothing here carries a colour or a font: the page's style sheet does, because its Content-Security-Policy allows no
other style. Every text is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pipelines.outside_text import page_text


def svg(ident: str, size: str, title: str, told: str, marks: Iterable[str]) -> str:
    """A drawing with a name and a description, for those who cannot see it.

    Args:
        ident: Begin of its ids; one of a page.
        size: Attributes of the element, such as ``class="plot" viewBox="0 0 340 260"``.
        title: Its name.
        told: What it shows, in words.
        marks: Shapes, in the order in which they are drawn.
    """
    name = safe(ident)
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" {size}>\n'
        f'<title id="{name}-title">{safe(title)}</title>\n<desc id="{name}-desc">{safe(told)}</desc>\n'
        + "\n".join(marks)
        + "\n</svg>"
    )


def line(x1: float | str, y1: float, x2: float | str, y2: float, kind: str) -> str:
    """A line from one point to another; a text such as ``12.5%`` is a part of the width."""
    return f'<line class="{kind}" x1="{_at(x1)}" y1="{_at(y1)}" x2="{_at(x2)}" y2="{_at(y2)}"/>'


def rect(x: float | str, y: float, width: float | str, height: float, kind: str) -> str:
    """A rectangle."""
    return f'<rect class="{kind}" x="{_at(x)}" y="{_at(y)}" width="{_at(width)}" height="{_at(height)}"/>'


def circle(x: float | str, y: float, radius: float, kind: str) -> str:
    """A dot."""
    return f'<circle class="{kind}" cx="{_at(x)}" cy="{_at(y)}" r="{_at(radius)}"/>'


def text(x: float | str, y: float, words: str, kind: str) -> str:
    """Words, escaped, on one line."""
    return f'<text class="{kind}" x="{_at(x)}" y="{_at(y)}">{safe(words)}</text>'


def safe(words: str) -> str:
    """Words on one line, as they may stand in an element or an attribute."""
    return escape(page_text(words))


def _at(place: float | str) -> str:
    return place if isinstance(place, str) else f"{place:.1f}".removesuffix(".0")
