"""Quality gate of the shipped seeds: what the classifier learns from them, tested on those left out.

The seeds are full of near misses, so this is harder than telling ordinary firms apart; it says little about
real websites.
"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from classifier.evaluation import Evaluation, evaluate
from classifier.features import FirmText, texts_to_embed
from classifier.hierarchy import parent_columns
from labels.seeds import load_seeds, shipped_seeds
from labels.taxonomy import load_taxonomy, shipped_taxonomy
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import load_encoder
from tests.evaluation.floors import corpus_digest, document, floor

pytestmark = pytest.mark.slow

FIGURES = [name.removeprefix("seeds.") for name in document()["floors"] if name.startswith("seeds.")]


@pytest.fixture(scope="module")
def seed_folds(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Five folds over the shipped seeds, hierarchy applied."""
    taxonomy = load_taxonomy(shipped_taxonomy("midlands"))
    path: Path = tmp_path_factory.mktemp("seeds") / "seeds.yaml"
    data = shipped_seeds("midlands")
    assert hashlib.sha256(data).hexdigest() == corpus_digest("seeds"), "the seeds changed: append digest and figures"
    path.write_bytes(data)
    seeds = load_seeds(path, taxonomy)
    judgements = [seed.labels(taxonomy) for seed in seeds]
    Y = np.array([[of[key] == "include" for key in taxonomy.keys] for of in judgements])
    mask = np.array([[of[key] != "unsure" for key in taxonomy.keys] for of in judgements])
    firms = [FirmText.from_description(seed.id, seed.text) for seed in seeds]
    texts = distinct(text for firm in firms for text in texts_to_embed(firm))
    vectors = dict(zip(map(text_digest, texts), load_encoder().encode(texts), strict=True))
    parents = parent_columns(taxonomy.keys, {sector.key: sector.parents for sector in taxonomy.sectors})
    return evaluate(firms, vectors, Y, mask, taxonomy.keys, parents, split="folds", baselines=())


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_hold_their_floors(seed_folds: Evaluation, figure: str) -> None:
    assert getattr(seed_folds.ours, figure) >= floor(f"seeds.{figure}")


def test_every_sector_is_trained(seed_folds: Evaluation) -> None:
    assert [row.sector for row in seed_folds.ours.sectors if not row.trained] == []
