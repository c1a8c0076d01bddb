"""The roll-up of generated tables, as the benchmark ``rollup`` runs it: ``python -c ... FOLDER``."""

from __future__ import annotations

import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labels.taxonomy import Sector, Taxonomy
from pipelines.correcting import listed_firms
from pipelines.counting import Corrections, Evidence
from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.population import Population
from pipelines.rollup import ListTables, rollup
from pipelines.schemas import arrow_schema
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from pipelines.spreading import Ground
    from pipelines.statistics.firm_columns import FirmColumns

ALARMS = 2_000  # of 40,000 others judged, over all sectors: as many false members as a fifth of the true ones
KINDS = AreasConfig(kinds=["region", "lad", "h3"], custom={})


def main() -> None:
    """Read the tables, roll them up, write ``ours.parquet``, and say how many cells there are."""
    folder = Path(sys.argv[1])
    started = time.perf_counter()
    assignments = _table(folder, "assignments")
    readable = pq.read_table(folder / "read.parquet")["firm_id"].combine_chunks()
    keys = sorted(pc.unique(assignments["sector"]).to_pylist())
    taxonomy = Taxonomy("made", 1, tuple(Sector(key, key) for key in keys), "c" * 64)
    read = time.perf_counter()
    made = rollup(
        taxonomy, ListTables(*(_table(folder, field.name) for field in fields(ListTables))), readable, (),
        RollupConfig(), KINDS, _corrector(taxonomy, assignments, readable),
    )  # fmt: skip
    worked = time.perf_counter()
    pq.write_table(made.cells, folder / "ours.parquet")
    print(f"{made.cells.num_rows:,}")
    print(
        f"began {read - started:.0f} s, rolled up {worked - read:.0f} s, written {time.perf_counter() - worked:.0f} s"
    )


def _table(folder: Path, name: str) -> pa.Table:
    """A table with the columns that the roll-up reads; those that were not generated are null."""
    names = [name for name in TABLES[name].names if name != "shard"]
    schema = arrow_schema(TABLES[name], names)
    path = folder / f"{name}.parquet"
    if not path.exists():
        return schema.empty_table()
    found = pq.read_table(path)
    columns = [
        found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(len(found), field.type)
        for field in schema
    ]
    return pa.table(columns, names=names)


def _corrector(taxonomy: Taxonomy, assignments: pa.Table, readable: pa.Array):  # type: ignore[no-untyped-def]
    """Corrections by error rates as training measures them: every count and sum gets its error bar."""
    counts = {row["values"]: row["counts"] for row in pc.value_counts(assignments["sector"]).to_pylist()}
    alarms = [counts[key] / sum(counts.values()) * ALARMS for key in taxonomy.keys]
    errors = np.array([[400, 100, round(found), 40_000] for found in alarms], dtype=np.int64)

    def make(firms: FirmColumns, ground: Ground) -> Corrections:
        rows = np.flatnonzero(firms.counts & firms.read)
        ids = firms.firm_ids.take(pa.array(rows))
        listed = listed_firms(firms, ground, rows)
        known = readable.filter(pc.is_in(readable, value_set=ids))
        assigned = np.zeros((len(known), len(taxonomy.keys)), dtype=np.bool_)
        at = np.asarray(pc.fill_null(pc.index_in(assignments["firm_id"], value_set=known), -1))
        sector = np.asarray(pc.index_in(assignments["sector"], value_set=pa.array(taxonomy.keys)))
        assigned[at[at >= 0], sector[at >= 0]] = True
        chances = np.where(assigned, 0.9, 0.02).astype(np.float32)
        return Corrections(taxonomy, Population(known, chances, assigned), listed, Evidence("made", (), errors))

    return make
