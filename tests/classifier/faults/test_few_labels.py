"""M12: a sector that cannot be learnt says so, and never scores anybody confidently."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.features import FirmText
from classifier.model import SectorModel
from tests.classifier.conftest import PARENTS, SECTORS, World, embed, make_world

BAKERY = 2


@pytest.fixture(scope="module")
def firms() -> World:
    """48 firms, the last 16 of them bakeries."""
    return make_world()


def trained(world: World, included: NDArray[np.bool_], judged: NDArray[np.bool_]) -> SectorModel:
    """A model whose labels of bakeries are these."""
    Y, mask = world.Y.copy(), world.mask.copy()
    Y[:, BAKERY], mask[:, BAKERY] = included, judged
    return SectorModel.train(world.firms, world.vectors, Y, mask, SECTORS, PARENTS)


@pytest.mark.parametrize(
    ("included", "judged"),
    [
        pytest.param([], range(48), id="no include"),
        pytest.param([40], range(48), id="one include"),
        pytest.param(range(48), range(48), id="includes only"),
        pytest.param([40, 41, 42], [40, 41, 42, 0], id="one exclude"),
        pytest.param([], [], id="nobody judged"),
    ],
)
def test_m12_a_sector_that_cannot_be_learnt_is_not_trained(
    firms: World, included: list[int], judged: list[int]
) -> None:
    model = trained(firms, np.isin(np.arange(48), included), np.isin(np.arange(48), judged))
    assert model.untrained == ("bakery",)
    probabilities = model.predict_proba(firms.firms, firms.vectors)
    assert not probabilities[:, BAKERY].any()
    assert not model.assign(np.ones_like(probabilities))[:, BAKERY].any()
    assert probabilities[:, 1].max() > 0.5  # the others are as they were


def test_m12_two_includes_are_never_a_confident_score(firms: World) -> None:
    model = trained(firms, np.isin(np.arange(48), [40, 41]), np.isin(np.arange(48), [40, 41, *range(32)]))
    assert model.untrained == ()
    probabilities = model.predict_proba(firms.firms, firms.vectors)[:, BAKERY]
    assert probabilities[32:].mean() > probabilities[:32].mean()
    assert probabilities.max() < 0.9


def test_m12_constant_text_gives_everybody_the_same_modest_score(firms: World) -> None:
    same = tuple(FirmText.from_description(firm.firm_id, "We make quality things.") for firm in firms.firms)
    model = SectorModel.train(same, embed(same), firms.Y, firms.mask, SECTORS, PARENTS)
    probabilities = model.predict_proba(same, embed(same))
    np.testing.assert_allclose(probabilities, np.tile(probabilities[0], (48, 1)), atol=1e-12)
    shares = firms.Y.mean(axis=0)
    np.testing.assert_allclose(probabilities[0], shares, atol=0.1)


def test_m12_a_sector_with_no_firm_left_is_not_trained(firms: World) -> None:
    silent = tuple(
        FirmText.from_description(firm.firm_id, "" if row >= 32 else firm.pages[0].text)
        for row, firm in enumerate(firms.firms)
    )
    model = SectorModel.train(silent, firms.vectors, firms.Y, firms.mask, SECTORS, PARENTS)
    assert model.untrained == ("aerospace", "bakery")  # nobody is left whom aerospace excludes
    assert model.support[BAKERY][0] == 0
