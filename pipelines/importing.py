"""Write firm lists and texts into the lake, beside what is known of the same firms from elsewhere.

What a file does not speak of stays as it was: a list without employees does not take them away, and a text about a firm
does not touch its entry in the register. A listed firm takes over the company that the register had brought under its
own number, with all that is known of it: no company stands twice, in whatever order list and register come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from pipelines.firm_lists import FirmList
from pipelines.runs import Run
from pipelines.sources.accounts_firms import firms_of
from pipelines.sources.company_numbers import normalised
from pipelines.store import Lake, shard_of
from pipelines.tables import FIRMS, PREMISES
from pipelines.text_lists import TextList
from pipelines.workspace import Workspace

_PLACE_COLUMNS = ("postcode", "lad_code", "lat", "lon")
_FIGURES = ("employees", "turnover_gbp")
_LISTS = ("shard", "firm_id", "name", "website", "vat_number")  # columns of firms that the register does not fill

_Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class _Company:
    """A company that the register brought, and the firms of the list that give its number, by firm_id.

    ``firm_id`` is its company number. ``shared``: several listed firms give the number, so that figures go to none of
    them, as they would be added up twice.
    """

    firm_id: str
    entry: _Row
    firms: tuple[str, ...]
    shared: bool


def import_firms(run: Run, listed: FirmList) -> None:
    """Write a firm list into firms, premises and accounts; firms already there are brought up to date."""
    lake = run.workspace.lake
    ids = [firm["firm_id"] for firm in listed.firms]
    with run.stage("import") as counts:
        counts.rows_in = counts.rows_out = len(ids)
        for firm_id, what, cell in listed.unusable:
            run.log("cell left out", firm_id=firm_id, what=what, cell=cell)
        known = {row["firm_id"]: row for row in _held(lake, "firms", ids)}
        changed = _other_companies(listed, known)
        for firm_id in sorted(changed):
            run.log("another company's number: what others said of the one before is left out", firm_id=firm_id)
            known[firm_id] = {name: known[firm_id][name] for name in _LISTS}
        firms = [_new_firm() | known.get(firm["firm_id"], {}) | firm for firm in listed.firms]
        companies = _to_take_over(lake, firms)
        taken = [company.firm_id for company in companies]
        taking = [firm_id for company in companies for firm_id in company.firms]
        for company in companies:
            run.log(
                "company now stands under a listed firm",
                company=company.firm_id, firms=company.firms, figures_left_out=company.shared,
            )  # fmt: skip
        if listed.has(*_FIGURES) or taken or changed:
            held = _accounts(lake, listed) if listed.has(*_FIGURES) else _held(lake, "accounts", ids)
            held = [row for row in held if row["firm_id"] not in changed or row["source"] == "firm_list"]
            rows = _with_accounts(held, _moved(lake, "accounts", companies))
            counts.written["accounts"] = lake.replace_firms("accounts", [*ids, *taken], rows, run.run_id)
        if listed.has(*_PLACE_COLUMNS) or taken or changed:
            listed_places = {_address(row) for row in listed.premises}
            others = [
                row
                for row in _held(lake, "premises", ids)
                if not (row["firm_id"] in changed and row["source"] == "register")
                if not listed.has(*_PLACE_COLUMNS)
                or (row["source"] != "firm_list" and _address(row) not in listed_places)  # the list goes before a site
            ]
            places = on_the_map(run.workspace, listed.premises)
            rows = _with_premises(places, others, _moved(lake, "premises", companies))
            counts.written["premises"] = lake.replace_firms("premises", [*ids, *taken], rows, run.run_id)
        for name, key in (("grants", "project"), ("owners", "owner")) if taken or changed else ():
            rows = _once([*_moved(lake, name, companies), *_held(lake, name, set(taking) - changed)], key)
            counts.written[name] = lake.replace_firms(name, [*taking, *taken, *changed], rows, run.run_id)
        # Last, for it says whose number is whose: an import that was killed before is simply run again.
        firms = _with_facts(listed.firms, known, companies)
        children = _of_parents(lake, firms, companies, listed.has("parent_id"))
        replaced = [*ids, *taken, *(row["firm_id"] for row in children)]
        counts.written["firms"] = lake.replace_firms("firms", replaced, [*firms, *children], run.run_id)


def import_texts(run: Run, texts: TextList, now: datetime) -> None:
    """Write firms' words into pages and sites; such firms are not crawled. Firms not known yet are added to firms."""
    lake = run.workspace.lake
    ids = list(texts.firms)
    with run.stage("import") as counts:
        counts.rows_in = counts.rows_out = len(ids)
        for firm_id, what, cell in texts.unusable:
            run.log("cell left out", firm_id=firm_id, what=what, cell=cell)
        pages = [page | {"read_at": now, "archive_ref": None} for page in texts.pages if page["text"]]
        known = {row["firm_id"]: row for row in _held(lake, "firms", ids)}
        firms = [known.get(firm_id) or _new_firm() | firm for firm_id, firm in texts.firms.items()]
        sites = _text_sites(lake, firms, pages, now)
        pages = _as_old_as_held(lake, ids, pages)
        counts.written["pages"] = lake.replace_firms("pages", ids, pages, run.run_id)
        counts.written["sites"] = lake.replace_firms("sites", ids, sites, run.run_id)
        counts.written["firms"] = lake.replace_firms("firms", ids, firms, run.run_id)


def on_the_map(workspace: Workspace, premises: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Addresses with the coordinates, district and hexagon of their postcode, where they brought none."""
    import pyarrow as pa

    from pipelines.geography.lookup import lookup_folder
    from pipelines.geography.postcodes import Places, placed
    from pipelines.schemas import arrow_schema

    if not premises:
        return []
    rows = pa.Table.from_pylist(premises, schema=arrow_schema(PREMISES, PREMISES.names[1:]))
    found: list[dict[str, Any]] = placed(rows, Places.open(lookup_folder(workspace.index_folder))).to_pylist()
    return found


def _new_firm() -> dict[str, Any]:
    return dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")


def _held(lake: Lake, table: str, ids: Collection[str]) -> list[_Row]:
    """Rows of these firms; one shard of the table is in memory at a time, and only those that hold one of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(set(ids)), pa.string())
    rows: list[_Row] = []
    for shard in sorted({shard_of(firm_id, lake.shards) for firm_id in set(ids)}):
        held = lake.read_arrow(table, shards=[shard])
        rows += held.filter(pc.is_in(held["firm_id"], value_set=wanted)).to_pylist()
    return rows


def _other_companies(listed: FirmList, known: Mapping[str, _Row]) -> set[str]:
    """Firms whose firm_id the list gives to another company than before: the company number is another."""
    if not listed.has("company_number"):
        return set()
    found = set()
    for firm in listed.firms:
        before, now = known.get(firm["firm_id"], {}).get("company_number"), firm.get("company_number")
        if before and now and normalised(before) != normalised(now):
            found.add(firm["firm_id"])
    return found


def _to_take_over(lake: Lake, firms: Sequence[Mapping[str, Any]]) -> list[_Company]:
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
        for row in _held(lake, "firms", giving.keys() - ids)
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
        made.append(_Company(number, entry, tuple(sorted(giving[number])), shared))
    return made


def _moved(lake: Lake, table: str, companies: Sequence[_Company]) -> list[_Row]:
    """Rows of companies under the firms that take them over; figures only where that is one firm."""
    of = {company.firm_id: company for company in companies}
    figures = table in ("accounts", "grants")
    return [
        row | {"firm_id": firm_id, "shard": shard_of(firm_id, lake.shards)}
        for row in _held(lake, table, of)
        if not (figures and of[row["firm_id"]].shared)
        for firm_id in of[row["firm_id"]].firms
    ]


def _with_accounts(held: list[_Row], moved: list[_Row]) -> list[_Row]:
    """A filing that firm and company both have stays as the firm has it, with the earlier of its days of filing."""

    def mark(row: _Row) -> tuple[Any, ...]:
        one = row.get("filing") or (None if row["source"] == "firm_list" else row["period_end"])
        return row["firm_id"], row["source"], one

    def day(row: _Row) -> date:
        return row.get("filed_on") or date.max

    first: dict[tuple[Any, ...], date] = {}
    for row in moved:
        first[mark(row)] = min(day(row), first.get(mark(row), date.max))
    there = {mark(row) for row in held}
    dated = [row | {"filed_on": first[mark(row)]} if first.get(mark(row), date.max) < day(row) else row for row in held]
    return dated + [row for row in moved if mark(row) not in there]


def _with_premises(listed: list[_Row], held: list[_Row], moved: list[_Row]) -> list[_Row]:
    """Of one address the list's row stands, then the company's; an office without a postcode hides none with one."""
    made = {_address(row): row for row in (*held, *moved, *listed)}
    offices = {row["firm_id"] for row in made.values() if row["kind"] == "registered" and row["postcode"]}
    empty = {_address(row) for row in moved if row["kind"] == "registered" and not row["postcode"]}
    return [
        row
        for address, row in made.items()
        if not (address in empty and row["source"] != "firm_list" and row["firm_id"] in offices)
    ]


def _with_facts(listed: Sequence[_Row], known: Mapping[str, _Row], companies: Sequence[_Company]) -> list[_Row]:
    """Listed firms with what the register said of the companies that they take over; the list's own columns stand."""
    taken = {firm_id: company for company in companies for firm_id in company.firms}
    made = []
    for firm in listed:
        before, facts = known.get(firm["firm_id"], {}), dict[str, Any]()
        if company := taken.get(firm["firm_id"]):
            facts = {name: value for name, value in company.entry.items() if name not in _LISTS and value is not None}
        made.append(_new_firm() | before | facts | firm)
    return made


def _of_parents(lake: Lake, firms: list[_Row], companies: Sequence[_Company], said: bool) -> list[_Row]:
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
    others = _held(lake, "firms", set(children) - ids - now.keys())
    return [row | {"parent_id": now[row["parent_id"]]} for row in others]


def _once(rows: Iterable[_Row], key: str) -> list[_Row]:
    """One row per firm and key, the last."""
    return list({(row["firm_id"], row[key]): row for row in rows}.values())


def _address(row: _Row) -> tuple[str, str | None, str]:
    return row["firm_id"], row["postcode"], row["kind"]


def _accounts(lake: Lake, listed: FirmList) -> list[dict[str, Any]]:
    """The list's figures, those of other sources, and of the list held before what this list has no column for.

    Figures that are what they were keep their date: a list imported again does not make old figures younger.
    """
    ids = [firm["firm_id"] for firm in listed.firms]
    held = _held(lake, "accounts", ids)
    before = {row["firm_id"]: row for row in held if row["source"] == "firm_list"}
    given = {row["firm_id"]: row for row in listed.accounts}
    made = [row for row in held if row["source"] != "firm_list"]
    for firm_id in ids:
        old, new = before.get(firm_id), given.get(firm_id)
        kept = {name: old[name] if old and not listed.has(name) else None for name in _FIGURES}
        figures = kept | {name: new[name] for name in _FIGURES if new and name in new}
        dated = new or old
        if dated is None or all(value is None for value in figures.values()):
            continue
        same = old is not None and all(old[name] == figures[name] for name in _FIGURES)
        period_end = old["period_end"] if old and same and not listed.has("period_end") else dated["period_end"]
        facts = {"firm_id": firm_id, "period_end": period_end, "source": "firm_list", "imputed": False}
        made.append(facts | figures)
    return made


def _text_sites(
    lake: Lake, firms: list[dict[str, Any]], pages: list[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    worded = Counter(page["firm_id"] for page in pages)
    size: Counter[str] = Counter()
    for page in pages:
        size[page["firm_id"]] += len(page["text"].encode())
    held = {row["firm_id"]: row for row in _held(lake, "sites", [firm["firm_id"] for firm in firms])}
    sites = []
    for firm in firms:
        firm_id = firm["firm_id"]
        site = {
            "firm_id": firm_id, "source": "texts", "website": firm["website"], "final_url": None,
            "outcome": "ok" if firm_id in worded else "empty",
            "reason": "words imported from a file" if firm_id in worded else "the imported text is empty",
            "crawled_at": now, "requests": 0, "bytes_read": size[firm_id], "pages": worded[firm_id], "flags": [],
        }  # fmt: skip
        old = held.get(firm_id, {})
        if all(old.get(name) == value for name, value in site.items() if name != "crawled_at"):
            site["crawled_at"] = old["crawled_at"]
        sites.append(site)
    return sites


def _as_old_as_held(lake: Lake, ids: list[str], pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pages that say what they said keep the date at which they were first read."""
    held = {(row["firm_id"], row["url"], row["text_digest"]): row["read_at"] for row in _held(lake, "pages", ids)}
    return [
        page | {"read_at": held.get((page["firm_id"], page["url"], page["text_digest"]), page["read_at"])}
        for page in pages
    ]
