"""Find the firms whose words are nearest in meaning to a firm's, by the mean of their chunks' vectors.

Vectors come from the table ``embeddings`` and nothing is encoded here: a firm that was never classified has none. Which
chunks a firm has takes its text to be cut again, so means are kept in ``index/`` and follow the tables.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines import following
from pipelines.derived import Derived
from pipelines.errors import UsageError
from pipelines.following import Progress, bring_up_to_date, no_progress
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.features import FirmText
    from pipelines.figures import Moment

FORMAT = 1  # of the tables below and of how a mean is made; a higher one makes every file anew
BLOCK_FIRMS = 8_192  # compared at once: 13 MB as float32

SCHEMA = f"""
{following.SCHEMA}
create table chunks (row integer primary key, digests text not null);
create table means (row integer primary key, mean blob not null);
"""


@dataclass(frozen=True)
class SimilarFirms:
    """Mean vectors of firms, as of one state of the tables."""

    firm_ids: tuple[str, ...]
    means: NDArray[np.float16]  # (n_firms, dimension), each of length 1; halves are right to 0.001 in a cosine

    def nearest(self, firm_id: str, limit: int = 20) -> list[tuple[str, float]]:
        """The nearest other firms and their cosines, the most similar first; of equals the first by firm_id.

        Raises:
            UsageError: The firm has no vectors.
        """
        import numpy as np

        if firm_id not in self.firm_ids:
            raise UsageError(
                f"firm {firm_id!r} cannot be compared: nothing of its words has a vector; import or crawl it, then run "
                "firmscope classify"
            )
        own = self.firm_ids.index(firm_id)
        wanted = self.means[own].astype(np.float32)
        cosines = np.concatenate(
            [
                self.means[start : start + BLOCK_FIRMS].astype(np.float32) @ wanted
                for start in range(0, len(self.means), BLOCK_FIRMS)
            ]
        )
        cosines[own] = -np.inf
        count = min(limit, len(cosines) - 1)
        if count <= 0:
            return []
        least = np.partition(cosines, -count)[-count]
        found = [(self.firm_ids[place], float(cosines[place])) for place in np.flatnonzero(cosines >= least).tolist()]
        return sorted(found, key=lambda one: (-one[1], one[0]))[:count]


def similar_firms(workspace: Workspace, firm_id: str, limit: int = 20) -> list[tuple[str, float]]:
    """The firms nearest in meaning to one, with their cosines; see ``SimilarFirms.nearest``."""
    return open_similar(workspace).nearest(firm_id, limit)


def open_similar(workspace: Workspace, progress: Progress = no_progress) -> SimilarFirms:
    """Bring the means up to date and read them; those read last are kept while the tables stay as they are.

    Args:
        workspace: The workspace; the first time every firm's text is cut into chunks: minutes on a long list.
        progress: Told of firms done and to do.
    """
    from pipelines.asking_views import scoring_model
    from pipelines.encoders import encoder_of

    workspace.require()
    encoder = encoder_of(workspace, scoring_model(workspace))
    path = workspace.index_folder / "vectors.db"
    derived = Derived(path, SCHEMA, json.dumps([FORMAT, encoder.encoder_id]))
    means = _Means(encoder.encoder_id, encoder.dimension)

    def work(connection: sqlite3.Connection) -> SimilarFirms:
        state = bring_up_to_date(derived, connection, workspace, means, progress)
        key = (str(path.resolve()), derived.version, state)
        found = _read_last.get(key)
        if found is None:
            found = _read(connection, encoder.dimension)
            _read_last.clear()
            _read_last[key] = found
        return found

    return derived.using(work)


_read_last: dict[tuple[str, str, str], SimilarFirms] = {}  # of one state of one workspace


def _read(connection: sqlite3.Connection, dimension: int) -> SimilarFirms:
    import numpy as np

    rows = connection.execute("select firm_id, mean from means join firms using (row) order by firm_id").fetchall()
    joined = np.frombuffer(b"".join(mean for _, mean in rows), dtype=np.float16)
    return SimilarFirms(tuple(firm_id for firm_id, _ in rows), joined.reshape(len(rows), dimension))


class _Means:
    """What is kept of a firm: the digests of its chunks, and the mean of those that have a vector."""

    tables = ("pages", "embeddings")

    def __init__(self, encoder_id: str, dimension: int) -> None:
        self._encoder_id = encoder_id
        self._dimension = dimension

    def add(self, connection: sqlite3.Connection, row: int, firm: FirmText) -> None:
        from classifier.features import firm_chunks

        digests = json.dumps([chunk.digest for chunk in firm_chunks(firm)])
        connection.execute("insert into chunks values (?, ?)", (row, digests))

    def remove(self, connection: sqlite3.Connection, row: int) -> None:
        connection.execute("delete from chunks where row = ?", (row,))
        connection.execute("delete from means where row = ?", (row,))

    def end_shard(self, connection: sqlite3.Connection, moment: Moment, shard: int) -> None:
        """Work the means of a shard out afresh: which of its vectors are new is not known."""
        import numpy as np
        import pyarrow.compute as pc

        from classifier.features import mean_vector

        rows = moment.read_arrow("embeddings", ["text_digest", "encoder_id", "vector"], [shard])
        rows = rows.filter(pc.equal(rows["encoder_id"], self._encoder_id)).combine_chunks()
        place = {digest: number for number, digest in enumerate(rows["text_digest"].to_pylist())}
        vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(len(place), self._dimension)
        firms = "select row, digests from chunks join firms using (row) where shard = ?"
        for row, digests in connection.execute(firms, (shard,)).fetchall():
            held = [place[digest] for digest in json.loads(digests) if digest in place]
            connection.execute("delete from means where row = ?", (row,))
            if held:
                mean = mean_vector(vectors[held]).astype(np.float16)
                connection.execute("insert into means values (?, ?)", (row, mean.tobytes()))

    def end_first(self, connection: sqlite3.Connection) -> None:
        pass
