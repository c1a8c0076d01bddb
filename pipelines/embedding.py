"""Vectors for texts: from the table ``embeddings`` where they stand, from the encoder where they do not.

The encoder is only loaded when a text is new, so that a night on which no site changed never reads its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from models.digest import text_digest
from pipelines.lake_reading import TableReader
from pipelines.store import Lake
from pipelines.table_rows import checked_rows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from models.encoder import TextEncoder

COMMIT_TEXTS = 4096  # texts encoded between two commits: about a minute of work on two cores

Progress = Callable[[int, int], None]


def vectors_for(
    lake: Lake, encoder: TextEncoder, texts_by_shard: Mapping[int, Sequence[str]], run_id: str, progress: Progress
) -> dict[str, NDArray[np.float32]]:
    """Vectors of texts by their digest; new ones are encoded and kept.

    Args:
        lake: The tables.
        encoder: Encoder whose vectors are wanted.
        texts_by_shard: Texts wanted, by the shard of the firm they belong to.
        run_id: Run to note with the commits.
        progress: Called with texts encoded and texts to encode, when there are any.

    Returns:
        ``(dimension,) float32`` per digest, for every text asked for.
    """
    found: dict[str, NDArray[np.float32]] = {}
    missing: dict[str, tuple[int, str]] = {}
    for shard, texts in sorted(texts_by_shard.items()):
        wanted = {text_digest(text): text for text in texts}
        held = _held(lake, encoder, shard, wanted)
        found |= held
        missing |= {digest: (shard, text) for digest, text in wanted.items() if digest not in held}
    digests = sorted(missing.keys() - found.keys())
    for start in range(0, len(digests), COMMIT_TEXTS):
        progress(start, len(digests))
        batch = digests[start : start + COMMIT_TEXTS]
        vectors = _encoded(encoder, [missing[digest][1] for digest in batch], start, len(digests), progress)
        rows = [
            {"shard": missing[digest][0], "text_digest": digest, "encoder_id": encoder.encoder_id, "vector": vector}
            for digest, vector in zip(batch, vectors, strict=True)
        ]
        lake.append("embeddings", rows, run_id)
        found |= dict(zip(batch, vectors, strict=True))
    return found


class FreshVectors:
    """Vectors of texts of one shard, and those among them that the table does not hold yet; nothing is written."""

    def __init__(self, lake: TableReader, encoder: TextEncoder, shard: int) -> None:
        """Args: the tables; the encoder whose vectors are wanted; the shard."""
        self._lake, self._encoder, self._shard = lake, encoder, shard
        self._fresh: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """``(dimension,) float32`` per digest, for every text asked for."""
        wanted = {text_digest(text): text for text in texts}
        found = {digest: self._fresh[digest] for digest in wanted if digest in self._fresh}
        if len(found) < len(wanted):
            found |= _held(self._lake, self._encoder, self._shard, wanted)
        missing = sorted(wanted.keys() - found.keys())
        if missing:
            made = self._encoder.encode([wanted[digest] for digest in missing])
            self._fresh |= dict(zip(missing, made, strict=True))
            found |= {digest: self._fresh[digest] for digest in missing}
        return found

    def rows(self) -> pa.Table:
        """Rows of the table ``embeddings`` for what was encoded."""
        rows = [
            {"shard": self._shard, "text_digest": digest, "encoder_id": self._encoder.encoder_id, "vector": vector}
            for digest, vector in self._fresh.items()
        ]
        return checked_rows("embeddings", rows, self._lake.shards)


def vectors_beside(
    lake: Lake, encoder: TextEncoder, shard: int, texts: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """The same for the texts of one shard without writing anything, so that a reader needs no lock."""
    wanted = {text_digest(text): text for text in texts}
    found = _held(lake, encoder, shard, wanted)
    missing = [digest for digest in sorted(wanted) if digest not in found]
    if missing:
        found |= dict(zip(missing, encoder.encode([wanted[digest] for digest in missing]), strict=True))
    return found


def _held(
    lake: TableReader, encoder: TextEncoder, shard: int, wanted: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    """Vectors that the table holds; of files without any of them digests alone are read, a twentieth of the file."""
    import pyarrow as pa
    import pyarrow.compute as pc

    digests = pa.array(list(wanted), pa.string())
    found: dict[str, NDArray[np.float32]] = {}
    for task in lake.files("embeddings").get(shard, ()):
        told = lake.read_files("embeddings", [task], ["text_digest", "encoder_id"])
        ours = pc.and_(
            pc.equal(told["encoder_id"], encoder.encoder_id), pc.is_in(told["text_digest"], value_set=digests)
        )
        if not pc.any(ours).as_py():
            continue
        vectors = lake.read_files("embeddings", [task], ["vector"])["vector"].filter(ours).combine_chunks()
        matrix = vectors.flatten().to_numpy().reshape(len(vectors), encoder.dimension)
        found |= dict(zip(told["text_digest"].filter(ours).to_pylist(), matrix, strict=True))
    return found


def _encoded(
    encoder: TextEncoder, texts: Sequence[str], done: int, total: int, progress: Progress
) -> NDArray[np.float32]:
    import numpy as np

    step = 256  # texts between two moves of the progress bar
    parts = []
    for start in range(0, len(texts), step):
        parts.append(encoder.encode(texts[start : start + step]))
        progress(done + min(start + step, len(texts)), total)
    return np.concatenate(parts)
