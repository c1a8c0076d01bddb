"""Fit one logistic model per block of features.

One thread only: the matrices are small, and on a busy machine the threads of a linear-algebra library wait for each
other (measured: 0.4 s a model on two threads beside other work, 0.03 s on one). It also makes the result repeatable.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.design_matrix import Design, Rows

DENSE_TOLERANCE = 1e-5  # on 384 unit-length columns 1e-4 still leaves scores up to 0.25 off, 1e-5 leaves 0.02
SPARSE_TOLERANCE = 1e-2  # liblinear's own scale
MAX_STEPS = 5000


def fit_blocks(
    design: Design,
    rows: Rows,
    y: NDArray[np.bool_],
    strengths: tuple[float, ...],
    class_weight: str | None,
    hint: NDArray[np.float64] | None = None,
    shares: tuple[float, ...] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Weights ``(n_features,)`` and intercept of the summed blocks' models, fitted on ``rows``.

    Args:
        design: Features of all firms.
        rows: Firms to fit on; both classes present.
        y: ``(len(rows),) bool``.
        strengths: Inverse regularisation C of each block.
        class_weight: As in scikit-learn.
        hint: ``(n_features,)`` direction in which the weights may lie at little cost; see ``classifier.hints``.
        shares: How much each block's score counts in the sum; None: one each.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    weights, intercept = [], 0.0
    hints = np.split(np.zeros(sum(design.widths)) if hint is None else hint, np.cumsum(design.widths)[:-1])
    with threadpool_limits(limits=1):
        counted = shares or (1.0,) * len(strengths)
        for matrix, strength, towards, share in zip(design.fit_blocks(rows), strengths, hints, counted, strict=True):
            hinted = towards.any()
            block_weights, block_intercept = _fit(
                _with_column(matrix, matrix @ towards) if hinted else matrix, y, strength, class_weight
            )
            if hinted:
                block_weights = block_weights[:-1] + block_weights[-1] * towards
            weights.append(share * block_weights)
            intercept += share * block_intercept
    return np.concatenate(weights), intercept


def _with_column(matrix: Any, column: NDArray[np.float64]) -> Any:
    from scipy.sparse import csr_matrix, hstack, issparse

    if issparse(matrix):
        return hstack([matrix, csr_matrix(column[:, None], dtype=matrix.dtype)], format="csr")
    return np.column_stack([matrix, column])


def _fit(
    matrix: Any, y: NDArray[np.bool_], strength: float, class_weight: str | None
) -> tuple[NDArray[np.float64], float]:
    from scipy.sparse import issparse
    from sklearn.linear_model import LogisticRegression

    if issparse(matrix):
        model = LogisticRegression(
            C=strength,
            class_weight=class_weight,
            solver="liblinear",
            dual=True,
            tol=SPARSE_TOLERANCE,
            max_iter=MAX_STEPS,
            random_state=0,
        )
    else:
        matrix = np.asarray(matrix, dtype=np.float64)
        model = LogisticRegression(C=strength, class_weight=class_weight, tol=DENSE_TOLERANCE, max_iter=MAX_STEPS)
    model.fit(matrix, y)
    return np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])
