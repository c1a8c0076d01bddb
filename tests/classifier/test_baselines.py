"""Baselines learn from judged training firms alone and find what is easy to find."""

from typing import Any

import numpy as np
import pytest

from classifier.baselines import (
    Exam,
    best_cut,
    definitions,
    keywords,
    nearest_neighbours,
    rtic,
    tfidf_logistic,
)
from classifier.features import firm_chunks, firm_words
from labels.keywords import parse_rule
from tests.classifier.conftest import TOPICS, World, make_world, word_vector

RULES = tuple(tuple(parse_rule(word) for word in words) for words in TOPICS.values())
DEFINITIONS = np.stack([word_vector(" ".join(words)) for words in TOPICS.values()])


def exam(learnt: World, asked: World, labels: Any = None, mask: Any = None) -> Exam:
    def means(world: World) -> Any:
        return np.stack([world.vectors[firm_chunks(firm)[0].digest] for firm in world.firms])

    return Exam(
        words=[firm_words(firm) for firm in learnt.firms],
        vectors=means(learnt),
        Y=learnt.Y if labels is None else labels,
        mask=learnt.mask if mask is None else mask,
        groups=[firm.firm_id for firm in learnt.firms],
        asked_words=[firm_words(firm) for firm in asked.firms],
        asked_vectors=means(asked),
    )


@pytest.fixture(scope="module")
def other() -> World:
    """Firms of the same three sectors that nobody learnt from."""
    return make_world(seed=1)


ALL = [rtic, tfidf_logistic, nearest_neighbours, definitions(DEFINITIONS), keywords(RULES)]
NAMES = ["rtic_ngrams_svm", "tfidf_logistic", "nearest_neighbours", "definitions_by_similarity", "keywords"]


@pytest.mark.parametrize("baseline", ALL, ids=NAMES)
def test_unseen_firms_are_found(baseline: Any, world: World, other: World) -> None:
    found = baseline(exam(world, other))
    assert found.name in NAMES
    assert found.scores.shape == found.assigned.shape == other.Y.shape
    assert (found.assigned == other.Y)[:, 1:].mean() > 0.8  # "satellite" is a word of two sectors
    assert found.scores[other.Y[:, 2], 2].mean() > found.scores[~other.Y[:, 2], 2].mean()


@pytest.mark.parametrize("baseline", ALL, ids=NAMES)
def test_labels_of_firms_that_were_not_judged_are_not_read(baseline: Any, world: World) -> None:
    mask = world.mask.copy()
    mask[::2, 0] = False
    mask[:, 2] = False
    flipped = np.where(mask, world.Y, ~world.Y)
    first, second = (baseline(exam(world, world, labels, mask)) for labels in (world.Y, flipped))
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(first.assigned, second.assigned)


@pytest.mark.parametrize("baseline", ALL[:4], ids=NAMES[:4])
def test_what_learns_assigns_nobody_where_nobody_was_judged(baseline: Any, world: World) -> None:
    mask = world.mask.copy()
    mask[:, 2] = False
    assert not baseline(exam(world, world, mask=mask)).assigned[:, 2].any()


def test_neighbours_of_a_training_firm_are_not_of_its_own_group(world: World) -> None:
    asked = exam(world, world)
    alone = Exam(**{**vars(asked), "groups": ["one"] * len(asked.words)})
    first, second = nearest_neighbours(asked), nearest_neighbours(alone)
    np.testing.assert_array_equal(first.scores.shape, second.scores.shape)
    assert first.assigned[:, 2].sum() == world.Y[:, 2].sum()
    assert second.assigned.all()  # with no neighbour of another group every firm looks alike, and so does any cut


def test_a_sector_without_keywords_has_nobody(world: World) -> None:
    found = keywords(((), *RULES[1:]))(exam(world, world))
    assert not found.assigned[:, 0].any()
    assert found.assigned[:, 1].any()


@pytest.mark.parametrize(
    ("y", "scores", "expected"),
    [
        pytest.param([1, 1, 0, 0], [0.9, 0.7, 0.3, 0.1], 0.5, id="between"),
        pytest.param([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.1], 0.3, id="ties stay together"),
        pytest.param([0, 0, 0, 0], [0.9, 0.5, 0.3, 0.1], float("inf"), id="nobody"),
        pytest.param([1, 1, 1, 1], [0.9, 0.5, 0.3, -2.0], -2.0, id="everybody"),
    ],
)
def test_best_cut_by_hand(y: list[int], scores: list[float], expected: float) -> None:
    assert best_cut(np.array(y, bool), np.array(scores)) == pytest.approx(expected)
