"""The sentence quoted is the one whose deletion does most; near misses; nothing that is not the firm's words."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from classifier.evidence import MAX_CANDIDATES, candidates, find_evidence, near_miss, texts_without, weigh
from classifier.features import FirmPage, FirmText
from classifier.model import SectorModel
from classifier.occlusion import Reading
from classifier.quotable import Kind
from models.digest import text_digest
from tests.classifier.conftest import PARENTS, SECTORS, word_vector

Embed = Callable[[Sequence[FirmText]], dict[str, Any]]
SPACE, BAKERY = SECTORS.index("space_tech"), SECTORS.index("bakery")
TEXT = """Our company
Welcome to our family of customers and projects. We launch every payload in orbit with our team.
Home About Us Services Contact Blog
We use cookies in orbit to improve our satellite website. Our customers praise the quality of service.
The spacecraft sends telemetry to the satellite."""


@pytest.fixture(scope="module")
def model(world: Any) -> SectorModel:
    """Trained on the whole world."""
    return SectorModel.train(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, encoder_id="made-up")


@pytest.fixture(scope="module")
def firm() -> FirmText:
    """One page, one chunk."""
    return FirmText.from_description("new-1", TEXT, "https://n.uk/")


def embed_texts(texts: Sequence[str]) -> dict[str, Any]:
    return {text_digest(text): word_vector(text) for text in texts}


def read(model: SectorModel, firm: FirmText, embed: Embed) -> Reading:
    return Reading(model, firm, embed([firm]))


def test_taking_a_piece_out_is_what_the_model_says_of_the_firm_without_it(
    model: SectorModel, firm: FirmText, embed_firms: Embed
) -> None:
    """The arithmetic agrees with a firm that never wrote the sentence, to the last digit that float32 has."""
    reading = read(model, firm, embed_firms)
    cuts = reading.cuts[0]
    left = reading.without(SPACE, cuts, embed_texts(texts_without(cuts)))
    assert len(cuts) == 7
    for cut, log_odds in zip(cuts, left, strict=True):
        without = FirmText.from_description(firm.firm_id, cut.piece.rest)
        expected = model.own_probability(without, "space_tech", embed_firms([without]))
        assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(expected, abs=1e-6)
    assert reading.log_odds[SPACE] > left.min() + 0.1


def test_without_vectors_the_effect_is_estimated(model: SectorModel, firm: FirmText, embed_firms: Embed) -> None:
    reading = read(model, firm, embed_firms)
    cuts = reading.cuts[0]
    estimated = reading.without(SPACE, cuts)
    whole = reading.without(SPACE, cuts, embed_texts(texts_without(cuts)))
    assert not np.allclose(estimated, whole, atol=0.01)
    assert np.corrcoef(estimated, whole)[0, 1] > 0.8
    assert not find_evidence(model, firm, "space_tech", embed_firms([firm])).measured


def test_the_quoted_sentence_is_the_candidate_that_carries_most(
    model: SectorModel, firm: FirmText, embed_firms: Embed
) -> None:
    reading = read(model, firm, embed_firms)
    cuts = candidates(reading, SPACE)
    assert 2 <= len(cuts) <= MAX_CANDIDATES
    vectors = embed_texts(texts_without(cuts))
    found = weigh(reading, SPACE, cuts, vectors)
    left = reading.without(SPACE, cuts, vectors)
    full = [place for place, cut in enumerate(cuts) if cut.piece.kind is Kind.SENTENCE]
    assert found.sentence == cuts[min(full, key=lambda place: left[place])].piece.text
    assert found.measured
    assert found.effect == pytest.approx(found.probability - 1 / (1 + np.exp(-left[full].min())))
    assert found.effect > 0.05


def test_menus_and_banners_are_never_quoted(model: SectorModel, firm: FirmText, embed_firms: Embed) -> None:
    reading = read(model, firm, embed_firms)
    offered = [cut.piece.text for cut in reading.cuts[0] if cut in candidates(reading, SPACE)]
    assert offered
    assert not [text for text in offered if "cookies" in text or "About" in text]
    banner = FirmText.from_description("b", "We use cookies in orbit to improve our satellite website.")
    found = find_evidence(model, banner, "space_tech", embed_firms([banner]))
    assert (found.sentence, found.effect) == ("", 0.0)
    assert found.terms


def test_a_firm_with_one_sentence_loses_everything_without_it(model: SectorModel, embed_firms: Embed) -> None:
    firm = FirmText.from_description("one", "We make satellite payload spacecraft telemetry.")
    found = find_evidence(model, firm, "space_tech", embed_firms([firm]))
    assert found.sentence == "We make satellite payload spacecraft telemetry."
    assert found.effect == found.probability > 0.5
    assert found.measured  # nothing is left that would have to be encoded


def test_the_page_is_the_one_on_which_the_sentence_stands(model: SectorModel, embed_firms: Embed) -> None:
    pages = (
        FirmPage("https://n.uk/", "home", "Our team loves the quality of our projects."),
        FirmPage("https://n.uk/space", "product", "We put the payload and the spacecraft in orbit."),
    )
    found = find_evidence(model, FirmText("n", pages), "space_tech", embed_firms([FirmText("n", pages)]))
    assert (found.page_url, found.sentence) == ("https://n.uk/space", pages[1].text)


@pytest.mark.parametrize(
    ("probabilities", "assigned", "expected"),
    [
        pytest.param([0.9, 0.4, 0.3], [True, False, False], 1, id="the higher of two"),
        pytest.param([0.9, 0.8, 0.2], [True, True, False], 2, id="never an assigned one"),
        pytest.param([0.9, 0.8, 0.7], [True, True, True], None, id="in every sector"),
        pytest.param([0.0, 0.0, 0.0], [False, False, False], None, id="no words"),
    ],
)
def test_near_miss(model: SectorModel, probabilities: list[float], assigned: list[bool], expected: int | None) -> None:
    found = near_miss(model, np.array(probabilities) * np.where(assigned, 1, model.thresholds), np.array(assigned))
    assert (found.column if found else None) == expected
    if found:
        assert found.probability < found.threshold == model.thresholds[found.column]


def test_a_sector_that_was_not_trained_is_no_near_miss(world: Any) -> None:
    mask = world.mask.copy()
    mask[:, BAKERY] = False
    model = SectorModel.train(world.firms, world.vectors, world.Y, mask, SECTORS, PARENTS)
    found = near_miss(model, np.array([0.1, 0.1, 0.1]), np.zeros(3, dtype=bool))
    assert found is not None
    assert found.column != BAKERY
