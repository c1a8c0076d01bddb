"""Sort a register file's rows into one temporary file per shard, each row with the firm or firms it speaks of.

So that five million companies are brought into the tables a shard at a time; the temporary files go with the import.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipelines.sources.company_numbers import LENGTH
from pipelines.sources.register_columns import keys_of, numbers_of, schema
from pipelines.store import Lake, shard_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True)
class Known:
    """Firms of the workspace, as company numbers are looked for among them.

    Attributes:
        keys: Company numbers of firms that a list named, sorted, ``(n,) uint64``; one may stand there more than once.
        firm_ids: Those firms, in the same order.
        shards: Their shards, in the same order.
        taken: Company numbers that are the firm_id of another company's firm, sorted.
        shared: Company numbers that more than one firm of the list has.
    """

    keys: npt.NDArray[np.uint64]
    firm_ids: pa.StringArray
    shards: npt.NDArray[np.int64]
    taken: npt.NDArray[np.uint64]
    shared: int


def known_firms(lake: Lake) -> Known:
    """Read the table firms."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = lake.read_arrow("firms", ["shard", "firm_id", "company_number", "website", "register_date"]).combine_chunks()
    keys = keys_of(numbers_of(rows["company_number"].combine_chunks()))
    ids = rows["firm_id"].combine_chunks()
    own = keys_of(pc.if_else(pc.equal(pc.binary_length(ids), LENGTH), numbers_of(ids), None))
    made_here = (own == keys) & pc.and_(pc.is_null(rows["website"]), pc.is_valid(rows["register_date"])).to_numpy()
    of_list = np.flatnonzero((keys > 0) & ~made_here)
    of_list = of_list[np.argsort(keys[of_list], kind="stable")]
    _, often = np.unique(keys[of_list], return_counts=True)
    return Known(
        keys[of_list],
        ids.take(pa.array(of_list)),
        rows["shard"].to_numpy()[of_list],
        np.unique(own[(own > 0) & (own != keys)]),
        int((often > 1).sum()),
    )


class Spool:
    """Temporary files of one import, one per shard; a context manager."""

    def __init__(self, folder: Path, known: Known, shards: int, listed_only: bool) -> None:
        """Args: an empty folder; the firms known; number of shards; whether other companies are left out."""
        self._folder, self._known, self._shards, self._listed_only = folder, known, shards, listed_only
        self._files = ExitStack()
        self._writers: dict[int, pa.ipc.RecordBatchStreamWriter] = {}
        self.not_listed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, rows: pa.Table) -> Sequence[tuple[int, str]]:
        """Add cleaned rows that have a company number.

        Returns:
            Line and company number of those that cannot be kept, as another firm has their number for its firm_id.
        """
        import numpy as np
        import pyarrow as pa

        known, keys = self._known, keys_of(rows["number"].combine_chunks())
        low, high = (np.searchsorted(known.keys, keys, side=side) for side in ("left", "right"))
        times = high - low
        row = np.repeat(np.arange(len(keys)), times)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
        firm = np.repeat(low, times) + nth
        self._write(rows.take(pa.array(row)), known.firm_ids.take(pa.array(firm)), known.shards[firm], first=nth == 0)
        alone = times == 0
        if self._listed_only:
            self.not_listed += int(alone.sum())
            return []
        taken = alone & np.isin(keys, known.taken)
        others = rows.filter(pa.array(alone & ~taken))
        numbers = others["number"].combine_chunks()
        shards = np.array([shard_of(number, self._shards) for number in numbers.to_pylist()], np.int64)
        self._write(others, numbers, shards, first=np.ones(len(shards), bool))
        if not taken.any():
            return []
        lost = rows.filter(pa.array(taken))
        return list(zip(lost["line"].to_pylist(), lost["number"].to_pylist(), strict=True))

    def rows(self, shard: int) -> pa.Table:
        """Rows of a shard: the columns of ``register_columns.schema``, ``firm_id``, ``shard`` and ``first``."""
        import pyarrow as pa

        writer = self._writers.pop(shard, None)
        if writer is None:
            return _schema().empty_table()
        writer.close()
        with pa.ipc.open_stream(pa.OSFile(str(self._path(shard)))) as stream:
            return stream.read_all().combine_chunks()

    def _path(self, shard: int) -> Path:
        return self._folder / f"{shard}.arrows"

    def _write(
        self, rows: pa.Table, firm_ids: pa.StringArray, shards: npt.NDArray[np.int64], first: npt.NDArray[np.bool_]
    ) -> None:
        import numpy as np
        import pyarrow as pa

        whole = pa.table(
            [*rows.columns, firm_ids, pa.array(shards, pa.int64()), pa.array(first, pa.bool_())], schema=_schema()
        )
        for shard in np.unique(shards).tolist():
            if shard not in self._writers:
                file = self._files.enter_context(pa.OSFile(str(self._path(shard)), "wb"))
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                self._writers[shard] = self._files.enter_context(pa.ipc.new_stream(file, _schema(), options=options))
            self._writers[shard].write_table(whole.filter(pa.array(shards == shard)).combine_chunks())


def _schema() -> pa.Schema:
    import pyarrow as pa

    extra = [("firm_id", pa.string()), ("shard", pa.int64()), ("first", pa.bool_())]
    return pa.schema([*schema(), *(pa.field(name, kind) for name, kind in extra)])
