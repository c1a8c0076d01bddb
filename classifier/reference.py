"""What a model remembers of its training set, so that later lists can be held against it: numbers, no words.

A word counts as known to a training firm only where enough *other* training firms have it: against its own words every
training set would look as if it knew everything, and every list would seem to have drifted.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import LabelShapeError
from classifier.features import (
    MIN_FIRMS_PER_TERM,
    FirmPage,
    FirmText,
    Vectors,
    firm_chunks,
    firm_words,
    mean_vector,
    new_vectorizer,
    speaking_pages,
)

if TYPE_CHECKING:
    from classifier.model import SectorModel

SAMPLE = 1_000  # training firms remembered: 0.75 MB at 384 dimensions
EDGES = (0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9)
"""Inner edges of the bins of probabilities. Most firms are in a sector with a probability near 0: bins of equal width
would put nine of ten into the first and see nothing move."""

PAGES, PAGE_CHARS = 5, 3_000
"""What is read of a firm: cutting whole sites into chunks takes 6 ms a page, which is minutes for a sample. The first
chunks of the first pages are the same whether the rest is read or not, so their vectors stand in the lake."""

Words = Callable[[str], list[str]]


@dataclass(frozen=True)
class Reference:
    """What is remembered; rows of ``firms``, ``unknown`` and ``vectors`` are the same firms."""

    texts: int  # training firms
    firms: NDArray[np.uint64]  # (n,), see :func:`mark`: which they were, for whoever has the list, and no ids
    unknown: NDArray[np.float32]  # (n,) share of the firm's words that too few others have
    vectors: NDArray[np.float16]  # (n, dimension) mean vectors, length 1; 0 for a firm without words
    histogram: NDArray[np.int64]  # (n_sectors, len(EDGES) + 1) out-of-fold probabilities of the firms judged

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As a bundle takes it."""
        return {
            "reference texts": np.array([self.texts], dtype=np.int64),
            "reference firms": self.firms,
            "reference unknown": self.unknown,
            "reference vectors": self.vectors,
            "reference histogram": self.histogram,
        }


def remember_training(model: "SectorModel", firms: Sequence[FirmText], vectors: Vectors) -> Reference:
    """The reference of a model that was just trained.

    Args:
        model: Just trained, not loaded: a bundle keeps no firm's scores.
        firms: What it was trained on, in any order.
        vectors: Of their chunks.

    Raises:
        LabelShapeError: The model was loaded, or trained on other firms.
    """
    scores = getattr(model.classifier, "oof_probabilities_", None)
    if scores is None or len(scores) != len(firms):
        seen = "none (a loaded model)" if scores is None else f"of {len(scores)} firms"
        message = f"out-of-fold scores are {seen}, firms {len(firms)}; give what the model was trained on"
        raise LabelShapeError(message)
    read = [(firm, firm_vector(firm, vectors)) for firm in sampled(firms, SAMPLE)]
    chosen = [(firm, vector) for firm, vector in read if vector is not None]
    shared = shared_words(model.terms, model.idf, len(firms))
    split = word_splitter()
    return Reference(
        len(firms),
        np.array([mark(firm.firm_id) for firm, _ in chosen], dtype=np.uint64),
        np.array([unknown_share(split(leading_words(firm)), shared) for firm, _ in chosen], dtype=np.float32),
        np.array([vector for _, vector in chosen], dtype=np.float16).reshape(len(chosen), model.dimension),
        np.stack([histogram(column[~np.isnan(column)]) for column in scores.T]),
    )


def reference_of(arrays: Mapping[str, NDArray[Any]], n_sectors: int, dimension: int) -> Reference | None:
    """The reference in a bundle; None in one of a release that kept none.

    Raises:
        ValueError, KeyError: Its parts do not fit together.
    """
    if not any(name.startswith("reference ") for name in arrays):
        return None
    found = Reference(
        int(arrays["reference texts"][0]),
        arrays["reference firms"].astype(np.uint64),
        arrays["reference unknown"].astype(np.float32),
        arrays["reference vectors"].astype(np.float16),
        arrays["reference histogram"].astype(np.int64),
    )
    n = len(found.firms)
    shapes = [(n,), (n, dimension), (n_sectors, len(EDGES) + 1)]
    if [found.unknown.shape, found.vectors.shape, found.histogram.shape] != shapes:
        message = "the reference of the training set does not fit together"
        raise ValueError(message)
    return found


def mark(firm_id: str) -> int:
    """A number for a firm, the same on every machine; samples are taken by it."""
    return int.from_bytes(hashlib.sha256(f"drift/{firm_id}".encode()).digest()[:8], "big")


def sampled(firms: Iterable[FirmText], size: int) -> list[FirmText]:
    """At most ``size`` firms with words, always the same ones of a set, in the order of their marks."""
    in_order = sorted((firm for firm in firms if firm_words(firm).strip()), key=lambda firm: mark(firm.firm_id))
    return in_order[:size]


def histogram(probabilities: NDArray[Any]) -> NDArray[np.int64]:
    """How many probabilities are in each bin between ``EDGES``, ``(len(EDGES) + 1,)``."""
    return np.bincount(np.digitize(probabilities, EDGES), minlength=len(EDGES) + 1).astype(np.int64)


def word_splitter() -> Words:
    """What cuts a text into the single words that are counted, as training does."""
    split: Words = new_vectorizer().set_params(ngram_range=(1, 1)).build_analyzer()
    return split


def shared_words(terms: Sequence[str], idf: NDArray[np.float32], texts: int) -> frozenset[str]:
    """Words that are known to a firm of the training set by others alone: it and ``MIN_FIRMS_PER_TERM`` more have them.

    How many have a word is worked out from its inverse document frequency, ln((1 + texts) / (1 + firms)) + 1.
    """
    firms = (1 + texts) / np.exp(np.asarray(idf, dtype=np.float64) - 1) - 1
    known = np.flatnonzero(firms > MIN_FIRMS_PER_TERM + 0.5).tolist()
    return frozenset(terms[column] for column in known)


def unknown_share(words: Sequence[str], known: frozenset[str]) -> float:
    """Share of words, each as often as it stands there, that are not known; 0 for no words."""
    return sum(word not in known for word in words) / len(words) if words else 0.0


def leading(firm: FirmText) -> FirmText:
    """The beginnings of the first pages that say what the firm does."""
    pages = speaking_pages(firm)[:PAGES]
    return FirmText(
        firm.firm_id, tuple(FirmPage(page.url, page.kind, page.text[:PAGE_CHARS], page.language) for page in pages)
    )


def leading_words(firm: FirmText) -> str:
    """Their words."""
    return firm_words(leading(firm))


def firm_vector(firm: FirmText, vectors: Vectors) -> NDArray[np.float32] | None:
    """Mean vector of their chunks, length 1; None where no chunk has a vector, as of a firm that was not encoded."""
    found = [vectors[chunk.digest] for chunk in firm_chunks(leading(firm)) if chunk.digest in vectors]
    return mean_vector(np.stack(found)) if found else None
