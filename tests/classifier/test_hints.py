"""What a taxonomy says of a sector helps where labels are few and does no harm where they are many."""

from typing import Any

import numpy as np
import pytest

from classifier.errors import LabelShapeError, MissingVectorError
from classifier.features import new_vectorizer
from classifier.hints import NGRAM_HINT, VECTOR_HINT, Hint, directions, hint_of, hint_texts
from classifier.metrics import average_precision
from classifier.model import SectorModel
from classifier.sector_classifier import SectorClassifier
from models.digest import text_digest

FEATURES = 60


@pytest.mark.parametrize(
    ("keywords", "phrases"),
    [
        ((), ()),
        (("satellite*",), (("satellite*",),)),
        (("launch vehicle", "launch vehicle"), (("launch", "vehicle"),)),
        (("satellite* NOT dish",), (("satellite*",),)),
        (("orbit AND (payload OR 'tug')",), (("orbit",), ("payload",), ("tug",))),
        (('NEAR("earth" "observation", 3)',), (("earth",), ("observation",))),
        (('"not closed', "orbit"), (("orbit",),)),
    ],
)
def test_what_a_rule_looks_for(keywords: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]) -> None:
    assert hint_of("Space", "", keywords).phrases == phrases


def test_a_rule_that_cannot_be_read_is_named() -> None:
    (unread,) = hint_of("Space", "", ('"not closed', "orbit")).unread
    assert unread.startswith("keyword rule '\"not closed': ")
    assert hint_of("Space", "", ("orbit",)).unread == ()


def test_texts_to_embed() -> None:
    hints = (hint_of("Space", "Things in orbit.", ("satellite*", "launch vehicle")), hint_of("Bread", "", ()))
    assert hint_texts(hints) == ["Space. Things in orbit.", "satellite, launch vehicle", "Bread", "Bread"]


def test_directions_lie_along_definition_and_keywords() -> None:
    vectorizer = new_vectorizer()
    vectorizer.fit(["satellites orbit earth", "satellites orbit earth", "bread oven", "bread oven heat pumps"])
    hints = (Hint("bread", (("satel*",), ("orbit", "earth"))), Hint("other", ()))
    vectors = {text_digest(text): np.array(vector, np.float32) for text, vector in (
        ("bread", [1, 0]), (hints[0].listed, [0, 1]), ("other", [0, 1]),
    )}  # fmt: skip
    found = directions(hints, vectors, vectorizer, 2)
    terms = vectorizer.get_feature_names_out().tolist()
    weights = dict(zip(terms, found[0, :-2].tolist(), strict=True))
    assert {term for term, weight in weights.items() if weight} == {"satellites", "orbit earth", "bread"}
    assert weights["orbit earth"] == weights["satellites"] == NGRAM_HINT
    assert np.allclose(found[0, -2:], VECTOR_HINT * np.array([1, 1]) / np.sqrt(2))
    assert found[1].tolist() == [0.0] * len(terms) + [0.0, VECTOR_HINT]
    with pytest.raises(MissingVectorError, match="'other' of the taxonomy has no vector of length 3"):
        directions(hints[1:], vectors, vectorizer, 3)


def drawn(firms: int, seed: int) -> tuple[Any, Any, Any]:
    """Features, labels, and the direction that decides about them."""
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=FEATURES)
    truth /= np.linalg.norm(truth)
    X = draw.normal(size=(firms, FEATURES)) / np.sqrt(FEATURES)
    return X, (X @ truth > 0.15)[:, None], truth


@pytest.mark.parametrize(
    ("labelled", "right", "least", "most"),
    [(40, True, 0.25, 1.0), (2000, True, -0.01, 0.05), (2000, False, -0.02, 0.02)],
    ids=["few labels", "many labels", "many labels, wrong hint"],
)
def test_how_much_a_hint_moves(labelled: int, right: bool, least: float, most: float) -> None:
    gains = []
    for seed in range(3):
        X, Y, truth = drawn(4000, seed)
        hint = 6 * (truth if right else np.random.default_rng(99 + seed).normal(size=FEATURES) / np.sqrt(FEATURES))
        test = slice(labelled, None)
        plain = SectorClassifier().fit(X[:labelled], Y[:labelled])
        hinted = SectorClassifier().fit(X[:labelled], Y[:labelled], hints=hint[None])
        gains.append(
            average_precision(Y[test, 0], hinted.predict_proba(X[test])[:, 0])
            - average_precision(Y[test, 0], plain.predict_proba(X[test])[:, 0])
        )
    assert least <= np.mean(gains) <= most, gains


def test_hints_of_another_shape_are_refused() -> None:
    X, Y, _ = drawn(40, 0)
    with pytest.raises(LabelShapeError, match=r"hints are \(1, 3\); expected \(1, 60\)"):
        SectorClassifier().fit(X, Y, hints=np.zeros((1, 3)))


def test_a_model_with_hints_is_saved_like_any_other(world: Any, tmp_path: Any) -> None:
    hints = tuple(Hint(name, ()) for name in ("aerospace", "space_tech", "bakery"))
    vectors = world.vectors | {text_digest(hint.said): next(iter(world.vectors.values())) for hint in hints}
    model = SectorModel.train(world.firms, vectors, world.Y, world.mask, ("a", "s", "b"), hints=hints)
    plain = SectorModel.train(world.firms, vectors, world.Y, world.mask, ("a", "s", "b"))
    assert model.model_id != plain.model_id
    assert model.classifier.coef_.shape == plain.classifier.coef_.shape
    model.save(tmp_path / "bundle")
    assert SectorModel.load(tmp_path / "bundle").model_id == model.model_id
