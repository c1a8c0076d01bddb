"""What a listed firm takes over of the company that the register had brought under its number, table by table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.firm_rows import LIST_COLUMNS, Row, address_of, held_rows, new_firm
from pipelines.sources.accounts_firms import firms_of
from pipelines.sources.company_numbers import normalised
from pipelines.store import Lake, shard_of


@dataclass(frozen=True)
class Company:
    """A company that the register brought, and the firms of the list that give its number, by firm_id.

    ``firm_id`` is its company number. ``shared``: several listed firms give the number, so that figures go to none of
    them, as they would be added up twice.
    """

    firm_id: str
    entry: Row
    firms: tuple[str, ...]
    shared: bool


def to_take_over(lake: Lake, firms: Sequence[Mapping[str, Any]]) -> list[Company]:
    """Companies that only the register brought, and whose number a firm of the list gives.

    The register's own: its firm_id is its number, it was in a register file, and nobody gave it a website.
    """
    ids = {firm["firm_id"] for firm in firms}
    giving: dict[str, list[str]] = {}
    for firm in firms:
        number = normalised(firm["company_number"]) if firm["company_number"] else None
        if number is not None:
            giving.setdefault(number, []).append(firm["firm_id"])
    entries = {
        row["firm_id"]: row
        for row in held_rows(lake, "firms", giving.keys() - ids)
        if row["company_number"] == row["firm_id"] and row["website"] is None and row["register_date"] is not None
    }
    if not entries:
        return []
    before = firms_of(lake, entries.keys())
    made = []
    for number, entry in sorted(entries.items()):
        held = before.claimed.get(number, (before.firm_of.get(number, number),))
        elsewhere = {firm_id for firm_id in held if firm_id != number and firm_id not in ids}
        shared = len(elsewhere.union(giving[number])) > 1
        made.append(Company(number, entry, tuple(sorted(giving[number])), shared))
    return made


def moved_rows(lake: Lake, table: str, companies: Sequence[Company]) -> list[Row]:
    """Rows of companies under the firms that take them over; figures only where that is one firm."""
    of = {company.firm_id: company for company in companies}
    figures = table in ("accounts", "grants")
    return [
        row | {"firm_id": firm_id, "shard": shard_of(firm_id, lake.shards)}
        for row in held_rows(lake, table, of)
        if not (figures and of[row["firm_id"]].shared)
        for firm_id in of[row["firm_id"]].firms
    ]


def with_accounts(held: list[Row], moved: list[Row]) -> list[Row]:
    """A filing that firm and company both have stays as the firm has it, with the earlier of its days of filing."""

    def mark(row: Row) -> tuple[Any, ...]:
        one = row.get("filing") or (None if row["source"] == "firm_list" else row["period_end"])
        return row["firm_id"], row["source"], one

    def day(row: Row) -> date:
        return row.get("filed_on") or date.max

    first: dict[tuple[Any, ...], date] = {}
    for row in moved:
        first[mark(row)] = min(day(row), first.get(mark(row), date.max))
    there = {mark(row) for row in held}
    dated = [row | {"filed_on": first[mark(row)]} if first.get(mark(row), date.max) < day(row) else row for row in held]
    return dated + [row for row in moved if mark(row) not in there]


def with_premises(listed: list[Row], held: list[Row], moved: list[Row]) -> list[Row]:
    """Of one address the list's row stands, then the company's; an office without a postcode hides none with one."""
    made = {address_of(row): row for row in (*held, *moved, *listed)}
    offices = {row["firm_id"] for row in made.values() if row["kind"] == "registered" and row["postcode"]}
    empty = {address_of(row) for row in moved if row["kind"] == "registered" and not row["postcode"]}
    return [
        row
        for address, row in made.items()
        if not (address in empty and row["source"] != "firm_list" and row["firm_id"] in offices)
    ]


def with_facts(listed: Sequence[Row], known: Mapping[str, Row], companies: Sequence[Company]) -> list[Row]:
    """Listed firms with what the register said of the companies that they take over; the list's own columns stand."""
    taken = {firm_id: company for company in companies for firm_id in company.firms}
    made = []
    for firm in listed:
        before, facts = known.get(firm["firm_id"], {}), dict[str, Any]()
        if company := taken.get(firm["firm_id"]):
            facts = {
                name: value for name, value in company.entry.items() if name not in LIST_COLUMNS and value is not None
            }
        made.append(new_firm() | before | facts | firm)
    return made


def of_parents(lake: Lake, firms: list[Row], companies: Sequence[Company], said: bool) -> list[Row]:
    """Firms beside the list's whose parent is taken over, under its new firm_id; the list's are changed in place.

    ``said``: the list itself says who is whose parent, so that its firms stay as they are.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    now = {company.firm_id: company.firms[0] for company in companies}
    ids = {firm["firm_id"] for firm in firms}
    children: list[str] = []
    for shard in range(lake.shards) if now else ():
        held = lake.read_arrow("firms", ["firm_id", "parent_id"], [shard])
        ours = pc.is_in(held["parent_id"], value_set=pa.array(list(now), pa.string()))
        children += held["firm_id"].filter(ours).to_pylist()
    for firm in firms if not said else ():
        firm["parent_id"] = now.get(firm["parent_id"], firm["parent_id"])
    others = held_rows(lake, "firms", set(children) - ids - now.keys())
    return [row | {"parent_id": now[row["parent_id"]]} for row in others]
