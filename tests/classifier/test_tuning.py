"""Tuning on labels: parts keep domains whole, and figures of the firms that were learnt from are held-out figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import classifier.tuning
import models.tuning
from classifier.features import FirmText, Vectors, texts_to_embed
from classifier.model import SectorModel
from classifier.tuning import MIN_FIRMS, HeldOutVectors, deal_parts, reason_against, tune
from models.digest import text_digest
from models.encoder import SentenceEncoder, load_encoder

WORDS = [
    "boilers", "pipes", "roofs", "garden", "bread", "flour", "ovens", "cakes", "haircuts", "salons", "flowers",
    "bouquets", "lorries", "depots", "parcels", "solicitors", "wills", "tax", "ledgers", "payroll", "dentists",
    "clinics", "puppies", "vets", "carpets", "curtains", "windows", "doors", "bricks",
]  # fmt: skip
SECTORS, PARENTS = ("one", "two"), ((), ())


def firms_of(count: int) -> list[FirmText]:
    """Firms that say nothing of any sector: their words are drawn at random."""
    chance = np.random.default_rng(4)
    return [
        FirmText.from_description(f"f{number:03}", "We sell " + " and ".join(chance.choice(WORDS, 8, replace=False)))
        for number in range(count)
    ]


def read(encoder: SentenceEncoder, firms: Sequence[FirmText]) -> Vectors:
    texts = sorted({text for firm in firms for text in texts_to_embed(firm)})
    return dict(zip(map(text_digest, texts), encoder.encode(texts), strict=True))


def separation(probabilities: np.ndarray, y: np.ndarray) -> float:
    """Area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y, probabilities))


def test_figures_of_labels_thrown_by_dice_are_those_of_dice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers that learn by heart, which these settings make sure of, fool whoever asks them about what they learnt."""
    for name, value in {"EPOCHS": 12, "LEARNING_RATE": 1e-3, "VECTOR_DROPOUT": 0.0, "TOKEN_DROPOUT": 0.0}.items():
        monkeypatch.setattr(models.tuning, name, value)
    firms, encoder = firms_of(48), load_encoder()
    labels = np.random.default_rng(7).random((48, 2)) < 0.4
    judged, groups = np.ones_like(labels), [firm.firm_id for firm in firms]
    tuned = tune(encoder, firms, read(encoder, firms), labels, judged, groups, PARENTS)
    vectors = tuned.read(encoder, firms, ())
    backwards = tune(encoder, firms[::-1], read(encoder, firms), labels[::-1], judged, groups[::-1], PARENTS)
    assert backwards.layers.digest == tuned.layers.digest

    honest = SectorModel.train(firms, vectors, labels, judged, SECTORS, tuned=tuned)
    everybody = frozenset(firm.firm_id for firm in firms)
    halves = [part.firm_ids for part in tuned.held_out]
    assert halves[0] | halves[1] == everybody
    assert not halves[0] & halves[1]
    leaky = replace(tuned, held_out=tuple(HeldOutVectors(half, vectors) for half in halves))
    fooled = SectorModel.train(firms, vectors, labels, judged, SECTORS, tuned=leaky)
    for column in range(2):
        true, false = (
            separation(model.classifier.oof_probabilities_[:, column], labels[:, column]) for model in (honest, fooled)
        )
        assert true < 0.65
        assert false > 0.8

    honest.save(tmp_path / "bundle")
    loaded = SectorModel.load(tmp_path / "bundle")
    assert loaded.tuned is not None
    assert loaded.tuned.digest == tuned.layers.digest
    assert (loaded.model_id, loaded.encoder_id) == (honest.model_id, honest.encoder_id)


def test_parts_keep_domains_whole_and_share_rare_sectors_out() -> None:
    chance = np.random.default_rng(0)
    labels = chance.random((400, 4)) < (0.5, 0.2, 0.05, 0.02)
    groups = [f"domain-{number // 2}" for number in range(400)]
    part = deal_parts(labels, groups)
    assert (part[::2] == part[1::2]).all()
    for column in range(4):
        one, other = (int(labels[part == number, column].sum()) for number in range(2))
        assert abs(one - other) <= max(3, 0.35 * (one + other))
    order = chance.permutation(400)
    assert (deal_parts(labels[order], [groups[row] for row in order]) == part[order]).all()


@pytest.mark.parametrize(
    ("count", "rare", "reason"),
    [
        (MIN_FIRMS - 1, 50, f"{MIN_FIRMS - 1} labelled firms, {MIN_FIRMS} are needed"),
        (MIN_FIRMS, 50, ""),
        (MIN_FIRMS, 2, "1 sectors have too few labels for figures that hold for new firms"),
        (MIN_FIRMS, 1, ""),  # such a sector is not trained either way
        (MIN_FIRMS, 0, ""),
    ],
)
def test_when_the_encoder_is_left_as_it_is(count: int, rare: int, reason: str) -> None:
    labels = np.zeros((count, 2), bool)
    labels[: count // 2, 0] = True
    labels[:rare, 1] = True
    judged = np.ones_like(labels)
    assert reason_against(labels, judged, list(range(count)), PARENTS) == reason
    assert len(set(deal_parts(labels, list(range(count))).tolist())) == classifier.tuning.N_PARTS


def test_few_includes_leave_the_encoder_as_it_is() -> None:
    labels = np.zeros((MIN_FIRMS, 3), bool)
    for column in range(3):
        labels[10 * column : 10 * column + 9, column] = True
    reason = reason_against(labels, np.ones_like(labels), list(range(MIN_FIRMS)), ((), (), ()))
    assert reason == "half of the sectors have 9 includes or fewer, 20 are needed"
