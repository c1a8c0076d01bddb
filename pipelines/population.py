"""The firms that a count is about, with what the classifier says of each: the one view that audits and corrections
share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.firm_texts import Tables

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from labels.taxonomy import Taxonomy


@dataclass(frozen=True)
class Population:
    """Firms that count and were classified, sorted by firm_id; columns in taxonomy order."""

    firm_ids: tuple[str, ...]
    probabilities: NDArray[np.float32]  # (n_firms, n_sectors); 0 where there is no score
    assigned: NDArray[np.bool_]  # (n_firms, n_sectors)


def population(tables: Tables, taxonomy: Taxonomy, model_id: str, counted: pa.Array) -> Population:
    """Firms of ``counted`` that the model has scored, or that are in a sector.

    Scores are taken as they stand, also those of words that have changed since: so is membership.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    firm_ids: list[str] = []
    parts = []
    for shard in range(tables.shards):  # scores of all firms at once would be the largest thing in memory
        scores = tables.read_arrow("scores", ["firm_id", "sector", "probability", "model_id"], [shard])
        scores = scores.filter(pc.equal(scores["model_id"], model_id))
        held = tables.read_arrow("assignments", ["firm_id", "sector", "assigned"], [shard])
        parts.append(_of_shard(scores, held.filter(held["assigned"]), taxonomy))
        firm_ids += parts[-1].firm_ids
    known = pc.is_in(pa.array(firm_ids, pa.string()), value_set=counted).to_pylist()
    places = (at for at in range(len(firm_ids)) if known[at])
    order = np.array(sorted(places, key=firm_ids.__getitem__), dtype=np.int64)
    probabilities = np.concatenate([part.probabilities for part in parts])
    assigned = np.concatenate([part.assigned for part in parts])
    del parts
    return Population(tuple(firm_ids[at] for at in order), probabilities[order], assigned[order])


def _of_shard(scores: pa.Table, members: pa.Table, taxonomy: Taxonomy) -> Population:
    import pyarrow as pa
    import pyarrow.compute as pc

    spoken = pc.unique(pa.chunked_array([*scores["firm_id"].chunks, *members["firm_id"].chunks], pa.string()))
    firm_ids = tuple(spoken.to_pylist())
    probabilities = np.zeros((len(firm_ids), len(taxonomy.keys)), dtype=np.float32)
    rows, columns, kept = places_of(scores, firm_ids, taxonomy)
    probabilities[rows, columns] = scores["probability"].to_numpy()[kept]
    assigned = np.zeros(probabilities.shape, dtype=np.bool_)
    rows, columns, _ = places_of(members, firm_ids, taxonomy)
    assigned[rows, columns] = True
    return Population(firm_ids, probabilities, assigned)


def places_of(
    found: pa.Table, firm_ids: tuple[str, ...], taxonomy: Taxonomy
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Row and column of each row that has both, and which rows these are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = pc.fill_null(pc.index_in(found["firm_id"], value_set=pa.array(firm_ids, pa.string())), -1).to_numpy()
    columns = pc.fill_null(pc.index_in(found["sector"], value_set=pa.array(taxonomy.keys, pa.string())), -1).to_numpy()
    kept = (rows >= 0) & (columns >= 0)
    return rows[kept], columns[kept], kept
