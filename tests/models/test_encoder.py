"""The packaged encoder: its identity without torch, its vectors, and what it refuses to load."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.encoder import MIN_BF16_COSINE, SentenceEncoder, load_encoder
from models.errors import EncoderError
from models.packaged import MINILM_LOCK, find_local, find_minilm, verify_minilm

TEXTS = [
    "We build ground stations for small satellites.",
    "Artisan bread, baked before dawn.",
    "Penetration testing and security audits for hospitals and councils. " * 20,
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    """One encoder for the module: reading the weights takes seconds."""
    return SentenceEncoder(find_minilm())


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A private copy of the packaged model, free to damage."""
    folder = tmp_path / "model"
    shutil.copytree(find_minilm().folder, folder)
    return folder


def test_identity_and_token_counts_need_no_torch() -> None:
    script = (
        "import sys; from models.encoder import load_encoder; from models.chunking import chunk_text\n"
        "encoder = load_encoder(); chunk_text('Some words.', encoder.count_tokens)\n"
        "print(encoder.encoder_id, encoder.dimension, 'torch' in sys.modules, 'sentence_transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["minilm-53aa51172d14-256-mean-l2-1", "384", "False", "False"]


def test_importing_models_loads_nothing_heavy() -> None:
    script = "import sys, models; print(sorted({'torch', 'sklearn', 'tokenizers', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_vectors_have_length_one_and_keep_the_order_given(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(encoder.encode(TEXTS[::-1])[::-1], vectors)


def test_the_same_texts_in_any_order_give_the_same_vectors(encoder: SentenceEncoder) -> None:
    texts = [f"Maker of part {number}, for {'rail ' * (number % 7)}and road." for number in range(150)]
    turned = [texts[row] for row in np.random.default_rng(0).permutation(150)]
    one = dict(zip(texts, encoder.encode(texts), strict=True))
    for text, vector in zip(turned, encoder.encode(turned), strict=True):
        np.testing.assert_array_equal(vector, one[text])


def test_like_texts_are_nearer_than_unlike_ones(encoder: SentenceEncoder) -> None:
    space, orbit, bread = encoder.encode(["Satellite makers", "We put spacecraft into orbit", "Fresh loaves and cakes"])
    assert space @ orbit > space @ bread + 0.1


def test_fast_vectors_agree_with_float32(encoder: SentenceEncoder) -> None:
    exact = SentenceEncoder(find_minilm(), allow_bf16=False)
    assert exact.number_format == "float32"
    cosines = np.sum(encoder.encode(TEXTS) * exact.encode(TEXTS), axis=1)
    assert cosines.min() >= MIN_BF16_COSINE


def test_each_distinct_text_is_encoded_once(encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    engine = encoder._load()
    compute = engine.vectors

    def counting(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return compute(texts)

    monkeypatch.setattr(engine, "vectors", counting)
    vectors = encoder.encode(["a firm", "another", "a firm", "a firm"])
    assert sorted(seen) == ["a firm", "another"]
    np.testing.assert_array_equal(vectors[0], vectors[3])


def test_no_texts_give_no_vectors_and_read_no_weights() -> None:
    encoder = SentenceEncoder(find_minilm())
    assert encoder.encode([]).shape == (0, 384)
    assert encoder._engine is None


@pytest.mark.parametrize("name", sorted(MINILM_LOCK))
def test_one_changed_byte_is_refused(copied: Path, name: str) -> None:
    verify_minilm(copied)
    path = copied / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(EncoderError, match="SHA-256"):
        verify_minilm(copied)


def test_a_missing_file_is_refused(copied: Path) -> None:
    (copied / "vocab.txt").unlink()
    with pytest.raises(EncoderError, match=r"vocab\.txt: missing"):
        verify_minilm(copied)


def test_a_local_folder_loads_and_is_named_by_its_weights(copied: Path, encoder: SentenceEncoder) -> None:
    local = load_encoder(str(copied))
    assert local.encoder_id == "model-53aa51172d14-256-mean-l2-1"
    np.testing.assert_array_equal(local.encode(TEXTS[:1]), encoder.encode(TEXTS[:1]))


@pytest.mark.parametrize("name", ["modeling_x.py", "pytorch_model.bin", "1_Pooling/hook.py"])
def test_a_local_folder_with_code_or_pickle_is_refused(copied: Path, name: str) -> None:
    (copied / name).write_text("raise SystemExit('ran')")
    with pytest.raises(EncoderError, match="not on the list"):
        find_local(copied)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("modules.json", [{"type": "evil.Module"}], "would run other code", id="foreign module"),
        pytest.param("modules.json", {"type": "x"}, "expected a list", id="modules of another shape"),
        pytest.param("config.json", {"auto_map": {}, "hidden_size": 384}, "auto_map", id="auto_map"),
        pytest.param("config.json", {}, "hidden_size", id="no size"),
    ],
)
def test_a_local_folder_with_a_hostile_configuration_is_refused(
    copied: Path, name: str, content: object, complaint: str
) -> None:
    (copied / name).write_text(json.dumps(content))
    with pytest.raises(EncoderError, match=complaint):
        find_local(copied)


def test_a_symlink_in_a_local_folder_is_refused(copied: Path) -> None:
    (copied / "LICENSE").symlink_to("/etc/hostname")
    with pytest.raises(EncoderError, match="not on the list"):
        find_local(copied)


def test_an_unknown_name_says_what_was_expected() -> None:
    with pytest.raises(EncoderError, match="no such folder; expected"):
        load_encoder("no-such-model")
