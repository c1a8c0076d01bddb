"""Drift is found where lists differ, and not where they are alike; what a model remembers is no words."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.drift import (
    Corrected,
    DriftLine,
    Limits,
    ListFacts,
    Scored,
    drift,
    far_share,
    stability_index,
    told_apart,
)
from classifier.errors import LabelShapeError, ModelMismatchError
from classifier.features import FirmText
from classifier.model import SectorModel
from classifier.persistence import content_of
from classifier.reference import (
    EDGES,
    Reference,
    firm_vector,
    histogram,
    mark,
    remember_training,
    sampled,
    shared_words,
    unknown_share,
    word_splitter,
)
from models.bundle import save_bundle

SECTORS = ("aerospace", "space_tech", "bakery")
LIMITS = Limits(prevalence=2.0, scores=0.25, vocabulary=1.5, embedding=0.15)
DIMENSION = 24


@pytest.fixture(scope="module")
def plain(world: Any) -> SectorModel:
    return SectorModel.train(
        world.firms, world.vectors, world.Y, world.mask, SECTORS, ((), (0,), ()), encoder_id="made-up"
    )


@pytest.fixture(scope="module")
def model(plain: SectorModel, world: Any) -> SectorModel:
    return replace(plain, reference=remember_training(plain, world.firms, world.vectors))


def points(count: int, centres: int = 6, seed: int = 0, shift: float = 0.0) -> NDArray[np.float32]:
    """Vectors of length 1 around some centres; ``shift`` moves them all one way."""
    rng = np.random.default_rng(seed)
    middle = np.random.default_rng(99).normal(size=(centres, DIMENSION))
    found = middle[rng.integers(centres, size=count)] + 0.6 * rng.normal(size=(count, DIMENSION))
    found[:, 0] += shift
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def scored(firms: int = 1_000, bakery: int = 100, model_id: str = "m", moved: int = 0) -> Scored:
    bins = np.zeros((3, len(EDGES) + 1), dtype=np.int64)
    bins[:, 0], bins[:, -1] = firms - firms // 10 - moved, firms // 10 + moved
    return Scored(model_id, firms, {"aerospace": 200, "space_tech": 40, "bakery": bakery}, bins)


def facts(
    now: Scored | None = None, before: Scored | None = None, corrected: Mapping[str, Corrected] | None = None,
    unknown: float = 0.2, vectors: NDArray[np.float32] | None = None,
) -> ListFacts:  # fmt: skip
    return ListFacts(
        now or scored(), before, corrected or {}, np.full(300, unknown, np.float32),
        points(300, seed=1) if vectors is None else vectors,
    )  # fmt: skip


def with_reference(model: SectorModel, vectors: NDArray[np.float32] | None = None) -> SectorModel:
    given = points(400) if vectors is None else vectors
    n = len(given)
    reference = Reference(
        n, np.arange(n, dtype=np.uint64), np.full(n, 0.2, np.float32), given.astype(np.float16), scored().histogram
    )
    return replace(model, reference=reference)


def line(found: tuple[DriftLine, ...], kind: str, sector: str | None = None) -> DriftLine:
    return next(one for one in found if (one.kind, one.sector) == (kind, sector))


@pytest.mark.parametrize(
    ("given", "kind", "sector", "crossed"),
    [
        pytest.param(facts(), "vocabulary", None, False, id="words-as-known-as-in-training"),
        pytest.param(facts(unknown=0.29), "vocabulary", None, False, id="words-a-little-less-known"),
        pytest.param(facts(unknown=0.31), "vocabulary", None, True, id="words-half-as-known-again"),
        pytest.param(facts(), "embedding", None, False, id="firms-of-the-same-kind"),
        pytest.param(facts(vectors=points(300, 2, 1)), "embedding", None, False, id="only-some-kinds-of-those-learnt"),
        pytest.param(facts(vectors=points(300, 6, 1, 4.0)), "embedding", None, True, id="firms-of-no-kind-learnt"),
        pytest.param(facts(before=scored()), "prevalence", "bakery", False, id="as-many-bakeries-as-before"),
        pytest.param(facts(before=scored(2_000, 200)), "prevalence", "bakery", False, id="half-the-firms-half-of-them"),
        pytest.param(facts(scored(bakery=199), scored()), "prevalence", "bakery", False, id="nearly-twice-as-many"),
        pytest.param(facts(scored(bakery=205), scored()), "prevalence", "bakery", True, id="twice-as-many"),
        pytest.param(facts(scored(bakery=45), scored()), "prevalence", "bakery", True, id="fewer-than-half"),
        pytest.param(facts(scored(bakery=0), scored()), "prevalence", "bakery", True, id="all-gone"),
        pytest.param(facts(scored(bakery=3), scored(bakery=1)), "prevalence", "bakery", False, id="two-more-is-chance"),
        pytest.param(
            facts(corrected={"bakery": Corrected(100, 30, 20, 45)}), "prevalence", "bakery", True, id="audit-says-30"
        ),
        pytest.param(
            facts(corrected={"bakery": Corrected(100, 30, 20, 105)}), "prevalence", "bakery", False,
            id="audit-is-not-sure",
        ),
        pytest.param(facts(before=scored()), "scores", "bakery", False, id="probabilities-as-before"),
        pytest.param(facts(scored(moved=400), scored()), "scores", "bakery", True, id="probabilities-moved"),
    ],
)  # fmt: skip
def test_a_line_is_crossed_where_the_list_differs(
    model: SectorModel, given: ListFacts, kind: str, sector: str | None, crossed: bool
) -> None:
    found = drift(with_reference(model), given, LIMITS)
    assert line(found, kind, sector).crossed is crossed, line(found, kind, sector)
    assert len({(one.kind, one.sector) for one in found}) == len(found)
    assert drift(with_reference(model), given, LIMITS) == found


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        pytest.param(facts(), {"vocabulary", "embedding"}, id="first-list"),
        pytest.param(
            facts(before=scored(model_id="other")), {"vocabulary", "embedding", "prevalence"}, id="another-model-before"
        ),
        pytest.param(facts(scored(firms=30, bakery=3), scored(firms=30, bakery=9)), {"vocabulary", "embedding"},
                     id="thirty-firms"),
        pytest.param(replace(facts(), unknown=np.zeros(20, np.float32), vectors=points(20)), set(),
                     id="sample-too-small"),
    ],
)  # fmt: skip
def test_nothing_is_compared_that_cannot_be(model: SectorModel, given: ListFacts, kinds: set[str]) -> None:
    assert {one.kind for one in drift(with_reference(model), given, LIMITS)} == kinds


def test_a_model_of_before_says_that_it_cannot_tell(plain: SectorModel) -> None:
    found = drift(plain, facts(before=scored()), LIMITS)
    assert "kept nothing of its training set" in found[0].sentence
    assert {one.kind for one in found[1:]} == {"prevalence", "scores"}
    assert not any(one.crossed for one in found)


def test_index_and_shares_worked_by_hand() -> None:
    # 10 and 10 firms become 15 and 5: with half a firm each, p = 10.5/21 and q = 15.5/21, 5.5/21
    expected = (0.5 - 15.5 / 21) * np.log(0.5 / (15.5 / 21)) + (0.5 - 5.5 / 21) * np.log(0.5 / (5.5 / 21))
    assert stability_index(np.array([10, 10]), np.array([15, 5])) == pytest.approx(expected)
    assert stability_index(np.array([3, 4]), np.array([3, 4])) == 0
    assert histogram(np.array([0.0, 0.01, 0.5, 0.95, 1.0])).tolist() == [1, 1, 0, 0, 0, 1, 0, 2]
    assert unknown_share(["orbit", "orbit", "cake", "zzz"], frozenset({"orbit"})) == 0.5
    assert unknown_share([], frozenset()) == 0


def test_vectors_that_differ_are_told_apart_and_far() -> None:
    one, other, strange = points(400), points(300, seed=2), points(300, seed=2, shift=4.0)
    assert 0.4 < told_apart(one, other) < 0.6 < 0.95 < told_apart(one, strange)
    assert far_share(one, other) < 0.12 < 0.3 < far_share(one, strange)


def test_a_firms_own_words_do_not_make_them_known(model: SectorModel, world: Any) -> None:
    split = word_splitter()
    texts = [set(split(firm.pages[0].text)) for firm in world.firms]
    held = {word: sum(word in words for words in texts) for words in texts for word in words}
    shared = shared_words(model.terms, model.idf, len(world.firms))
    assert {word for word in shared if " " not in word} == {word for word, firms in held.items() if firms >= 3}


def test_the_reference_comes_back_and_holds_no_words(model: SectorModel, world: Any, tmp_path: Path) -> None:
    assert model.reference is not None
    model.save(tmp_path / "m")
    loaded = SectorModel.load(tmp_path / "m")
    assert loaded.reference is not None
    for name, values in model.reference.arrays().items():
        np.testing.assert_array_equal(loaded.reference.arrays()[name], values)
        assert values.dtype.kind in "iuf", name
    assert loaded.model_id == model.model_id
    assert set(model.reference.firms.tolist()) == {mark(firm.firm_id) for firm in world.firms}
    again = remember_training(model, world.firms[::-1], world.vectors)
    for name, values in model.reference.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], values)


def test_a_bundle_without_reference_is_read_as_ever(plain: SectorModel, model: SectorModel, tmp_path: Path) -> None:
    plain.save(tmp_path / "m")
    loaded = SectorModel.load(tmp_path / "m")
    assert loaded.reference is None
    assert loaded.model_id == plain.model_id != model.model_id


@pytest.mark.parametrize("name", ["reference vectors", "reference histogram", "reference unknown", "reference texts"])
def test_a_reference_that_does_not_fit_is_refused(model: SectorModel, tmp_path: Path, name: str) -> None:
    arrays, documents = content_of(model)
    arrays[name] = arrays[name][:0]
    save_bundle(tmp_path / "m", arrays, documents, {}, "card")
    with pytest.raises(ModelMismatchError):
        SectorModel.load(tmp_path / "m")


def test_a_loaded_model_has_no_scores_to_remember(model: SectorModel, world: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    with pytest.raises(LabelShapeError, match="a loaded model"):
        remember_training(SectorModel.load(tmp_path / "m"), world.firms, world.vectors)


def test_a_sample_does_not_depend_on_order_and_grows_by_firms_only(world: Any) -> None:
    silent = FirmText.from_description("silent", " ")
    some = [firm.firm_id for firm in sampled([silent, *world.firms], 10)]
    assert some == [firm.firm_id for firm in sampled([*world.firms[::-1], silent], 10)]
    assert some == [firm.firm_id for firm in sampled(world.firms, 20)][:10]


def test_a_firm_of_which_nothing_was_encoded_has_no_vector(world: Any) -> None:
    assert firm_vector(world.firms[0], {}) is None
    vector = firm_vector(world.firms[0], world.vectors)
    assert vector is not None
    assert np.linalg.norm(vector) == pytest.approx(1)
