"""Put the addresses of all firms on the map: those that have no place yet, and with a new directory all it can mend.

An address that no directory had is asked for again only when there is another directory. What came with a firm list or
an imported file may have brought coordinates of its own, which are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.geography.lookup import directory_version, lookup_folder
from pipelines.geography.postcodes import REASONS, Places, placed
from pipelines.remembered import PLACED, recall, remember
from pipelines.runs import Run

if TYPE_CHECKING:
    import pyarrow as pa

NOTE = "firmscope.directory"  # noted with the table: the directory that it was last placed by
_POSTCODES_ONLY = ("register", "website")  # sources that never give coordinates: all there is came from a directory


@dataclass(frozen=True)
class Placing:
    """What became of the addresses: how many there are, how many are on the map, and why the others are not."""

    directory: str
    premises: int
    on_map: int
    unplaced: dict[str, int]  # by reason, a word of pipelines.geography.postcodes.REASONS

    def sentences(self) -> list[str]:
        """What to tell the user."""
        said = [f"{self.on_map:,} of {self.premises:,} addresses are on the map (postcode directory {self.directory})"]
        return said + [f"{count:,} not: {REASONS.get(word, word)}" for word, count in self.unplaced.items()]


def place_premises(run: Run) -> Placing:
    """Place every address that has no place yet, in one commit; nothing is written when nothing changes.

    Addresses that are as the last placing left them, by the same directory, are not even read.

    Raises:
        DirectoryError: The postcode directory is missing or damaged.
    """
    lake, directory = run.workspace.lake, directory_version()
    before = lake.notes("premises").get(NOTE)
    renewed = before is not None and before != directory
    basis = {"premises": lake.rows_now("premises"), "directory": directory, "shards": lake.shards}
    if before == directory and (known := recall(run.workspace, PLACED, basis)):
        result = Placing(directory, known["premises"], known["on_map"], known["unplaced"])
        with run.stage("place premises") as counts:
            counts.rows_in = counts.unchanged = result.premises
        _note(run, result)
        return result
    places: Places | None = None
    total = on_map = 0
    unplaced: dict[str, int] = {}
    with run.stage("place premises") as counts:
        change = lake.replacement("premises", run.run_id)
        for shard in range(lake.shards):
            held = lake.read_arrow("premises", shards=[shard])
            wanted, tried = held, _to_place(held, renewed)
            if tried.true_count:
                places = places or Places.open(lookup_folder(run.workspace.index_folder))
                wanted = _placed_where(held, tried, places, renewed)
            written = tried.true_count if wanted is not held and change.put(shard, held, wanted) else 0
            counts.rows_in += held.num_rows
            counts.rows_out += written
            counts.unchanged += held.num_rows - written
            total += held.num_rows
            on_map += held.num_rows - wanted["h3"].null_count
            for found in wanted["unplaced"].drop_null().value_counts().to_pylist():
                unplaced[found["values"]] = unplaced.get(found["values"], 0) + found["counts"]
        counts.written["premises"] = change.commit({NOTE: directory} if total else None)
    result = Placing(directory, total, on_map, dict(sorted(unplaced.items())))
    _note(run, result)
    basis["premises"] = lake.rows_now("premises")
    remember(run.workspace, PLACED, basis, {"premises": total, "on_map": on_map, "unplaced": result.unplaced})
    return result


def _note(run: Run, found: Placing) -> None:
    run.notes["premises"] = {
        "directory": found.directory, "rows": found.premises, "on_map": found.on_map, "unplaced": found.unplaced,
        "sentences": found.sentences(),
    }  # fmt: skip


def _to_place(held: pa.Table, renewed: bool) -> pa.Array:
    """Rows to be looked up: those never tried, and with another directory all that it may know better."""
    import pyarrow.compute as pc

    missing = pc.is_null(held["h3"])
    rows = pc.and_(missing, pc.is_null(held["unplaced"]))
    if renewed:
        rows = pc.or_(rows, pc.or_(missing, _from_postcode(held)))
    return rows.combine_chunks()


def _placed_where(held: pa.Table, tried: pa.Array, places: Places, renewed: bool) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = held.filter(tried)
    if renewed:
        ours = pc.and_(_from_postcode(rows), pc.is_valid(rows["postcode"]))
        for name in ("lat", "lon", "lad_code", "h3", "unplaced"):
            field = rows.schema.field(name)
            values = pc.if_else(ours, pa.scalar(None, field.type), rows[name])
            rows = rows.set_column(rows.column_names.index(name), field, values)
    return pa.concat_tables([held.filter(pc.invert(tried)), placed(rows, places)]).combine_chunks()


def _from_postcode(rows: pa.Table) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(rows["source"], value_set=pa.array(_POSTCODES_ONLY, pa.string()))
