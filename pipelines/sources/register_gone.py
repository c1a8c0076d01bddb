"""Tell which companies have gone, from the files that have them and the whole editions that do not.

The register of live companies does not say when one left it. It was still there on the day of its newest file and no
longer on that of the next whole edition, whose day is taken: a company counts for as long as it can have been there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from pipelines.sources.register_columns import keys_of, numbers_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

REMOVED = "Removed from the register"


@dataclass
class Tally:
    """What became of the rows of a file and of the firms held."""

    taken: int = 0
    added: int = 0
    listed: int = 0
    older: int = 0
    gone: int = 0  # newly
    live: int = 0  # companies of the register that have not gone
    superseded: list[str] = field(default_factory=list)
    doubles: list[tuple[int, str, bool]] = field(default_factory=list)  # line, company number, row said the same
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Edition:
    """What is known of the file and of all files before it.

    Attributes:
        day: The file's date.
        complete: Dates of whole editions imported, this one with them if it is whole.
        spared: Keys of companies whose rows could not be read: they are there all the same.
        listed: Keys of companies that a firm list has under an id of its own, sorted.
        just_listed: Where only firms of the list are brought up to date: the file has all companies of its day.
    """

    day: date
    complete: Sequence[date]
    spared: npt.NDArray[np.uint64]
    listed: npt.NDArray[np.uint64]
    just_listed: bool = False


def keep_later_dissolution(
    firms: pa.Table,
    before: pa.Array,
    status: pa.Array,
    newest: npt.NDArray[np.bool_],
    day: np.datetime64,
) -> pa.Table:
    """What a list, or a later edition, said of a dissolution after the file's day, the file could not know."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    dissolved = days_in(pa.chunked_array([before])) if len(before) else np.zeros(0, "datetime64[D]")
    later = newest & (dissolved > day)
    if not later.any():
        return firms
    more = firms.num_rows - len(later)
    kept = pc.and_(pa.array(np.append(later, np.zeros(more, bool))), pc.is_null(firms["dissolved_on"]))
    for name, values in (("dissolved_on", before), ("status", status)):
        held = pa.concat_arrays([values, pa.nulls(more, values.type)])
        # A dissolution that a list gave stands beside the register's status; our own word comes back with its date.
        chosen = kept if name == "dissolved_on" else pc.and_(kept, pc.fill_null(pc.equal(held, REMOVED), False))
        column = firms.schema.field(name)
        firms = firms.set_column(firms.column_names.index(name), column, pc.if_else(chosen, held, firms[name]))
    return firms


def with_gone(
    firms: pa.Table,
    edition: Edition,
    absent: npt.NDArray[np.bool_],
    listed: npt.NDArray[np.bool_],
    status_before: pa.Array,
    tally: Tally,
) -> pa.Table:
    """Mark companies that a whole edition after their newest file does not have.

    The date is that of the first such edition: it is the latest day on which they can have gone.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    day = np.datetime64(edition.day, "D")
    seen = days_in(firms["register_date"])
    if len(edition.spared):
        keys = keys_of(numbers_of(firms["company_number"].combine_chunks()))
        spared = ~np.isnat(seen) & (seen < day) & np.isin(keys, edition.spared)
        seen, absent = np.where(spared, day, seen), absent & ~spared
        dates = pa.array(seen).cast(pa.date32())
        firms = firms.set_column(firms.column_names.index("register_date"), firms.schema.field("register_date"), dates)
    whole = np.array(sorted(edition.complete), "datetime64[D]")
    after = np.searchsorted(whole, seen, side="right")
    never = np.datetime64("9999-12-31", "D")
    until = np.where(np.isnat(seen), never, np.append(whole, never)[np.minimum(after, len(whole))])
    if edition.just_listed:
        until = np.where(absent & listed & (seen < day), np.minimum(until, day), until)
    dissolved = days_in(firms["dissolved_on"])
    marked = pc.fill_null(pc.equal(firms["status"], REMOVED), False).to_numpy()
    still = marked & (dissolved > seen)
    until = np.where(still, np.minimum(until, np.where(np.isnat(dissolved), never, dissolved)), until)
    gone = (until < never) & (np.isnat(dissolved) | marked)
    was = pc.fill_null(pc.equal(status_before, REMOVED), False).to_numpy(zero_copy_only=False)
    was = np.concatenate([was, np.zeros(firms.num_rows - len(was), bool)])
    tally.gone += int((gone & ~was).sum())
    tally.live += int((~np.isnat(seen) & ~gone & np.isnat(dissolved)).sum())
    mask = pa.array(gone)
    for name, values in (
        ("dissolved_on", pa.array(np.where(gone, until, dissolved)).cast(pa.date32())),
        ("status", pc.if_else(mask, REMOVED, firms["status"])),
    ):
        firms = firms.set_column(firms.column_names.index(name), firms.schema.field(name), values)
    return firms


def days_in(column: pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    import numpy as np

    found: npt.NDArray[np.datetime64] = column.to_numpy().astype("datetime64[D]")
    return found if len(found) else np.zeros(0, "datetime64[D]")
