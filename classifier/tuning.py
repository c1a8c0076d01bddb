"""Tune the encoder on labelled firms, and give each of them vectors from layers that never saw its labels.

Layers that were tuned on a firm know it by heart: a calibration or a threshold chosen on such vectors would promise
what no new firm keeps. So layers are tuned once for each part of the firms, without it, and once on all; the parts
serve for out-of-fold scores alone.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from classifier.design_matrix import MatrixDesign
from classifier.features import FirmText, Vectors, chunk_matrix, firm_chunks, mean_vector, texts_to_embed
from classifier.folds import group_digest
from classifier.hierarchy import Parents, close_labels
from classifier.hints import Hint, hint_texts
from classifier.linear import fit_blocks
from models.chunking import distinct
from models.digest import text_digest
from models.encoder import SentenceEncoder
from models.tuned import TunedEncoder, TunedLayers
from models.tuning import TunableEncoder, tune_layers

N_PARTS = 2
MIN_FIRMS = 500
MIN_MEDIAN_INCLUDES = 20
"""Below, a general encoder and hints do better: with 8 includes per sector tuning took 0.005 off the mAP of folds, with
the shipped seeds (30 or so) it added 0.04 on real websites."""

MIN_INCLUDES = 2  # of a sector in every part, or it could not be calibrated
MAX_TEXTS = 12_000  # tuned on; 128 tokens of each are 100 kB in memory
CHUNKS_PER_FIRM = 4
HEAD_STRENGTH = 1.0

Progress = Callable[[str, int, int], None]
"""What is done, steps done and steps to do."""


@dataclass(frozen=True)
class HeldOutVectors:
    """Vectors from layers that the labels of some firms had no part in."""

    firm_ids: frozenset[str]  # whose labels had no part
    vectors: Vectors  # of all training firms' chunks and of the hints


@dataclass(frozen=True)
class Tuned:
    """Layers tuned on all labelled firms, and what out-of-fold scores need."""

    layers: TunedLayers
    held_out: tuple[HeldOutVectors, ...]

    def read(self, encoder: SentenceEncoder, firms: Sequence[FirmText], hints: Sequence[Hint]) -> Vectors:
        """Vectors of firms' chunks and of hints by the layers tuned on all; ``encoder`` is the plain one."""
        texts = distinct([*(text for firm in firms for text in texts_to_embed(firm)), *hint_texts(hints)])
        vectors = TunedEncoder(encoder.files, self.layers, allow_bf16=encoder.allow_bf16).encode(texts)
        return dict(zip(map(text_digest, texts), vectors, strict=True))


def reason_against(Y: NDArray[np.bool_], mask: NDArray[np.bool_], groups: Sequence[Hashable], parents: Parents) -> str:
    """Why the encoder is not tuned on these labels; empty where it can be."""
    if len(Y) < MIN_FIRMS:
        return f"{len(Y)} labelled firms, {MIN_FIRMS} are needed"
    labels, judged = close_labels(Y, mask, parents)
    support = labels.sum(axis=0)
    middle = float(np.median(support[support >= MIN_INCLUDES])) if (support >= MIN_INCLUDES).any() else 0.0
    if middle < MIN_MEDIAN_INCLUDES:
        return f"half of the sectors have {middle:.0f} includes or fewer, {MIN_MEDIAN_INCLUDES} are needed"
    part = deal_parts(labels, groups)
    for number in range(N_PARTS):
        outside = part != number
        for kind in (labels, judged & ~labels):
            short = (kind[outside].sum(axis=0) < MIN_INCLUDES) & (kind.sum(axis=0) >= MIN_INCLUDES)
            if short.any():
                return f"{int(short.sum())} sectors have too few labels for figures that hold for new firms"
    return ""


def tune(
    encoder: SentenceEncoder,
    firms: Sequence[FirmText],
    vectors: Vectors,
    Y: NDArray[np.bool_],
    mask: NDArray[np.bool_],
    groups: Sequence[Hashable],
    parents: Parents,
    hints: Sequence[Hint] = (),
    progress: Progress | None = None,
) -> Tuned:
    """Tune the last layers on labelled firms; the result does not depend on the order in which they are given.

    Args:
        encoder: Plain encoder, whose layers can be tuned.
        firms: ``n_firms`` firms with distinct ids.
        vectors: Its vectors of every chunk of the firms.
        Y: ``(n_firms, n_sectors) bool`` includes.
        mask: ``(n_firms, n_sectors) bool``, True where judged.
        groups: ``(n_firms,)`` registered domains; a domain is in one part.
        parents: Columns of each sector's parents.
        hints: What the taxonomy says of the sectors; their texts get vectors too.
        progress: Called now and then.
    """
    order = sorted(range(len(firms)), key=lambda row: firms[row].firm_id)
    firms, groups = [firms[row] for row in order], [groups[row] for row in order]
    labels, judged = close_labels(Y[order], mask[order], parents)
    part = deal_parts(labels, groups)
    source = TunableEncoder.read(encoder)
    learning = _learning(firms)
    chunks = [[chunk.text for chunk in firm_chunks(firms[row])][: _chunks_each(len(learning))] for row in learning]
    flat = iter(source.lower_states([text for texts in chunks for text in texts]))
    states = [[next(flat) for _ in texts] for texts in chunks]
    means = np.stack(
        [mean_vector(chunk_matrix(firm_chunks(firms[row]), vectors, encoder.dimension)) for row in learning]
    )
    made: list[TunedLayers] = []
    for number in range(N_PARTS + 1):  # the last one on all
        said = "Tuning the encoder" if number == N_PARTS else f"Tuning the encoder without part {number + 1}"
        inside = np.flatnonzero(part[learning] != number)
        rows = learning[inside]
        made.append(
            tune_layers(
                source,
                [states[place] for place in inside],
                labels[rows],
                judged[rows],
                _heads(means[inside], labels[rows], judged[rows]),
                partial(progress, said) if progress else None,
            )
        )
    *without, layers = made
    texts = distinct([*(text for firm in firms for text in texts_to_embed(firm)), *hint_texts(hints)])
    matrices = source.vectors(texts, without)
    digests = [text_digest(text) for text in texts]
    held_out = tuple(
        HeldOutVectors(
            frozenset(firms[row].firm_id for row in np.flatnonzero(part == number)),
            dict(zip(digests, matrix, strict=True)),
        )
        for number, matrix in enumerate(matrices)
    )
    return Tuned(layers, held_out)


def deal_parts(labels: NDArray[np.bool_], groups: Sequence[Hashable]) -> NDArray[np.int64]:
    """Part of each firm, ``(n_firms,) int64``: whole groups, those with the rarest sectors dealt first and in turn.

    Args:
        labels: ``(n_firms, n_sectors) bool`` includes, hierarchy applied.
        groups: ``(n_firms,)`` registered domains.
    """
    support = labels.sum(axis=0)
    rarest: dict[Hashable, int] = {}
    n_sectors = labels.shape[1]
    for row, group in enumerate(groups):
        found = np.flatnonzero(labels[row])
        sector = int(found[np.argmin(support[found])]) if len(found) else n_sectors
        best = rarest.get(group, n_sectors)
        if best == n_sectors or (sector < n_sectors and support[sector] < support[best]):
            rarest[group] = sector
    part_of: dict[Hashable, int] = {}
    for sector in range(n_sectors + 1):
        holders = sorted((group for group, of in rarest.items() if of == sector), key=group_digest)
        part_of |= {group: (place + sector) % N_PARTS for place, group in enumerate(holders)}
    return np.array([part_of[group] for group in groups], dtype=np.int64)


def _learning(firms: Sequence[FirmText]) -> NDArray[np.int64]:
    """Rows to tune on: firms with words, some left out by a digest of their ids where there are very many."""
    rows = [row for row, firm in enumerate(firms) if firm_chunks(firm)]
    kept = sorted(rows, key=lambda row: group_digest(firms[row].firm_id))[:MAX_TEXTS]
    return np.array(sorted(kept), dtype=np.int64)


def _chunks_each(n_firms: int) -> int:
    return max(1, min(CHUNKS_PER_FIRM, MAX_TEXTS // max(n_firms, 1)))


def _heads(
    means: NDArray[np.float32], labels: NDArray[np.bool_], judged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the linear model on top starts: fitted on plain vectors, flat where a sector has no two kinds of labels."""
    weights, intercepts = np.zeros((labels.shape[1], means.shape[1])), np.zeros(labels.shape[1])
    design = MatrixDesign(means)
    for sector in range(labels.shape[1]):
        rows = np.flatnonzero(judged[:, sector])
        y = labels[rows, sector]
        if 0 < y.sum() < len(y):
            weights[sector], intercepts[sector] = fit_blocks(design, rows, y, (HEAD_STRENGTH,), None)
    return weights, intercepts
