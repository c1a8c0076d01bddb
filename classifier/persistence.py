"""A sector model as arrays and JSON, and back.

The golden texts are made from the model's own vocabulary, so the bundle holds no firm's words; what they score is
stored at training and compared at load.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.card import describe
from classifier.counting.training_errors import COLUMNS
from classifier.design_matrix import FirmDesign
from classifier.errors import HierarchyError, ModelMismatchError
from classifier.hierarchy import children_first
from classifier.neighbours import Neighbours
from classifier.reference import reference_of
from classifier.sector_classifier import SectorClassifier
from models.bundle import Bundle, load_bundle, save_bundle
from models.tuned import LAYER, TunedLayers

if TYPE_CHECKING:
    from classifier.model import SectorModel

N_GOLDEN = 8
GOLDEN_TERMS = 40
GOLDEN_TOLERANCE = 1e-6
TUNED = "tuned "  # begins the names of the encoder's tuned tensors


def content_of(model: "SectorModel") -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Everything a prediction depends on, and what later lists are held against, as ``models.bundle`` takes it."""
    head = model.classifier
    arrays: dict[str, NDArray[Any]] = {
        "coef": head.coef_.astype(np.float32),  # exact: training rounds to float32
        "intercept": head.intercept_,
        "calibration": head.calibration_,
        "thresholds": head.thresholds_,
        "leave_thresholds": head.leave_thresholds_,
        "training_errors": model.training_errors,
        "untrained": head.untrained_,
        "idf": model.idf,
        "neighbour_vectors": model.neighbours.vectors,
        "neighbour_included": model.neighbours.included,
        "golden": _golden(model),
        **{f"{TUNED}{name}": values for name, values in (model.tuned.weights if model.tuned else {}).items()},
        **(model.reference.arrays() if model.reference else {}),
    }
    documents = {
        "vocabulary": list(model.terms),
        "neighbours": list(model.neighbours.firm_ids),
        "model": {
            "sectors": list(model.sectors),
            "parents": [list(above) for above in model.parents],
            "encoder_id": model.encoder_id,
            "dimension": model.dimension,
            "support": [list(pair) for pair in model.support],
            "target": head.target,
            "languages": list(model.languages),
        },
    }
    return arrays, documents


def save_model(model: "SectorModel", folder: Path, facts: Mapping[str, Any], card: str | None = None) -> str:
    """Write a bundle that is whole or absent.

    Args:
        model: Trained.
        folder: Must not exist yet; its name is best the ``model_id``.
        facts: For the manifest: taxonomy digest, training-set digest, metrics, ...; ``created_at`` and
            ``encoder_id`` are added.
        card: Markdown; None writes one from the model and ``facts``.

    Returns:
        The ``model_id``.

    Raises:
        BundleError: The folder exists or cannot be written as a bundle.
    """
    arrays, documents = content_of(model)
    stated = {"created_at": datetime.now(UTC).isoformat(timespec="seconds"), **facts, "encoder_id": model.encoder_id}
    text = describe(model, stated) if card is None else card
    return save_bundle(folder, arrays, documents, stated, text).model_id


def load_model(folder: Path) -> "SectorModel":
    """Read a bundle back and check that it predicts here what it predicted when it was trained.

    Raises:
        BundleError: See ``models.bundle.load_bundle``.
        ModelMismatchError: A bundle of another kind, parts that do not fit together, or other predictions.
    """
    bundle = load_bundle(folder)
    try:
        model = _assemble(bundle)
    except (KeyError, TypeError, ValueError, IndexError, HierarchyError) as error:
        message = f"{folder}: not a sector model as this firmscope writes it ({error!r}); train again"
        raise ModelMismatchError(message) from error
    drift = float(np.abs(_golden(model) - bundle.arrays["golden"]).max(initial=0.0))
    if drift > GOLDEN_TOLERANCE:
        message = (
            f"{folder}: golden texts score up to {drift:.2g} off what they scored at training (libraries then: "
            f"{dict(bundle.manifest.libraries)}); install those versions, or train again"
        )
        raise ModelMismatchError(message)
    return model


def _assemble(bundle: Bundle) -> "SectorModel":
    from classifier.model import SectorModel

    arrays, about = bundle.arrays, bundle.documents["model"]
    sectors, terms = tuple(map(str, about["sectors"])), tuple(map(str, bundle.documents["vocabulary"]))
    parents = tuple(tuple(int(parent) for parent in above) for above in about["parents"])
    dimension, n_sectors, n_terms = int(about["dimension"]), len(sectors), len(terms)
    firm_ids = tuple(map(str, bundle.documents["neighbours"]))
    expected = {
        "coef": (n_sectors, n_terms + dimension),
        "intercept": (n_sectors,),
        "calibration": (n_sectors, 2),
        "thresholds": (n_sectors,),
        "leave_thresholds": (n_sectors,),
        "training_errors": (n_sectors, len(COLUMNS)),
        "idf": (n_terms,),
        "neighbour_vectors": (len(firm_ids), dimension),
        "neighbour_included": (len(firm_ids), n_sectors),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            message = f"{name} has shape {arrays[name].shape}, expected {shape}"
            raise ValueError(message)
    if len(set(sectors)) != n_sectors or len(set(terms)) != n_terms or len(about["support"]) != n_sectors:
        message = "sectors, terms or support repeat or do not fit"
        raise ValueError(message)
    children_first(parents)
    head = SectorClassifier(parents=parents, target=about["target"])
    head.n_features_in_ = n_terms + dimension
    head.coef_ = arrays["coef"].astype(np.float64)
    head.intercept_, head.calibration_ = arrays["intercept"], arrays["calibration"]
    head.thresholds_, head.leave_thresholds_ = arrays["thresholds"], arrays["leave_thresholds"]
    if (head.leave_thresholds_ > head.thresholds_).any():
        message = "a threshold to leave lies above the one to enter"
        raise ValueError(message)
    head.untrained_ = arrays["untrained"].astype(np.int64)
    head.trained()  # an index out of range raises here
    return SectorModel(
        sectors=sectors,
        encoder_id=str(about["encoder_id"]),
        dimension=dimension,
        terms=terms,
        idf=arrays["idf"],
        classifier=head,
        neighbours=Neighbours(firm_ids, arrays["neighbour_vectors"], arrays["neighbour_included"].astype(np.bool_)),
        support=tuple((int(includes), int(excludes)) for includes, excludes in about["support"]),
        training_errors=arrays["training_errors"].astype(np.int64),
        tuned=_tuned(arrays),
        languages=tuple(map(str, about["languages"])),
        reference=reference_of(arrays, n_sectors, dimension),
    )


def _tuned(arrays: Mapping[str, NDArray[Any]]) -> TunedLayers | None:
    weights = {name.removeprefix(TUNED): array for name, array in arrays.items() if name.startswith(TUNED)}
    if any(array.dtype != np.float16 or not name.startswith(LAYER) for name, array in weights.items()):
        message = "tuned tensors are not half-precision weights of encoder layers"
        raise ValueError(message)
    return TunedLayers(weights) if weights else None


def _golden(model: "SectorModel") -> NDArray[np.float64]:
    """Probabilities ``(N_GOLDEN, n_sectors)`` of texts strung together from the vocabulary."""
    step = max(1, len(model.terms) // GOLDEN_TERMS)
    texts = [" ".join(model.terms[start::step][:GOLDEN_TERMS]) for start in range(N_GOLDEN)]
    vectors = np.zeros((N_GOLDEN, model.dimension), dtype=np.float32)
    kept = model.neighbours.vectors[:N_GOLDEN].astype(np.float32)
    vectors[: len(kept)] = kept
    design = FirmDesign(model.vectorizer.transform(texts), vectors, vectors, np.arange(N_GOLDEN + 1))
    return model.classifier.predict_proba(design)
