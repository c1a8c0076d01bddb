"""Train and test on firms kept apart by registered domain, beside the baselines, in one run.

Calibration and thresholds are part of training: they are chosen inside the training firms and then applied to firms
that took no part in anything.
"""

import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from classifier.baselines import BASELINES, Baseline
from classifier.errors import LabelShapeError
from classifier.features import FirmText, Vectors, firm_words
from classifier.folds import check_no_leak, group_folds
from classifier.hierarchy import Parents, close_assignments, close_labels
from classifier.metrics import Figures, figures
from classifier.model import SectorModel

HOLDOUT_SHARE = 0.3
HOLDOUT_SEED = 0
EVALUATION_FOLDS = 5

Split = Literal["holdout", "folds"]


@dataclass(frozen=True)
class Evaluation:
    """Ours beside the baselines, on the same held-out firms."""

    split: Split
    n_train: int  # firms; of the first fold where there are several
    n_test: int  # firms scored, each once
    n_purged: int  # training firms left out because their domain is also in the test set
    ours: Figures
    baselines: tuple[Figures, ...]

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
    split: Split = "holdout",
    baselines: Sequence[Baseline] = BASELINES,
) -> Evaluation:
    """Figures on firms that took no part in training.

    Args:
        firms: ``n_firms`` firms, in a fixed order (it decides the holdout).
        vectors: Chunk vectors by digest.
        Y: ``(n_firms, n_sectors) bool`` includes.
        mask: ``(n_firms, n_sectors) bool``, True where judged.
        sectors: Column names.
        parents: Columns of each sector's parents.
        groups: ``(n_firms,)`` registered domains. None: the firm's id.
        split: ``"holdout"``: ``train_test_split(indices, test_size=0.3, random_state=0)``, training firms that share a
            domain with a test firm left out; ``"folds"``: five folds of whole domains, every firm tested once.
        baselines: Methods to set beside ours.

    Raises:
        LeakError: A domain would be on both sides.
        LabelShapeError: Shapes do not fit together, or too few firms.
    """
    if len(firms) < 2 * EVALUATION_FOLDS or Y.shape != (len(firms), len(sectors)) or mask.shape != Y.shape:
        message = (
            f"{len(firms)} firms, Y {Y.shape}, mask {mask.shape}, {len(sectors)} sectors: too few, or they do not fit"
        )
        raise LabelShapeError(message)
    links: Parents = tuple(() for _ in sectors) if parents is None else parents
    labels, judged = close_labels(Y, mask, links)
    group_of = [firm.firm_id for firm in firms] if groups is None else list(groups)
    texts = [firm_words(firm) for firm in firms]
    scores = np.zeros((1 + len(baselines), *Y.shape))
    assigned = np.zeros((1 + len(baselines), *Y.shape), dtype=np.bool_)
    names = ["firmscope"] + [""] * len(baselines)
    tested: list[NDArray[np.int64]] = []
    first_train, purged = 0, 0
    trained = np.ones(len(sectors), dtype=np.bool_)
    for train, test in _splits(len(firms), group_of, split):
        kept = purge(train, test, group_of)
        check_no_leak(group_of, kept, test)
        purged, first_train = purged + len(train) - len(kept), first_train or len(kept)
        model = SectorModel.train(
            [firms[row] for row in kept],
            vectors,
            labels[kept],
            judged[kept],
            sectors,
            links,
            [group_of[row] for row in kept],
        )
        scores[0, test] = model.predict_proba([firms[row] for row in test], vectors)
        assigned[0, test] = model.assign(scores[0, test])
        trained &= model.classifier.trained()
        for place, baseline in enumerate(baselines, start=1):
            result = baseline([texts[row] for row in kept], labels[kept], judged[kept], [texts[row] for row in test])
            names[place], scores[place, test] = result.name, result.scores
            assigned[place, test] = close_assignments(result.assigned, links)
        tested.append(test)
    rows = np.concatenate(tested)
    found = [
        figures(
            names[place], sectors, labels[rows], judged[rows], scores[place, rows], assigned[place, rows],
            probabilities=place == 0, trained=trained if place == 0 else None,
        )
        for place in range(len(names))
    ]  # fmt: skip
    return Evaluation(split, first_train, len(rows), purged, found[0], tuple(found[1:]))


def purge(train: NDArray[np.int64], test: NDArray[np.int64], groups: Sequence[Hashable]) -> NDArray[np.int64]:
    """Training rows whose group has no test row."""
    held_out = {groups[row] for row in test}
    return np.array([row for row in train if groups[row] not in held_out], dtype=np.int64)


def _splits(
    n_firms: int, groups: Sequence[Hashable], split: Split
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    indices = np.arange(n_firms, dtype=np.int64)
    if split == "holdout":
        from sklearn.model_selection import train_test_split

        train, test = train_test_split(indices, test_size=HOLDOUT_SHARE, random_state=HOLDOUT_SEED)
        yield train, test
        return
    fold = group_folds(groups, EVALUATION_FOLDS)
    for held_out in range(EVALUATION_FOLDS):
        yield indices[fold != held_out], indices[fold == held_out]
