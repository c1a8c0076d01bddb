"""A model's own figures, from the scores that its training firms got while they were held out; kept in its manifest.

They are a little flattered: calibration and thresholds were chosen on the same out-of-fold scores. ``evaluate`` holds
firms out of that choice too; these cost nothing and are there for every model, which is what a comparison needs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import LabelShapeError
from classifier.hierarchy import close_assignments, close_labels
from classifier.metrics import figures
from classifier.model import SectorModel
from classifier.thresholds import assign

MEASURED = "out of fold on the training set; thresholds and calibration were chosen on the same scores"
DIGITS = 6


def out_of_fold_metrics(
    model: SectorModel, firm_ids: Sequence[str], Y: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> dict[str, Any]:
    """Figures as JSON values: overall, and per sector in ``sectors``; null where there is nothing to measure.

    Args:
        model: Just trained, not loaded: a bundle keeps no firm's scores.
        firm_ids: ``n_firms`` ids, as given to ``SectorModel.train``.
        Y: ``(n_firms, n_sectors) bool``, likewise.
        mask: ``(n_firms, n_sectors) bool``, likewise.

    Raises:
        LabelShapeError: The model was loaded, or trained on another number of firms.
    """
    scores = getattr(model.classifier, "oof_probabilities_", None)
    if scores is None or scores.shape != Y.shape or len(firm_ids) != len(Y):
        seen = "none (a loaded model)" if scores is None else str(scores.shape)
        message = f"out-of-fold scores are {seen}, labels {Y.shape} of {len(firm_ids)} firms; give what it trained on"
        raise LabelShapeError(message)
    order = sorted(range(len(firm_ids)), key=firm_ids.__getitem__)  # as training orders them
    labels, judged = close_labels(Y[order], mask[order], model.parents)
    judged &= ~np.isnan(scores)
    labels &= judged
    probabilities = np.nan_to_num(scores)
    trained = model.classifier.trained()
    assigned = close_assignments(assign(probabilities, model.thresholds, trained), model.parents)
    found = figures(
        "firmscope", model.sectors, labels, judged, probabilities, assigned, probabilities=True, trained=trained
    )
    return {
        "measured": MEASURED,
        "firms": len(firm_ids),
        "macro_f1": _rounded(found.macro_f1),
        "micro_f1": _rounded(found.micro_f1),
        "mean_average_precision": _rounded(found.mean_average_precision),
        "mean_ece": _rounded(found.mean_ece),
        "sectors": {
            row.sector: {
                "includes": row.support,
                "judged": row.judged,
                "precision": _rounded(row.precision),
                "recall": _rounded(row.recall),
                "f1": _rounded(row.f1),
                "average_precision": _rounded(row.average_precision),
                "ece": _rounded(row.ece),
            }
            for row in found.sectors
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
