"""Name the pages of a report, for the links at the top of each.

Only pages that are there are linked to: the night's and the evaluation's are written by other commands.
"""

from __future__ import annotations

from pipelines.reporting.content import PageLink, ReportInput

OVERVIEW = "index.html"
QUALITY = "quality.html"
LEFT_OUT = "left-out.html"
NIGHT = "night.html"
EVALUATION = "evaluation.html"


def page_links(given: ReportInput, current: str | None) -> list[PageLink]:
    """Links to the pages that are not a cluster's; ``current`` is the file of the page that shows them."""
    pages = [(OVERVIEW, "Overview"), (QUALITY, "Quality"), (LEFT_OUT, "Firms in no cluster")]
    if given.night_page:
        pages.append((NIGHT, "What changed"))
    if given.evaluation_page:
        pages.append((EVALUATION, "Evaluation"))
    return [PageLink(file, name, file == current) for file, name in pages]
