"""Tune an encoder's last layers on labels, so that they tell apart what the sectors tell apart.

Lower layers stay as they are and are computed once: on two cores, 3,000 descriptions are tuned in a few minutes. A
label that is absent has no part in the loss. Out-of-fold figures need layers that never saw the firms they are asked
about; ``classifier.tuning`` sees to that.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bert import BertShape, PackedBert, Run, packed_shape, read_weights, runs_of, token_means
from models.encoder import SentenceEncoder, has_bf16, unit_rows
from models.errors import EncoderError
from models.tokens import token_ids
from models.tuned import LAYER, TunedLayers, with_layers

N_LAYERS = 2
MAX_TOKENS = 128  # of a text, while tuning; encoding reads all of it
EPOCHS = 3
BATCH_FIRMS = 32
LEARNING_RATE = 2e-4
HEAD_LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.1
DROPOUT = 0.1  # inside the layers, as the encoder was made
VECTOR_DROPOUT = 0.3
TOKEN_DROPOUT = 0.15
WARM_UP = 0.1
PAD_TOKENS = 32  # lengths that are computed are multiples of it; with every length its own, memory grew by half
SCALE = 10.0  # of a unit vector, before the head
SEED = 0
READ_AT_ONCE = 4096

Progress = Callable[[int, int], None]
"""Called with steps done and steps to do."""


@dataclass(frozen=True)
class TunableEncoder:
    """An encoder's weights, read for tuning."""

    encoder: SentenceEncoder
    weights: dict[str, Any]  # float32 tensors
    shape: BertShape

    @classmethod
    def read(cls, encoder: SentenceEncoder) -> "TunableEncoder":
        """Read the weights of a plain encoder.

        Raises:
            EncoderError: Not a BERT as ``PackedBert`` knows it.
        """
        shape = packed_shape(encoder.files.folder)
        if shape is None:
            message = f"{encoder.files.folder}: not a BERT whose layers can be tuned; set train.tune to off"
            raise EncoderError(message)
        return cls(encoder, read_weights(encoder.files.folder), shape)

    @property
    def first(self) -> int:
        """Number of the first layer that is tuned."""
        return self.shape.layers - N_LAYERS

    def lower_states(self, texts: Sequence[str]) -> list[Any]:
        """Each text's first tokens after the lower layers, ``(n_tokens, hidden)`` in bfloat16, in order."""
        import torch

        found: list[Any] = [None] * len(texts)
        with torch.inference_mode():
            for rows, runs, hidden in self._lower(texts, MAX_TOKENS):
                lengths = [length for _, count, length in runs for _ in range(count)]
                for row, part in zip(rows, hidden.to(torch.bfloat16).split(lengths), strict=True):
                    found[row] = part.clone()
        return found

    def vectors(self, texts: Sequence[str], tuned: Sequence[TunedLayers]) -> list[NDArray[np.float32]]:
        """What ``TunedEncoder`` gives with each of these layers, ``(n_texts, hidden)`` each; lower layers run once."""
        import torch

        models = [PackedBert(with_layers(self.weights, layers), self.shape, bf16=self.bf16) for layers in tuned]
        found = [np.zeros((len(texts), self.shape.hidden), dtype=np.float32) for _ in models]
        with torch.inference_mode():
            for rows, runs, hidden in self._lower(texts, self.encoder.files.max_tokens):
                for matrix, model in zip(found, models, strict=True):
                    matrix[rows] = token_means(model.through(hidden, runs, self.first, self.shape.layers), runs).numpy()
        return [unit_rows(matrix) for matrix in found]

    def _lower(self, texts: Sequence[str], max_tokens: int) -> Iterator[tuple[list[int], list[Run], Any]]:
        """Texts of like length together: their rows, their runs, and their tokens after the lower layers."""
        model = PackedBert(self.weights, self.shape, bf16=self.bf16)
        for start in range(0, len(texts), READ_AT_ONCE):
            ids = token_ids(self.encoder.files.tokenizer_file, texts[start : start + READ_AT_ONCE], max_tokens)
            order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
            for first in range(0, len(order), BATCH_FIRMS):
                places = order[first : first + BATCH_FIRMS]
                batch = [ids[place] for place in places]
                runs = list(runs_of([len(text_ids) for text_ids in batch]))
                rows = [start + place for place in places]
                yield rows, runs, model.through(model.embedded(batch), runs, 0, self.first)

    @property
    def bf16(self) -> bool:
        """Whether to compute in bfloat16."""
        return self.encoder.allow_bf16 and has_bf16("cpu")


def tune_layers(
    source: TunableEncoder,
    states: Sequence[Sequence[Any]],
    Y: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    head: tuple[NDArray[np.float64], NDArray[np.float64]],
    progress: Progress | None = None,
) -> TunedLayers:
    """Tune the last layers together with a linear model on top of them, which is then thrown away.

    Args:
        source: Weights to start from.
        states: For each of ``n_firms`` firms the lower states of one or several of its texts.
        Y: ``(n_firms, n_sectors) bool`` includes.
        mask: ``(n_firms, n_sectors) bool``, True where judged; nothing else is learnt from.
        head: Weights ``(n_sectors, hidden)`` and intercepts ``(n_sectors,)`` of linear models on plain vectors.
        progress: Called after each step.
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as loss_of
    from torch.nn.functional import dropout, normalize

    labels = torch.from_numpy(Y.astype(np.float32))
    judged = torch.from_numpy(mask.astype(np.float32))
    steps = EPOCHS * -(-len(states) // BATCH_FIRMS)
    precision = torch.autocast("cpu", dtype=torch.bfloat16) if source.bf16 else nullcontext()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        top = {
            name: tensor.clone().requires_grad_() for name, tensor in source.weights.items() if _is_top(source, name)
        }
        weights = torch.tensor(head[0] / SCALE, dtype=torch.float32, requires_grad=True)
        offsets = torch.tensor(head[1], dtype=torch.float32, requires_grad=True)
        optimizer = torch.optim.AdamW(
            [
                {"params": list(top.values()), "lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY},
                {"params": [weights, offsets], "lr": HEAD_LEARNING_RATE, "weight_decay": 0.0},
            ]
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: min(1.0, (step + 1) / (WARM_UP * steps)) * max(0.0, 1 - step / steps)
        )
        done = 0
        for epoch in range(EPOCHS):
            for rows in _batches(states, epoch):
                texts = [_drop_tokens(state) for row in rows for state in states[row]]
                with precision:
                    of_texts = _top_means(source, top, texts)
                owner = np.repeat(np.arange(len(rows)), [len(states[row]) for row in rows])
                unit = normalize(of_texts, dim=-1)
                of_firms = torch.zeros(len(rows), unit.shape[1]).index_add(0, torch.from_numpy(owner), unit)
                read = dropout(normalize(of_firms, dim=-1) * SCALE, VECTOR_DROPOUT)
                losses = loss_of(read @ weights.T + offsets, labels[rows], weight=judged[rows], reduction="sum")
                optimizer.zero_grad()
                (losses / len(rows)).backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(list(top.values()), 1.0)
                optimizer.step()
                schedule.step()
                done += 1
                if progress:
                    progress(done, steps)
    return TunedLayers({name: tensor.detach().numpy().astype(np.float16) for name, tensor in top.items()})


def _is_top(source: TunableEncoder, name: str) -> bool:
    return name.startswith(LAYER) and int(name.removeprefix(LAYER).split(".")[0]) >= source.first


def _batches(states: Sequence[Sequence[Any]], epoch: int) -> list[list[int]]:
    """Firms of like length together, batches in random order; the same for the same epoch."""
    chance = np.random.default_rng((SEED, epoch))
    order = chance.permutation(len(states)).tolist()
    wide = 16 * BATCH_FIRMS
    ordered = [
        row
        for start in range(0, len(order), wide)
        for row in sorted(order[start : start + wide], key=lambda row: max(map(len, states[row])))
    ]
    batches = [ordered[start : start + BATCH_FIRMS] for start in range(0, len(ordered), BATCH_FIRMS)]
    return [batches[place] for place in chance.permutation(len(batches))]


def _drop_tokens(state: Any) -> Any:
    """The text without some of its tokens, so that no single word is leant on."""
    import torch

    return state[torch.rand(len(state)) > TOKEN_DROPOUT] if len(state) > 8 else state


def _top_means(source: TunableEncoder, top: dict[str, Any], texts: Sequence[Any]) -> Any:
    """Mean token vectors of texts after the tuned layers, ``(n_texts, hidden)``, with gradients."""
    import torch
    from torch.nn.functional import dropout, gelu, layer_norm, linear

    shape = source.shape
    longest, size = -(-max(map(len, texts)) // PAD_TOKENS) * PAD_TOKENS, shape.hidden // shape.heads
    hidden = torch.zeros(len(texts), longest, shape.hidden)
    keep = torch.zeros(len(texts), longest)
    for row, text in enumerate(texts):
        hidden[row, : len(text)] = text
        keep[row, : len(text)] = 1
    unseen = (1 - keep)[:, None, None, :] * -1e4
    for number in range(source.first, shape.layers):

        def through(part: str, values: Any, number: int = number) -> Any:
            name = f"{LAYER}{number}.{part}"
            return linear(values, top[f"{name}.weight"], top[f"{name}.bias"])

        def norm(part: str, values: Any, number: int = number) -> Any:
            name = f"{LAYER}{number}.{part}"
            return layer_norm(
                values.float(), (shape.hidden,), top[f"{name}.weight"], top[f"{name}.bias"], shape.norm_epsilon
            )

        query, key, value = (
            through(f"attention.self.{part}", hidden).view(len(texts), longest, shape.heads, size).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        weights = torch.softmax((query @ key.transpose(-1, -2)).float() / size**0.5 + unseen, dim=-1)
        mixed = (weights.to(value.dtype) @ value).transpose(1, 2).reshape(len(texts), longest, -1)
        hidden = norm("attention.output.LayerNorm", hidden + dropout(through("attention.output.dense", mixed), DROPOUT))
        widened = gelu(through("intermediate.dense", hidden))
        hidden = norm("output.LayerNorm", hidden + dropout(through("output.dense", widened), DROPOUT))
    hidden = hidden.float()
    return (hidden * keep[..., None]).sum(dim=1) / keep.sum(dim=1, keepdim=True)
