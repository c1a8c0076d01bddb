"""Write figures, days and strangers' words as the pages show them.

A figure that was rounded never says more than it knows: 0% and 100% are said only where they are so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from pipelines.outside_text import page_text
from pipelines.reporting.wording import FLAG_LABELS, NOT_KNOWN, WITHHELD

if TYPE_CHECKING:
    from pipelines.reporting.content import Figure

MAX_CHARS = 320  # two to three lines of a list; the exports have the whole text
ESTIMATE_DIGITS = 3
SUPPRESSED = "suppressed"
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def count(value: float | None) -> str:
    """A count or a sum with thousands separators, one decimal if it has any; "not known" for None."""
    if value is None:
        return NOT_KNOWN
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.1f}"


def estimate(value: float) -> str:
    """An estimate to three significant digits, one decimal at most: more would be false precision."""
    if 0 < value < 9.95:
        return f"{value:,.1f}"
    return f"{float(f'{value:.{ESTIMATE_DIGITS}g}'):,.0f}"


def share(value: float) -> str:
    """A share of 1 as a percentage that says 0 or 100 only when it is so."""
    percent = 100 * value
    if 0 < percent < 1:
        return "under 1%"
    if 99 < percent < 100:
        return "over 99%"
    return f"{percent:.0f}%"


def probability(value: float | None) -> str:
    """A probability with two decimals that says 0 or 1 only when it is so; "not known" for None."""
    if value is None:
        return NOT_KNOWN
    if 0 < value < 0.005:
        return "< 0.01"
    if 0.995 <= value < 1:
        return "> 0.99"
    return f"{value:.2f}"


def day(iso: str | None) -> str:
    """A day in words, e.g. 1 March 2026, whatever the machine's language; "not known" for None."""
    if iso is None:
        return NOT_KNOWN
    found = date.fromisoformat(iso[:10])
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}"


def outside(text: str, longest: int = MAX_CHARS) -> str:
    """Text that came from outside, on one line and not too long; still to be escaped."""
    line = page_text(text)
    return line if len(line) <= longest else f"{line[:longest].rstrip()}…"


def address(url: str) -> str:
    """A link's text: the address without its scheme and closing slash."""
    return outside(url.split("://", 1)[-1].rstrip("/"), 80)


def quotient(value: float) -> str:
    """A location quotient; 1 is as much as everywhere."""
    return f"{value:,.2f}"


def change(value: float) -> str:
    """A growth of 1 as a percentage with its sign; a true minus, so that it is read and not passed over."""
    percent = round(100 * value, 1)
    sign = "+" if percent > 0 else "\N{MINUS SIGN}" if percent else ""
    return f"{sign}{abs(percent):,.1f}%"


def span(period: str) -> str:
    """A period as words: 2019-2024 becomes 2019 to 2024."""
    return period.replace("-", " to ")


def exact(value: float) -> str:
    """A figure as a program reads it."""
    return repr(float(value))


def told(figure: Figure) -> str:
    """A figure as words, where it may be withheld."""
    return WITHHELD if SUPPRESSED in figure.flags else count(figure.value)


def _flag_label(flag: str) -> str:
    return FLAG_LABELS.get(flag, flag)


FILTERS: dict[str, Callable[..., str]] = {
    "count": count, "estimate": estimate, "share": share, "probability": probability, "outside": outside,
    "address": address, "flag": _flag_label, "day": day, "quotient": quotient, "change": change, "span": span,
    "exact": exact, "told": told,
}  # fmt: skip
