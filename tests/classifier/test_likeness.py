"""Firms rank by definition and keywords before any label is there, and a score's two halves add up to it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from classifier.calibration import sigmoid
from classifier.features import FirmText
from classifier.hints import hint_of, hint_texts
from classifier.likeness import KEYWORD_WEIGHT, MAX_RULES, likeness, readable_rules
from classifier.model import SectorModel
from models.digest import text_digest

NEXT_TO_NOTHING = 1e-6


def test_cosine_and_keywords_by_hand() -> None:
    hints = (hint_of("space", "", ()), hint_of("bread", "", ("oven", "flour", "loaf")))
    vectors = {
        text_digest(text): np.array([1, 0] if text == "space" else [0, 1], np.float32) for text in hint_texts(hints)
    }
    rules = [readable_rules(()), readable_rules(("oven", "flour", "loaf"))]
    firms = np.array([[1, 0], [0.6, 0.8]], np.float32)
    found = likeness(hints, vectors, rules, ["an oven and a loaf, flour too", "an oven"], firms)
    assert found == pytest.approx(
        np.array([[1.0, MAX_RULES * KEYWORD_WEIGHT], [0.6, 0.8 + KEYWORD_WEIGHT]]), abs=NEXT_TO_NOTHING
    )


def test_a_rule_that_cannot_be_read_is_left_out() -> None:
    assert len(readable_rules(("oven", '"not closed', "AND"))) == 1


def test_no_firms() -> None:
    hints = (hint_of("space", "", ("orbit",)),)
    vectors = {text_digest(text): np.array([1, 0], np.float32) for text in hint_texts(hints)}
    assert likeness(hints, vectors, [readable_rules(("orbit",))], [], np.zeros((0, 2), np.float32)).shape == (0, 1)


def test_the_two_halves_add_up_to_the_score(world: Any, embed_firms: Callable[..., Any]) -> None:
    sectors, parents = ("aerospace", "space_tech", "bakery"), ((), (0,), ())
    model = SectorModel.train(world.firms, world.vectors, world.Y, world.mask, sectors, parents)
    long = FirmText.from_description("long", " ".join(f"We make satellite number {place}." for place in range(200)))
    firms = [*world.firms[:20], long]
    vectors = world.vectors | embed_firms([long])
    words, meaning = model.half_scores(firms, vectors)
    assert words.shape == meaning.shape == (21, 3)
    slope, offset = model.classifier.calibration_.T
    bakery = sigmoid(slope[2] * (words + meaning + model.classifier.intercept_)[:, 2] + offset[2])
    assert bakery == pytest.approx(model.predict_proba(firms, vectors)[:, 2])  # no child raises it
    assert np.corrcoef(words[:, 2], meaning[:, 2])[0, 1] < 0.999  # two halves, not one twice
    assert [half.shape for half in model.half_scores([], {})] == [(0, 3), (0, 3)]
