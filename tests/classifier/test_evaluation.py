"""Evaluation keeps domains apart and sets every method on the same firms."""

import json
from typing import Any

import numpy as np
import pytest

from classifier.baselines import rtic, tfidf_logistic
from classifier.errors import LabelShapeError
from classifier.evaluation import evaluate, purge

SECTORS = ("aerospace", "space_tech", "bakery")
PARENTS = ((), (0,), ())


def test_holdout_is_the_documented_split(world: Any) -> None:
    found = evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS)
    assert (found.n_train, found.n_test, found.n_purged) == (33, 15, 0)
    assert found.ours.macro_f1 is not None
    assert found.ours.macro_f1 > 0.8
    assert [baseline.method for baseline in found.baselines] == ["rtic_ngrams_svm", "tfidf_logistic"]
    supports = {tuple(row.support for row in method.sectors) for method in (found.ours, *found.baselines)}
    assert len(supports) == 1


def test_folds_test_every_firm_once(world: Any) -> None:
    found = evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, split="folds", baselines=())
    assert found.n_test == 48
    assert [row.support for row in found.ours.sectors] == world.Y.sum(axis=0).tolist()
    content = json.loads(found.to_json())
    assert content["ours"]["sectors"][1]["sector"] == "space_tech"
    assert content["split"] == "folds"


def test_firms_of_a_tested_domain_are_not_trained_on(world: Any) -> None:
    domains = [str(number // 2) for number in range(48)]
    found = evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, domains, baselines=())
    assert found.n_purged > 0
    assert found.n_train + found.n_purged + found.n_test == 48


def test_purge_by_hand() -> None:
    assert purge(np.array([0, 1, 2]), np.array([3]), ["a", "b", "a", "a"]).tolist() == [1]


def test_too_few_firms_are_refused(world: Any) -> None:
    with pytest.raises(LabelShapeError, match="3 firms"):
        evaluate(world.firms[:3], world.vectors, world.Y[:3], world.mask[:3], SECTORS)


@pytest.mark.parametrize("baseline", [rtic, tfidf_logistic])
def test_baselines_respect_absent_labels_and_empty_sectors(baseline: Any, world: Any) -> None:
    texts = [firm.pages[0].text for firm in world.firms]
    mask = world.mask.copy()
    mask[::2, 0] = False
    mask[:, 2] = False
    flipped = np.where(mask, world.Y, ~world.Y)
    first, second = (baseline(texts, labels, mask, texts) for labels in (world.Y, flipped))
    np.testing.assert_array_equal(first.scores, second.scores)
    assert not first.assigned[:, 2].any()
    assert (first.assigned[:, 1] == world.Y[:, 1]).mean() > 0.9
