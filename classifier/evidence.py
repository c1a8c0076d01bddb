"""Why a firm is in a sector, or nearly, in terms that someone who knows the firm can dispute.

The *sentence* is the one whose deletion lowers the firm's probability most: all are ranked by an estimate, then the few
best are deleted in earnest, their chunk encoded without them. The *terms* are the
n-grams of the whole firm that add most, with the log odds they add. *Nearest* are the labelled includes whose mean
vector is most similar. It is the model's own arithmetic, not a second model's guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import logit
from classifier.features import Vectors, mean_vector
from classifier.occlusion import WITHOUT_WORDS, Cut, Reading, probability
from classifier.quotable import Kind

if TYPE_CHECKING:
    from classifier.features import FirmText
    from classifier.model import SectorModel

MAX_TERMS_SHOWN = 8
MAX_NEAREST = 3
MAX_CHUNKS_SEARCHED = 8  # the most probable by themselves; 12 were searched in the figures below, 8 for time
MAX_CANDIDATES = 2
"""Pieces that are deleted in earnest, each at the price of encoding a chunk. Of 45 pairs of a real site and its sector,
26 pieces each all deleted, the best piece took 0.037 off the probability and a random one 0.002. The best of 1, 2, 3, 4
candidates took 43, 96, 97 and 97 % of that when ranked as here; ranked by their words alone, 71, 76, 78 and 78 %.
Preferring full sentences costs 2 %. Look again when pooling changes."""
NEAR_LOG_ODDS = 1.5
"""A choice about cost, not a tuned figure: of 199 real sites the near miss of half is within 1.3 log odds, of three
quarters within 2.1, and the best of 26 pieces carried 0.3 log odds on average."""


@dataclass(frozen=True)
class Evidence:
    """One firm, one sector."""

    sector: str
    probability: float  # of the firm, calibrated, before parents are raised
    chunk_probability: float  # of the quoted chunk by itself
    page_url: str
    sentence: str  # as it stands in the chunk, white space apart; empty when nothing may be quoted
    effect: float  # probability that goes when the sentence is deleted; negative when the firm does better without it
    measured: bool  # the chunk was encoded without the sentence; otherwise the effect is an estimate
    terms: tuple[tuple[str, float], ...]  # n-gram, log odds it adds; strongest first
    nearest: tuple[tuple[str, float], ...]  # labelled firm_id, cosine similarity; most similar first


@dataclass(frozen=True)
class NearMiss:
    """The sector that a firm came closest to without being assigned."""

    column: int
    probability: float
    threshold: float  # to enter
    distance: float  # log odds from the one to the other, positive

    @property
    def is_near(self) -> bool:
        """Whether a single sentence more could have put the firm in, so that its evidence is worth measuring."""
        return self.distance <= NEAR_LOG_ODDS


def find_evidence(model: "SectorModel", firm: "FirmText", sector: str, vectors: Vectors) -> Evidence:
    """What carries the firm's score in one sector; see the top of this module for what each part means.

    Args:
        model: The model.
        firm: The firm.
        sector: One of the model's sectors.
        vectors: Of the firm's chunks; and, for measured evidence, of ``texts_without(candidates(...))``.

    Returns:
        Evidence; of a firm without words an empty sentence, no terms and no neighbours.

    Raises:
        ClassifierError: The model does not know the sector.
        MissingVectorError: A chunk of the firm has no vector.
    """
    reading = Reading(model, firm, vectors)
    column = model.column(sector)
    return weigh(reading, column, candidates(reading, column), vectors)


def candidates(reading: Reading, column: int) -> tuple[Cut, ...]:
    """Pieces worth deleting in earnest, at most ``MAX_CANDIDATES``: full sentences before phrases before headings."""
    chunks = np.argsort(-_per_chunk(reading, column), kind="stable")[:MAX_CHUNKS_SEARCHED]
    cuts = [cut for place in chunks for cut in reading.cuts[place] if cut.piece.kind is not Kind.FURNITURE]
    if not cuts:
        return ()
    effects = reading.log_odds[column] - reading.without(column, cuts)
    chosen = sorted(range(len(cuts)), key=lambda place: (effects[place] <= 0, cuts[place].piece.kind, -effects[place]))
    return tuple(cuts[place] for place in chosen[:MAX_CANDIDATES])


def texts_without(cuts: Sequence[Cut]) -> list[str]:
    """Texts whose vectors ``weigh`` wants: chunks without a candidate."""
    return [cut.piece.rest for cut in cuts if cut.digest]


def weigh(reading: Reading, column: int, cuts: Sequence[Cut], vectors: Vectors) -> Evidence:
    """Evidence, the sentence chosen among ``cuts`` by what its deletion does.

    Args:
        reading: The firm.
        column: The sector.
        cuts: From ``candidates``.
        vectors: Vectors of chunks without a candidate.
    """
    model, firm = reading.model, reading.firm
    sector = model.sectors[column]
    if not reading.chunks:
        return Evidence(sector, 0.0, 0.0, "", "", 0.0, True, (), ())
    whole = float(reading.log_odds[column])
    per_chunk = _per_chunk(reading, column)
    left = reading.without(column, cuts, vectors)
    best = _best(cuts, whole - left)
    place = cuts[best].place if cuts else int(np.argmax(per_chunk))
    return Evidence(
        sector=sector,
        probability=probability(whole),
        chunk_probability=probability(float(per_chunk[place])),
        page_url=reading.chunks[place].page_url,
        sentence=cuts[best].piece.text if cuts else "",
        effect=probability(whole) - probability(float(left[best])) if cuts else 0.0,
        measured=all(not cut.digest or cut.digest in vectors for cut in cuts),
        terms=_terms(reading, column),
        nearest=model.neighbours.nearest(mean_vector(reading.matrix), column, MAX_NEAREST, leave_out=firm.firm_id),
    )


def near_miss(model: "SectorModel", probabilities: NDArray[np.float64], assigned: NDArray[np.bool_]) -> NearMiss | None:
    """The sector below its threshold that is fewest log odds away from it; None when every sector is assigned.

    Distance is in log odds, because 0.02 of a threshold of 0.05 is further away than 0.45 of 0.50.

    Args:
        model: The model.
        probabilities: ``(n_sectors,)`` of one firm, from ``predict_proba``.
        assigned: ``(n_sectors,) bool``; a sector that was not trained is no near miss.
    """
    open_columns = np.flatnonzero(~assigned & model.classifier.trained() & (probabilities > 0))
    if not len(open_columns):
        return None
    distance = logit(model.thresholds[open_columns]) - logit(probabilities[open_columns])
    column = int(open_columns[np.argmin(distance)])
    return NearMiss(column, float(probabilities[column]), float(model.thresholds[column]), float(distance.min()))


def _best(cuts: Sequence[Cut], effects: NDArray[np.float64]) -> int:
    """Place of the piece to quote: a better kind first, as long as its deletion lowers the score at all."""
    order = range(len(cuts))
    return min(order, key=lambda place: (effects[place] <= 0, cuts[place].piece.kind, -effects[place]), default=0)


def _per_chunk(reading: Reading, column: int) -> NDArray[np.float64]:
    """``(n_chunks,)`` log odds of the firm if it had one chunk only, for each."""
    head, n_terms = reading.model.classifier, len(reading.model.terms)
    if not head.trained()[column]:
        return np.full(len(reading.chunks), WITHOUT_WORDS)
    slope, offset = head.calibration_[column]
    of_words = float((reading.ngrams @ head.coef_[column, :n_terms])[0]) + head.intercept_[column]
    return np.asarray(slope * (reading.matrix.astype(np.float64) @ head.coef_[column, n_terms:] + of_words) + offset)


def _terms(reading: Reading, column: int) -> tuple[tuple[str, float], ...]:
    head, row = reading.model.classifier, reading.ngrams
    adds = head.calibration_[column][0] * row.data * head.coef_[column, : len(reading.model.terms)][row.indices]
    weight_of = {reading.model.terms[term]: float(add) for term, add in zip(row.indices, adds, strict=True) if add > 0}
    return tuple(sorted(weight_of.items(), key=lambda item: (-item[1], item[0]))[:MAX_TERMS_SHOWN])
