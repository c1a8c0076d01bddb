"""Turn an evaluation into one HTML file: figures, baselines and plots, safe to open and readable without a network.

It stands beside the report and looks like it, but is written by ``evaluate``: a report tells what was found, this page
how far to trust it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.reporting.formats import count, outside, share
from pipelines.reporting.html import write_page
from pipelines.reporting.plots import DotRow, dot_plot, precision_recall_plot, reliability_plot, score_histogram
from pipelines.reporting.quality_sources import write_calibration

if TYPE_CHECKING:
    from classifier.curves import SectorCurves
    from classifier.evaluation import Evaluation
    from classifier.metrics import SectorFigures
    from labels.taxonomy import Taxonomy

PAGE = "evaluation.html"
FEW = 30
"""Includes below which a sector is marked: with 30, the 95 % interval of a recall of 0.7 spans 0.33."""

METHODS: dict[str, tuple[str, str]] = {
    "firmscope": ("firmscope", "the recipe that the train command uses"),
    "rtic_ngrams_svm": ("RTIC's method", "counts of words and pairs, linear support vector machine"),
    "tfidf_logistic": ("Tf-idf, logistic regression", "weighted words and pairs, assigned from one half"),
    "nearest_neighbours": ("Nearest neighbours", "share of includes among the most similar labelled firms"),
    "definitions_by_similarity": ("Definitions", "similarity of the firm to the sector's definition; cut from labels"),
    "keywords": ("Keywords", "the taxonomy's keyword rules; no label is used"),
}
SPLITS: dict[str, str] = {
    "folds": "Five folds: every firm was scored once, by a model that was trained on the other four folds.",
    "holdout": "Holdout: the same 30 % of the firms every time, scored by a model that was trained on the rest.",
    "given": "Rows for training and testing were given by hand.",
}


@dataclass(frozen=True)
class EvaluationPage:
    """What the page shows."""

    evaluation: Evaluation
    taxonomy: Taxonomy
    evaluated_on: str
    run_id: str
    encoder_id: str
    corpus_digest: str
    left_out: tuple[tuple[str, str], ...] = ()  # method that could not be run, and why


@dataclass(frozen=True)
class Method:
    """A row of the table of methods."""

    name: str
    how: str
    figures: tuple[float | None, ...]  # macro-F1, micro-F1, mAP, macro precision, macro recall
    macro_f1_interval: tuple[float, float] | None
    ours_ahead: float | None
    ours: bool


@dataclass(frozen=True)
class SectorPart:
    """A sector's section; plots are SVG text."""

    key: str
    name: str
    figures: SectorFigures
    best_other: tuple[str, float] | None
    few: bool
    plots: tuple[tuple[str, str], ...]  # heading, SVG


def build_evaluation_page(out_dir: Path, given: EvaluationPage) -> Path:
    """Write ``evaluation.html`` into ``out_dir``, which is made when missing, in one step; same input, same bytes.

    The calibration stands beside it in a file of its own, for the report's page on quality.

    Returns:
        Path of the page.
    """
    from markupsafe import Markup

    evaluation = given.evaluation
    write_calibration(out_dir, evaluation, given.evaluated_on, given.run_id)
    return write_page(
        out_dir / PAGE,
        "evaluation.html.j2",
        ["base.css", "report.css", "evaluation.css"],
        {"count": count, "outside": outside, "figure": figure, "percent": percent, "share": share, "drawn": Markup},
        given=given,
        evaluation=evaluation,
        ours=evaluation.ours,
        methods=_methods(evaluation),
        left_out=[(METHODS.get(method, (method, ""))[0], reason) for method, reason in given.left_out],
        sectors=_sectors(given),
        overview=_overview(given),
        at_prevalence=any(row.at_prevalence for row in evaluation.ours.sectors),
        how=SPLITS[evaluation.split],
        few=FEW,
    )


def figure(value: float | None, digits: int = 3) -> str:
    """A figure between 0 and 1; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"  # noqa: RUF001 - the dash of a table


def percent(value: float) -> str:
    """A prevalence: two significant digits, so that 0.5 % does not become 0 or 1."""
    return f"{100 * value:.2g}%"


def _methods(evaluation: Evaluation) -> list[Method]:
    return [
        Method(
            *METHODS.get(found.method, (found.method, "")),
            (found.macro_f1, found.micro_f1, found.mean_average_precision, found.macro_precision, found.macro_recall),
            found.macro_f1_interval,
            found.ours_ahead,
            found is evaluation.ours,
        )
        for found in (evaluation.ours, *evaluation.baselines)
    ]


def _overview(given: EvaluationPage) -> str:
    """F1 of every sector, best first; sectors without includes last."""
    others = [method.sectors for method in given.evaluation.baselines]
    rows = [
        DotRow(given.taxonomy.by_key[row.sector].name, row.f1, tuple(of[place].f1 for of in others))
        for place, row in enumerate(given.evaluation.ours.sectors)
    ]
    rows.sort(key=lambda row: (row.value is None, -(row.value or 0.0), row.label))
    return dot_plot("F1 by sector", "overview", rows)


def _sectors(given: EvaluationPage) -> list[SectorPart]:
    evaluation, parts = given.evaluation, []
    for place, (row, curves) in enumerate(zip(evaluation.ours.sectors, evaluation.curves, strict=True)):
        rivals = [
            (METHODS.get(method.method, (method.method, ""))[0], method.sectors[place].f1)
            for method in evaluation.baselines
        ]
        known = [(name, f1) for name, f1 in rivals if f1 is not None]
        name = given.taxonomy.by_key[row.sector].name
        parts.append(
            SectorPart(
                key=row.sector,
                name=name,
                figures=row,
                best_other=max(known, key=lambda rival: rival[1]) if known else None,
                few=0 < row.support < FEW,
                plots=_plots(name, row, curves) if row.judged else (),
            )
        )
    return parts


def _plots(name: str, row: SectorFigures, curves: SectorCurves) -> tuple[tuple[str, str], ...]:
    point = None if row.recall is None or row.precision is None else (row.recall, row.precision)
    share = row.support / row.judged
    return (
        ("Reliability", reliability_plot(name, f"{row.sector}-reliability", curves.reliability)),
        (
            "Precision and recall",
            precision_recall_plot(name, f"{row.sector}-pr", curves.recall, curves.precision, point, share),
        ),
        (
            "Where the probabilities lie",
            score_histogram(
                name, f"{row.sector}-scores", curves.histogram_includes, curves.histogram_excludes, curves.thresholds
            ),
        ),
    )
