"""Settle clear firms by their n-grams alone, so that only the others pay for the encoder.

A firm is clear when every sector's n-gram probability lies so far below that sector's threshold that vectors would
hardly carry it across. Firms that a list will hold are never settled here: whoever is assigned was read by the full
model and has its evidence. What a margin (log odds) costs is measured in ``tests/benchmarks/fastpath.py``.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import logit
from classifier.design_matrix import MatrixDesign
from classifier.features import FirmText, Vectors, firm_words
from classifier.hierarchy import close_labels
from classifier.model import NGRAM_STRENGTH, SectorModel
from classifier.sector_classifier import SectorClassifier

EmbedFirms = Callable[[Sequence[FirmText]], Vectors]
"""Vectors of every chunk of these firms (``model.texts_to_embed``), by digest."""


@dataclass(frozen=True)
class FirstStage:
    """A model on n-grams alone, beside the full model whose terms it counts."""

    model_id: str  # of the full model
    classifier: SectorClassifier  # columns: the model's terms

    def probabilities(self, model: SectorModel, firms: Sequence[FirmText]) -> NDArray[np.float64]:
        """``(n_firms, n_sectors)``, calibrated, no child above its parent; 0 for a firm without words."""
        words = [firm_words(firm) for firm in firms]
        found = self.classifier.predict_proba(MatrixDesign(model.vectorizer.transform(words)))
        speaks = np.array([bool(text.strip()) for text in words], dtype=np.bool_)
        return found * speaks[:, None]


@dataclass(frozen=True)
class FastResult:
    """Probabilities of all firms, and which of them the n-grams settled."""

    probabilities: NDArray[np.float64]  # (n_firms, n_sectors), as from ``predict_proba``
    settled: NDArray[np.bool_]  # (n_firms,), True where no vector was asked for


def fit_first_stage(
    model: SectorModel,
    firms: Sequence[FirmText],
    Y: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    groups: Sequence[Hashable] | None = None,
) -> FirstStage:
    """Train the first stage on the examples that the model was trained on.

    Args:
        model: The full model; its n-grams, sectors and hierarchy are used.
        firms: ``n_firms`` firms.
        Y: ``(n_firms, n_sectors) bool`` includes.
        mask: ``(n_firms, n_sectors) bool``, True where judged.
        groups: ``(n_firms,)`` registered domains. None: each firm.
    """
    words = [firm_words(firm) for firm in firms]
    labels, judged = close_labels(np.asarray(Y, np.bool_), np.asarray(mask, np.bool_), model.parents)
    judged[[not text.strip() for text in words]] = False
    labels &= judged
    classifier = SectorClassifier(C=NGRAM_STRENGTH, parents=model.parents, target=model.classifier.target)
    ngrams: Any = model.vectorizer.transform(words)
    classifier.fit(MatrixDesign(ngrams), labels, judged, groups)
    classifier.coef_ = classifier.coef_.astype(np.float32).astype(np.float64)  # what a bundle holds, exactly
    return FirstStage(model.model_id, classifier)


def clear_firms(
    probabilities: NDArray[np.float64],
    thresholds: NDArray[np.float64],
    trained: NDArray[np.bool_],
    margin: float,
    *,
    members_too: bool = False,
) -> NDArray[np.bool_]:
    """Firms whose every trained sector is at least ``margin`` below its threshold, in log odds: ``(n_firms,)``.

    Args:
        probabilities: ``(n_firms, n_sectors)`` of the first stage.
        thresholds: ``(n_sectors,)`` of the full model.
        trained: ``(n_sectors,) bool``; other sectors settle nothing and hinder nothing.
        margin: Log odds; larger settles fewer firms.
        members_too: Settle sectors as far above their thresholds too.
    """
    below = logit(thresholds) - logit(probabilities)
    away = np.abs(below) >= margin if members_too else below >= margin
    return np.asarray((away | ~trained).all(axis=1), dtype=np.bool_)


def predict_fast(
    model: SectorModel,
    first: FirstStage,
    firms: Sequence[FirmText],
    embed: EmbedFirms,
    margin: float,
    keep: NDArray[np.bool_] | None = None,
) -> FastResult:
    """Probabilities of firms, the clear ones by their n-grams and the others by the full model.

    Args:
        model: The full model.
        first: Its first stage.
        firms: ``n_firms`` firms.
        embed: Called once, with the firms that are not clear, unless all are.
        margin: See ``clear_firms``.
        keep: ``(n_firms,) bool``, firms that are members of a sector already: the full model judges whether they leave.
    """
    probabilities = first.probabilities(model, firms)
    settled = clear_firms(probabilities, model.thresholds, model.classifier.trained(), margin)
    if keep is not None:
        settled &= ~keep
    rows = np.flatnonzero(~settled)
    if len(rows):
        rest = [firms[int(row)] for row in rows]
        probabilities[rows] = model.predict_proba(rest, embed(rest))
    return FastResult(probabilities, settled)
