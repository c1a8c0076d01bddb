"""``import premises``: addresses at which firms work, beside the registered office, from a CSV file.

Each row becomes a trading address. For the firms that a file names it takes the place of what was imported before; what
websites, lists and the register say of them stays, but where the website has the same postcode, the file's row stands.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.runs import Run
from pipelines.schemas import arrow_schema
from pipelines.sources.accounts_firms import firms_of
from pipelines.sources.cells import number
from pipelines.sources.company_numbers import normalised
from pipelines.sources.csv_files import BadRow, CsvRows, Row, csv_rows
from pipelines.sources.dropping import Drop, drop_rows
from pipelines.sources.file_kinds import folded
from pipelines.sources.listed import NOT_LISTED
from pipelines.sources.workbooks import how_read
from pipelines.store import Lake, shard_of
from pipelines.tables import PREMISES

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.workspace import Workspace

KIND = "a table of premises"
SOURCE, TRADING = "imported", "trading"
MOST_EMPLOYEES = 200_000  # no site in the country has so many; Heathrow has 80,000 in 400 firms
# The United Kingdom with room to spare; coordinates given the wrong way round lie outside.
SOUTH, NORTH, WEST, EAST = 49.0, 61.5, -9.0, 2.5


@dataclass(frozen=True)
class Site:
    """One row of the file that can be used; ``firm`` is a firm_id, or else ``company`` a company number."""

    row: int
    firm: str
    company: str
    postcode: str
    employees: float | None
    lat: float | None
    lon: float | None


@dataclass(frozen=True)
class PremisesReport:
    """What came of an import; ``added``: rows whose employees were added to another row of firm and postcode."""

    rows: int
    premises: int
    firms: int
    added: int
    with_employees: int
    unplaced: Mapping[str, int] = field(default_factory=dict)
    how_read: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The report in words, for the screen."""
        said = [
            *self.how_read,
            f"{self.rows:,} rows read: {self.premises:,} trading addresses of {self.firms:,} listed firms, "
            f"{self.with_employees:,} with employees",
        ]
        if self.added:
            said.append(f"{self.added:,} rows were added to another one of the same firm and postcode")
        said += [f"Not on the map: {count:,} {reason}" for reason, count in sorted(self.unplaced.items())]
        return said + [f"Not taken: {count:,} {reason}" for reason, count in sorted(self.dropped.items())]


class _BadSiteError(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def import_premises(run: Run, path: Path) -> PremisesReport:
    """Read a CSV with postcode, and firm_id or company_number; employees, lat and lon are taken when present.

    Raises:
        UsageError: No firms, a wrong file, or no row that can be used; nothing was written.
    """
    with run.stage("import") as counts:
        rows, drops, found = csv_rows(path, ("postcode",), KIND), list[Drop](), list[Site]()
        for row in rows:
            if not counts.rows_in:
                _refuse_other_tables(path, rows)
            counts.rows_in += 1
            try:
                found.append(read_site(row))
            except _BadSiteError as error:
                drops.append((_subject(path, row.number), error.reason, error.detail))
        if not found:
            first = f"the first, {drops[0][0]}: {drops[0][1]} ({drops[0][2]})" if drops else "there are none"
            raise UsageError(f"{path}: none of the {counts.rows_in:,} rows can be used; {first}")
        sites = _joined(run.workspace.lake, path, found, drops)
        made, added = _together(path, sites, drops)
        counts.rows_out = counts.rows_in - len(drops)
        dropped = drop_rows(run, counts, drops)
        ids = sorted({firm_id for firm_id, _ in made})
        fresh = _placed(_table(list(made.values()), run.workspace.lake), run.workspace)
        counts.written["premises"] = _write(run, ids, fresh) if ids else 0
    return PremisesReport(
        rows=counts.rows_in,
        premises=len(made),
        firms=len(ids),
        added=added,
        with_employees=sum(row["employees"] is not None for row in made.values()),
        unplaced=_counted(fresh["unplaced"].to_pylist()),
        how_read=tuple(how_read(rows)),
        dropped=dropped,
    )


def read_site(row: Row | BadRow) -> Site:
    """The address of a row. Raises an error with a reason word: bad_postcode, bad_employees, bad_place, no_firm, ..."""
    from pipelines.geography.postcode_text import postcode_of

    if isinstance(row, BadRow):
        raise _BadSiteError(row.reason, row.detail)
    firm, company = row.cells.get("firm_id", ""), row.cells.get("company_number", "")
    number_given = normalised(company) if company else None
    if not firm and number_given is None:
        raise _BadSiteError("no_firm", f"company_number {company[:50]!r}" if company else "no firm_id")
    postcode = postcode_of(row.cells["postcode"])
    if postcode is None:
        raise _BadSiteError("bad_postcode", repr(row.cells["postcode"][:50]))
    employees = _number(row, "employees")
    if employees is not None and not 0 <= employees <= MOST_EMPLOYEES:
        raise _BadSiteError("negative_employees" if employees < 0 else "absurd_employees", f"{employees:g}")
    lat, lon = _number(row, "lat"), _number(row, "lon")
    if (lat is None) != (lon is None):
        raise _BadSiteError("bad_place", "lat without lon, or lon without lat")
    if lat is not None and lon is not None and not (SOUTH <= lat <= NORTH and WEST <= lon <= EAST):
        raise _BadSiteError("bad_place", f"lat {lat:g}, lon {lon:g} lies outside the United Kingdom")
    return Site(row.number, firm, "" if firm else number_given or "", postcode, employees, lat, lon)


def _number(row: Row, name: str) -> float | None:
    cell = row.cells.get(name, "")
    if not cell:
        return None
    value = number(cell)
    if value is None:
        raise _BadSiteError("bad_place" if name in ("lat", "lon") else f"bad_{name}", f"{name} {cell[:50]!r}")
    return value


def _refuse_other_tables(path: Path, rows: CsvRows) -> None:
    columns = {folded(name) for name in rows.columns}
    if {"name", "website"} <= columns:  # its postcodes may be registered offices, where nobody works
        raise UsageError(
            f"{path}, row 1: looks like a firm list, which is for: firmscope import firms; {KIND} has no columns name "
            "and website: take one of them out if it is one"
        )
    if not {folded("firm_id"), folded("company_number")} & columns:
        raise UsageError(
            f"{path}, row 1: neither firm_id nor company_number is there (found: {', '.join(rows.columns)[:300]}); "
            "premises need one of them, and postcode"
        )


def _joined(lake: Lake, path: Path, found: list[Site], drops: list[Drop]) -> list[tuple[str, Site]]:
    """Firm and address of each row; rows of firms that are not listed go to ``drops``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    firms = firms_of(lake, {site.company for site in found if site.company})
    wanted = pa.array(sorted({site.firm for site in found if site.firm}), pa.string())
    held = lake.read_arrow("firms", ["firm_id"])["firm_id"]
    listed = set(held.filter(pc.is_in(held, value_set=wanted)).to_pylist())
    joined = []
    for site in found:
        if site.company and site.company not in firms:
            drops.append((_subject(path, site.row), *firms.absence(site.company)))
        elif site.firm and site.firm not in listed:
            drops.append((_subject(path, site.row), NOT_LISTED, site.firm))
        else:
            joined.append((site.firm or firms.firm_of[site.company], site))
    return joined


def _together(
    path: Path, sites: list[tuple[str, Site]], drops: list[Drop]
) -> tuple[dict[tuple[str, str], dict[str, Any]], int]:  # fmt: skip
    """One row per firm and postcode, and how many rows were added to another.

    Employees are added up, and are not known where one row does not know them. A row that says the same again is no
    second site.
    """
    given: defaultdict[tuple[str, str], list[Site]] = defaultdict(list)
    for firm_id, site in sites:
        given[firm_id, site.postcode].append(site)
    made, added = {}, 0
    for key, group in given.items():
        distinct = {(site.employees, site.lat, site.lon): site for site in reversed(group)}
        first = min(distinct.values(), key=lambda site: (site.lat is None, site.row))
        stay = {site.row for site in distinct.values()}
        again = [site.row for site in group if site.row not in stay]
        drops += [(_subject(path, row), "duplicate_row", f"row {first.row} and others say it already") for row in again]
        employees = [site.employees for site in distinct.values()]
        known = [value for value in employees if value is not None]
        made[key] = {
            "firm_id": key[0], "postcode": key[1], "kind": TRADING, "source": SOURCE,
            "lat": first.lat, "lon": first.lon,
            "employees": math.fsum(known) if len(known) == len(employees) else None,
        }  # fmt: skip
        added += len(distinct) - 1
    return made, added


def _table(rows: list[dict[str, Any]], lake: Lake) -> pa.Table:
    import pyarrow as pa

    sharded = [{"shard": shard_of(row["firm_id"], lake.shards), **row} for row in rows]
    return pa.Table.from_pylist(sharded, schema=arrow_schema(PREMISES))


def _placed(premises: pa.Table, workspace: Workspace) -> pa.Table:
    """The rows with their place on the map, or the word that says why they have none."""
    from pipelines.geography.lookup import lookup_folder
    from pipelines.geography.postcodes import Places, placed

    return placed(premises, Places.open(lookup_folder(workspace.index_folder))) if premises.num_rows else premises


def _write(run: Run, ids: list[str], fresh: pa.Table) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    lake = run.workspace.lake
    held = lake.read_arrow("premises")
    held = held.filter(pc.is_in(held["firm_id"], value_set=pa.array(ids, pa.string())))
    keys = set(zip(fresh["firm_id"].to_pylist(), fresh["postcode"].to_pylist(), strict=True))
    stays = [
        row["source"] != SOURCE and not (row["kind"] == TRADING and (row["firm_id"], row["postcode"]) in keys)
        for row in held.select(["firm_id", "postcode", "kind", "source"]).to_pylist()
    ]
    kept = held.filter(pa.array(stays, pa.bool_()))
    return lake.replace_firms("premises", ids, pa.concat_tables([kept, fresh.cast(kept.schema)]), run.run_id)


def _counted(words: list[str | None]) -> dict[str, int]:
    return {word: words.count(word) for word in set(words) if word is not None}


def _subject(path: Path, row: int) -> str:
    return f"{path.name}, row {row}"
