"""Tidy files that stay in use: small ones are put together, and vectors that no text needs are dropped.

Beside a writer who does not ask for the workspace's lock this gives way: the table stays as it is until next time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pipelines.compaction import FEW_VERSIONS, PLAIN_FLOATS, merge_small
from pipelines.crashing import crash_point
from pipelines.errors import TableError
from pipelines.tables import EMBEDDINGS, TABLES
from pipelines.unused_vectors import drop_unused

if TYPE_CHECKING:
    from pipelines.runs import Run


@dataclass(frozen=True)
class Tidied:
    """Files that became fewer, vectors that went, and what could not be done, in sentences."""

    files: int = 0
    vectors: int = 0
    left: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """For a person."""
        lines = [f"{self.files:,} small files: put together with others."] if self.files else []
        return [
            *lines,
            *([f"{self.vectors:,} vectors of words that are no longer there: dropped."] if self.vectors else []),
        ]

    def as_dict(self) -> dict[str, Any]:
        """For a program."""
        return asdict(self)


NOTHING_TIDIED = Tidied()


def tidy(run: Run) -> Tidied:
    """Tidy every table; each is a commit or two, and mostly none."""
    from pyiceberg.exceptions import CommitFailedException, ValidationException

    from labels.errors import LabelsError
    from pipelines.table_commits import set_notes

    lake, properties = run.workspace.lake, {"firmscope.run": run.run_id}
    lake.close()  # tables are looked at as they are now, and afresh afterwards
    files, vectors, left = 0, 0, list[str]()
    for name, table in TABLES.items():
        found = lake.find(name)
        if found is None or found.current_snapshot() is None:
            continue
        try:
            set_notes(found, FEW_VERSIONS | (PLAIN_FLOATS if table is EMBEDDINGS else {}))
            if table is EMBEDDINGS:
                dropped = drop_unused(run.workspace, found, properties)
                vectors += dropped.rows
                if dropped.shards:
                    run.log("looked for unused vectors", **asdict(dropped))
                crash_point("dropped-vectors")
            fewer = merge_small(found, table, properties)
        except (CommitFailedException, ValidationException):  # its retries refuse what was written meanwhile
            left.append(f"Table {name}: something else was written meanwhile; its files are tidied next time.")
            continue
        except TableError as error:
            left.append(f"Table {name}: {error}")
            continue
        except LabelsError as error:
            left.append(f"Table {name}: which vectors are needed cannot be known: {error}")
            continue
        if fewer:
            files += fewer
            run.log("put small files together", table=name, fewer=fewer)
            crash_point(f"tidied-{name}")
    lake.close()
    return Tidied(files, vectors, tuple(left))
