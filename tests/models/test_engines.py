"""Packed tokens give sentence-transformers' vectors, whatever else is in the batch, and only where they can."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import engines
from models.bert import packed_shape
from models.encoder import MIN_BF16_COSINE, SentenceEncoder
from models.engines import PackedEngine, SentenceTransformersEngine, find_engines
from models.errors import EncoderError
from models.packaged import find_minilm

GROWTH = """
import ctypes
from models.encoder import has_bf16
from models.engines import find_engines
from models.packaged import find_minilm

class Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena a b c mapped d e used free top".split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Memory

def used():
    found = mallinfo()
    return found.used + found.mapped

engine = find_engines(find_minilm())[0](has_bf16("cpu"))
engine.vectors(["word " * 250])
before = used()
for words in range(10, 250):
    engine.vectors(["word " * words])
print(used() - before)
"""
TEXTS = [
    "",
    "x",
    "Satellites.",
    "Spaceport!!",
    "We mill, turn and grind parts for rail.",
    "Café Zoë bakes baguettes — naïvely 北京 \u200b\ufffd \x00 ok.",
    "Robotics for orchards, with cameras that count apples before they are ripe. " * 5,
    "a word " * 600,
]


@pytest.fixture(scope="module")
def exact() -> PackedEngine:
    """Packed tokens in float32."""
    engine = find_engines(find_minilm())[0](False)
    assert isinstance(engine, PackedEngine)
    return engine


@pytest.fixture(scope="module")
def fast() -> PackedEngine:
    """Packed tokens in bfloat16, which every processor can compute, if slowly."""
    engine = find_engines(find_minilm())[0](True)
    assert isinstance(engine, PackedEngine)
    return engine


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1."""
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def test_packed_tokens_give_what_sentence_transformers_gives(exact: PackedEngine) -> None:
    engine_of, _ = engines._sentence_transformers(find_minilm())
    peer = engine_of(False)
    assert isinstance(peer, SentenceTransformersEngine)
    np.testing.assert_allclose(unit(exact.vectors(TEXTS)), unit(peer.vectors(TEXTS)), atol=2e-6)


def test_bfloat16_agrees_with_float32(exact: PackedEngine, fast: PackedEngine) -> None:
    cosines = np.sum(unit(exact.vectors(TEXTS)) * unit(fast.vectors(TEXTS)), axis=1)
    assert MIN_BF16_COSINE <= cosines.min() < 1 - 1e-7  # equal would mean that nothing was in bfloat16


def test_weights_laid_out_for_the_processor_multiply_as_plain_ones_do(
    fast: PackedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out = unit(fast.vectors(TEXTS))
    monkeypatch.setattr("models.bert._lays_out", lambda: False)
    plain = unit(find_engines(find_minilm())[0](True).vectors(TEXTS))
    assert np.sum(laid_out * plain, axis=1).min() >= MIN_BF16_COSINE  # two ways of rounding


def test_a_vector_does_not_depend_on_what_stands_beside_it(fast: PackedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    together = unit(fast.vectors(TEXTS))
    alone = unit(np.concatenate([fast.vectors([text]) for text in TEXTS]))
    monkeypatch.setattr(engines, "BATCH_TOKENS", 40)
    split = unit(fast.vectors(TEXTS[::-1])[::-1])
    assert np.sum(together * alone, axis=1).min() >= 0.9999
    assert np.sum(together * split, axis=1).min() >= 0.9999


def test_texts_beyond_one_slice_keep_their_places(exact: PackedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exact.vectors(TEXTS)
    monkeypatch.setattr(engines, "TOKENIZED_AT_ONCE", 3)
    np.testing.assert_allclose(exact.vectors(TEXTS), whole, atol=1e-5)


def test_batches_hold_every_row_once_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BATCH_TOKENS", 10)
    lengths = [12, 6, 4, 4, 3, 3, 3, 1]
    batches = list(engines._batches(range(8), lengths))
    assert batches == [[0], [1, 2], [3, 4, 5], [6, 7]]


class WrongProcessor:
    """Multiplies bfloat16 wrongly."""

    def __init__(self, engine: PackedEngine) -> None:
        self.engine = engine

    def vectors(self, texts: list[str]) -> NDArray[np.float32]:
        return self.engine.vectors(texts)[:, ::-1]


def test_bfloat16_that_strays_is_not_used(exact: PackedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.encoder.has_bf16", lambda _device: True)
    found = lambda bf16: WrongProcessor(exact) if bf16 else exact  # noqa: E731
    monkeypatch.setattr(engines, "find_engines", lambda _files: (found, "cpu"))
    encoder = SentenceEncoder(find_minilm())
    assert encoder.number_format == "float32"
    assert encoder._engine is exact


def test_on_an_accelerator_sentence_transformers_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(engines, "_sentence_transformers", lambda _files: (str, "cuda"))
    _, device = find_engines(find_minilm())
    assert device == "cuda"


def _config(**changed: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda content: {**content, **changed}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("config.json", _config(model_type="roberta"), id="another family"),
        pytest.param("config.json", _config(hidden_act="relu"), id="another activation"),
        pytest.param("config.json", _config(position_embedding_type="relative_key"), id="other positions"),
        pytest.param("modules.json", lambda modules: [*modules, modules[1]], id="a further module"),
        pytest.param("1_Pooling/config.json", _config(pooling_mode_cls_token=True), id="two poolings"),
        pytest.param("1_Pooling/config.json", lambda _: {"pooling_mode": "cls"}, id="another pooling"),
        pytest.param("tokenizer_config.json", _config(do_lower_case=False), id="tokeniser said to keep case"),
        pytest.param("sentence_bert_config.json", _config(do_lower_case=True), id="lower case before the tokeniser"),
    ],
)
def test_a_model_that_differs_is_left_to_sentence_transformers(
    tmp_path: Path, name: str, change: Callable[[Any], Any]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find_minilm().folder, folder)
    assert packed_shape(folder) == packed_shape(find_minilm().folder) is not None
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(change(content)))
    assert packed_shape(folder) is None


def test_weights_that_are_none_say_so(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find_minilm().folder, folder)
    (folder / "model.safetensors").write_bytes(b"\x80\x04.")
    with pytest.raises(EncoderError, match="weights cannot be read"):
        find_engines(replace(find_minilm(), folder=folder))


def test_what_a_process_holds_does_not_grow_with_the_lengths_that_it_has_read() -> None:
    """240 lengths, in a process of its own, as torch reads its sizes once. Otherwise 434 MB in bfloat16 and 7 in
    float32, so that only a processor that multiplies bfloat16 tells."""
    given = {name: value for name, value in os.environ.items() if name not in engines.FEW_PLANS} | {
        "MALLOC_ARENA_MAX": "1"
    }
    done = subprocess.run([sys.executable, "-c", GROWTH], env=given, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 30e6
