"""Methods to compare with, fitted on the same firms in the same run.

RTIC's published recipe is term frequencies of 1-2-grams without inverse document frequency, a linear support vector
machine per sector, assigned where the margin is positive. It stays in every evaluation so that a figure has a peer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_FIRMS_PER_TERM = 2


@dataclass(frozen=True)
class BaselineResult:
    """What a baseline says of the held-out firms."""

    name: str
    scores: NDArray[np.float64]  # (n_test, n_sectors), for ranking; not probabilities
    assigned: NDArray[np.bool_]  # (n_test, n_sectors)


Baseline = Callable[[Sequence[str], NDArray[np.bool_], NDArray[np.bool_], Sequence[str]], BaselineResult]
"""``(training texts, Y, mask, test texts) -> BaselineResult``."""


def rtic(texts: Sequence[str], Y: NDArray[np.bool_], mask: NDArray[np.bool_], test: Sequence[str]) -> BaselineResult:
    """RTIC's published n-gram method."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    counter = TfidfVectorizer(ngram_range=(1, 2), use_idf=False, min_df=MIN_FIRMS_PER_TERM)
    train_matrix, test_matrix = counter.fit_transform(texts), counter.transform(test)
    scores = np.full((len(test), Y.shape[1]), -1.0)
    for sector in range(Y.shape[1]):
        rows = np.flatnonzero(mask[:, sector])
        if 0 < Y[rows, sector].sum() < len(rows):
            model = LinearSVC(random_state=0).fit(train_matrix[rows], Y[rows, sector])
            scores[:, sector] = model.decision_function(test_matrix)
    return BaselineResult("rtic_ngrams_svm", scores, scores > 0)


def tfidf_logistic(
    texts: Sequence[str], Y: NDArray[np.bool_], mask: NDArray[np.bool_], test: Sequence[str]
) -> BaselineResult:
    """Tf-idf of 1-2-grams and balanced logistic regression, assigned from a probability of one half."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    counter = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=MIN_FIRMS_PER_TERM)
    train_matrix, test_matrix = counter.fit_transform(texts), counter.transform(test)
    scores = np.full((len(test), Y.shape[1]), -1.0)
    for sector in range(Y.shape[1]):
        rows = np.flatnonzero(mask[:, sector])
        if 0 < Y[rows, sector].sum() < len(rows):
            model = LogisticRegression(
                C=10, class_weight="balanced", solver="liblinear", dual=True, max_iter=5000, random_state=0
            )
            scores[:, sector] = model.fit(train_matrix[rows], Y[rows, sector]).decision_function(test_matrix)
    return BaselineResult("tfidf_logistic", scores, scores > 0)


BASELINES: tuple[Baseline, ...] = (rtic, tfidf_logistic)
