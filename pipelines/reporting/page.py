"""Turn the report's content into one HTML file that is safe to open, whatever the firms call themselves.

The page carries its own Content-Security-Policy, which allows its one style sheet, by hash, and nothing else at all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from pipelines.outside_text import page_text
from pipelines.reporting.content import ReportInput
from pipelines.reporting.gathering import gather
from pipelines.reporting.html import write_page
from pipelines.reporting.wording import AREA_KIND_NAMES, FLAG_LABELS, METRIC_NAMES, NOT_KNOWN
from pipelines.rollup import FLAGS

MAX_CHARS = 320  # two to three lines of a list; the exports have the whole text
ESTIMATE_DIGITS = 3
OPEN_LIST = 12  # longer lists start folded
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def build_report(out_dir: Path, given: ReportInput) -> Path:
    """Write ``index.html`` into ``out_dir``, which is made when missing, in one step; the same input, the same bytes.

    Returns:
        Path of the page.

    Raises:
        TableError: The cells were not made from these assignments.
    """
    filters: dict[str, Callable[..., str]] = {
        "count": count, "estimate": estimate, "share": share, "probability": probability, "outside": outside,
        "address": address, "flag": _flag_label, "day": day,
    }  # fmt: skip
    return write_page(
        out_dir / "index.html",
        "report.html.j2",
        ["base.css", "report.css"],
        filters,
        report=gather(given),
        flag_sentences=FLAGS,
        metrics=METRIC_NAMES,
        area_kinds=AREA_KIND_NAMES,
        not_known=NOT_KNOWN,
        open_list=OPEN_LIST,
    )


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


def _flag_label(flag: str) -> str:
    return FLAG_LABELS.get(flag, flag)
