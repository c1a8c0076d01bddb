"""What a sector's model is fitted on and scored with: one row per firm, in one or two blocks.

A firm's n-grams and its chunk vectors are two views of the same words; each gets a logistic model of its own and their
scores are added. A firm with several chunks is *fitted* by its mean vector but *scored* chunk by chunk, because a
website says what a firm does in a few of its chunks and is polite in the others.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import logit, sigmoid
from classifier.errors import LabelShapeError

POOLED_SHARE = 0.5
"""Share of a firm's chunks that are averaged, the most probable ones. Half of a website is about customers, staff and
terms: averaging every chunk assigned 0 of 6 automotive and 0 of 4 agri-tech sites that the seed model ranked first.
Measured in classifier/README.md; a third and a half do equally well. Look again when page kinds get weights."""

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


class Design(Protocol):
    """Features of firms, as the trainer sees them."""

    @property
    def n_firms(self) -> int:
        """Number of rows."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Columns of each block."""

    def fit_blocks(self, rows: Rows) -> tuple[Any, ...]:
        """One matrix per block, ``(len(rows), width)``, dense or CSR."""

    def scores(self, weights: Floats, intercepts: Floats) -> Floats:
        """Raw scores ``(n_firms, n_models)`` for ``weights (n_models, sum(widths))`` and ``intercepts (n_models,)``."""

    def take(self, rows: Rows) -> "Design":
        """The same features of some firms, in the order of ``rows``."""


@dataclass(frozen=True)
class MatrixDesign:
    """A plain two-dimensional matrix: one block, a row is a firm."""

    matrix: Any  # (n_firms, n_features) float, dense or CSR

    @property
    def n_firms(self) -> int:
        """Number of rows."""
        return int(self.matrix.shape[0])

    @property
    def widths(self) -> tuple[int, ...]:
        """One block with every column."""
        return (int(self.matrix.shape[1]),)

    def fit_blocks(self, rows: Rows) -> tuple[Any, ...]:
        """The matrix's rows."""
        return (self.matrix[rows],)

    def scores(self, weights: Floats, intercepts: Floats) -> Floats:
        """Linear scores."""
        return np.asarray(self.matrix @ weights.T, dtype=np.float64) + intercepts

    def take(self, rows: Rows) -> "MatrixDesign":
        """Some rows."""
        return MatrixDesign(self.matrix[rows])


@dataclass(frozen=True)
class FirmDesign:
    """Firms' n-grams and chunk vectors."""

    ngrams: Any  # (n_firms, n_terms) CSR float32
    means: NDArray[np.float32]  # (n_firms, dimension), mean of the firm's chunk vectors, length 1 or 0
    chunks: NDArray[np.float32]  # (n_chunks, dimension), firms' chunks one after another
    starts: NDArray[np.int64]  # (n_firms + 1,), chunks of firm i are rows starts[i] to starts[i + 1]

    @property
    def n_firms(self) -> int:
        """Number of firms."""
        return len(self.means)

    @property
    def widths(self) -> tuple[int, ...]:
        """N-grams first, then the vector."""
        return (int(self.ngrams.shape[1]), int(self.means.shape[1]))

    def fit_blocks(self, rows: Rows) -> tuple[Any, ...]:
        """N-grams (CSR) and mean vectors (dense)."""
        return (self.ngrams[rows], self.means[rows])

    def scores(self, weights: Floats, intercepts: Floats) -> Floats:
        """Log odds of each firm's pooled chunk probabilities; of its n-grams alone where it has no chunks."""
        n_terms = self.widths[0]
        of_words = np.asarray(self.ngrams @ weights[:, :n_terms].T, dtype=np.float64) + intercepts
        counts = np.diff(self.starts)
        per_chunk = self.chunks @ weights[:, n_terms:].T + np.repeat(of_words, counts, axis=0)
        pooled = of_words.copy()
        single = counts == 1
        pooled[single] = per_chunk[self.starts[:-1][single]]  # exact, where the round trip would lose digits
        for count in np.unique(counts[counts > 1]):  # firms with equally many chunks are pooled together
            firms = np.flatnonzero(counts == count)
            pooled[firms] = pool_chunks(per_chunk[self.starts[firms][:, None] + np.arange(count)])
        return pooled

    def take(self, rows: Rows) -> "FirmDesign":
        """The same features of some firms."""
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        spans = [np.arange(self.starts[row], self.starts[row + 1]) for row in rows]
        chunk_rows = np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)
        return FirmDesign(self.ngrams[rows], self.means[rows], self.chunks[chunk_rows], starts)


def pool_chunks(scores: Floats) -> Floats:
    """One score per model from ``(..., n_chunks, n_models)`` scores: log odds of the mean over the more probable half.

    The half is rounded up, and chosen for each model by itself.
    """
    n_chunks = scores.shape[-2]
    kept = ceil(n_chunks * POOLED_SHARE)
    upper = np.sort(scores, axis=-2)[..., n_chunks - kept :, :]  # sorted: the sum must not depend on chunk order
    return logit(sigmoid(upper).mean(axis=-2))


def as_design(X: Any, expected_features: int | None = None) -> Design:
    """Any two-dimensional numeric array or sparse matrix as a design; a design is passed through.

    Raises:
        LabelShapeError: Not two-dimensional, not numeric, values not finite, or another number of columns than at fit.
    """
    if isinstance(X, FirmDesign | MatrixDesign):
        design: Design = X
    else:
        from sklearn.utils import check_array

        try:
            design = MatrixDesign(
                check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=0)
            )
        except (ValueError, TypeError) as error:
            message = f"X: {error}; expected a finite numeric array or sparse matrix (n_firms, n_features)"
            raise LabelShapeError(message) from error
    if expected_features is not None and sum(design.widths) != expected_features:
        message = (
            f"X has {sum(design.widths)} columns, the model was fitted on {expected_features}; use the same features"
        )
        raise LabelShapeError(message)
    return design
