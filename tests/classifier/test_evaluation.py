"""Evaluation keeps domains and texts apart and sets every method on the same firms."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from classifier.errors import LabelShapeError, LeakError
from classifier.evaluation import evaluate, purge
from classifier.features import FirmText

SECTORS = ("aerospace", "space_tech", "bakery")
PARENTS = ((), (0,), ())
EVEN, ODD = np.arange(0, 48, 2), np.arange(1, 48, 2)


def test_holdout_is_the_documented_split(world: Any) -> None:
    found = evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, split="holdout")
    assert (found.n_train, found.n_test, found.n_purged) == (33, 15, 0)
    assert found.ours.macro_f1 is not None
    assert found.ours.macro_f1 > 0.8
    names = ["rtic_ngrams_svm", "tfidf_logistic", "nearest_neighbours"]
    assert [baseline.method for baseline in found.baselines] == names
    supports = {tuple(row.support for row in method.sectors) for method in (found.ours, *found.baselines)}
    assert len(supports) == 1
    assert found.ours.macro_f1_interval is not None
    assert found.ours.macro_f1_interval[0] <= found.ours.macro_f1 <= found.ours.macro_f1_interval[1]
    assert found.ours.ours_ahead is None
    assert all(0 <= (method.ours_ahead or 0) <= 1 for method in found.baselines)


def test_folds_test_every_firm_once(world: Any) -> None:
    found = evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, baselines=())
    assert (found.split, found.n_test, found.n_groups) == ("folds", 48, 48)
    assert [row.support for row in found.ours.sectors] == world.Y.sum(axis=0).tolist()
    content = json.loads(found.to_json())
    assert content["ours"]["sectors"][1]["sector"] == "space_tech"
    assert content["split"] == "folds"


def test_curves_are_those_of_the_figures(world: Any) -> None:
    found = evaluate(
        world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, baselines=(), prevalence={"bakery": 0.01}
    )
    for row, curve in zip(found.ours.sectors, found.curves, strict=True):
        assert curve.sector == row.sector
        assert sum(curve.histogram_includes) == row.support
        assert sum(curve.histogram_excludes) == row.judged - row.support
        assert len(curve.thresholds) == 5
        off = sum(part.n * abs(part.stated - part.observed) for part in curve.reliability) / row.judged
        assert off == pytest.approx(row.ece)
    shares = [row.at_prevalence and row.at_prevalence.prevalence for row in found.ours.sectors]
    assert shares == [None, None, 0.01]


def test_firms_of_a_tested_domain_are_not_trained_on(world: Any) -> None:
    domains = [str(number // 2) for number in range(48)]
    found = evaluate(
        world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, domains, split="holdout", baselines=()
    )
    assert found.n_purged > 0
    assert found.n_train + found.n_purged + found.n_test == 48
    assert found.n_groups == 24


def test_a_domain_on_both_sides_of_a_given_split_is_refused(world: Any) -> None:
    given = [(EVEN, ODD)]
    apart = evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, split=given, baselines=())
    assert (apart.split, apart.n_test) == ("given", 24)
    domains = [f"{number}.uk" for number in range(48)]
    domains[7] = domains[6]
    with pytest.raises(LeakError, match=r"1 groups are in train and test both, such as \['6.uk'\]"):
        evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, domains, split=given, baselines=())


def test_a_text_on_both_sides_of_a_given_split_is_refused(world: Any) -> None:
    firms = list(world.firms)
    copied = firms[6].pages[0].text
    firms[7] = FirmText.from_description(firms[7].firm_id, copied.upper().replace(" ", "\n"))
    with pytest.raises(LeakError, match="the same words"):
        evaluate(firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, split=[(EVEN, ODD)], baselines=())


def test_copied_texts_stay_on_one_side_of_our_own_splits(world: Any) -> None:
    firms = [
        dataclasses.replace(firm, pages=world.firms[number - number % 2].pages)
        for number, firm in enumerate(world.firms)
    ]
    found = evaluate(firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, split="holdout", baselines=())
    assert found.n_groups == 24
    assert found.n_purged > 0


def test_a_firm_is_not_tested_twice(world: Any) -> None:
    with pytest.raises(LabelShapeError, match="a firm is tested once"):
        evaluate(
            world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS,
            split=[(EVEN, ODD), (EVEN, ODD)], baselines=(),
        )  # fmt: skip


def test_purge_by_hand() -> None:
    assert purge(np.array([0, 1, 2]), np.array([3]), ["a", "b", "a", "a"]).tolist() == [1]


def test_too_few_firms_are_refused(world: Any) -> None:
    with pytest.raises(LabelShapeError, match="3 firms"):
        evaluate(world.firms[:3], world.vectors, world.Y[:3], world.mask[:3], SECTORS)


def test_too_few_domains_are_refused(world: Any) -> None:
    with pytest.raises(LabelShapeError, match="48 firms of 4 domains"):
        evaluate(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, [n % 4 for n in range(48)])
