"""The page of the report that says what the last night changed, and why its figures were published or held back.

It is written before the set it lies in is published, so that the two cannot disagree; its stages end with the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.night.wording import Outside, tell
from pipelines.reporting.html import write_page
from pipelines.reporting.page import day, outside

if TYPE_CHECKING:
    from pipelines.night.facts import NightFacts
    from pipelines.reporting.content import PageLink

PAGE = "night.html"


def write_night_page(folder: Path, facts: NightFacts, pages: Sequence[PageLink] = ()) -> Path:
    """Write ``night.html`` into ``folder``. Returns it.

    Args:
        folder: The report.
        facts: The night.
        pages: Links to the report's other pages.
    """
    ended = facts.ended_at.astimezone(UTC)
    return write_page(
        folder / PAGE,
        "night.html.j2",
        ["base.css", "report.css", "night.css"],
        {"outside": outside, "strange": _is_strange},
        told=tell(facts),
        run_id=facts.run_id,
        ended=f"{day(ended.date().isoformat())}, {ended:%H:%M} UTC",
        pages=pages,
    )


def _is_strange(text: str) -> bool:
    return isinstance(text, Outside)
