"""A first stage on disk, beside the bundle of the model that it belongs to.

It is a bundle of its own, so that a model's id does not depend on whether somebody wanted a fast path.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import ModelMismatchError
from classifier.fast_path import FirstStage
from classifier.model import SectorModel
from classifier.sector_classifier import SectorClassifier
from models.bundle import load_bundle, save_bundle

CARD = "# First stage\n\nSettles clear firms by n-grams alone, for the model named in `first_stage.json`.\n"


def save_first_stage(first: FirstStage, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write it, whole or not at all.

    Args:
        first: Trained.
        folder: Must not exist yet.
        facts: For the manifest, such as the firms it was trained on.

    Raises:
        BundleError: The folder exists.
    """
    head = first.classifier
    arrays: dict[str, NDArray[Any]] = {
        "coef": head.coef_.astype(np.float32),  # exact: training rounds to float32
        "intercept": head.intercept_,
        "calibration": head.calibration_,
        "thresholds": head.thresholds_,
        "untrained": head.untrained_,
    }
    save_bundle(folder, arrays, {"first_stage": {"model_id": first.model_id}}, facts, CARD)


def load_first_stage(folder: Path, model: SectorModel) -> FirstStage:
    """Read the first stage of this model.

    Raises:
        BundleError: See ``models.bundle.load_bundle``.
        ModelMismatchError: It belongs to another model, or is no first stage.
    """
    bundle = load_bundle(folder)
    n_sectors, n_terms = len(model.sectors), len(model.terms)
    expected = {"coef": (n_sectors, n_terms), "intercept": (n_sectors,), "calibration": (n_sectors, 2)}
    try:
        belongs_to = str(bundle.documents["first_stage"]["model_id"])
        shapes = {name: bundle.arrays[name].shape for name in expected}
        thresholds, untrained = bundle.arrays["thresholds"], bundle.arrays["untrained"].astype(np.int64)
    except (KeyError, TypeError) as error:
        message = f"{folder}: not a first stage as this firmscope writes it ({error!r}); train it again"
        raise ModelMismatchError(message) from error
    fits = (
        shapes == expected and thresholds.shape == (n_sectors,) and ((untrained >= 0) & (untrained < n_sectors)).all()
    )
    if belongs_to != model.model_id or not fits:
        message = f"{folder}: first stage of model {belongs_to}, expected one of {model.model_id}; train it again"
        raise ModelMismatchError(message)
    head = SectorClassifier(parents=model.parents)
    head.n_features_in_ = n_terms
    head.coef_ = bundle.arrays["coef"].astype(np.float64)
    head.intercept_, head.calibration_ = bundle.arrays["intercept"], bundle.arrays["calibration"]
    head.thresholds_ = head.leave_thresholds_ = thresholds  # the full model's decide
    head.untrained_ = untrained
    return FirstStage(belongs_to, head)
