"""Why a firm is in a sector, in terms that someone who knows the firm can dispute.

What is shown, exactly: the *chunk* is the one whose own probability is highest (a firm's is pooled over the better
half of its chunks). The *sentence* is the one inside it whose n-grams add most to the score: full sentences before
headings, and the first one where nothing adds anything. The *terms* are the n-grams of the whole firm that add most,
with the log odds they add. *Nearest* are the labelled includes whose mean vector is most similar. It is the linear
model's own arithmetic, not a second model's guess; what the vector adds inside a chunk is not split between its
sentences.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.calibration import sigmoid
from classifier.features import Vectors, chunk_matrix, firm_chunks, firm_words, mean_vector
from models.chunking import split_sentences

if TYPE_CHECKING:
    from classifier.features import FirmText
    from classifier.model import SectorModel

MAX_TERMS_SHOWN = 8
MAX_NEAREST = 3
MIN_SENTENCE_WORDS = (
    5  # a heading ("Cyber Clinic") proves little; it is quoted only where no full sentence adds anything
)
MAX_SENTENCE_CHARS = 400  # a page without full stops is one sentence; a quotation has to stay readable


@dataclass(frozen=True)
class Evidence:
    """One firm, one sector."""

    sector: str
    probability: float  # of the firm, calibrated, before parents are raised
    chunk_probability: float  # of the quoted chunk by itself
    page_url: str
    sentence: str
    terms: tuple[tuple[str, float], ...]  # n-gram, log odds it adds; strongest first
    nearest: tuple[tuple[str, float], ...]  # labelled firm_id, cosine similarity; most similar first


def find_evidence(model: "SectorModel", firm: "FirmText", sector: str, vectors: Vectors) -> Evidence:
    """What carries the firm's score in one sector; see the top of this module for what each part means.

    A firm without words has an empty sentence, no terms and no neighbours.

    Raises:
        ClassifierError: The model does not know the sector.
        MissingVectorError: A chunk of the firm has no vector.
    """
    column = model.column(sector)
    head = model.classifier
    n_terms = len(model.terms)
    word_weights, vector_weights = head.coef_[column, :n_terms], head.coef_[column, n_terms:]
    slope, offset = head.calibration_[column]

    row = model.vectorizer.transform([firm_words(firm)])
    adds = slope * row.data * word_weights[row.indices]
    chunks = firm_chunks(firm)
    matrix = chunk_matrix(chunks, vectors, model.dimension)
    if not chunks:
        return Evidence(sector, 0.0, 0.0, "", "", (), ())
    of_words = float(adds.sum()) + slope * float(head.intercept_[column]) + offset
    per_chunk = sigmoid(slope * (matrix.astype(np.float64) @ vector_weights) + of_words)
    best = int(np.argmax(per_chunk))

    weight_of = {model.terms[term]: float(value) for term, value in zip(row.indices, adds, strict=True)}
    strongest = sorted(weight_of.items(), key=lambda item: (-item[1], item[0]))[:MAX_TERMS_SHOWN]
    return Evidence(
        sector=sector,
        probability=model.own_probability(firm, sector, vectors),
        chunk_probability=float(per_chunk[best]) if head.trained()[column] else 0.0,
        page_url=chunks[best].page_url,
        sentence=_best_sentence(model, chunks[best].text, weight_of),
        terms=tuple((term, weight) for term, weight in strongest if weight > 0),
        nearest=model.neighbours.nearest(mean_vector(matrix), column, MAX_NEAREST, leave_out=firm.firm_id),
    )


def _best_sentence(model: "SectorModel", text: str, weight_of: dict[str, float]) -> str:
    analyse = model.vectorizer.build_analyzer()
    sentences = split_sentences(text)
    gains = [sum(weight_of.get(term, 0.0) for term in set(analyse(sentence))) for sentence in sentences]
    full = [len(sentence.split()) >= MIN_SENTENCE_WORDS for sentence in sentences]
    ranked = max(range(len(sentences)), key=lambda place: (gains[place] > 0, full[place], gains[place], -place))
    best = sentences[ranked] if gains[ranked] > 0 else sentences[0]
    return best if len(best) <= MAX_SENTENCE_CHARS else best[: MAX_SENTENCE_CHARS - 1] + "…"
