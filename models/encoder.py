"""Turn texts into unit vectors with a sentence-transformers model kept on this machine.

``encoder_id`` is known without torch: a stage can see from the embeddings table that nothing is left to embed, and end
without loading 90 MB of weights. Weights are read at the first ``encode``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from models.chunking import distinct
from models.errors import EncoderError
from models.packaged import MINILM, EncoderFiles, find_local, find_minilm, verify_minilm
from models.tokens import token_counter

if TYPE_CHECKING:
    from models.engines import Engine, EngineOf

RECIPE = "mean-l2-1"  # pooling, normalisation and version of how texts are fed; a change makes cached vectors stale
WEIGHTS_DIGEST_DIGITS = 12
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


def load_encoder(name: str = MINILM) -> "SentenceEncoder":
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
        """Args: a vouched-for encoder; whether it may compute in bfloat16."""
        self.files = files
        self.allow_bf16 = allow_bf16
        self._engine: Engine | None = None
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
        """Encode each distinct text once; the same set of texts gives the same vectors in any order.

        Returns:
            ``(n_texts, dimension) float32``, rows of Euclidean length 1. Tokens past the encoder's limit are not read.

        Raises:
            EncoderError: The weights are not the expected ones, or a vector came out as not finite.
        """
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        engine = self._load()
        todo = sorted(distinct(texts))
        vectors = self._unit(engine, todo)
        row_of = {text: row for row, text in enumerate(todo)}
        result: NDArray[np.float32] = vectors[[row_of[text] for text in texts]]
        return result

    def _unit(self, engine: "Engine", texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = engine.vectors(texts)
        if vectors.shape != (len(texts), self.dimension) or not np.isfinite(vectors).all():
            expected = (len(texts), self.dimension)
            message = f"{self.encoder_id} gave vectors of shape {vectors.shape}, expected finite ones of {expected}"
            raise EncoderError(message)
        return unit_rows(vectors)

    def _load(self) -> "Engine":
        if self._engine is not None:
            return self._engine
        if self.files.name == MINILM:
            verify_minilm(self.files.folder)
        engine_of, device = self._engines()
        engine = engine_of(False)
        if self.allow_bf16 and has_bf16(device):
            fast = engine_of(True)
            self._bf16 = bool(self._least_cosine(engine, fast) >= MIN_BF16_COSINE)
            engine = fast if self._bf16 else engine
        self._engine = engine
        return engine

    def _engines(self) -> "tuple[EngineOf, str]":
        from models.engines import find_engines

        return find_engines(self.files)

    def _least_cosine(self, exact: "Engine", fast: "Engine") -> float:
        """How far bfloat16 strays here: a processor that rounds wrongly must not go unseen."""
        return float(np.sum(self._unit(exact, PROBE_TEXTS) * self._unit(fast, PROBE_TEXTS), axis=1).min())


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows ``(n, dimension)`` at Euclidean length 1."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit


def has_bf16(device_type: str) -> bool:
    """Whether the processor multiplies bfloat16 in hardware; emulated, it is slower than float32."""
    import torch

    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device_type != "cpu":
        return False
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("amx_tile") or able.get("avx512_bf16"))
