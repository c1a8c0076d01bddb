"""Look at firms closely, to choose among them: vectors, the two halves of their scores, likeness to a definition.

That means reading and cutting their pages, so only those are looked at that have a chance of being asked. Nothing is
written: a page that judges opens its queue beside a run, and vectors that no stage has kept yet are remembered in the
process alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.digest import text_digest
from pipelines.embedding import vectors_beside
from pipelines.encoders import encoder_of
from pipelines.firm_texts import firm_texts
from pipelines.store import Lake, shard_of
from pipelines.training_data import sector_hints

if TYPE_CHECKING:
    import pyarrow as pa

    from classifier.features import FirmText
    from classifier.model import SectorModel
    from labels.taxonomy import Taxonomy
    from models.encoder import TextEncoder
    from pipelines.workspace import Workspace

CHUNKS_OF_UNSCORED = 4  # of a firm that was not embedded yet: its home page, and the beginnings of others
MAX_REMEMBERED = 50_000  # vectors; 75 MB of those of 384 numbers

MAX_SEEN = 8  # queues whose closer looks are kept, the last used ones; 1 MB for 600 firms

_Row = tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]  # of a Look
_remembered: dict[tuple[str, str], NDArray[np.float32]] = {}  # by encoder_id and text_digest, which never change
_seen: dict[tuple[object, ...], dict[str, _Row | None]] = {}  # None: a firm that nobody could judge


@dataclass(frozen=True)
class Look:
    """What a closer look found; arrays have a row for each of ``firm_ids``, a column for each sector asked about."""

    firm_ids: tuple[str, ...]
    vectors: NDArray[np.float32]  # (n_firms, dimension), length 1
    likeness: NDArray[np.float64]  # (n_firms, n_sectors), see classifier.likeness
    words: NDArray[np.float64]  # (n_firms, n_sectors), what n-grams add to the score; NaN where there is no score
    meaning: NDArray[np.float64]  # (n_firms, n_sectors), what vectors add


def look_at(
    workspace: Workspace, taxonomy: Taxonomy, sectors: Sequence[str], firm_ids: Sequence[str],
    model: SectorModel | None, scored: Iterable[str],
) -> Look:  # fmt: skip
    """Read firms; those whose words are too few to judge, or in a language not learnt, are left out.

    What was seen is remembered in the process until pages, scores, model or taxonomy change.

    Args:
        workspace: Where their pages are.
        taxonomy: Of ``sectors``.
        sectors: Keys; one that the model was not trained for has no halves.
        firm_ids: Firms with pages.
        model: Model that scored firms.
        scored: Firms that it has scored, whose chunks are embedded.
    """
    encoder, snapshots = encoder_of(workspace, model), workspace.lake.snapshots()
    if model is not None and model.encoder_id != encoder.encoder_id:
        model = None  # its halves would want vectors that nobody has
    key = (
        str(workspace.folder.resolve()), snapshots["pages"], snapshots["scores"], encoder.encoder_id,
        model.model_id if model else "", taxonomy.digest, tuple(sectors),
    )  # fmt: skip
    seen = _seen.pop(key, {})
    _seen[key] = seen  # the last one used stands last
    while len(_seen) > MAX_SEEN:
        del _seen[next(iter(_seen))]
    missing = [firm_id for firm_id in firm_ids if firm_id not in seen]
    seen |= dict.fromkeys(missing)
    seen |= _looked(workspace, taxonomy, sectors, missing, model, encoder, set(scored))
    found = [(firm_id, row) for firm_id in firm_ids if (row := seen[firm_id]) is not None]
    shapes = ((encoder.dimension,), (len(sectors),), (len(sectors),), (len(sectors),))
    columns = [np.array([row[place] for _, row in found]).reshape(-1, *shape) for place, shape in enumerate(shapes)]
    return Look(tuple(firm_id for firm_id, _ in found), *columns)


def _looked(
    workspace: Workspace, taxonomy: Taxonomy, sectors: Sequence[str], firm_ids: Sequence[str],
    model: SectorModel | None, encoder: TextEncoder, scored: set[str],
) -> dict[str, _Row]:  # fmt: skip
    """Firms that can be judged, as a ``Look`` has them, by firm_id."""
    from classifier.abstention import judgeable

    lake, languages = workspace.lake, model.languages if model else ()
    embedded = scored if model else set[str]()
    firms: list[FirmText] = []
    vectors, halves = [], []
    for shard in range(lake.shards):
        mine = sorted(firm_id for firm_id in firm_ids if shard_of(firm_id, lake.shards) == shard)
        texts = firm_texts(SomeFirms(lake, mine), [shard]) if mine else {}
        read = [one.firm for text in texts.values() if not (one := judgeable(text, languages)).reason]
        if read:
            of_shard, both = _read(lake, encoder, shard, read, model, embedded, sectors)
            vectors.append(of_shard)
            halves.append(both)
            firms += read
    if not firms:
        return {}
    matrix, both = np.concatenate(vectors), np.concatenate(halves, axis=1)
    like = _likeness(lake, encoder, taxonomy, sectors, firms, matrix)
    return {firm.firm_id: (matrix[at], like[at], both[0, at], both[1, at]) for at, firm in enumerate(firms)}


def vectors_at_hand(
    lake: Lake, encoder: TextEncoder, shard: int, texts: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Vectors of texts by digest: remembered, from the tables, or encoded now."""
    digests = {text_digest(text): text for text in texts}
    key = encoder.encoder_id
    found = {digest: _remembered[key, digest] for digest in digests if (key, digest) in _remembered}
    missing = [text for digest, text in digests.items() if digest not in found]
    if missing:
        fresh = vectors_beside(lake, encoder, shard, missing)
        if len(_remembered) + len(fresh) > MAX_REMEMBERED:
            _remembered.clear()
        _remembered.update({(key, digest): vector for digest, vector in fresh.items()})
        found |= fresh
    return found


def _read(
    lake: Lake, encoder: TextEncoder, shard: int, firms: Sequence[FirmText], model: SectorModel | None,
    embedded: set[str], sectors: Sequence[str],
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:  # fmt: skip
    """Mean vectors ``(n_firms, dimension)`` and halves ``(2, n_firms, n_sectors)`` of one shard's firms."""
    from classifier.features import chunk_matrix, firm_chunks, mean_vector

    chunks = [firm_chunks(firm)[: None if firm.firm_id in embedded else CHUNKS_OF_UNSCORED] for firm in firms]
    vectors = vectors_at_hand(lake, encoder, shard, [chunk.text for of_firm in chunks for chunk in of_firm])
    means = np.stack([mean_vector(chunk_matrix(of_firm, vectors, encoder.dimension)) for of_firm in chunks])
    halves = np.full((2, len(firms), len(sectors)), np.nan)
    whole = [row for row, firm in enumerate(firms) if firm.firm_id in embedded]
    if model is not None and whole:
        of_model = np.stack(model.half_scores([firms[row] for row in whole], vectors))
        for column, sector in enumerate(sectors):
            if sector in model.sectors and sector not in model.untrained:
                halves[:, whole, column] = of_model[:, :, model.column(sector)]
    return means, halves


def _likeness(
    lake: Lake, encoder: TextEncoder, taxonomy: Taxonomy, sectors: Sequence[str], firms: Sequence[FirmText],
    vectors: NDArray[np.float32],
) -> NDArray[np.float64]:  # fmt: skip
    from classifier.features import firm_words
    from classifier.hints import hint_texts
    from classifier.likeness import likeness, readable_rules

    hints = [hint for key, hint in zip(taxonomy.keys, sector_hints(taxonomy), strict=True) if key in sectors]
    of_hints = vectors_at_hand(lake, encoder, 0, hint_texts(hints))
    rules = [readable_rules(taxonomy.by_key[sector].keywords) for sector in sectors]
    return likeness(hints, of_hints, rules, [firm_words(firm) for firm in firms], vectors)


class SomeFirms:
    """The lake, as if it held some firms alone."""

    def __init__(self, lake: Lake, firm_ids: Sequence[str]) -> None:
        """Args: the lake; ids of the firms."""
        self._lake, self._firm_ids = lake, firm_ids

    @property
    def shards(self) -> int:
        """Partitions of every table."""
        return self._lake.shards

    def read_arrow(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        shards: Iterable[int] | None = None,  # noqa: ARG002
    ) -> pa.Table:
        """Rows of these firms, whatever their shard."""
        return self._lake.read_firms(name, self._firm_ids, columns)
