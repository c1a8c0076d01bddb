"""An encoder whose last layers were tuned on labels: the same files, a few other weights, and an id of its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bert import PackedBert, packed_shape, read_weights
from models.encoder import SentenceEncoder
from models.engines import EngineOf, PackedEngine
from models.errors import EncoderError
from models.packaged import EncoderFiles

LAYER = "encoder.layer."
DIGEST_DIGITS = 12


@dataclass(frozen=True)
class TunedLayers:
    """Weights of an encoder's last layers, by the names that the encoder gives them."""

    weights: Mapping[str, NDArray[np.float16]]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over names, shapes and values."""
        found = hashlib.sha256()
        for name in sorted(self.weights):
            found.update(f"{name} {self.weights[name].shape}\n".encode())
            found.update(np.ascontiguousarray(self.weights[name], dtype="<f2").tobytes())
        return found.hexdigest()


def can_be_tuned(encoder: SentenceEncoder) -> bool:
    """Whether the encoder's layers are of the kind that ``models.tuning`` knows."""
    return packed_shape(encoder.files.folder) is not None


class TunedEncoder(SentenceEncoder):
    """A sentence-transformers BERT with tuned layers in place of its own; it computes on the processor."""

    def __init__(self, files: EncoderFiles, tuned: TunedLayers, *, allow_bf16: bool = True) -> None:
        """Args: a vouched-for encoder; its tuned layers; whether it may compute in bfloat16."""
        super().__init__(files, allow_bf16=allow_bf16)
        self.tuned = tuned

    @property
    def encoder_id(self) -> str:
        """The plain encoder's id, and the digest of the tuned layers behind it."""
        return f"{super().encoder_id}-tuned-{self.tuned.digest[:DIGEST_DIGITS]}"

    def _engines(self) -> tuple[EngineOf, str]:
        shape = packed_shape(self.files.folder)
        if shape is None:
            message = (
                f"{self.files.folder}: not a BERT whose layers can be tuned; set train.tune to off and train again"
            )
            raise EncoderError(message)
        known = shape
        try:
            weights = with_layers(read_weights(self.files.folder), self.tuned)
            PackedBert(weights, known, bf16=False)
        except Exception as error:  # safetensors raises several kinds, a name or a size that does not fit others
            message = f"{self.files.folder}: tuned layers do not fit this encoder ({error!r}); train again"
            raise EncoderError(message) from error
        return lambda bf16: PackedEngine(self.files, PackedBert(weights, known, bf16=bf16)), "cpu"


def with_layers(weights: Mapping[str, Any], tuned: TunedLayers) -> dict[str, Any]:
    """An encoder's tensors with the tuned ones in their places.

    Raises:
        KeyError: A tuned name is not one of the encoder's.
        ValueError: A tuned tensor has another shape.
    """
    import torch

    found = dict(weights)
    for name, values in tuned.weights.items():
        if tuple(found[name].shape) != values.shape:
            message = f"{name} is {values.shape}, the encoder's {tuple(found[name].shape)}"
            raise ValueError(message)
        found[name] = torch.from_numpy(values.astype(np.float32))
    return found
