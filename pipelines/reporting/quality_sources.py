"""Gather from a workspace what the page on quality shows.

Coverage by area rests on the same sums as the cells do, so that the page and the figures cannot disagree.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.reporting.quality_content import (
    Audited,
    Calibrated,
    Calibration,
    Measure,
    QualityInput,
    Reach,
    card_parts,
)

if TYPE_CHECKING:
    from classifier.counting.records import Interval
    from classifier.evaluation import Evaluation
    from pipelines.figures import Figures
    from pipelines.rollup import Rollup
    from pipelines.workspace import Workspace

CALIBRATION = "calibration.json"
MAX_CARD_CHARS = 100_000
MAX_BYTES = 4_000_000  # of a calibration file; that of 30 sectors has 60 kB
SIZES = ((0.0, 10.0, "fewer than 10"), (10.0, 50.0, "10 to 49"), (50.0, 250.0, "50 to 249"))
"""Size bands of the European Union's definition of small and medium-sized firms, by employees."""
LARGEST = "250 and more"
NOT_SAID = "not known"
KINDS = ("region", "lad", "postcode_area")


def quality_input(workspace: Workspace, figures: Figures) -> QualityInput:
    """What is known of the quality of some figures; of those of a past day, not who was read by area and size.

    Raises:
        UsageError: A folder of ``audits/`` is not an audit as it was written.
        LabelsError: The labels cannot be read.
        BundleError: The model's bundle is not as it was written.
    """
    from pipelines.figures import WorkedOut

    made = figures.made if isinstance(figures, WorkedOut) else None
    kind, by_area = coverage_by_area(made) if made else ("", ())
    return QualityInput(
        by_area=by_area,
        area_kind=kind,
        by_size=coverage_by_size(made) if made else (),
        audits=audited(workspace, figures),
        calibrated=read_calibration(workspace.evaluation_folder / CALIBRATION),
        card=card_parts(_card(workspace, figures.model_id)),
        trained_on=trained_on(workspace, figures.model_id),
    )


def measured(workspace: Workspace, model_id: str | None) -> dict[str, dict[str, Any]]:
    """Figures of the model on the firms that it was trained on, out of fold, by sector; none before any model.

    Raises:
        BundleError: The bundle is not as it was written.
    """
    found = _facts(workspace, model_id).get("metrics", {}).get("sectors", {})
    return {str(key): dict(of_sector) for key, of_sector in found.items() if isinstance(of_sector, dict)}


def trained_on(workspace: Workspace, model_id: str | None) -> tuple[int, int] | None:
    """Labelled firms and seed examples that the model learnt from; None where it does not say."""
    found = _facts(workspace, model_id).get("training_set", {})
    numbers = (found.get("labelled_firms"), found.get("seeds"))
    return (numbers[0], numbers[1]) if isinstance(numbers[0], int) and isinstance(numbers[1], int) else None


def coverage_by_area(made: Rollup) -> tuple[str, tuple[Reach, ...]]:
    """Kind of area, and firms and firms read in each area that has any, the most firms first, ``unknown`` last."""
    import numpy as np

    from pipelines.geography.areas import Areas
    from pipelines.rollup import UNKNOWN
    from pipelines.statistics.area_sums import area_sums, members_over
    from pipelines.statistics.measures import Measures

    areas = Areas.load()
    for kind in KINDS:
        if kind not in made.ground.spreads:
            continue
        spread = made.ground.spreads[kind]
        rows = np.flatnonzero(made.listed.counts)
        matrix = np.stack([np.ones(len(rows)), made.listed.read[rows].astype(np.float64)], axis=1)
        sums = area_sums(spread, members_over(spread, rows), Measures(("businesses", "read"), matrix), everywhere=True)
        found = [
            (code == UNKNOWN, -firms, Reach(NOT_SAID if code == UNKNOWN else areas.name_of(kind, code), firms, read))
            for code, firms, read in zip(spread.codes, sums["businesses"].tolist(), sums["read"].tolist(), strict=True)
            if firms
        ]
        if any(not last for last, *_ in found):
            return kind, tuple(reach for *_, reach in sorted(found, key=lambda row: (*row[:2], row[2].name)))
    return "", ()


def coverage_by_size(made: Rollup) -> tuple[Reach, ...]:
    """Firms and firms read by employees, estimated numbers among those not known."""
    import numpy as np

    listed = made.listed
    jobs = np.where(listed.employees.imputed, np.nan, listed.employees.newest)
    bands = [(name, (jobs >= low) & (jobs < high)) for low, high, name in SIZES]
    bands += [(LARGEST, jobs >= SIZES[-1][1]), (NOT_SAID, ~np.isfinite(jobs))]
    return tuple(
        Reach(name, float((mask & listed.counts).sum()), float((mask & listed.counts & listed.read).sum()))
        for name, mask in bands
    )


def audited(workspace: Workspace, figures: Figures) -> tuple[Audited, ...]:
    """The newest audit of every sector that has one, in the taxonomy's order."""
    from labels.agreement import last_words
    from labels.store import SETTLED
    from pipelines.audit_results import quality, results
    from pipelines.current_audits import current_audits
    from pipelines.judgements import current_judgements

    newest = {sector: audit for audit in current_audits(workspace) for sector in audit.sectors}
    if not newest:
        return ()
    taxonomy = figures.taxonomy
    judgements = current_judgements(workspace, taxonomy)
    words = last_words(judgements)
    of_audit = {audit.audit_id: results(audit, judgements, taxonomy) for audit in newest.values()}
    found = []
    for key in taxonomy.keys:
        if key not in newest:
            continue
        audit = newest[key]
        result = of_audit[audit.audit_id][key]
        good = quality(audit, result)
        coders = Counter(
            coder for firm_id in result.firm_ids for coder in words.get((firm_id, key), {}) if coder != SETTLED
        )
        found.append(
            Audited(
                sector=key,
                audit_id=audit.audit_id,
                drawn_on=audit.drawn_on,
                drawn=len(result.firm_ids),
                known=int(result.known.sum()),
                twice=result.twice,
                by_coder=tuple(sorted(coders.values(), reverse=True)),
                precision=_measure(good.precision),
                recall=_measure(good.recall),
                this_model=audit.model_id == figures.model_id,
            )
        )
    return tuple(found)


def write_calibration(folder: Path, evaluation: Evaluation, evaluated_on: str, run_id: str) -> Path:
    """Keep the calibration of an evaluation beside its page, for the report."""
    from pipelines.workspace import write_whole

    held = {
        "evaluated_on": evaluated_on,
        "run_id": run_id,
        "sectors": {
            curves.sector: [[part.n, part.stated, part.observed, part.low, part.high] for part in curves.reliability]
            for curves in evaluation.curves
        },
    }
    path = folder / CALIBRATION
    write_whole(path, json.dumps(held, indent=1).encode())
    return path


def read_calibration(path: Path) -> Calibrated | None:
    """The same; None where nothing was evaluated.

    Raises:
        UsageError: The file is not as it was written.
    """
    if not path.is_file():
        return None
    try:
        held: dict[str, Any] = json.loads(path.read_bytes()[:MAX_BYTES])
        return Calibrated(
            str(held["evaluated_on"]),
            str(held["run_id"]),
            tuple(
                Calibration(str(sector), tuple(_bin(*part) for part in bins))
                for sector, bins in held["sectors"].items()
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not as it was written ({error!r}): run firmscope evaluate") from error


def _bin(
    n: object, stated: object, observed: object, low: object, high: object
) -> tuple[int, float, float, float, float]:
    return int(_number(n)), _part(stated), _part(observed), _part(low), _part(high)


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _part(value: object) -> float:
    part = _number(value)
    if not 0 <= part <= 1:
        raise ValueError(f"{part} is no share")
    return part


def _measure(found: Interval | None) -> Measure | None:
    return None if found is None else Measure(found.value, found.low, found.high)


def _facts(workspace: Workspace, model_id: str | None) -> dict[str, Any]:
    from models.bundle import load_manifest

    if model_id is None:
        return {}
    return dict(load_manifest(workspace.models_folder / model_id).facts)


def _card(workspace: Workspace, model_id: str | None) -> str:
    path = workspace.models_folder / (model_id or "") / "MODEL_CARD.md"
    if model_id is None or not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")[:MAX_CARD_CHARS]
