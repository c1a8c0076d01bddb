"""Say where the firms of a list have become unlike what the model learnt from, or unlike the list of before.

Two comparisons are honest, and each is made where it is: *who is in a sector*, and with what probability, is held
against the list before, because labels are chosen and no fair sample of any list; *words and meaning* are held against
the training set, because that is what the model can read. Training firms' own scores are told for information only.

Thresholds were chosen on 4,500 descriptions of a directory, 200 real sites, the demo's firms and the shipped seed
examples (reference v list; values as the lines have them):

    no drift: halves of the directory           vocabulary 1.0   embedding 0.06   told apart 0.48 (halves of sites 0.56)
    directory by country, year, AI or not       vocabulary 0.9-1.1         0.02-0.04              0.63-0.87
    seeds v real sites; with 50 of them labelled          1.8; 1.2         0.22; 0.07             1.00; 0.97
    seeds v the demo's firms                              1.2              0.02                   0.93
    directory v real sites, seeds, the demo's firms       1.7-3.5          0.16-0.41              0.97-1.00

A classifier tells any two kinds of text apart, however well the model reads both; so that alone raises no line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from classifier.model import SectorModel
    from classifier.reference import Reference

Kind = Literal["prevalence", "scores", "vocabulary", "embedding"]

TOLD_APART = 0.6
"""AUC below which a list is not told apart from the training set, whatever else was seen: halves of one set reach 0.56.
A list of which a fifth is of another kind reaches little more, so it may not be set high."""

FAR = 0.05  # share of training firms that are far from all others, by definition
MIN_FIRMS = 50  # of a list, and of a reference: below, chance alone moves every figure past its threshold
MIN_MOVED = 5  # firms that a sector must differ by: from 1 to 3 is three times as many
FOLDS = 5


@dataclass(frozen=True)
class Limits:
    """From where on a line is crossed; the settings of ``[drift]``."""

    prevalence: float
    scores: float
    vocabulary: float
    embedding: float


@dataclass(frozen=True)
class DriftLine:
    """One comparison. ``sector`` is None where it is of the whole list; ``crossed``: somebody should look."""

    kind: Kind
    sector: str | None
    value: float
    threshold: float
    crossed: bool
    sentence: str


@dataclass(frozen=True)
class Scored:
    """A list as one model classified it. ``histogram`` is ``(n_sectors, n_bins)`` of its probabilities."""

    model_id: str
    firms: int  # classified
    members: Mapping[str, int]  # by sector
    histogram: NDArray[np.int64]


@dataclass(frozen=True)
class Corrected:
    """A sector's count as it was audited: firms in the list, and how many there are, with an interval."""

    counted: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ListFacts:
    """What is known of a list. ``unknown`` and ``vectors`` are of a sample of its firms, none of them learnt from."""

    now: Scored
    before: Scored | None
    corrected: Mapping[str, Corrected]
    unknown: NDArray[np.float32]  # (n,) share of a firm's words that the model does not know
    vectors: NDArray[np.float32]  # (m, dimension)


def drift(model: SectorModel, facts: ListFacts, limits: Limits) -> tuple[DriftLine, ...]:
    """Every comparison that can be made, the whole list first, then sector by sector in the model's order.

    A model of a release that kept no reference has a line that says so, and no comparison with its training set.
    """
    lines: list[DriftLine] = []
    reference = model.reference
    if reference is None:
        sentence = "The model was trained by a release that kept nothing of its training set to compare with; the next one trained will have it."  # noqa: E501
        lines.append(DriftLine("embedding", None, 0.0, limits.embedding, False, sentence))
    else:
        lines += _vocabulary(reference, facts, limits.vocabulary)
        lines += _embedding(reference, facts, limits.embedding)
    trained = model.classifier.trained()
    for column, sector in enumerate(model.sectors):
        if trained[column]:
            lines += _prevalence(sector, facts, limits.prevalence)
            lines += _scores(sector, column, facts, reference, limits.scores)
    return tuple(lines)


def stability_index(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Population stability index of two histograms: sum of (p - q) ln(p / q), half a firm added to each bin.

    0 where the two are alike; above 0.25 they are commonly held to differ (Siddiqi, Credit Risk Scorecards, 2006).
    """
    p, q = (one + 0.5) / (one + 0.5).sum(), (other + 0.5) / (other + 0.5).sum()
    return float(((p - q) * np.log(p / q)).sum())


def far_share(reference: NDArray[np.float32], vectors: NDArray[np.float32]) -> float:
    """Share of vectors farther from every one of the reference than all but ``FAR`` of those are from the others."""
    among = reference @ reference.T
    np.fill_diagonal(among, -1.0)
    bound = np.quantile(among.max(axis=1), FAR)
    return float(((vectors @ reference.T).max(axis=1) < bound).mean())


def told_apart(reference: NDArray[np.float32], vectors: NDArray[np.float32]) -> float:
    """AUC of a logistic regression that tells the two apart, held out in five folds; 0.5: it cannot."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    both = np.vstack([reference, vectors])
    listed = np.repeat([0, 1], [len(reference), len(vectors)])
    judge = LogisticRegression(class_weight="balanced", max_iter=200)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return float(roc_auc_score(listed, cross_val_predict(judge, both, listed, cv=folds, method="decision_function")))


def _vocabulary(reference: Reference, facts: ListFacts, limit: float) -> list[DriftLine]:
    if min(len(facts.unknown), len(reference.unknown)) < MIN_FIRMS:
        return []
    ours, theirs = float(facts.unknown.mean()), float(reference.unknown.mean())
    value = ours / max(theirs, 0.01)
    crossed = value >= limit
    sentence = (
        f"The model does not know {ours:.0%} of the words of the list's firms; of its training firms, {theirs:.0%}."
    )
    return [DriftLine("vocabulary", None, value, limit, crossed, sentence + _advice(crossed))]


def _embedding(reference: Reference, facts: ListFacts, limit: float) -> list[DriftLine]:
    vectors = reference.vectors.astype(np.float32)
    if min(len(facts.vectors), len(vectors)) < MIN_FIRMS:
        return []
    value, apart = far_share(vectors, facts.vectors), told_apart(vectors, facts.vectors)
    crossed = value >= limit and apart >= TOLD_APART
    sentence = (
        f"{value:.0%} of the list's firms are unlike every firm that the model learnt from ({FAR:.0%} of those are "
        f"unlike all others); the two are told apart with an AUC of {apart:.2f}."
    )
    return [DriftLine("embedding", None, value, limit, crossed, sentence + _advice(crossed))]


def _advice(crossed: bool) -> str:
    return " Label some firms of this list and train again." if crossed else ""


def _prevalence(sector: str, facts: ListFacts, limit: float) -> list[DriftLine]:
    """The worse of two: against the list before, and against the audited count."""
    now, before, audited = facts.now, facts.before, facts.corrected.get(sector)
    count, found = now.members.get(sector, 0), list[tuple[float, bool, str]]()
    if before and min(now.firms, before.firms) >= MIN_FIRMS:
        was = before.members.get(sector, 0)
        expected = was * now.firms / before.firms
        value = _times(count, expected)
        sentence = f"{_share(count, now.firms)} of the firms are in it, {_share(was, before.firms)} in the list before."
        found.append((value, value >= limit and abs(count - expected) >= MIN_MOVED, sentence))
    if audited and now.firms >= MIN_FIRMS:
        value = _times(audited.counted, audited.value)
        outside = not audited.low <= audited.counted <= audited.high
        sentence = (
            f"{audited.counted:,.0f} firms are in it; after the audit, {audited.value:,.0f} should be "
            f"({audited.low:,.0f} to {audited.high:,.0f})."
        )
        crossed = value >= limit and outside and abs(audited.counted - audited.value) >= MIN_MOVED
        found.append((value, crossed, sentence))
    if not found:
        return []
    value, crossed, sentence = max(found, key=lambda one: (one[1], one[0]))
    return [DriftLine("prevalence", sector, value, limit, crossed, sentence)]


def _scores(sector: str, column: int, facts: ListFacts, reference: Reference | None, limit: float) -> list[DriftLine]:
    now, before = facts.now, facts.before
    if before is None or before.model_id != now.model_id or min(now.firms, before.firms) < MIN_FIRMS:
        return []
    value = stability_index(now.histogram[column], before.histogram[column])
    sentence = f"The firms' probabilities moved by {value:.2f} (population stability index) since the list before."
    if reference is not None and reference.histogram[column].sum() >= MIN_FIRMS:
        beside = stability_index(now.histogram[column], reference.histogram[column])
        sentence += f" For information: {beside:.2f} against training firms held out, who are no fair sample."
    return [DriftLine("scores", sector, value, limit, value >= limit, sentence)]


def _times(one: float, other: float) -> float:
    """How many times as many the larger is, with half a firm on both sides; 1 where the two are equal."""
    ratio = (one + 0.5) / (other + 0.5)
    return float(max(ratio, 1 / ratio))


def _share(count: int, firms: int) -> str:
    return f"{count / firms:.1%} ({count:,})"
