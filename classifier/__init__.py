"""Assign firms to sectors from their own words, with evidence.

Names are loaded when first used: ``import classifier`` costs nothing, scikit-learn comes with the first estimator.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifier.errors import ClassifierError
    from classifier.evaluation import Evaluation, evaluate
    from classifier.evidence import Evidence
    from classifier.features import FirmPage, FirmText
    from classifier.model import SectorModel
    from classifier.sector_classifier import SectorClassifier

_HOME = {
    "ClassifierError": "classifier.errors",
    "Evaluation": "classifier.evaluation",
    "Evidence": "classifier.evidence",
    "FirmPage": "classifier.features",
    "FirmText": "classifier.features",
    "SectorClassifier": "classifier.sector_classifier",
    "SectorModel": "classifier.model",
    "evaluate": "classifier.evaluation",
}

__all__ = [
    "ClassifierError",
    "Evaluation",
    "Evidence",
    "FirmPage",
    "FirmText",
    "SectorClassifier",
    "SectorModel",
    "evaluate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module 'classifier' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOME[name]), name)
