"""Train and test on firms kept apart by registered domain, beside the baselines, in one run.

Calibration and thresholds are part of training: they are chosen inside the training firms and then applied to firms
that took no part in anything. Firms with the same words count as one domain.
"""

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classifier.baselines import BASELINES, Baseline, Exam
from classifier.curves import RELIABILITY_BINS, SectorCurves, sector_curves
from classifier.errors import LabelShapeError
from classifier.features import FirmText, Vectors, chunk_matrix, firm_chunks, firm_words, mean_vector
from classifier.folds import check_no_leak, group_folds, merge_groups
from classifier.hierarchy import Parents, close_assignments, close_labels
from classifier.hints import Hint
from classifier.intervals import interval, macro_f1_draws
from classifier.metrics import Figures, figures
from classifier.model import SectorModel
from classifier.tuning import reason_against, tune
from models.encoder import SentenceEncoder

HOLDOUT_SHARE = 0.3
HOLDOUT_SEED = 0
EVALUATION_FOLDS = 5
OURS = "firmscope"

Rows = NDArray[np.int64]
Split = Literal["folds", "holdout"]


@dataclass(frozen=True)
class Evaluation:
    """Ours beside the baselines, on the same held-out firms."""

    split: str
    n_train: int  # firms; of the first fold where there are several
    n_test: int  # firms scored, each once
    n_purged: int  # training firms left out because their domain is also in the test set
    n_groups: int  # domains, those joined that have the same words
    ece_bins: int
    ours: Figures
    baselines: tuple[Figures, ...]
    curves: tuple[SectorCurves, ...]  # of ours

    def to_json(self) -> str:
        """JSON with every figure, for programs; missing figures are null."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)


def evaluate(
    firms: Sequence[FirmText],
    vectors: Vectors,
    Y: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    sectors: Sequence[str],
    parents: Parents | None = None,
    groups: Sequence[Hashable] | None = None,
    split: Split | Sequence[tuple[Rows, Rows]] = "folds",
    baselines: Sequence[Baseline] = BASELINES,
    prevalence: Mapping[str, float] | None = None,
    hints: Sequence[Hint] = (),
    tunable: SentenceEncoder | None = None,
) -> Evaluation:
    """Figures on firms that took no part in training.

    Scores of several folds are ranked together, so that a method has to be right across folds as well as inside one.

    Args:
        firms: ``n_firms`` firms, in a fixed order (it decides the holdout).
        vectors: Chunk vectors by digest.
        Y: ``(n_firms, n_sectors) bool`` includes.
        mask: ``(n_firms, n_sectors) bool``, True where judged.
        sectors: Column names.
        parents: Columns of each sector's parents.
        groups: ``(n_firms,)`` registered domains. None: the firm's id.
        split: ``"folds"``: five folds of whole domains, every firm tested once; ``"holdout"``:
            ``train_test_split(indices, test_size=0.3, random_state=0)``, training firms that share a domain with a test
            firm left out; or pairs of training and test rows, taken as they are.
        baselines: Methods to set beside ours.
        prevalence: Share of all firms that belong to a sector, where the judged firms are no fair sample of them.
        hints: As ``SectorModel.train``.
        tunable: Encoder of ``vectors``, tuned anew on the training firms of each split where there are enough; the
            baselines keep the plain one. None: it is used as it came.

    Raises:
        LeakError: A domain, or a text, would be on both sides.
        LabelShapeError: Shapes do not fit together, too few firms, or a firm would be tested twice.
    """
    if len(firms) < 2 * EVALUATION_FOLDS or Y.shape != (len(firms), len(sectors)) or mask.shape != Y.shape:
        message = (
            f"{len(firms)} firms, Y {Y.shape}, mask {mask.shape}, {len(sectors)} sectors: too few, or they do not fit"
        )
        raise LabelShapeError(message)
    links: Parents = tuple(() for _ in sectors) if parents is None else parents
    labels, judged = close_labels(Y, mask, links)
    texts = [firm_words(firm) for firm in firms]
    domains = [firm.firm_id for firm in firms] if groups is None else list(groups)
    group_of = merge_groups(domains, texts)
    if len(set(group_of)) < EVALUATION_FOLDS:
        message = (
            f"{len(firms)} firms of {len(set(group_of))} domains: expected at least {EVALUATION_FOLDS} domains with "
            "different words; label firms of more domains"
        )
        raise LabelShapeError(message)
    splits = list(_splits(group_of, split) if isinstance(split, str) else split)
    for train, test in splits:
        check_no_leak(group_of, train, test)
    rows = np.concatenate([test for _, test in splits])
    if len(np.unique(rows)) != len(rows):
        message = f"{len(rows)} test rows of {len(splits)} splits hold firms twice; a firm is tested once"
        raise LabelShapeError(message)

    means = _means(firms, vectors) if baselines else np.zeros((len(firms), 0), dtype=np.float32)
    scores = np.zeros((1 + len(baselines), *Y.shape))
    assigned = np.zeros((1 + len(baselines), *Y.shape), dtype=np.bool_)
    names = [OURS] * (1 + len(baselines))
    trained, thresholds = np.ones(len(sectors), dtype=np.bool_), []
    for train, test in splits:
        train_groups = [group_of[row] for row in train]
        asked, learnt = [firms[row] for row in test], [firms[row] for row in train]
        read, tuned = vectors, None
        if tunable and not reason_against(labels[train], judged[train], train_groups, links):
            tuned = tune(tunable, learnt, vectors, labels[train], judged[train], train_groups, links, hints)
            read = tuned.read(tunable, [*learnt, *asked], hints)
        model = SectorModel.train(
            learnt, read, labels[train], judged[train], sectors, links, train_groups, hints=hints, tuned=tuned
        )
        scores[0, test] = model.predict_proba(asked, read)
        assigned[0, test] = model.assign(scores[0, test])
        trained &= model.classifier.trained()
        thresholds.append(model.thresholds)
        exam = Exam(
            [texts[row] for row in train], means[train], labels[train], judged[train], train_groups,
            [texts[row] for row in test], means[test],
        )  # fmt: skip
        for place, baseline in enumerate(baselines, start=1):
            result = baseline(exam)
            names[place], scores[place, test] = result.name, result.scores
            assigned[place, test] = close_assignments(result.assigned, links)

    found = [
        figures(
            name, sectors, labels[rows], judged[rows], scores[place, rows], assigned[place, rows],
            probabilities=place == 0, trained=trained if place == 0 else None, prevalence=prevalence,
        )
        for place, name in enumerate(names)
    ]  # fmt: skip
    found = _with_intervals(found, labels[rows], judged[rows], assigned[:, rows], [group_of[row] for row in rows])
    curves = []
    for column, sector in enumerate(sectors):
        seen = rows[judged[rows, column]]
        cuts = np.array([of_split[column] for of_split in thresholds])
        curves.append(sector_curves(sector, labels[seen, column], scores[0, seen, column], cuts))
    return Evaluation(
        split=split if isinstance(split, str) else "given",
        n_train=len(splits[0][0]),
        n_test=len(rows),
        n_purged=len(firms) - len(splits[0][0]) - len(rows) if split == "holdout" else 0,
        n_groups=len(set(group_of)),
        ece_bins=RELIABILITY_BINS,
        ours=found[0],
        baselines=tuple(found[1:]),
        curves=tuple(curves),
    )


def purge(train: Rows, test: Rows, groups: Sequence[Hashable]) -> Rows:
    """Training rows whose group has no test row."""
    held_out = {groups[row] for row in test}
    return np.array([row for row in train if groups[row] not in held_out], dtype=np.int64)


def _splits(groups: Sequence[Hashable], split: Split) -> Iterator[tuple[Rows, Rows]]:
    indices = np.arange(len(groups), dtype=np.int64)
    if split == "holdout":
        from sklearn.model_selection import train_test_split

        train, test = train_test_split(indices, test_size=HOLDOUT_SHARE, random_state=HOLDOUT_SEED)
        yield purge(train, test, groups), test
        return
    fold = group_folds(groups, EVALUATION_FOLDS)
    for held_out in range(EVALUATION_FOLDS):
        yield indices[fold != held_out], indices[fold == held_out]


def _with_intervals(
    found: Sequence[Figures],
    Y: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    assigned: NDArray[np.bool_],
    groups: Sequence[Hashable],
) -> list[Figures]:
    """Figures of all methods, ours first, with intervals from the same draws of domains."""
    draws = [macro_f1_draws(Y, mask, cells, groups) for cells in assigned]
    return [
        replace(
            method,
            macro_f1_interval=interval(drawn),
            ours_ahead=float((draws[0] > drawn).mean()) if place and interval(drawn) else None,
        )
        for place, (method, drawn) in enumerate(zip(found, draws, strict=True))
    ]


def _means(firms: Sequence[FirmText], vectors: Vectors) -> NDArray[np.float32]:
    """``(n_firms, dimension)`` mean chunk vectors of length 1; zeros for a firm without words."""
    dimension = len(next(iter(vectors.values()), ()))
    found = np.zeros((len(firms), dimension), dtype=np.float32)
    for row, firm in enumerate(firms):
        found[row] = mean_vector(chunk_matrix(firm_chunks(firm), vectors, dimension))
    return found
