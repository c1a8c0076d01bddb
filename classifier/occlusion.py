"""What a firm's score would be without a piece of its words.

The n-gram part is counted anew without the piece. The vector part takes the vector of the chunk without it where one is
at hand; where none is, a piece is taken to carry the share of its chunk's vector that its length is of the chunk, which
is crude, and good enough to say which few pieces are worth encoding a chunk for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Sigmoid
from classifier.features import Chunk, FirmText, Vectors, build_design, chunk_matrix, firm_chunks, firm_words
from classifier.quotable import Piece, pieces
from models.digest import text_digest

if TYPE_CHECKING:
    from classifier.design_matrix import FirmDesign
    from classifier.model import SectorModel

WITHOUT_WORDS = -30.0  # log odds of a firm of which nothing is left; the model gives it probability 0
CONTEXT_CHARS = 60  # read on either side of a piece: n-grams are pairs, and stop words in a row are shorter than that


@dataclass(frozen=True)
class Cut:
    """A piece of one chunk of a firm, to be taken out."""

    place: int  # of the chunk among the firm's
    order: int  # of the piece within the chunk
    piece: Piece
    share: float  # of the chunk's characters, 0 to 1
    digest: str  # of the chunk without the piece, under which its vector is kept; "" when nothing is left of it


class Reading:
    """A firm as a model reads it: words counted and chunks looked up once, for every sector that is asked about."""

    def __init__(self, model: "SectorModel", firm: FirmText, vectors: Vectors) -> None:
        """Args: the model, a firm, and vectors of at least the firm's chunks."""
        self.model = model
        self.firm = firm
        self.vectors = vectors
        self._lost_terms: dict[tuple[int, int], dict[int, int]] = {}

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """The firm's chunks in the order of their rows."""
        return firm_chunks(self.firm)

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        """``(n_chunks, dimension)`` vectors of the chunks."""
        return chunk_matrix(self.chunks, self.vectors, self.model.dimension)

    @cached_property
    def ngrams(self) -> Any:
        """``(1, n_terms)`` CSR, weighed as the model weighs them."""
        return self.model.vectorizer.transform([firm_words(self.firm)])

    @cached_property
    def design(self) -> "FirmDesign":
        """The firm as one row."""
        return build_design([self.firm], self.vectors, self.ngrams, self.model.dimension)

    @cached_property
    def log_odds(self) -> NDArray[np.float64]:
        """``(n_sectors,)`` calibrated, by each sector's own model, before children raise their parents."""
        if not self.chunks:
            return np.full(len(self.model.sectors), WITHOUT_WORDS)
        head = self.model.classifier
        scores = self.design.scores(head.coef_, head.intercept_)[0]
        slopes, offsets = head.calibration_.T
        return np.where(head.trained(), slopes * scores + offsets, WITHOUT_WORDS)

    @cached_property
    def cuts(self) -> tuple[tuple[Cut, ...], ...]:
        """For each chunk its pieces."""
        return tuple(
            tuple(
                Cut(
                    place,
                    order,
                    piece,
                    len(piece.text) / len(chunk.text),
                    text_digest(piece.rest) if piece.rest else "",
                )
                for order, piece in enumerate(pieces(chunk.text))
            )
            for place, chunk in enumerate(self.chunks)
        )

    def without(self, column: int, cuts: Sequence[Cut], vectors: Vectors | None = None) -> NDArray[np.float64]:
        """Log odds of a sector, ``(n_cuts,)``, each with one piece taken out; estimated where a vector is missing.

        Args:
            column: The sector.
            cuts: Pieces of this firm.
            vectors: Vectors of chunks without a piece.
        """
        if not cuts:
            return np.zeros(0)
        known = vectors or {}
        measured = np.array([not cut.digest or cut.digest in known for cut in cuts])
        rows = [self._chunk_rows(cut, known) for cut in cuts]
        starts = np.concatenate([[0], np.cumsum([len(part) for part in rows])]).astype(np.int64)
        design = replace(
            self.design.take(np.zeros(len(cuts), dtype=np.int64)),
            ngrams=self._ngrams_without(cuts),
            chunks=np.concatenate(rows),
            starts=starts,
        )
        left = self._scored(design, column)
        if not measured.all():
            carried = self._carried(column)
            left -= np.where(measured, 0.0, [cut.share * carried[cut.place] for cut in cuts])
        return np.where(np.diff(starts) == 0, WITHOUT_WORDS, left)

    def _carried(self, column: int) -> NDArray[np.float64]:
        """``(n_chunks,)`` log odds of a sector that go when a chunk's vector says nothing (is 0) and its words stay."""
        n_chunks = len(self.chunks)
        matrices = np.repeat(self.matrix[None], n_chunks, axis=0)
        matrices[np.arange(n_chunks), np.arange(n_chunks)] = 0.0
        repeated = self.design.take(np.zeros(n_chunks, dtype=np.int64))
        silenced = replace(repeated, chunks=matrices.reshape(n_chunks * n_chunks, -1))
        return np.asarray(self.log_odds[column] - self._scored(silenced, column))

    def _scored(self, design: "FirmDesign", column: int) -> NDArray[np.float64]:
        head = self.model.classifier
        scores = design.scores(head.coef_[column : column + 1], head.intercept_[column : column + 1])[:, 0]
        slope, offset = head.calibration_[column]
        return np.asarray(slope * scores + offset)

    def _chunk_rows(self, cut: Cut, vectors: Vectors) -> NDArray[np.float32]:
        if not cut.digest:
            return np.delete(self.matrix, cut.place, axis=0)
        if cut.digest not in vectors:
            return self.matrix
        rows = self.matrix.copy()
        rows[cut.place] = vectors[cut.digest]
        return rows

    def _ngrams_without(self, cuts: Sequence[Cut]) -> Any:
        """``(n_cuts, n_terms)`` CSR; exact but for words that would meet across ``CONTEXT_CHARS`` or chunks."""
        from scipy.sparse import csr_matrix, vstack

        lost = [self._lost(cut) for cut in cuts]
        starts = np.concatenate([[0], np.cumsum([len(terms) for terms in lost])])
        indices = np.array([term for terms in lost for term in terms], dtype=np.int32)
        by = np.array([by for terms in lost for by in terms.values()], dtype=np.float64)
        shape = (len(cuts), self._counts.shape[1])
        counts = vstack([self._counts] * len(cuts), format="csr") - csr_matrix((by, indices, starts), shape=shape)
        counts.data = np.maximum(counts.data, 0.0)  # words past MAX_FIRM_CHARS were never counted
        counts.eliminate_zeros()
        return self.model.vectorizer._tfidf.transform(counts.astype(np.float32))  # its own weighing, no copy of it

    def _lost(self, cut: Cut) -> dict[int, int]:
        """How often each term goes with the piece, less the pairs that close the gap, by column."""
        key = cut.place, cut.order
        if key not in self._lost_terms:
            text, start = self.chunks[cut.place].text, cut.piece.start
            end = start + len(cut.piece.text)
            before, after = text[max(0, start - CONTEXT_CHARS) : start], text[end : end + CONTEXT_CHARS]
            lost = Counter(self._analyse(before + cut.piece.text + after))
            lost.subtract(Counter(self._analyse(f"{before} {after}")))
            vocabulary = self.model.vectorizer.vocabulary_
            self._lost_terms[key] = {vocabulary[term]: by for term, by in lost.items() if by and term in vocabulary}
        return self._lost_terms[key]

    @cached_property
    def _counts(self) -> Any:
        from sklearn.feature_extraction.text import CountVectorizer

        return CountVectorizer.transform(self.model.vectorizer, [firm_words(self.firm)]).astype(np.float64)

    @cached_property
    def _analyse(self) -> Any:
        return self.model.vectorizer.build_analyzer()


def probability(log_odds: float) -> float:
    """Of calibrated log odds; exactly 0 where no words are left, as the model has it."""
    return 0.0 if log_odds <= WITHOUT_WORDS else float(Sigmoid(1.0, 0.0)(np.array([log_odds]))[0])
