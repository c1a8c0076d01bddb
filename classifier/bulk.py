"""Score embedded firms by the million: blocks of features in, probabilities and assignments out.

Nothing is computed differently from ``SectorModel.predict_proba``: blocks go through the same code, several at once,
each on one thread, because matrices as narrow as a taxonomy leave the threads of a linear-algebra library waiting.
Memory holds a few blocks, whatever the number of firms; arrays may be memory-mapped.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.design_matrix import FirmDesign
from classifier.errors import LabelShapeError
from classifier.model import SectorModel

BLOCK_FIRMS = 8192
BLOCK_CHUNKS = 32_768
"""Of 384 numbers: 50 MB, and 100 MB more while they are multiplied in double precision."""

BLOCKS_AHEAD = 1  # beyond one per thread: enough that no thread waits for the next block to be read


@dataclass(frozen=True)
class FirmBlock:
    """Features of some firms."""

    design: FirmDesign
    speaks: NDArray[np.bool_]  # (n_firms,), False for a firm without words, whose probabilities are 0
    previous: NDArray[np.bool_] | None = None  # (n_firms, n_sectors), earlier assignments; None: first classification


@dataclass(frozen=True)
class ScoredBlock:
    """What became of a block's firms, in their order."""

    probabilities: NDArray[np.float64]  # (n_firms, n_sectors), calibrated, no child above its parent
    assigned: NDArray[np.bool_]  # (n_firms, n_sectors), every parent of an assigned child assigned


def score_blocks(model: SectorModel, blocks: Iterable[FirmBlock], threads: int | None = None) -> Iterator[ScoredBlock]:
    """Probabilities and assignments of each block, in order, as ``predict_proba`` and ``assign`` give them.

    Args:
        model: Trained.
        blocks: Read as they are needed, a few ahead.
        threads: Blocks scored at once; None: one per processor that this process may use.

    Raises:
        LabelShapeError: A block has other features than the model was trained on.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    head = model.classifier
    weights = np.asfortranarray(head.coef_)  # its transpose is then read as it lies, block after block
    expected = (len(model.terms), model.dimension)

    def score(block: FirmBlock) -> ScoredBlock:
        if block.design.widths != expected or block.speaks.shape != (block.design.n_firms,):
            message = (
                f"a block of {block.design.n_firms} firms has {block.design.widths} features and speaks "
                f"{block.speaks.shape}; the model expects {expected}, and one value of speaks per firm"
            )
            raise LabelShapeError(message)
        scores = block.design.scores(weights, head.intercept_)
        probabilities = head.probabilities(scores) * block.speaks[:, None]
        return ScoredBlock(probabilities, model.assign(probabilities, block.previous))

    workers = threads or len(os.sched_getaffinity(0))
    waiting: deque[Future[ScoredBlock]] = deque()
    with threadpool_limits(limits=1), ThreadPoolExecutor(workers) as pool:
        try:
            for block in blocks:
                waiting.append(pool.submit(score, block))
                if len(waiting) > workers + BLOCKS_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:  # the reader went away, or a block failed
            for future in waiting:
                future.cancel()


def firm_blocks(
    ngrams: Any,
    chunks: NDArray[np.float32],
    starts: NDArray[np.int64],
    previous: NDArray[np.bool_] | None = None,
) -> Iterator[FirmBlock]:
    """Cut many firms' features into blocks; arrays may be memory-mapped and are read a block at a time.

    Args:
        ngrams: ``(n_firms, n_terms)`` CSR.
        chunks: ``(n_chunks, dimension) float32``, firms' chunks one after another.
        starts: ``(n_firms + 1,) int64``; chunks of firm i are rows ``starts[i]`` to ``starts[i + 1]``. A firm without
            chunks is one without words.
        previous: ``(n_firms, n_sectors) bool``, earlier assignments.
    """
    n_firms, first = len(starts) - 1, 0
    while first < n_firms:
        fits = int(np.searchsorted(starts, starts[first] + BLOCK_CHUNKS, side="right")) - 1
        last = max(first + 1, min(first + BLOCK_FIRMS, fits, n_firms))
        local = np.asarray(starts[first : last + 1]) - starts[first]
        design = FirmDesign(
            ngrams[first:last],
            np.broadcast_to(np.float32(0), (last - first, chunks.shape[1])),  # scoring reads no mean
            chunks[starts[first] : starts[last]],
            local,
        )
        yield FirmBlock(design, np.diff(local) > 0, None if previous is None else previous[first:last])
        first = last
