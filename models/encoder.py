"""Turn texts into unit vectors with a sentence-transformers model kept on this machine.

``encoder_id`` is known without torch: a stage can see from the embeddings table that nothing is left to embed, and end
without loading 90 MB of weights. Weights are read at the first ``encode``.
"""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.chunking import distinct
from models.errors import EncoderError
from models.packaged import MINILM, EncoderFiles, find_local, find_minilm, verify_minilm
from models.tokens import token_counter

RECIPE = "mean-l2-1"  # pooling, normalisation and version of how texts are fed; a change makes cached vectors stale
WEIGHTS_DIGEST_DIGITS = 12
BATCH_TEXTS = 64
MIN_BF16_COSINE = 0.999  # measured 0.99997 on YC texts; below, bfloat16 is not used
PROBE_TEXTS = (
    "We design and build satellites and ground stations for earth observation.",
    "Family-run bakery. Fresh bread every day, wholesale and retail, delivered across the county since 1952.",
    "ISO 9001 registered precision engineers: 5-axis CNC milling, wire erosion and inspection for aerospace and rail.",
    "Cloud software that helps clinics, pharmacies and care homes plan staff rotas and keep audit trails.",
)


class TextEncoder(Protocol):
    """What turns a text into a vector; anything with these members can stand in for the packaged model."""

    @property
    def encoder_id(self) -> str:
        """Name, weights, length limit and recipe; vectors are comparable only within one id."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens left out; loads no weights."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``(n_texts, dimension) float32``, rows in the order of ``texts``, each of Euclidean length 1."""


def load_encoder(name: str = MINILM) -> TextEncoder:
    """An encoder by name: ``minilm`` (packaged), or the path of a local sentence-transformers folder.

    No weights are read and torch is not imported until the first ``encode``.

    Raises:
        EncoderError: Package or folder missing, or the folder holds anything but weights and configuration.
    """
    files = find_minilm() if name == MINILM else find_local(Path(name))
    return SentenceEncoder(files)


class SentenceEncoder:
    """A sentence-transformers model, read lazily from a vouched-for folder."""

    def __init__(self, files: EncoderFiles, *, allow_bf16: bool = True) -> None:
        self.files = files
        self.allow_bf16 = allow_bf16
        self._model: Any = None
        self._bf16 = False

    @property
    def encoder_id(self) -> str:
        """For example ``minilm-53aa51172d14-256-mean-l2-1``.

        Number format is not part of it: bfloat16 and float32 vectors agree to a cosine of 0.9999 and may share a cache.
        """
        digest = self.files.weights_digest[:WEIGHTS_DIGEST_DIGITS]
        return f"{self.files.name}-{digest}-{self.files.max_tokens}-{RECIPE}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.files.dimension

    @property
    def number_format(self) -> str:
        """``bfloat16`` or ``float32``: what ``encode`` computes in on this machine. Loads the weights."""
        self._load()
        return "bfloat16" if self._bf16 else "float32"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens left out."""
        return token_counter(self.files.tokenizer_file)(texts)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode each distinct text once, longest first; the same set of texts gives the same vectors in any order.

        Returns:
            ``(n_texts, dimension) float32``, rows of Euclidean length 1. Tokens past the encoder's limit are not read.

        Raises:
            EncoderError: The weights are not the expected ones, or a vector came out as not finite.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        model = self._load()
        todo = distinct(texts)
        lengths = dict(zip(todo, self.count_tokens(todo), strict=True))
        todo.sort(key=lambda text: (-lengths[text], text))
        vectors = self._encode(model, todo, bf16=self._bf16)
        row_of = {text: row for row, text in enumerate(todo)}
        result: NDArray[np.float32] = vectors[[row_of[text] for text in texts]]
        return result

    def _encode(self, model: Any, texts: Sequence[str], *, bf16: bool) -> NDArray[np.float32]:
        import torch

        precision = torch.autocast(model.device.type, dtype=torch.bfloat16) if bf16 else nullcontext()
        with torch.inference_mode(), precision:
            raw = model.encode(list(texts), batch_size=BATCH_TEXTS, convert_to_numpy=True, show_progress_bar=False)
        vectors = np.asarray(raw, dtype=np.float32)
        if vectors.shape != (len(texts), self.dimension) or not np.isfinite(vectors).all():
            expected = (len(texts), self.dimension)
            message = f"{self.encoder_id} gave vectors of shape {vectors.shape}, expected finite ones of {expected}"
            raise EncoderError(message)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return unit

    def _load(self) -> Any:
        if self._model is not None:
            return self._model
        if self.files.name == MINILM:
            verify_minilm(self.files.folder)
        os.environ["HF_HUB_OFFLINE"] = "1"  # read at import of huggingface_hub; a night must not try to connect
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the tokeniser warns when a process forks after use
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        silence: Any = transformers_logging.disable_progress_bar
        silence()
        try:
            model = SentenceTransformer(
                str(self.files.folder),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # configuration faults surface as many types
            message = (
                f"{self.files.folder}: sentence-transformers cannot load it ({error}); use a clean copy of the model"
            )
            raise EncoderError(message) from error
        model.max_seq_length = self.files.max_tokens
        model.eval()
        self._bf16 = self.allow_bf16 and _has_bf16(model.device.type) and self._bf16_agrees(model)
        self._model = model
        return model

    def _bf16_agrees(self, model: Any) -> bool:
        exact = self._encode(model, PROBE_TEXTS, bf16=False)
        fast = self._encode(model, PROBE_TEXTS, bf16=True)
        return bool(np.sum(exact * fast, axis=1).min() >= MIN_BF16_COSINE)


def _has_bf16(device_type: str) -> bool:
    """Whether the processor multiplies bfloat16 in hardware; emulated, it is slower than float32."""
    import torch

    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device_type != "cpu":
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("amx_tile") or able.get("avx512_bf16"))
