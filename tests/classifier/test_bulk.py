"""Blocks of features score as one firm after another does, in order, and a block that does not fit is refused."""

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier import bulk
from classifier.bulk import FirmBlock, firm_blocks, score_blocks
from classifier.design_matrix import FirmDesign, pool_chunks
from classifier.errors import LabelShapeError
from classifier.features import FirmPage, FirmText, Vectors, build_design, firm_words
from classifier.model import SectorModel
from tests.classifier.conftest import PARENTS, SECTORS, TOPICS, embed, make_world


@pytest.fixture(scope="module")
def model() -> SectorModel:
    """A trained model, one of its sectors without labels."""
    world = make_world()
    mask = world.mask.copy()
    mask[:, 2] = False
    return SectorModel.train(world.firms, world.vectors, world.Y, mask, SECTORS, PARENTS)


@pytest.fixture(scope="module")
def firms() -> tuple[FirmText, ...]:
    """90 firms with none to 9 chunks: short pages that are no chunk of another's."""
    rng = np.random.default_rng(3)
    words = sorted({word for topic in TOPICS.values() for word in topic})
    found = []
    for number in range(90):
        pages = (FirmPage(f"/{page}", "about", " ".join(rng.choice(words, 6))) for page in range(number % 10))
        found.append(FirmText(f"firm-{number}", tuple(pages)))
    return tuple(found)


@pytest.fixture(scope="module")
def vectors(firms: tuple[FirmText, ...]) -> Vectors:
    """Their vectors."""
    return embed(firms)


def features(model: SectorModel, firms: tuple[FirmText, ...], vectors: Vectors) -> FirmDesign:
    """All firms' features at once."""
    ngrams = model.vectorizer.transform([firm_words(firm) for firm in firms])
    return build_design(firms, vectors, ngrams, model.dimension)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("block_firms", [1, 7, 8192])
def test_blocks_score_as_predict_proba_does(
    model: SectorModel, firms: tuple[FirmText, ...], vectors: Vectors, threads: int, block_firms: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(bulk, "BLOCK_FIRMS", block_firms)
    design = features(model, firms, vectors)
    blocks = firm_blocks(design.ngrams, design.chunks, design.starts)
    scored = list(score_blocks(model, blocks, threads))
    assert len(scored) == -(-len(firms) // min(block_firms, len(firms)))
    expected = model.predict_proba(firms, vectors)
    assert (expected.max(axis=0) > 0.2)[:2].all()
    found = np.concatenate([block.probabilities for block in scored])
    np.testing.assert_allclose(found, expected, atol=1e-9, rtol=0)
    assert not found[::10].any()  # firms without words
    np.testing.assert_array_equal(np.concatenate([block.assigned for block in scored]), model.assign(expected))


def test_members_stay_as_they_do_one_by_one(
    model: SectorModel, firms: tuple[FirmText, ...], vectors: Vectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BLOCK_FIRMS", 16)
    design, expected = features(model, firms, vectors), model.predict_proba(firms, vectors)
    previous = np.ones(expected.shape, dtype=np.bool_)
    blocks = firm_blocks(design.ngrams, design.chunks, design.starts, previous)
    found = np.concatenate([block.assigned for block in score_blocks(model, blocks)])
    np.testing.assert_array_equal(found, model.assign(expected, previous))
    assert found.sum() > model.assign(expected).sum()


def test_a_block_never_holds_more_chunks_than_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BLOCK_CHUNKS", 10)
    counts = np.array([3, 0, 4, 4, 25, 0, 10, 1])
    starts = np.concatenate([[0], np.cumsum(counts)])
    blocks = list(firm_blocks(np.zeros((8, 2)), np.zeros((47, 3), np.float32), starts))
    assert [np.diff(block.design.starts).tolist() for block in blocks] == [[3, 0, 4], [4], [25], [0, 10], [1]]


def test_blocks_are_read_as_they_are_needed(model: SectorModel, firms: tuple[FirmText, ...], vectors: Vectors) -> None:
    design = features(model, firms, vectors)
    read = []

    def endless() -> Iterator[FirmBlock]:
        while True:
            read.append(1)
            yield FirmBlock(design, np.ones(len(firms), np.bool_))

    blocks = score_blocks(model, endless(), threads=2)
    for _ in range(5):
        next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert len(read) <= 5 + 2 + bulk.BLOCKS_AHEAD


def test_a_block_of_another_model_is_refused(model: SectorModel, firms: tuple[FirmText, ...], vectors: Vectors) -> None:
    design = features(model, firms, vectors)
    narrow = FirmDesign(design.ngrams[:, 1:], design.means, design.chunks, design.starts)
    with pytest.raises(LabelShapeError, match="the model expects"):
        list(score_blocks(model, [FirmBlock(narrow, np.ones(len(firms), np.bool_))]))


def slowly_pooled(scores: NDArray[np.float64]) -> list[float]:
    """The rule in words: per model, the mean probability of the more probable half, rounded up, as log odds."""
    found = []
    for column in scores.T.tolist():
        chances = sorted((1 / (1 + np.exp(-score)) for score in column), reverse=True)
        half = chances[: (len(chances) + 1) // 2]
        mean = sum(half) / len(half)
        found.append(float(np.log(mean / (1 - mean))))
    return found


@pytest.mark.parametrize("n_chunks", [2, 3, 8, 32])
def test_firms_pooled_together_are_pooled_as_each_alone(n_chunks: int) -> None:
    scores = np.random.default_rng(n_chunks).normal(size=(20, n_chunks, 5)) * 3
    together = pool_chunks(scores)
    for firm in range(20):
        np.testing.assert_allclose(together[firm], slowly_pooled(scores[firm]), atol=1e-9)


def test_memory_does_not_grow_with_the_number_of_firms(
    model: SectorModel, firms: tuple[FirmText, ...], vectors: Vectors
) -> None:
    design = features(model, firms, vectors)
    block = FirmBlock(design, np.ones(len(firms), np.bool_))

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in score_blocks(model, (block for _ in range(count)), threads=2):
            pass
        found: Any = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return int(found)

    peak(5)
    assert peak(100) < 1.5 * peak(10)
