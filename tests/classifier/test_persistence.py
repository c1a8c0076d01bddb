"""A saved model predicts the same, and anything else is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.errors import ModelMismatchError
from classifier.model import SectorModel
from classifier.persistence import content_of
from models.bundle import load_manifest, save_bundle
from models.errors import BundleError

SECTORS = ("aerospace", "space_tech", "bakery")
PARENTS = ((), (0,), ())


@pytest.fixture(scope="module")
def model(world: Any) -> SectorModel:
    """A trained model."""
    return SectorModel.train(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, encoder_id="made-up")


@pytest.fixture
def saved(model: SectorModel, tmp_path: Path) -> Path:
    """The model on disk."""
    folder = tmp_path / model.model_id
    assert model.save(folder, {"training_digest": "abc", "metrics": {"macro_f1": 0.71}}) == model.model_id
    return folder


def test_a_loaded_model_predicts_the_same(model: SectorModel, saved: Path, world: Any) -> None:
    loaded = SectorModel.load(saved)
    expected = model.predict_proba(world.firms, world.vectors)
    np.testing.assert_array_equal(loaded.predict_proba(world.firms, world.vectors), expected)
    np.testing.assert_array_equal(loaded.assign(expected), model.assign(expected))
    firm = world.firms[20]
    assert loaded.evidence(firm, "space_tech", world.vectors) == model.evidence(firm, "space_tech", world.vectors)
    assert loaded.model_id == model.model_id
    assert (loaded.sectors, loaded.parents, loaded.support, loaded.encoder_id) == (
        model.sectors,
        model.parents,
        model.support,
        model.encoder_id,
    )


def test_the_manifest_and_the_card_say_what_it_is(model: SectorModel, saved: Path) -> None:
    facts = load_manifest(saved).facts
    assert facts["encoder_id"] == "made-up"
    assert facts["training_digest"] == "abc"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", facts["created_at"])
    card = (saved / "MODEL_CARD.md").read_text()
    assert f"| space_tech | 16 | 32 | {model.thresholds[1]:.3f} | aerospace |" in card
    assert "| macro_f1 | 0.71 |" in card


def test_a_bundle_holds_no_firms_words(saved: Path, world: Any) -> None:
    content = b"".join(path.read_bytes() for path in saved.iterdir())
    assert not any(page.text.encode() in content for firm in world.firms for page in firm.pages)


@pytest.mark.parametrize("name", ["arrays.npz", "manifest.json", "model.json", "vocabulary.json", "neighbours.json"])
def test_one_changed_byte_is_refused(saved: Path, name: str) -> None:
    data = bytearray((saved / name).read_bytes())
    data[len(data) // 2] ^= 1
    (saved / name).write_bytes(data)
    with pytest.raises(BundleError):
        SectorModel.load(saved)


def resave(model: SectorModel, folder: Path, arrays: dict[str, Any], documents: dict[str, Any]) -> Path:
    """A bundle whose manifest vouches for changed contents."""
    old_arrays, old_documents = content_of(model)
    about = {**old_documents["model"], **documents.pop("model", {})}
    save_bundle(folder, {**old_arrays, **arrays}, {**old_documents, **documents, "model": about}, {}, "")
    return folder


@pytest.mark.parametrize(
    ("arrays", "documents", "complaint"),
    [
        pytest.param({}, {"vocabulary": ["only"]}, "expected", id="vocabulary of another model"),
        pytest.param({}, {"model": {"dimension": 8}}, "expected", id="another embedding size"),
        pytest.param({}, {"model": {"sectors": ["a", "a", "b"]}}, "repeat", id="a sector twice"),
        pytest.param({}, {"model": {"parents": [[1], [0], []]}}, "cycle", id="a cycle"),
        pytest.param({}, {"model": {"parents": 3}}, "not a sector model", id="parents that are none"),
        pytest.param({"untrained": np.array([7])}, {}, "not a sector model", id="an untrained sector out of range"),
        pytest.param({"idf": np.ones(2, np.float32)}, {}, "idf has shape", id="idf of another length"),
        pytest.param({"calibration": np.ones((3, 2))}, {}, "golden texts score", id="another calibration"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    model: SectorModel, tmp_path: Path, arrays: dict[str, Any], documents: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ModelMismatchError, match=complaint):
        SectorModel.load(resave(model, tmp_path / "changed", arrays, documents))


PER_SECTOR = ("coef", "intercept", "calibration", "thresholds", "leave_thresholds")


def test_sectors_in_another_order_are_refused(model: SectorModel, tmp_path: Path) -> None:
    arrays, _ = content_of(model)
    turned = {name: arrays[name][[2, 1, 0]] for name in PER_SECTOR}
    with pytest.raises(ModelMismatchError, match="golden"):
        SectorModel.load(resave(model, tmp_path / "turned", turned, {}))


def test_a_missing_array_is_refused(model: SectorModel, tmp_path: Path) -> None:
    arrays, documents = content_of(model)
    del arrays["coef"]
    save_bundle(tmp_path / "part", arrays, documents, {}, "")
    with pytest.raises(ModelMismatchError, match="coef"):
        SectorModel.load(tmp_path / "part")


def test_an_untrained_sector_survives_the_round_trip(world: Any, tmp_path: Path) -> None:
    mask = world.mask.copy()
    mask[:, 2] = False
    model = SectorModel.train(world.firms, world.vectors, world.Y, mask, SECTORS, PARENTS)
    model.save(tmp_path / "m")
    assert SectorModel.load(tmp_path / "m").untrained == ("bakery",)
    assert json.loads((tmp_path / "m" / "model.json").read_text())["support"][2] == [0, 0]
