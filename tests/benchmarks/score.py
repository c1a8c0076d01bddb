"""Seconds and memory of ``classifier.bulk`` on 2 million embedded firms and 50 sectors, beside ``predict_proba``.

Firms are made a block at a time and thrown away, so that what is measured is scoring and not a disk; making them is not
counted. N-grams per firm and chunks per firm are drawn from what real descriptions and real websites have.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.bulk import BLOCK_CHUNKS, BLOCK_FIRMS, FirmBlock, score_blocks
from classifier.design_matrix import FirmDesign
from classifier.model import SectorModel
from classifier.neighbours import Neighbours
from classifier.sector_classifier import SectorClassifier
from tests.benchmarks.machine import BenchmarkError, describe, table

FIRMS = int(os.environ.get("FIRMSCOPE_SCORE_FIRMS", "2000000"))
SECTORS = 50
TERMS = 100_000  # classifier.features.MAX_TERMS
DIMENSION = 384
NGRAMS_PER_FIRM = 80
CHUNKS_PER_FIRM = (1, 2, 3, 4, 6, 8)
"""Evenly drawn, 4 on average: a small firm's site of three or four pages; a description is one chunk."""

SAMPLE = 200  # firms that the peer scores; the rest is extrapolated
MADE_BLOCKS = 8  # different blocks, handed out in turn


@dataclass(frozen=True)
class Timed:
    """A pass over firms."""

    firms: int
    seconds: float
    cpu_seconds: float


def run() -> None:
    """Print the table and the ratio."""
    describe("numpy", "scipy", "scikit-learn")
    model = made_model()
    blocks = [made_block(model, seed) for seed in range(MADE_BLOCKS)]
    before = _peak_mib()
    ours = _bulk(model, blocks)
    peak = _peak_mib()
    peer, off = _one_by_one(model, blocks[0])
    if off > 1e-6:
        raise BenchmarkError(f"bulk and one-by-one probabilities differ by {off:.2g}; expected at most 1e-6")
    rows = [
        ["classifier.bulk", f"{ours.firms:,}", f"{ours.seconds:.1f}", f"{ours.cpu_seconds:.1f}",
         f"{ours.firms / ours.seconds:,.0f}", f"{peak:,.0f}"],
        ["a firm at a time", f"{peer.firms:,}", f"{peer.seconds:.1f}", f"{peer.cpu_seconds:.1f}",
         f"{peer.firms / peer.seconds:,.0f}", "-"],
    ]  # fmt: skip
    table(["", "firms", "seconds", "CPU s", "firms/s", "peak MiB"], rows)
    chunks = np.mean([len(block.design.chunks) / block.design.n_firms for block in blocks])
    print(f"{SECTORS} sectors; per firm {NGRAMS_PER_FIRM} n-grams of {TERMS:,} and {chunks:.1f} chunks of {DIMENSION};")
    print(f"calibration, hierarchy and thresholds included, making the firms not ({before:,.0f} MiB before scoring).")
    print(f"The peer scored {peer.firms:,} firms; {FIRMS:,} would take it {FIRMS / peer.firms * peer.seconds:,.0f} s")
    print(f"(extrapolated). Largest difference between the two: {off:.1g}.")
    ratio = (ours.firms / ours.seconds) / (peer.firms / peer.seconds)
    print(f"ratio: bulk scores {ratio:.1f} times as many firms per second\n")


def made_model() -> SectorModel:
    """A model of the full size with weights drawn at random; every fifth sector is a child of the first."""
    rng = np.random.default_rng(0)
    parents = tuple((0,) if sector and sector % 5 == 0 else () for sector in range(SECTORS))
    head = SectorClassifier(parents=parents)
    head.n_features_in_ = TERMS + DIMENSION
    head.coef_ = rng.normal(scale=0.5, size=(SECTORS, TERMS + DIMENSION))
    head.coef_[:, TERMS:] *= 4
    head.intercept_ = np.full(SECTORS, -4.0)
    head.calibration_ = np.tile([1.1, 0.2], (SECTORS, 1))
    head.thresholds_, head.leave_thresholds_ = np.full(SECTORS, 0.3), np.full(SECTORS, 0.24)
    head.untrained_ = np.array([SECTORS - 1])
    nobody = Neighbours((), np.zeros((0, DIMENSION), np.float16), np.zeros((0, SECTORS), np.bool_))
    return SectorModel(
        sectors=tuple(f"s{sector}" for sector in range(SECTORS)),
        encoder_id="made",
        dimension=DIMENSION,
        terms=tuple(f"t{term}" for term in range(TERMS)),
        idf=np.ones(TERMS, np.float32),
        classifier=head,
        neighbours=nobody,
        support=((2, 2),) * SECTORS,
        training_errors=np.ones((SECTORS, 4), np.int64),
    )


def made_block(model: SectorModel, seed: int) -> FirmBlock:
    """A full block; terms are drawn as words are, few of them often."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(seed)
    n_firms = min(BLOCK_FIRMS, BLOCK_CHUNKS // max(CHUNKS_PER_FIRM))
    counts = rng.choice(CHUNKS_PER_FIRM, n_firms)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    columns = (len(model.terms) ** rng.random(n_firms * NGRAMS_PER_FIRM)).astype(np.int32) - 1
    values = np.full(len(columns), NGRAMS_PER_FIRM**-0.5, dtype=np.float32)
    ends = np.arange(0, len(columns) + 1, NGRAMS_PER_FIRM)
    ngrams = csr_matrix((values, columns, ends), shape=(n_firms, len(model.terms)))
    chunks = rng.normal(size=(int(starts[-1]), model.dimension)).astype(np.float32)
    chunks /= np.linalg.norm(chunks, axis=1, keepdims=True)
    means = np.broadcast_to(np.float32(0), (n_firms, model.dimension))
    return FirmBlock(FirmDesign(ngrams, means, chunks, starts), np.ones(n_firms, np.bool_))


def _bulk(model: SectorModel, blocks: list[FirmBlock]) -> Timed:
    def handed_out() -> Iterator[FirmBlock]:
        left, turn = FIRMS, 0
        while left > 0:
            block = blocks[turn % len(blocks)]
            yield block
            left, turn = left - block.design.n_firms, turn + 1

    started, started_cpu, firms = time.perf_counter(), time.process_time(), 0
    for scored in score_blocks(model, handed_out()):
        firms += len(scored.probabilities)
    return Timed(firms, time.perf_counter() - started, time.process_time() - started_cpu)


def _one_by_one(model: SectorModel, block: FirmBlock) -> tuple[Timed, float]:
    """``predict_proba`` a firm at a time, its n-grams and vectors at hand; and how far off the bulk's numbers are."""
    expected = next(iter(score_blocks(model, [block]))).probabilities
    design, off = block.design, 0.0
    count = min(SAMPLE, design.n_firms)
    started, started_cpu = time.perf_counter(), time.process_time()
    for firm in range(count):
        off = max(off, float(np.abs(_alone(model, design, firm) - expected[firm]).max()))
    return Timed(count, time.perf_counter() - started, time.process_time() - started_cpu), off


def _alone(model: SectorModel, design: FirmDesign, firm: int) -> NDArray[np.float64]:
    one = design.take(np.array([firm]))
    found: NDArray[np.float64] = model.classifier.predict_proba(one)[0]
    return found


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
