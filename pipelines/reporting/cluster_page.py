"""Write a page for every cluster: its figures and how sure they are, where and when, its scorecard, its firms.

One cluster is gathered, written and let go before the next, so that thirty pages of a large list fit in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.reporting.cell_index import Cell
from pipelines.reporting.cluster_areas import quotient_words
from pipelines.reporting.cluster_gathering import cluster_contents
from pipelines.reporting.cluster_words import GROWTH_NAMES, flag_words
from pipelines.reporting.content import PageLink, Report, ReportInput
from pipelines.reporting.formats import FILTERS, change, count
from pipelines.reporting.html import write_page
from pipelines.reporting.wording import METRIC_NAMES, NOT_KNOWN, WITHHELD
from pipelines.rollup import FLAGS
from pipelines.statistics.scorecard import FLAGS as SCORECARD_FLAGS

STYLES = ("base.css", "report.css", "cluster.css")
OPEN_LIST = 12  # longer lists start folded
OPEN_PROVISOS = 5
OF_ROW = ("low_coverage", "not_trained", "part_not_trained")  # flags that stand at the businesses for all amounts


def cluster_pages(out_dir: Path, given: ReportInput, report: Report, pages: Sequence[PageLink] = ()) -> list[Path]:
    """Write ``cluster-KEY.html`` of every cluster into ``out_dir``, in the report's order.

    Args:
        out_dir: Folder of the report, made when missing.
        given: Tables of one moment.
        report: What was gathered from them.
        pages: Links to the other pages.

    Returns:
        The files written.
    """
    tiers = {cluster.sector.key: tier for tier in report.tiers for cluster in tier.clusters}
    written = []
    for page in cluster_contents(given, report):
        key = page.cluster.sector.key
        has_map = page.hexagons is not None and bool(page.hexagons.hexagons)
        written.append(
            write_page(
                out_dir / cluster_file(key), "cluster.html.j2", (*STYLES, "map.css") if has_map else STYLES, _filters(),
                ("map.js",) if has_map else (), pages=pages, report=report, tier=tiers[key], shows=page,
                cluster=page.cluster, metrics=METRIC_NAMES, growth_names=GROWTH_NAMES, of_row=OF_ROW,
                flag_sentences=FLAGS | SCORECARD_FLAGS, not_known=NOT_KNOWN, open_list=OPEN_LIST,
                open_provisos=OPEN_PROVISOS,
            )
        )  # fmt: skip
    return written


def cluster_file(key: str) -> str:
    """File name of a cluster's page; keys are small letters, digits and underscores."""
    return f"cluster-{key}.html"


def shown(cell: Cell, form: str = "count") -> str:
    """A cell's figure in words; "withheld" or "not known" where there is none."""
    if cell.withheld:
        return WITHHELD
    return NOT_KNOWN if cell.value is None else FILTERS[form](cell.value)


def interval(cell: Cell, form: str = "estimate") -> str:
    """The ends of a cell's interval in words; empty where it has none."""
    return "" if cell.low is None or cell.high is None else f"{FILTERS[form](cell.low)} to {FILTERS[form](cell.high)}"


def score(value: float, unit: str) -> str:
    """A figure of the scorecard in its unit."""
    return change(value) if unit == "share of 1" else f"£{count(value)}" if unit == "GBP" else count(value)


@cache
def _filters() -> dict[str, Callable[..., Any]]:
    from markupsafe import Markup

    return FILTERS | {
        "shown": shown, "interval": interval, "score": score, "drawn": Markup, "marks": flag_words,
        "in_words": lambda cell: WITHHELD if cell.withheld else quotient_words(cell),
    }  # fmt: skip
