"""All clusters' cells, here one after the other, or side by side where the engine has workers.

A cluster that fails fails the roll-up: figures of which some are missing would look like figures of nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.cell_columns import CellColumns
from pipelines.cluster_cells import Whole, add_cluster
from pipelines.engine import Engine, ParallelEngine
from pipelines.errors import FirmscopeError

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.statistics.measures import Counted


@dataclass(frozen=True)
class CellsJob:
    """What every cluster's cells are worked out from."""

    given: Whole
    members: Mapping[str, Counted]
    kinds: Sequence[str]
    rules: str
    boundaries: str

    def columns(self) -> CellColumns:
        """No cells yet."""
        return CellColumns(self.kinds, self.rules, self.boundaries)


def cells_of(job: CellsJob, cluster: str) -> tuple[pa.Table, bool]:
    """One cluster's cells, and whether it is withheld altogether."""
    cells = job.columns()
    hidden = add_cluster(job.given, cluster, job.members[cluster], cells)
    return cells.table(), hidden


def all_cells(job: CellsJob, clusters: Sequence[str], engine: Engine | None = None) -> tuple[pa.Table, frozenset[str]]:
    """Rows of ``cells`` without ``shard``, clusters in their order; and the clusters that are withheld.

    Raises:
        FirmscopeError: A cluster failed three times.
    """
    if not isinstance(engine, ParallelEngine):
        cells = job.columns()
        hidden = frozenset(key for key in clusters if add_cluster(job.given, key, job.members[key], cells))
        return cells.table(), hidden
    import pyarrow as pa

    made: dict[str, tuple[pa.Table, bool]] = {}
    with engine.working():
        for done in engine.run(cells_of, job, clusters):
            if done.made is None:
                raise FirmscopeError(f"figures of {done.task} failed three times ({done.failure}); none were written")
            made[done.task] = done.made
    tables = [made[key][0] for key in clusters]
    return pa.concat_tables(tables) if tables else job.columns().table(), frozenset(
        key for key in clusters if made[key][1]
    )
