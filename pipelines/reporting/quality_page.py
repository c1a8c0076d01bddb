"""Write the page on quality: how far the report's figures can be trusted, and where not.

What is not known stands there as not known: a page on quality that leaves out what was never measured praises itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.reporting.content import PageLink, ReportInput
from pipelines.reporting.formats import FILTERS, exact
from pipelines.reporting.html import write_page
from pipelines.reporting.page_links import QUALITY
from pipelines.reporting.plots import reliability_plot
from pipelines.reporting.quality_content import Calibrated, QualityInput
from pipelines.reporting.wording import AREA_KIND_NAMES

STYLES = ("base.css", "report.css", "evaluation.css", "quality.css")
MAX_AREAS = 60
FEW = 30
"""Includes below which a measured sector is marked, as on the page of an evaluation."""
MEASURED = ("judged", "includes", "precision", "recall", "f1", "ece")


@dataclass(frozen=True)
class Measured:
    """The model on one sector, out of fold; None where there is no number."""

    key: str
    name: str
    figures: Mapping[str, float | None]

    @property
    def few(self) -> bool:
        """Whether its figures are rough."""
        return (self.figures["includes"] or 0) < FEW


def quality_page(out_dir: Path, given: ReportInput, pages: Sequence[PageLink], common: Mapping[str, Any]) -> Path:
    """Write ``quality.html`` into ``out_dir``. Returns its path.

    Args:
        out_dir: Folder of the report.
        given: Tables, and what is known of their quality.
        pages: Links to the other pages.
        common: What every page of the report shows, the report among it.
    """
    from markupsafe import Markup

    quality = given.quality or QualityInput()
    names = {sector.key: sector.name for sector in given.taxonomy.sectors}
    return write_page(
        out_dir / QUALITY,
        "quality.html.j2",
        STYLES,
        FILTERS | {"drawn": Markup, "two": _two, "three": _three},
        pages=pages,
        quality=quality,
        names=names,
        measured=_measured(given, names),
        plots=_plots(quality.calibrated, names),
        area_kind=({**AREA_KIND_NAMES, "region": "Region"}).get(quality.area_kind, "Area"),
        most_areas=MAX_AREAS,
        given=given,
        **common,
    )


def _measured(given: ReportInput, names: Mapping[str, str]) -> list[Measured]:
    """Sectors the model was measured on, in the taxonomy's order; what is no number counts as not known."""
    return [
        Measured(key, name, {figure: _number(given.measured[key].get(figure)) for figure in MEASURED})
        for key, name in names.items()
        if key in given.measured
    ]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and exact(value) not in ("nan", "inf", "-inf") else None


def _plots(calibrated: Calibrated | None, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and reliability plot of each sector that the evaluation judged and the taxonomy still has."""
    from classifier.curves import ReliabilityBin

    if calibrated is None:
        return []
    bins = {found.sector: [ReliabilityBin(*part) for part in found.bins] for found in calibrated.sectors}
    return [
        (name, reliability_plot(name, f"calibration-{key}", bins[key])) for key, name in names.items() if bins.get(key)
    ]


def _two(value: float) -> str:
    return f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3f}"
