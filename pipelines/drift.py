"""Hold a list of one moment against the model's training set and against the list before.

Nothing is encoded: words and vectors are read from the lake, of a sample that is the same whenever it is drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.figures import Moment
from pipelines.rollup import ALL, LATEST
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from classifier.drift import Corrected, DriftLine, Scored
    from classifier.features import FirmText
    from classifier.model import SectorModel

SAMPLE = 1_000  # firms read: an AUC is then good to 0.02, and it takes about five seconds
COUNT, CORRECTED = "businesses", "businesses_corrected"
BY_AUDIT = frozenset({"corrected_by_audit", "corrected_by_error_rates"})


def drift_lines(workspace: Workspace, moment: Moment, model: SectorModel, before: Moment | None) -> list[DriftLine]:
    """Every comparison that can be made; see :mod:`classifier.drift`.

    Args:
        workspace: Its settings of ``[drift]``.
        moment: The list.
        model: The one that classified it.
        before: The list that was published last; None: there is none, or it is not kept any more.
    """
    from classifier.drift import Limits, ListFacts, drift

    now = scored(moment, model)
    unknown, vectors = _sample(moment, model)
    facts = ListFacts(now, scored(before, model) if before else None, _corrected(moment), unknown, vectors)
    return list(drift(model, facts, Limits(**workspace.config.drift.model_dump())))


def scored(moment: Moment, model: SectorModel) -> Scored:
    """Counts and probabilities of the list of a moment, in the columns of ``model``, whichever model classified it."""
    import numpy as np
    import pyarrow.compute as pc

    from classifier.drift import Scored
    from classifier.reference import EDGES, histogram

    bins = np.zeros((len(model.sectors), len(EDGES) + 1), dtype=np.int64)
    models, members, firms = Counter[str](), Counter[str](), 0
    for shard in range(moment.shards):
        rows = moment.read_arrow("scores", ["firm_id", "sector", "probability", "model_id"], [shard])
        firms += pc.count_distinct(rows["firm_id"]).as_py()
        models.update(_counts(rows["model_id"]))
        for column, sector in enumerate(model.sectors):
            bins[column] += histogram(rows["probability"].filter(pc.equal(rows["sector"], sector)).to_numpy())
        assigned = moment.read_arrow("assignments", ["sector", "assigned"], [shard])
        members.update(_counts(assigned["sector"].filter(assigned["assigned"])))
    model_id = max(models, key=lambda one: (models[one], one), default="")
    return Scored(model_id, firms, dict(members), bins)


def _counts(values: pa.ChunkedArray) -> dict[str, int]:
    import pyarrow.compute as pc

    return {str(one["values"]): int(one["counts"]) for one in pc.value_counts(values).to_pylist()}


def _corrected(moment: Moment) -> dict[str, Corrected]:
    """Counts of the whole list that were corrected by an audit, by sector."""
    import pyarrow.compute as pc

    from classifier.drift import Corrected

    cells = moment.read_arrow(
        "cells", ["cluster", "area_kind", "metric", "period", "value", "low", "high", "flags"]
    )  # fmt: skip
    whole = pc.and_(pc.equal(cells["area_kind"], ALL), pc.equal(cells["period"], LATEST))
    rows = cells.filter(whole).to_pylist()
    counted = {row["cluster"]: row["value"] for row in rows if row["metric"] == COUNT}
    found: dict[str, Corrected] = {}
    for row in rows:
        ends: tuple[Any, ...] = (counted.get(row["cluster"]), row["value"], row["low"], row["high"])
        if row["metric"] == CORRECTED and not BY_AUDIT.isdisjoint(row["flags"]) and None not in ends:
            found[row["cluster"]] = Corrected(*ends)
    return found


def _sample(moment: Moment, model: SectorModel) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Share of unknown words, and vectors, of a sample of the classified firms that the model did not learn from."""
    import numpy as np

    from classifier.reference import firm_vector, leading_words, mark, unknown_share, word_splitter

    if model.reference is None:
        return np.zeros(0, np.float32), np.zeros((0, model.dimension), np.float32)
    learnt = {*model.reference.firms.tolist(), *map(mark, model.neighbours.firm_ids)}
    marks: dict[int, list[tuple[int, str]]] = {}
    for shard in range(moment.shards):
        ids = moment.read_arrow("scores", ["firm_id"], [shard])["firm_id"].unique().to_pylist()
        marks[shard] = [(at, firm_id) for firm_id in ids if (at := mark(firm_id)) not in learnt]
    chosen = sorted((at, firm_id, shard) for shard, of in marks.items() for at, firm_id in of)[:SAMPLE]
    split, known = word_splitter(), frozenset(model.terms)
    unknown: list[float] = []
    vectors: list[NDArray[np.float32]] = []
    for shard in sorted({shard for _, _, shard in chosen}):
        firms = _read(moment, shard, [firm_id for _, firm_id, at in chosen if at == shard])
        unknown += [unknown_share(split(leading_words(firm)), known) for firm in firms]
        held = _vectors(moment, shard, model.encoder_id, firms)
        vectors += [vector for firm in firms if (vector := firm_vector(firm, held)) is not None]
    stacked = np.array(vectors, dtype=np.float32).reshape(len(vectors), model.dimension)
    return np.array(unknown, dtype=np.float32), stacked


def _read(moment: Moment, shard: int, firm_ids: Sequence[str]) -> list[FirmText]:
    """What is read of some firms of a shard, in the order of their ids."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from classifier.features import FirmPage, FirmText
    from classifier.reference import leading

    rows = moment.read_arrow("pages", ["firm_id", "url", "position", "kind", "language", "text"], [shard])
    rows = rows.filter(pc.is_in(rows["firm_id"], value_set=pa.array(firm_ids, pa.string())))
    pages: dict[str, list[FirmPage]] = {}
    for row in rows.sort_by([("firm_id", "ascending"), ("position", "ascending")]).to_pylist():
        page = FirmPage(row["url"], row["kind"], row["text"], row["language"] or "")
        pages.setdefault(row["firm_id"], []).append(page)
    return [leading(FirmText(firm_id, tuple(of))) for firm_id, of in pages.items()]


def _vectors(moment: Moment, shard: int, encoder_id: str, firms: Sequence[FirmText]) -> dict[str, NDArray[np.float32]]:
    """Vectors of these firms' chunks, as far as the lake has them, by digest."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from classifier.features import firm_chunks

    wanted = {chunk.digest for firm in firms for chunk in firm_chunks(firm)}
    rows = moment.read_arrow("embeddings", ["text_digest", "encoder_id", "vector"], [shard])
    ours = pc.is_in(rows["text_digest"], value_set=pa.array(sorted(wanted), pa.string()))
    rows = rows.filter(pc.and_(ours, pc.equal(rows["encoder_id"], encoder_id))).combine_chunks()
    if not rows.num_rows:
        return {}
    matrix = rows["vector"].combine_chunks().flatten().to_numpy().reshape(rows.num_rows, -1)
    return dict(zip(rows["text_digest"].to_pylist(), matrix, strict=True))
