"""Texts per second of ``models.encoder`` beside ``SentenceTransformer.encode`` at its defaults, on the same chunks.

A third row has our own encoder held to float32, so that what the number format brings can be told from what the
batching brings. The ratio is the median over rounds in which the encoders take turns on the same chunks.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crawler.extract import extract_page
from models.chunking import chunk_text, distinct
from models.encoder import SentenceEncoder
from models.packaged import find_minilm
from models.tokens import token_counter
from tests.benchmarks.machine import describe, need_shared, table

TEXTS = int(os.environ.get("FIRMSCOPE_ENCODE_TEXTS", "2000"))
ROUNDS = 5  # encoders take turns over a fifth of the texts each, so that a busy minute hits all of them
WARM_UP = 16
HTML = {".html", ".htm", ".php", ".asp", ".aspx", ".shtml"}

Encode = Callable[[Sequence[str]], NDArray[np.float32]]


def run() -> None:
    """Print the table and the ratio."""
    describe("sentence-transformers", "torch", "transformers")
    files = find_minilm()
    texts = real_chunks(TEXTS)
    tokens = token_counter(files.tokenizer_file)(texts)
    ours, exact = SentenceEncoder(files), SentenceEncoder(files, allow_bf16=False)
    number_format = ours.number_format  # loads the weights
    peer = _sentence_transformer(str(files.folder))
    encoders: dict[str, Encode] = {
        f"firmscope ({number_format})": ours.encode,
        f"SentenceTransformer.encode, defaults ({_format(peer)})": lambda some: _as_array(peer, some),
    }
    if number_format != exact.number_format:
        encoders[f"firmscope held to {exact.number_format}"] = exact.encode
    for encode in encoders.values():
        encode(texts[:WARM_UP])
    wall, cpu, vectors = _measure(encoders, texts)
    peer_name = list(encoders)[1]
    ratio = {name: statistics.median(map(_over, wall[peer_name], wall[name])) for name in encoders}
    rows = [
        [
            name,
            f"{sum(wall[name]):.1f}",
            f"{len(texts) / sum(wall[name]):.1f}",
            f"{ratio[name]:.2f}",
            f"{1000 * cpu[name] / len(texts):.0f}",
            f"{_least_cosine(vectors[name], vectors[peer_name]):.5f}",
        ]
        for name in encoders
    ]
    table(["encoder", "seconds", "texts/s", "ratio", "CPU ms/text", "least cosine to peer"], rows)
    mean = sum(tokens) / len(tokens)
    print(f"{len(texts)} distinct chunks of real pages, {mean:.0f} tokens on average, {max(tokens)} at most; ", end="")
    print(f"peer reads {peer.max_seq_length} tokens on {peer.device}, batches of 32; ours {files.max_tokens}.")
    first = next(iter(encoders))
    spread = map(_over, wall[peer_name], wall[first])
    print(f"rounds: {', '.join(f'{value:.2f}' for value in spread)}")
    print(f"ratio: firmscope encodes {ratio[first]:.2f} times as many texts per second (median of {ROUNDS} rounds)\n")


def real_chunks(count: int) -> list[str]:
    """Distinct chunks of real pages, evenly taken over all sites, always the same."""
    folder = need_shared("sites")
    count_tokens = token_counter(find_minilm().tokenizer_file)
    pages = sorted(path for path in folder.rglob("*") if path.suffix.lower() in HTML and path.is_file())
    texts = (extract_page(path.read_bytes(), path.as_posix()).text for path in pages)
    chunks = distinct(chunk for text in texts for chunk in chunk_text(text, count_tokens))
    return [chunks[index * len(chunks) // count] for index in range(min(count, len(chunks)))]


def _measure(
    encoders: dict[str, Encode], texts: Sequence[str]
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, NDArray[np.float32]]]:
    """Seconds of each round, processor seconds of all, and vectors, by encoder."""
    wall: dict[str, list[float]] = {name: [] for name in encoders}
    cpu = dict.fromkeys(encoders, 0.0)
    vectors = {name: np.zeros((len(texts), find_minilm().dimension), dtype=np.float32) for name in encoders}
    for part in range(ROUNDS):
        for name, encode in encoders.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            found = encode(texts[part::ROUNDS])
            wall[name].append(time.perf_counter() - started)
            cpu[name] += time.process_time() - started_cpu
            vectors[name][part::ROUNDS] = found
    return wall, cpu, vectors


def _over(peer_s: float, ours_s: float) -> float:
    return peer_s / ours_s


def _sentence_transformer(folder: str) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(folder, local_files_only=True)


def _as_array(model: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    return np.asarray(model.encode(list(texts), show_progress_bar=False), dtype=np.float32)


def _format(model: Any) -> str:
    return str(next(iter(model.parameters())).dtype).removeprefix("torch.")


def _least_cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float((np.sum(left * right, axis=1) / norms).min())
