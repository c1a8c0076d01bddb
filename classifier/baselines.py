"""Methods to compare with, fitted on the same firms in the same run.

RTIC's published recipe is term frequencies of 1-2-grams without inverse document frequency, a linear support vector
machine per sector, assigned where the margin is positive. It stays in every evaluation so that a figure has a peer.
Whatever a method chooses (a cut, a number of neighbours) it chooses on the training firms, like ours.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labels.keyword_matching import IndexedText, Rule

MIN_FIRMS_PER_TERM = 2
NEIGHBOUR_COUNTS = (5, 10, 20, 40)
BLOCK_ROWS = 1024  # firms compared with all others at once: 1,024 x 100,000 similarities are 400 MB
UNSEEN = -1.0  # score of every firm where a method has nothing to go by

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Exam:
    """What a method may know: labelled firms to learn from, and the words of those it is asked about."""

    words: Sequence[str]  # (n_train,)
    vectors: Vectors  # (n_train, dimension), mean of the firm's chunk vectors, length 1; zeros for a firm without words
    Y: Bools  # (n_train, n_sectors) includes
    mask: Bools  # (n_train, n_sectors) where judged; Y is not read elsewhere
    groups: Sequence[Hashable]  # (n_train,) firms of one group do not vouch for each other
    asked_words: Sequence[str]  # (n_asked,)
    asked_vectors: Vectors  # (n_asked, dimension)


@dataclass(frozen=True)
class BaselineResult:
    """What a baseline says of the firms it was asked about."""

    name: str
    scores: Floats  # (n_asked, n_sectors), for ranking; not probabilities
    assigned: Bools  # (n_asked, n_sectors)


Baseline = Callable[[Exam], BaselineResult]


def rtic(exam: Exam) -> BaselineResult:
    """RTIC's published n-gram method."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    counter = TfidfVectorizer(ngram_range=(1, 2), use_idf=False, min_df=MIN_FIRMS_PER_TERM)
    return _one_model_per_sector("rtic_ngrams_svm", exam, counter, lambda: LinearSVC(random_state=0))


def tfidf_logistic(exam: Exam) -> BaselineResult:
    """Tf-idf of 1-2-grams and balanced logistic regression, assigned from a probability of one half."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    counter = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=MIN_FIRMS_PER_TERM)
    return _one_model_per_sector(
        "tfidf_logistic",
        exam,
        counter,
        lambda: LogisticRegression(
            C=10, class_weight="balanced", solver="liblinear", dual=True, max_iter=5000, random_state=0
        ),
    )


def nearest_neighbours(exam: Exam) -> BaselineResult:
    """Share of includes among the most similar judged firms, weighted by cosine.

    The number of neighbours is the one of ``NEIGHBOUR_COUNTS`` with the highest mean average precision over training
    firms, each judged by firms of other groups; each sector's cut has the highest F1 there.
    """
    from classifier.metrics import average_precision

    place = {group: number for number, group in enumerate(dict.fromkeys(exam.groups))}
    group = np.array([place[name] for name in exam.groups], dtype=np.int64)
    asked_group = np.full(len(exam.asked_words), -1, dtype=np.int64)
    judged_for: dict[bytes, list[int]] = {}  # sectors that were judged for the same firms share their neighbours
    for sector in range(exam.Y.shape[1]):
        judged_for.setdefault(exam.mask[:, sector].tobytes(), []).append(sector)
    shape = (len(NEIGHBOUR_COUNTS), exam.Y.shape[1])
    own = np.full((*shape, len(exam.words)), UNSEEN)
    asked = np.full((*shape, len(exam.asked_words)), UNSEEN)
    for sectors in judged_for.values():
        rows = np.flatnonzero(exam.mask[:, sectors[0]])
        if not len(rows):
            continue
        labels, known = exam.Y[rows][:, sectors], exam.vectors[rows]
        asked[:, sectors] = _neighbour_shares(exam.asked_vectors, asked_group, known, group[rows], labels)
        shares = _neighbour_shares(known, group[rows], known, group[rows], labels)
        for number, sector in enumerate(sectors):
            own[:, sector, rows] = shares[:, number]
    learnt = [
        (sector, rows)
        for sector in range(shape[1])
        if exam.Y[rows := np.flatnonzero(exam.mask[:, sector]), sector].any()
    ]
    quality = [
        sum(average_precision(exam.Y[rows, sector], own[number, sector, rows]) for sector, rows in learnt)
        for number in range(shape[0])
    ]
    best = int(np.argmax(quality))
    return _cut_on_training("nearest_neighbours", exam, own[best].T, asked[best].T)


def definitions(sector_vectors: Vectors) -> Baseline:
    """Cosine of a firm's mean vector and its sector's definition, cut where F1 is highest on the training firms.

    Args:
        sector_vectors: ``(n_sectors, dimension)`` of length 1.
    """

    def baseline(exam: Exam) -> BaselineResult:
        own, asked = (
            np.asarray(vectors @ sector_vectors.T, dtype=np.float64) for vectors in (exam.vectors, exam.asked_vectors)
        )
        return _cut_on_training("definitions_by_similarity", exam, own, asked)

    return baseline


def keywords(rules: Sequence[Sequence[Rule]]) -> Baseline:
    """Who meets one of a sector's keyword rules is in; ranked by how many are met. Nothing is learnt.

    Args:
        rules: For each sector its rules; none is no list at all, and assigns nobody.
    """

    def baseline(exam: Exam) -> BaselineResult:
        scores = np.zeros((len(exam.asked_words), len(rules)))
        for row, words in enumerate(exam.asked_words):
            text = IndexedText(words)
            scores[row] = [sum(rule.matches(text) for rule in of_sector) for of_sector in rules]
        return BaselineResult("keywords", scores, scores > 0)

    return baseline


BASELINES: tuple[Baseline, ...] = (rtic, tfidf_logistic, nearest_neighbours)
"""Those that need no taxonomy; ``definitions`` and ``keywords`` are made from one."""


def best_cut(y: Bools, scores: Floats) -> float:
    """The score half-way below which F1 falls from its highest; of equals the higher one. Infinity without includes."""
    if not y.any():
        return float("inf")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = np.cumsum(y[order])
    f1 = 2 * hits / (np.arange(1, len(y) + 1) + hits[-1])
    f1[:-1][ranked[1:] == ranked[:-1]] = -1.0  # a cut cannot part equal scores
    place = int(np.argmax(f1))
    return float((ranked[place] + ranked[place + 1]) / 2) if place + 1 < len(y) else float(ranked[place])


def _one_model_per_sector(name: str, exam: Exam, counter: Any, new_model: Callable[[], Any]) -> BaselineResult:
    train, asked = counter.fit_transform(exam.words), counter.transform(exam.asked_words)
    scores = np.full((len(exam.asked_words), exam.Y.shape[1]), UNSEEN)
    for sector in range(exam.Y.shape[1]):
        rows = np.flatnonzero(exam.mask[:, sector])
        if 0 < exam.Y[rows, sector].sum() < len(rows):
            scores[:, sector] = new_model().fit(train[rows], exam.Y[rows, sector]).decision_function(asked)
    return BaselineResult(name, scores, scores > 0)


def _cut_on_training(name: str, exam: Exam, own: Floats, asked: Floats) -> BaselineResult:
    cuts = np.array(
        [
            best_cut(exam.Y[rows, sector], own[rows, sector])
            for sector in range(exam.Y.shape[1])
            for rows in [np.flatnonzero(exam.mask[:, sector])]
        ]
    )
    return BaselineResult(name, asked, asked >= cuts)


def _neighbour_shares(
    vectors: Vectors, groups: NDArray[np.int64], known: Vectors, known_groups: NDArray[np.int64], labels: Bools
) -> Floats:
    """``(len(NEIGHBOUR_COUNTS), n_sectors, n_firms)``: weighted share of includes among each firm's neighbours."""
    result = np.zeros((len(NEIGHBOUR_COUNTS), labels.shape[1], len(vectors)))
    most = min(max(NEIGHBOUR_COUNTS), len(known))
    for start in range(0, len(vectors), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        similarity = vectors[block] @ known.T
        similarity[groups[block, None] == known_groups[None]] = -1.0
        near = np.argpartition(-similarity, most - 1, axis=1)[:, :most]
        near = np.take_along_axis(near, np.argsort(-np.take_along_axis(similarity, near, 1), axis=1, kind="stable"), 1)
        weights = np.maximum(np.take_along_axis(similarity, near, 1), 0.0).astype(np.float64)
        for number, count in enumerate(NEIGHBOUR_COUNTS):
            weight = weights[:, :count]
            included = labels[near[:, :count]]  # (n_block, count, n_sectors)
            total = np.maximum(weight.sum(axis=1), 1e-12)
            result[number][:, block] = (np.einsum("bk,bks->bs", weight, included) / total[:, None]).T
    return result
