"""Write firm lists and texts into the lake, beside what is known of the same firms from elsewhere.

What a file does not speak of stays as it was: a list without employees does not take them away, and a text about a firm
does not touch its entry in the register. A listed firm takes over the company that the register had brought under its
own number, with all that is known of it: no company stands twice, in whatever order list and register come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pipelines.firm_lists import FirmList
from pipelines.firm_rows import LIST_COLUMNS, Row, address_of, held_rows, new_firm
from pipelines.runs import Run
from pipelines.sources.company_numbers import normalised
from pipelines.store import Lake
from pipelines.tables import PREMISES
from pipelines.taking_over import moved_rows, of_parents, to_take_over, with_accounts, with_facts, with_premises
from pipelines.text_lists import TextList
from pipelines.workspace import Workspace

_PLACE_COLUMNS = ("postcode", "lad_code", "lat", "lon")
_FIGURES = ("employees", "turnover_gbp")


def import_firms(run: Run, listed: FirmList) -> None:
    """Write a firm list into firms, premises and accounts; firms already there are brought up to date."""
    lake = run.workspace.lake
    ids = [firm["firm_id"] for firm in listed.firms]
    with run.stage("import") as counts:
        counts.rows_in = counts.rows_out = len(ids)
        for firm_id, what, cell in listed.unusable:
            run.log("cell left out", firm_id=firm_id, what=what, cell=cell)
        known = {row["firm_id"]: row for row in held_rows(lake, "firms", ids)}
        changed = _other_companies(listed, known)
        for firm_id in sorted(changed):
            run.log("another company's number: what others said of the one before is left out", firm_id=firm_id)
            known[firm_id] = {name: known[firm_id][name] for name in LIST_COLUMNS}
        firms = [new_firm() | known.get(firm["firm_id"], {}) | firm for firm in listed.firms]
        companies = to_take_over(lake, firms)
        taken = [company.firm_id for company in companies]
        taking = [firm_id for company in companies for firm_id in company.firms]
        for company in companies:
            run.log(
                "company now stands under a listed firm",
                company=company.firm_id, firms=company.firms, figures_left_out=company.shared,
            )  # fmt: skip
        if listed.has(*_FIGURES) or taken or changed:
            held = _accounts(lake, listed) if listed.has(*_FIGURES) else held_rows(lake, "accounts", ids)
            held = [row for row in held if row["firm_id"] not in changed or row["source"] == "firm_list"]
            rows = with_accounts(held, moved_rows(lake, "accounts", companies))
            counts.written["accounts"] = lake.replace_firms("accounts", [*ids, *taken], rows, run.run_id)
        if listed.has(*_PLACE_COLUMNS) or taken or changed:
            listed_places = {address_of(row) for row in listed.premises}
            others = [
                row
                for row in held_rows(lake, "premises", ids)
                if not (row["firm_id"] in changed and row["source"] == "register")
                if not listed.has(*_PLACE_COLUMNS)
                or (
                    row["source"] != "firm_list" and address_of(row) not in listed_places
                )  # the list goes before a site
            ]
            places = on_the_map(run.workspace, listed.premises)
            rows = with_premises(places, others, moved_rows(lake, "premises", companies))
            counts.written["premises"] = lake.replace_firms("premises", [*ids, *taken], rows, run.run_id)
        for name, key in (("grants", "project"), ("owners", "owner")) if taken or changed else ():
            rows = _once([*moved_rows(lake, name, companies), *held_rows(lake, name, set(taking) - changed)], key)
            counts.written[name] = lake.replace_firms(name, [*taking, *taken, *changed], rows, run.run_id)
        # Last, for it says whose number is whose: an import that was killed before is simply run again.
        firms = with_facts(listed.firms, known, companies)
        children = of_parents(lake, firms, companies, listed.has("parent_id"))
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
        known = {row["firm_id"]: row for row in held_rows(lake, "firms", ids)}
        firms = [known.get(firm_id) or new_firm() | firm for firm_id, firm in texts.firms.items()]
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


def _other_companies(listed: FirmList, known: Mapping[str, Row]) -> set[str]:
    """Firms whose firm_id the list gives to another company than before: the company number is another."""
    if not listed.has("company_number"):
        return set()
    found = set()
    for firm in listed.firms:
        before, now = known.get(firm["firm_id"], {}).get("company_number"), firm.get("company_number")
        if before and now and normalised(before) != normalised(now):
            found.add(firm["firm_id"])
    return found


def _once(rows: Iterable[Row], key: str) -> list[Row]:
    """One row per firm and key, the last."""
    return list({(row["firm_id"], row[key]): row for row in rows}.values())


def _accounts(lake: Lake, listed: FirmList) -> list[dict[str, Any]]:
    """The list's figures, those of other sources, and of the list held before what this list has no column for.

    Figures that are what they were keep their date: a list imported again does not make old figures younger.
    """
    ids = [firm["firm_id"] for firm in listed.firms]
    held = held_rows(lake, "accounts", ids)
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
    held = {row["firm_id"]: row for row in held_rows(lake, "sites", [firm["firm_id"] for firm in firms])}
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
    held = {(row["firm_id"], row["url"], row["text_digest"]): row["read_at"] for row in held_rows(lake, "pages", ids)}
    return [
        page | {"read_at": held.get((page["firm_id"], page["url"], page["text_digest"]), page["read_at"])}
        for page in pages
    ]
