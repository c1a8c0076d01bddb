"""Run a BERT encoder on packed tokens: the texts of a batch one after another, without any padding.

Linear layers and norms see one long row of tokens; only attention needs to know where a text ends, and texts of equal
length attend together. No token is spent on padding, and what stands beside a text in its batch never enters its sums.
Weights are converted to bfloat16 once, where autocast would convert them, and every activation, at each layer.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Run = tuple[int, int, int]
"""First token, number of texts and their length, of texts of one length that stand together."""

PREFIXES = ("", "bert.")  # as saved from BertModel, or from a model with a head
PLAIN_TOKENIZERS = ("BertTokenizer", "BertTokenizerFast")


@dataclass(frozen=True)
class BertShape:
    """What has to be known beside the weights."""

    layers: int
    heads: int
    hidden: int
    norm_epsilon: float


class PackedBert:
    """A BERT with mean pooling, its layers in one number format."""

    def __init__(self, weights: Mapping[str, Any], shape: BertShape, *, bf16: bool) -> None:
        """Args: float32 tensors by name, without prefix; sizes; whether layers compute in bfloat16."""
        import torch

        self.shape = shape
        self._format = torch.bfloat16 if bf16 else torch.float32
        self._words = weights["embeddings.word_embeddings.weight"]
        self._positions = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._first_norm = _pair(weights, "embeddings.LayerNorm", torch.float32)
        self._layers = [self._layer(weights, f"encoder.layer.{number}.") for number in range(shape.layers)]

    def means(self, token_ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Mean of each text's token vectors, ``(n_texts, hidden) float32``; texts of one length must stand together."""
        import torch

        with torch.inference_mode():
            runs = list(runs_of([len(ids) for ids in token_ids]))
            hidden = self.through(self.embedded(token_ids), runs, 0, self.shape.layers)
            means: NDArray[np.float32] = token_means(hidden, runs).numpy()
        return means

    def embedded(self, token_ids: Sequence[Sequence[int]]) -> Any:
        """What the first layer reads, ``(n_tokens, hidden)``: the texts' tokens one after another."""
        import torch
        from torch.nn.functional import layer_norm

        tokens = torch.from_numpy(np.concatenate([np.asarray(ids, dtype=np.int64) for ids in token_ids]))
        places = torch.from_numpy(np.concatenate([np.arange(len(ids)) for ids in token_ids]))
        embedded = self._words[tokens] + self._positions[places]
        return self._norm(layer_norm, embedded, self._first_norm).to(self._format)

    def through(self, hidden: Any, runs: Sequence[Run], first: int, last: int) -> Any:
        """Tokens ``(n_tokens, hidden)`` after layers ``first`` up to, not counting, ``last``."""
        for layer in self._layers[first:last]:
            hidden = self._through(layer, hidden, runs)
        return hidden

    def _through(self, layer: Mapping[str, Any], hidden: Any, runs: Sequence[Run]) -> Any:
        import torch
        from torch.nn.functional import layer_norm, scaled_dot_product_attention

        heads, size = self.shape.heads, self.shape.hidden // self.shape.heads
        asked = layer["qkv"](hidden)
        attended = torch.empty_like(hidden)
        for start, count, length in runs:
            stop = start + count * length
            query, key, value = asked[start:stop].view(count, length, 3, heads, size).permute(2, 0, 3, 1, 4)
            found = scaled_dot_product_attention(query, key, value)
            attended[start:stop].view(count, length, heads, size).copy_(found.transpose(1, 2))
        hidden = self._norm(layer_norm, layer["attended"](attended).add_(hidden), layer["attended_norm"])
        narrowed = layer["narrowed"](layer["widened"](hidden))
        return self._norm(layer_norm, narrowed.add_(hidden), layer["narrowed_norm"])

    def _norm(self, layer_norm: Any, values: Any, pair: tuple[Any, Any]) -> Any:
        return layer_norm(values, (self.shape.hidden,), *pair, self.shape.norm_epsilon)

    def _layer(self, weights: Mapping[str, Any], name: str) -> dict[str, Any]:
        import torch

        def pair(part: str) -> tuple[Any, Any]:
            return _pair(weights, f"{name}{part}", self._format)

        parts = [pair(f"attention.self.{part}") for part in ("query", "key", "value")]
        return {
            "qkv": _Linear(torch.cat([weight for weight, _ in parts]), torch.cat([bias for _, bias in parts])),
            "attended": _Linear(*pair("attention.output.dense")),
            "attended_norm": pair("attention.output.LayerNorm"),
            "widened": _Linear(*pair("intermediate.dense"), gelu=True),
            "narrowed": _Linear(*pair("output.dense")),
            "narrowed_norm": pair("output.LayerNorm"),
        }


class _Linear:
    """``x @ weight.T + bias``, and the activation behind it where there is one.

    In bfloat16 the weight is laid out once as oneDNN multiplies it, and bias and activation are done in the same pass:
    a tenth of the time. These calls are torch's own, made for its compiler; without them the plain ones serve.
    """

    def __init__(self, weight: Any, bias: Any, *, gelu: bool = False) -> None:
        import torch

        self.bias = bias
        self.gelu = gelu
        self.laid_out = weight.dtype == torch.bfloat16 and _lays_out()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, None) if self.laid_out else weight

    def __call__(self, values: Any) -> Any:
        import torch
        from torch.nn.functional import gelu, linear

        if self.laid_out:
            then: tuple[Any, ...] = ("gelu", [], "none") if self.gelu else ("none", [], "")
            return torch.ops.mkldnn._linear_pointwise(values, self.weight, self.bias, *then)
        found = linear(values, self.weight, self.bias)
        return gelu(found) if self.gelu else found


@lru_cache(maxsize=1)
def _lays_out() -> bool:
    import torch

    names = ("_is_mkldnn_bf16_supported", "_reorder_linear_weight", "_linear_pointwise")
    onednn: Any = torch.backends.mkldnn
    known = onednn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in names)
    return bool(known and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def read_weights(folder: Path) -> dict[str, Any]:
    """Float32 tensors of ``model.safetensors`` by name, without the prefix that a head leaves."""
    from safetensors.torch import load_file

    raw = load_file(str(folder / "model.safetensors"))
    prefix = next(text for text in PREFIXES if f"{text}embeddings.word_embeddings.weight" in raw)
    return {name.removeprefix(prefix): tensor.float() for name, tensor in raw.items()}


def packed_shape(folder: Path) -> BertShape | None:
    """Sizes of a model that ``PackedBert`` computes exactly as sentence-transformers does; None for any other.

    That is: a BERT with the usual activation and positions, mean pooling, no prompt, and a tokeniser file that says
    the same as the tokeniser's configuration.
    """
    config = _json(folder / "config.json")
    pooling = _json(folder / "1_Pooling" / "config.json")
    modes = {name for name, on in pooling.items() if name.startswith("pooling_mode_") and on}
    modules = [str(module.get("type", "")).rpartition(".")[2] for module in _json(folder / "modules.json") or []]
    plain = (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder")
        and modules in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
        and (modes == {"pooling_mode_mean_tokens"} or (not modes and pooling.get("pooling_mode") == "mean"))
        and not _json(folder / "sentence_bert_config.json").get("do_lower_case")
        and not _json(folder / "config_sentence_transformers.json").get("default_prompt_name")
        and _plain_tokenizer(folder)
    )
    if not plain:
        return None
    return BertShape(
        layers=int(config["num_hidden_layers"]),
        heads=int(config["num_attention_heads"]),
        hidden=int(config["hidden_size"]),
        norm_epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )


def _plain_tokenizer(folder: Path) -> bool:
    said, done = _json(folder / "tokenizer_config.json"), _json(folder / "tokenizer.json").get("normalizer") or {}
    return (
        said.get("tokenizer_class") in PLAIN_TOKENIZERS
        and done.get("type") == "BertNormalizer"
        and bool(said.get("do_lower_case", True)) == bool(done.get("lowercase"))
        and said.get("strip_accents") == done.get("strip_accents")
        and bool(said.get("tokenize_chinese_chars", True)) == bool(done.get("handle_chinese_chars"))
    )


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes()) if path.is_file() else {}


def _pair(weights: Mapping[str, Any], name: str, number_format: Any) -> tuple[Any, Any]:
    return weights[f"{name}.weight"].to(number_format), weights[f"{name}.bias"].to(number_format)


def token_means(hidden: Any, runs: Sequence[Run]) -> Any:
    """Mean of each text's tokens, ``(n_texts, hidden)`` in float32."""
    import torch

    parts = [
        hidden[start : start + count * length].view(count, length, -1).float().mean(dim=1)
        for start, count, length in runs
    ]
    return torch.cat(parts)


def runs_of(lengths: Sequence[int]) -> Iterator[Run]:
    """The runs of texts with these lengths."""
    start = 0
    for length, texts in groupby(lengths):
        count = sum(1 for _ in texts)
        yield start, count, length
        start += count * length
