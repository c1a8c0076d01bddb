"""Clear firms are settled without a vector, all others by the full model, and the stage survives a bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classifier.calibration import logit, sigmoid
from classifier.errors import ModelMismatchError
from classifier.fast_path import FirstStage, clear_firms, fit_first_stage, predict_fast
from classifier.fast_path_files import load_first_stage, save_first_stage
from classifier.features import FirmText, Vectors
from classifier.model import SectorModel
from tests.classifier.conftest import PARENTS, SECTORS, embed, make_world

OTHERS = ("We paint houses and hang doors.", "Dental care for the whole village.", "Legal advice on wills.")


@pytest.fixture(scope="module")
def model() -> SectorModel:
    """Trained on 48 firms."""
    world = make_world()
    return SectorModel.train(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS)


@pytest.fixture(scope="module")
def first(model: SectorModel) -> FirstStage:
    """Its first stage."""
    world = make_world()
    return fit_first_stage(model, world.firms, world.Y, world.mask)


@pytest.fixture(scope="module")
def asked() -> tuple[FirmText, ...]:
    """24 firms of the sectors, and one that says nothing."""
    return (*make_world(8, seed=5).firms, FirmText("silent", ()))


@pytest.mark.parametrize(
    ("chances", "margin", "members_too", "clear"),
    [
        pytest.param([0.01, 0.02], 1.0, False, True, id="far below in all"),
        pytest.param([0.01, 0.30], 1.0, False, False, id="near in one"),
        pytest.param([0.01, 0.97], 1.0, False, False, id="far above is for the full model"),
        pytest.param([0.01, 0.97], 1.0, True, True, id="far above, asked for"),
        pytest.param([0.01, 0.55], 1.0, True, False, id="just above"),
        pytest.param([0.01, float(sigmoid(np.array([-1.0]))[0]) - 1e-9], 1.0, False, True, id="at the margin"),
        pytest.param([0.49, 0.49], 0.0, False, True, id="no margin: below is enough"),
        pytest.param([0.0, 0.0], 20.0, False, True, id="a firm without words"),
    ],
)
def test_which_firms_are_clear(chances: list[float], margin: float, members_too: bool, clear: bool) -> None:
    thresholds, trained = np.array([0.5, 0.5, 0.5]), np.array([True, True, False])
    row = np.array([[*chances, 0.5]])  # the third sector is not trained and says nothing
    assert clear_firms(row, thresholds, trained, margin, members_too=members_too).tolist() == [clear]


def test_only_firms_that_are_not_clear_are_embedded(
    model: SectorModel, first: FirstStage, asked: tuple[FirmText, ...]
) -> None:
    seen: list[FirmText] = []

    def embedding(firms: Sequence[FirmText]) -> Vectors:
        seen.extend(firms)
        return embed(firms)

    found = predict_fast(model, first, asked, embedding, margin=0.2)
    assert [firm.firm_id for firm in seen] == [
        firm.firm_id for firm, settled in zip(asked, found.settled, strict=True) if not settled
    ]
    assert 0 < found.settled.sum() < len(asked)
    rest = ~found.settled
    full = model.predict_proba([firm for firm, yes in zip(asked, rest, strict=True) if yes], embed(asked))
    np.testing.assert_array_equal(found.probabilities[rest], full)
    assert not model.assign(found.probabilities)[found.settled].any()


def test_a_wide_margin_gives_the_full_models_probabilities(
    model: SectorModel, first: FirstStage, asked: tuple[FirmText, ...]
) -> None:
    found = predict_fast(model, first, asked[:-1], embed, margin=30.0)
    assert not found.settled.any()
    np.testing.assert_array_equal(found.probabilities, model.predict_proba(asked[:-1], embed(asked)))


def test_a_member_is_always_judged_by_the_full_model(model: SectorModel, first: FirstStage) -> None:
    firms = [FirmText.from_description(f"o{number}", text) for number, text in enumerate(OTHERS)]
    keep = np.array([False, True, False])
    chances = first.probabilities(model, firms)
    margin = float((logit(model.thresholds) - logit(chances)).min())
    assert predict_fast(model, first, firms, embed, margin).settled.all()
    assert predict_fast(model, first, firms, embed, margin, keep).settled.tolist() == [True, False, True]


def test_all_clear_asks_for_no_vector(model: SectorModel, first: FirstStage) -> None:
    found = predict_fast(model, first, [FirmText("silent", ())], lambda _: pytest.fail("asked"), margin=1.0)
    assert found.settled.all()
    assert not found.probabilities.any()


def test_it_survives_its_bundle(
    model: SectorModel, first: FirstStage, asked: tuple[FirmText, ...], tmp_path: Path
) -> None:
    save_first_stage(first, tmp_path / "first", {"firms": 48})
    loaded = load_first_stage(tmp_path / "first", model)
    np.testing.assert_array_equal(loaded.probabilities(model, asked), first.probabilities(model, asked))


def test_the_first_stage_of_another_model_is_refused(first: FirstStage, model: SectorModel, tmp_path: Path) -> None:
    save_first_stage(first, tmp_path / "first", {})
    world = make_world(8, seed=9)
    other = SectorModel.train(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS)
    with pytest.raises(ModelMismatchError, match=f"expected one of {other.model_id}"):
        load_first_stage(tmp_path / "first", other)
    model.save(tmp_path / "model")
    with pytest.raises(ModelMismatchError, match="not a first stage"):
        load_first_stage(tmp_path / "model", model)
