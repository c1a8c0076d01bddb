"""What an encoder computes with: packed tokens on a processor, sentence-transformers on a GPU or for any other model.

Both read the same weights and agree to rounding; the packed engine needs no transformers, whose import alone takes
longer than embedding a hundred texts.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.bert import BertShape, PackedBert, packed_shape, read_weights
from models.errors import EncoderError
from models.packaged import EncoderFiles
from models.tokens import token_counter, token_ids

BATCH_TOKENS = 4096
"""Tokens computed side by side. Of one core, a real chunk in bfloat16 took 23 ms at 512 tokens, 18 at 1,024, 16 at
2,048 and 15 at 4,096. The widest activation is then 12 MB."""

BATCH_TEXTS = 64  # for sentence-transformers, which pads
ACCELERATOR_BATCH_TEXTS = 512
FEW_PLANS = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "32", "LRU_CACHE_CAPACITY": "32"}
"""Environment that torch's two stores of plans read before their first use. They keep 1,024 plans otherwise, one of 250
kB for each number of tokens that a batch had: a process that had read 9,310 firms held 444 MB, and holds 186 with these
from the first thousand on, in the same processor time."""
TOKENIZED_AT_ONCE = 4096  # texts whose tokens are held; a pass over millions must not hold all of theirs


class Engine(Protocol):
    """Texts to raw vectors, in one number format."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``(n_texts, dimension) float32``, of any length; the order of texts does not change a vector."""


class PackedEngine:
    """A BERT on this machine's processor."""

    def __init__(self, files: EncoderFiles, model: PackedBert) -> None:
        """Args: the encoder's files (for its tokeniser); its weights."""
        self.files = files
        self.model = model

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Longest texts first, so that those of one length stand together and memory peaks at once."""
        found = np.empty((len(texts), self.files.dimension), dtype=np.float32)
        for start in range(0, len(texts), TOKENIZED_AT_ONCE):
            part = texts[start : start + TOKENIZED_AT_ONCE]
            ids = token_ids(self.files.tokenizer_file, part, self.files.max_tokens)
            order = sorted(range(len(part)), key=lambda row: (-len(ids[row]), part[row]))
            for rows in _batches(order, [len(text_ids) for text_ids in ids]):
                found[[start + row for row in rows]] = self.model.means([ids[row] for row in rows])
        return found


class SentenceTransformersEngine:
    """Any sentence-transformers model, on the device that the library finds."""

    def __init__(self, files: EncoderFiles, model: Any, *, bf16: bool) -> None:
        """Args: the encoder's files; a loaded ``SentenceTransformer``; whether to compute in bfloat16."""
        self.files = files
        self.model = model
        self.bf16 = bf16

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Longest texts first, in batches of texts of like length."""
        import torch

        device = self.model.device.type
        lengths = token_counter(self.files.tokenizer_file)(texts)
        order = sorted(range(len(texts)), key=lambda row: (-lengths[row], texts[row]))
        precision = torch.autocast(device, dtype=torch.bfloat16) if self.bf16 else nullcontext()
        with torch.inference_mode(), precision:
            raw = self.model.encode(
                [texts[row] for row in order],
                batch_size=BATCH_TEXTS if device == "cpu" else ACCELERATOR_BATCH_TEXTS,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        found = np.empty((len(texts), self.files.dimension), dtype=np.float32)
        found[order] = np.asarray(raw, dtype=np.float32)
        return found


EngineOf = Callable[[bool], Engine]
"""Makes the engine for one number format; ``True`` for bfloat16."""


def find_engines(files: EncoderFiles) -> tuple[EngineOf, str]:
    """Weights read once, as engines for either number format; and the kind of device that they compute on.

    Raises:
        EncoderError: The weights cannot be read.
    """
    for name, value in FEW_PLANS.items():
        os.environ.setdefault(name, value)
    import torch

    shape = None if torch.accelerator.is_available() else packed_shape(files.folder)
    return (_packed(files, shape), "cpu") if shape else _sentence_transformers(files)


def _packed(files: EncoderFiles, shape: BertShape) -> EngineOf:
    try:
        weights = read_weights(files.folder)
        PackedBert(weights, shape, bf16=True)  # every name and size is there
    except Exception as error:  # safetensors raises several kinds, names that are missing another
        message = f"{files.folder}: weights cannot be read ({error!r}); use a clean copy of the model"
        raise EncoderError(message) from error
    return lambda bf16: PackedEngine(files, PackedBert(weights, shape, bf16=bf16))


def _sentence_transformers(files: EncoderFiles) -> tuple[EngineOf, str]:
    os.environ["HF_HUB_OFFLINE"] = "1"  # read at import of huggingface_hub; a night must not try to connect
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the tokeniser warns when a process forks after use
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    silence: Any = transformers_logging.disable_progress_bar
    silence()
    try:
        model = SentenceTransformer(
            str(files.folder), local_files_only=True, trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:  # configuration faults surface as many types
        message = f"{files.folder}: sentence-transformers cannot load it ({error}); use a clean copy of the model"
        raise EncoderError(message) from error
    model.max_seq_length = files.max_tokens
    model.eval()
    return lambda bf16: SentenceTransformersEngine(files, model, bf16=bf16), str(model.device.type)


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows in this order, as many at once as ``BATCH_TOKENS`` allows, and at least one."""
    batch: list[int] = []
    tokens = 0
    for row in order:
        if batch and tokens + lengths[row] > BATCH_TOKENS:
            yield batch
            batch, tokens = [], 0
        batch.append(row)
        tokens += lengths[row]
    if batch:
        yield batch
