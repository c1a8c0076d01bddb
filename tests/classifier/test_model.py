"""The whole classifier: training, prediction, evidence, hierarchy, hysteresis."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from classifier.errors import ClassifierError, LabelShapeError, MissingVectorError
from classifier.features import FirmPage, FirmText
from classifier.model import SectorModel

SECTORS = ("aerospace", "space_tech", "bakery")
PARENTS = ((), (0,), ())
Embed = Callable[[Sequence[FirmText]], dict[str, Any]]


@pytest.fixture(scope="module")
def model(world: Any) -> SectorModel:
    """Trained on the whole world."""
    return SectorModel.train(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS, encoder_id="made-up")


@pytest.fixture(scope="module")
def site() -> FirmText:
    """A website of three pages, one of which says what the firm does."""
    return FirmText(
        "new-1",
        (
            FirmPage("https://n.uk/", "home", "Welcome to our family. Our team has experience with customers."),
            FirmPage(
                "https://n.uk/do",
                "about",
                "Our service is quality. We build spacecraft, payload and telemetry in orbit.",
            ),
            FirmPage("https://n.uk/legal", "legal", "Bread flour oven pastry loaf cake."),
        ),
    )


def test_it_tells_the_sectors_apart(model: SectorModel, world: Any) -> None:
    p = model.predict_proba(world.firms, world.vectors)
    assert p.shape == (48, 3)
    assert (model.assign(p) == world.Y).mean() > 0.95


def test_row_order_does_not_matter(model: SectorModel, world: Any) -> None:
    order = np.random.default_rng(0).permutation(len(world.firms))
    again = SectorModel.train(
        [world.firms[row] for row in order], world.vectors, world.Y[order], world.mask[order], SECTORS, PARENTS,
        encoder_id="made-up",
    )  # fmt: skip
    assert again.model_id == model.model_id


def test_a_site_is_judged_by_what_it_says_and_the_legal_page_is_silent(
    model: SectorModel, site: FirmText, embed_firms: Embed
) -> None:
    p = model.predict_proba([site], embed_firms([site]))[0]
    assert p[1] > 0.5 > p[2]
    assert p[0] >= p[1]
    assert model.assign(p[None])[0].tolist() == [True, True, False]


def test_a_firm_without_words_is_in_nothing(model: SectorModel) -> None:
    silent = FirmText("silent", (FirmPage("https://s.uk/", "home", "  "),))
    p = model.predict_proba([silent, FirmText("none", ())], {})
    assert p.tolist() == [[0.0] * 3] * 2
    assert not model.assign(p).any()
    assert model.evidence(silent, "bakery", {}).sentence == ""


def test_no_firms_give_no_rows(model: SectorModel) -> None:
    assert model.predict_proba([], {}).shape == (0, 3)


def test_predicting_together_or_alone_is_the_same(model: SectorModel, world: Any) -> None:
    together = model.predict_proba(world.firms, world.vectors)
    alone = np.vstack([model.predict_proba([firm], world.vectors) for firm in world.firms])
    np.testing.assert_allclose(alone, together, atol=1e-9)


def test_members_do_not_flicker(model: SectorModel) -> None:
    between = (model.thresholds + model.leave_thresholds)[None] / 2
    assert not model.assign(between).any()
    assert model.assign(between, np.ones((1, 3), dtype=bool)).all()
    assert not model.assign(model.leave_thresholds[None] * 0.99, np.ones((1, 3), dtype=bool)).any()


def test_evidence_quotes_the_sentence_that_says_it(model: SectorModel, site: FirmText, embed_firms: Embed) -> None:
    evidence = model.evidence(site, "space_tech", embed_firms([site]))
    assert evidence.page_url == "https://n.uk/do"
    assert evidence.sentence == "We build spacecraft, payload and telemetry in orbit."
    terms = [term for term, _ in evidence.terms]
    assert "orbit" in terms
    assert "flour" not in terms
    weights = [weight for _, weight in evidence.terms]
    assert weights == sorted(weights, reverse=True)
    assert min(weights) > 0
    assert len(evidence.nearest) == 3
    assert all(firm_id.startswith("space_tech") for firm_id, _ in evidence.nearest)
    assert 0 < evidence.probability <= 1
    assert evidence.chunk_probability >= evidence.probability - 1e-9  # the best chunk is at least the mean


def test_deleting_the_quoted_sentence_lowers_the_probability(
    model: SectorModel, site: FirmText, embed_firms: Embed
) -> None:
    evidence = model.evidence(site, "space_tech", embed_firms([site]))

    def without(sentence: str) -> float:
        pages = tuple(FirmPage(page.url, page.kind, page.text.replace(sentence, "")) for page in site.pages)
        cut = FirmText(site.firm_id, pages)
        return model.own_probability(cut, "space_tech", embed_firms([cut]))

    whole = evidence.probability
    assert without(evidence.sentence) < whole - 0.1
    assert without(evidence.sentence) < without("Our service is quality.")


def test_a_labelled_firm_is_not_its_own_neighbour(model: SectorModel, world: Any) -> None:
    firm = next(firm for firm in world.firms if firm.firm_id == "bakery-03")
    nearest = model.evidence(firm, "bakery", world.vectors).nearest
    assert "bakery-03" not in [firm_id for firm_id, _ in nearest]
    assert all(firm_id.startswith("bakery") for firm_id, _ in nearest)


def test_a_sector_without_labels_is_named_and_never_assigned(world: Any) -> None:
    mask = world.mask.copy()
    mask[:, 2] = False
    model = SectorModel.train(world.firms, world.vectors, world.Y, mask, SECTORS, PARENTS)
    assert model.untrained == ("bakery",)
    assert model.support[2] == (0, 0)
    assert not model.assign(model.predict_proba(world.firms, world.vectors))[:, 2].any()
    assert model.evidence(world.firms[0], "bakery", world.vectors).probability == 0.0


def test_an_absent_label_changes_no_other_sector(model: SectorModel, world: Any) -> None:
    mask = world.mask.copy()
    mask[:6, 2] = False
    partial = SectorModel.train(world.firms, world.vectors, world.Y, mask, SECTORS, PARENTS)
    for column in (0, 1):
        np.testing.assert_array_equal(partial.classifier.coef_[column], model.classifier.coef_[column])
        assert partial.thresholds[column] == model.thresholds[column]


def test_labelled_firms_without_words_teach_nothing(model: SectorModel, world: Any) -> None:
    silent = [FirmText(f"silent-{number}", ()) for number in range(10)]
    extra = np.ones((10, 3), dtype=bool)
    again = SectorModel.train(
        [*world.firms, *silent],
        world.vectors,
        np.vstack([world.Y, extra]),
        np.vstack([world.mask, extra]),
        SECTORS,
        PARENTS,
    )
    assert again.support == model.support
    assert again.neighbours.firm_ids == model.neighbours.firm_ids
    np.testing.assert_allclose(
        again.thresholds, model.thresholds, atol=0.05
    )  # document frequencies count the empty texts


def test_a_heading_is_not_quoted_where_a_full_sentence_says_it(model: SectorModel, embed_firms: Embed) -> None:
    firm = FirmText.from_description("h", "Orbit payload spacecraft\nOur team has built a payload for customers.")
    evidence = model.evidence(firm, "space_tech", embed_firms([firm]))
    assert evidence.sentence == "Our team has built a payload for customers."


def test_an_unknown_sector_is_refused(model: SectorModel, world: Any) -> None:
    with pytest.raises(ClassifierError, match="'mining' is not one of the model's 3"):
        model.evidence(world.firms[0], "mining", world.vectors)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [([], "0 firms"), ([0, 0], "1 distinct"), ([0, 1], "do not fit together")],
    ids=["no firms", "an id twice", "labels of other firms"],
)
def test_training_input_that_does_not_fit_is_refused(world: Any, rows: list[int], complaint: str) -> None:
    with pytest.raises(LabelShapeError, match=complaint):
        SectorModel.train([world.firms[row] for row in rows], world.vectors, world.Y, world.mask, SECTORS)


def test_training_without_vectors_or_words_is_refused(world: Any) -> None:
    with pytest.raises(MissingVectorError):
        SectorModel.train(world.firms, {}, world.Y, world.mask, SECTORS)
    silent = [FirmText(str(number), ()) for number in range(48)]
    with pytest.raises(LabelShapeError, match="need"):
        SectorModel.train(silent, {}, world.Y, world.mask, SECTORS)
