"""Turn the report's content into a folder of HTML pages that are safe to open, whatever the firms call themselves.

Every page carries its own Content-Security-Policy, which allows its one style sheet and its one script, by hash, and
nothing else at all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.reporting.cell_index import CellIndex
from pipelines.reporting.cluster_page import cluster_file, cluster_pages
from pipelines.reporting.content import ReportInput
from pipelines.reporting.formats import FILTERS, address, count, day, estimate, outside, probability, share
from pipelines.reporting.gathering import gather
from pipelines.reporting.html import write_page
from pipelines.reporting.overview import overview
from pipelines.reporting.page_links import LEFT_OUT, OVERVIEW, QUALITY, page_links
from pipelines.reporting.quality_page import quality_page
from pipelines.reporting.wording import AREA_KIND_NAMES, LISTS_NAME_FIRMS, METRIC_NAMES, NOT_KNOWN, rules_of
from pipelines.rollup import FLAGS

__all__ = [
    "FILTERS", "OPEN_LIST", "OVERVIEW", "address", "build_report", "cluster_file", "count", "day", "estimate",
    "outside", "probability", "share",
]  # fmt: skip

OPEN_LIST = 12  # longer lists start folded
STYLES = ("base.css", "report.css")


def build_report(out_dir: Path, given: ReportInput) -> Path:
    """Write the pages into ``out_dir``, which is made when missing, each in one step; the same input, the same bytes.

    Returns:
        Path of the overview, ``index.html``; every cluster has its ``cluster-KEY.html`` beside it.

    Raises:
        TableError: The cells were not made from these assignments.
    """
    report = gather(given)
    common: dict[str, Any] = {
        "report": report,
        "flag_sentences": FLAGS,
        "metrics": METRIC_NAMES,
        "area_kinds": AREA_KIND_NAMES,
        "not_known": NOT_KNOWN,
        "open_list": OPEN_LIST,
        "note": given.publication,
        "fractional": rules_of(given.provenance.rules).get("counting") == "fractional",
    }
    cluster_pages(out_dir, given, report, page_links(given, None))
    write_page(out_dir / LEFT_OUT, "left_out.html.j2", STYLES, FILTERS, pages=page_links(given, LEFT_OUT), **common)
    quality_page(out_dir, given, page_links(given, QUALITY), common)
    return write_page(
        out_dir / OVERVIEW, "report.html.j2", STYLES, FILTERS, ["overview.js"], pages=page_links(given, OVERVIEW),
        view=overview(given, report, CellIndex(given.cells)), lists_name_firms=LISTS_NAME_FIRMS, **common,
    )  # fmt: skip
