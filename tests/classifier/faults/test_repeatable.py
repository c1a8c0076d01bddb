"""M19: neither threads nor order nor a hash seed change a label, and ties have one outcome."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classifier.neighbours import remember
from models.encoder import load_encoder

ROOT = Path(__file__).resolve().parents[3]
TRAIN = """
import json, sys
import numpy as np
from classifier.model import SectorModel
from tests.classifier.conftest import PARENTS, SECTORS, make_world
world = make_world()
order = np.random.default_rng(int(sys.argv[1])).permutation(len(world.firms))
firms = [world.firms[row] for row in order]
model = SectorModel.train(firms, world.vectors, world.Y[order], world.mask[order], SECTORS, PARENTS)
asked = make_world(8, seed=7)
from tests.classifier.conftest import embed
probabilities = model.predict_proba(asked.firms, embed(asked.firms))
print(json.dumps([model.model_id, probabilities.tolist(), model.assign(probabilities).tolist()]))
"""


def answer(program: str, threads: int, *arguments: str) -> Any:
    """What a program prints in a process of its own with so many threads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONHASHSEED": str(threads)}
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, check=True, timeout=300, cwd=ROOT, env=environment,
    )  # fmt: skip
    return json.loads(ended.stdout.splitlines()[-1])


def test_m19_threads_order_and_hash_seed_change_no_label() -> None:
    first, other = answer(TRAIN, 1, "0"), answer(TRAIN, 2, "5")
    np.testing.assert_allclose(other[1], first[1], atol=1e-6, rtol=0)
    assert other[2] == first[2]
    assert {value for row in first[2] for value in row} == {True, False}


def test_m19_the_encoder_gives_the_same_vectors_with_other_threads() -> None:
    import torch

    texts, encoder = (
        [f"Maker of part {number}, for {'rail ' * number}and road." for number in range(12)],
        load_encoder(),
    )
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        left = encoder.encode(texts)
        torch.set_num_threads(2)
        right = encoder.encode(texts)
    finally:
        torch.set_num_threads(before)
    assert np.sum(left * right, axis=1).min() >= 0.9999


def test_m19_ties_are_broken_by_id() -> None:
    vectors = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (3, 1))
    kept = remember(("b", "c", "a"), vectors, np.ones((3, 1), dtype=np.bool_))
    assert [name for name, _ in kept.nearest(vectors[0], 0, 2)] == ["a", "b"]
    turned = replace(kept, firm_ids=("c", "a", "b"))
    assert [name for name, _ in turned.nearest(vectors[0], 0, 2)] == ["a", "b"]
