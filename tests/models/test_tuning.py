"""Tuned layers: learnt from judged labels alone, the same each time, and read back as they were."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from models.encoder import SentenceEncoder, load_encoder
from models.errors import EncoderError
from models.packaged import find_minilm
from models.tuned import LAYER, TunedEncoder, TunedLayers, can_be_tuned
from models.tuning import N_LAYERS, TunableEncoder, tune_layers

GREEN = ["copper pipes and boilers", "garden walls and paving", "roof tiles and gutters", "oak doors and stairs"]
BLUE = ["satellite imagery for farms", "flight software for rockets", "antennas on the ground", "orbital debris maps"]
FIRMS = [f"{said} for {buyer}" for said in (*GREEN, *BLUE) for buyer in ("towns", "families", "large firms")]
Y = np.array([[row < 12, row % 2 == 0] for row in range(24)])
MASK = np.array([[True, row < 20] for row in range(24)])
HEAD = (np.zeros((2, 384)), np.zeros(2))


@cache
def source() -> TunableEncoder:
    return TunableEncoder.read(load_encoder())


@cache
def tuned() -> TunedLayers:
    return tune_layers(source(), [[state] for state in source().lower_states(FIRMS)], Y, MASK, HEAD)


def test_only_the_last_layers_are_tuned_and_they_moved() -> None:
    numbers = {int(name.removeprefix(LAYER).split(".")[0]) for name in tuned().weights}
    assert numbers == set(range(6 - N_LAYERS, 6))
    moved = [np.abs(values - source().weights[name].numpy()).max() for name, values in tuned().weights.items()]
    assert max(moved) > 1e-4


def test_the_same_labels_give_the_same_layers_and_an_absent_label_has_no_part() -> None:
    states = [[state] for state in source().lower_states(FIRMS)]
    assert tune_layers(source(), states, Y, MASK, HEAD).digest == tuned().digest
    assert tune_layers(source(), states, Y ^ ~MASK, MASK, HEAD).digest == tuned().digest
    assert tune_layers(source(), states, Y ^ (np.arange(2) == 0), MASK, HEAD).digest != tuned().digest


def test_a_tuned_encoder_gives_the_vectors_that_tuning_saw() -> None:
    encoder = TunedEncoder(find_minilm(), tuned())
    (seen,) = source().vectors(FIRMS, [tuned()])
    vectors = encoder.encode(FIRMS)
    assert (vectors * seen).sum(axis=1).min() > 0.999
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    plain = load_encoder().encode(FIRMS)
    assert (vectors * plain).sum(axis=1).min() < 0.999
    assert encoder.dimension == 384
    assert encoder.encoder_id == f"{load_encoder().encoder_id}-tuned-{tuned().digest[:12]}"


def test_layers_of_another_encoder_are_refused() -> None:
    assert can_be_tuned(SentenceEncoder(find_minilm()))
    name, values = next(iter(tuned().weights.items()))
    for weights in ({name: values[:1]}, {f"{LAYER}9.output.dense.weight": values}):
        with pytest.raises(EncoderError, match="do not fit this encoder"):
            TunedEncoder(find_minilm(), TunedLayers(weights)).encode(["words"])
