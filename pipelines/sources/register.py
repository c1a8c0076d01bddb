"""Import Companies House company data: facts about listed firms, and a firm of its own for every other company.

Five million companies pass through in blocks and shards; the table firms is committed last, with a note of the edition,
so that a killed import is simply run again.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.sources import register_editions as editions
from pipelines.sources.register_columns import keys_of
from pipelines.sources.register_gone import Edition, Tally
from pipelines.sources.register_merging import merged_firms, once_each, without_future
from pipelines.sources.register_offices import merged_premises, offices, on_the_map
from pipelines.sources.register_reading import MAX_DROPS_KEPT, Reading, csv_members, drop, read_member
from pipelines.sources.register_report import RegisterReport, said_of_completeness
from pipelines.sources.register_spool import Spool, known_firms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["RegisterReport", "import_register"]

NOT_LISTED = "not_in_firm_list"
# About a tenth of the register dissolves in a year, so that an edition of five years later lacks a good third of the
# companies. One that lacks more than half as many as are left is a cut file. Small tables cannot be told by a share.
MAX_GONE_SHARE, MIN_GONE_TOLD = 0.5, 1_000


def import_register(run: Run, path: Path, as_of: date | None = None, listed_only: bool = False) -> RegisterReport:
    """Import one file of company data into firms and premises.

    Args:
        run: The run.
        path: The official CSV, or a zip of one or more of its parts.
        as_of: The day the file was made; needed only where neither its name nor its newest company says it.
        listed_only: Bring listed firms up to date and leave all other companies out.

    Raises:
        UsageError: The file is none of this kind, is damaged, or would have most companies dissolved; nothing was
            written.
    """
    lake = run.workspace.lake
    with run.stage("import") as counts, csv_members(path) as members, _folder(run.folder / "spool") as folder:
        named = [editions.edition_of(name) for name, _ in members]
        outer = editions.edition_of(path.name)
        day = editions.one_day(str(path), [outer, *named], as_of)
        known = known_firms(lake)
        reading = Reading()
        with Spool(folder, known, lake.shards, listed_only) as spool:
            for name, open_bytes in members:
                read_member(run, counts, name, open_bytes, spool, reading)
            if not reading.companies:
                raise UsageError(f"{path}: no row of it can be used; {reading.first_bad or 'there is only the header'}")
            guessed = day is None
            day = _checked_day(path, day or reading.newest, run.started_at.date())
            parts = [] if reading.cut_short else [one for one in named if one] or ([outer] if outer else [])
            held = editions.noted(lake.notes("firms"))
            now = held if listed_only else held.with_parts(parts)
            whole = day in now.complete() or (listed_only and day in held.with_parts(parts).complete())
            tally = Tally()
            edition = Edition(day, now.complete(), _keys(reading.spared), known.keys, listed_only and whole)
            written = _merge(run, spool, edition, tally, str(path), {editions.NOTE: now.note()})
        doubles = [
            (f"{path.name}, row {line}", "duplicate_company_number", _double(number, same))
            for line, number, same in sorted(tally.doubles)
        ]
        drop(run, counts, doubles)
        counts.dropped.update({NOT_LISTED: spool.not_listed} if spool.not_listed else {})
        counts.rows_in, counts.rows_out = reading.rows, tally.taken
        counts.written.update(written.tables)
        left_out = reading.left_out + tally.left_out
        report = RegisterReport(
            path.name, day, reading.rows, tally.taken, tally.listed, tally.added, tally.older, tally.gone,
            said_of_completeness(whole, listed_only, reading.cut_short, now, day), tuple(sorted(reading.encodings)),
            known.shared, len(tally.superseded), guessed, Counter(counts.dropped), left_out, written.unplaced,
        )  # fmt: skip
        run.notes["register"] = report.sentences()
        for firm_id in tally.superseded[:MAX_DROPS_KEPT]:
            run.log("firm now listed under another id", firm_id=firm_id)
    return report


@dataclass(frozen=True)
class _Written:
    tables: dict[str, int]
    unplaced: Counter[str]


def _merge(run: Run, spool: Spool, edition: Edition, tally: Tally, path: str, notes: dict[str, str]) -> _Written:
    """Write premises and firms shard by shard; both become visible only when all of it is written."""
    from pipelines.geography.lookup import lookup_folder
    from pipelines.geography.postcodes import Places

    lake, places = run.workspace.lake, Places.open(lookup_folder(run.workspace.index_folder))
    premises, firms = lake.replacement("premises", run.run_id), lake.replacement("firms", run.run_id)
    unplaced: Counter[str] = Counter()
    for shard in range(lake.shards):
        rows = without_future(once_each(spool.rows(shard), tally), edition.day, tally)
        held = lake.read_arrow("firms", shards=[shard]).combine_chunks()
        before = len(tally.superseded)
        wanted, placing = merged_firms(held, rows, edition, tally)
        del rows
        firms.put(shard, held, wanted)
        del held, wanted
        placed = on_the_map(offices(placing), placing, places)
        unplaced.update(word for word in placed["unplaced"].drop_null().to_pylist())
        held = lake.read_arrow("premises", shards=[shard]).combine_chunks()
        premises.put(shard, held, merged_premises(held, placed, tally.superseded[before:]))
        del held, placed, placing
    if tally.gone >= MIN_GONE_TOLD and tally.gone > MAX_GONE_SHARE * tally.live:
        raise UsageError(
            f"{path}: calls itself the whole register of {edition.day}, but then {tally.gone:,} companies would be "
            f"gone and {tally.live:,} left: it is a part of the register. Download it again, or rename it so "
            "that it is not taken for all companies of its day (without AsOneFile)"
        )
    tables = {"premises": premises.commit()}
    return _Written(tables | {"firms": firms.commit(notes)}, unplaced)


def _checked_day(path: Path, day: date | None, today: date) -> date:
    if day is None:
        raise UsageError(f"{path}: neither its name nor a date of incorporation in it says of which day it is; say so")
    if day > today + timedelta(days=1):
        raise UsageError(
            f"{path}: it would be of {day}, which is to come; name it as published (with its date), or say of which "
            "day it is"
        )
    return day


def _double(number: str, same: bool) -> str:
    if same:
        return f"{number} stands there once more, with the same words"
    return f"{number} stands there with other words, too; the row whose words come last in order was taken"


def _keys(numbers: set[str]) -> npt.NDArray[np.uint64]:
    import numpy as np
    import pyarrow as pa

    return np.sort(keys_of(pa.array(sorted(numbers), pa.string())))


@contextmanager
def _folder(folder: Path) -> Iterator[Path]:
    """A folder for the time of the import; those that killed imports left go too."""
    for left in folder.parent.parent.glob(f"*/{folder.name}"):
        shutil.rmtree(left, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
