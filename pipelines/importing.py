"""Write firm lists and texts into the lake, beside what other sources have said about the same firms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pipelines.firm_lists import FirmList
from pipelines.runs import Run
from pipelines.text_lists import TextList


def import_firms(run: Run, listed: FirmList) -> None:
    """Write a firm list into firms, premises and accounts; firms already there are brought up to date."""
    lake = run.workspace.lake
    ids = [firm["firm_id"] for firm in listed.firms]
    with run.stage("import") as counts:
        counts.rows_in = counts.rows_out = len(ids)
        for firm_id, what, cell in listed.unusable:
            run.log("cell left out", firm_id=firm_id, what=what, cell=cell)
        accounts = _with_other_sources(run, "accounts", ids, _undated_unchanged(run, listed.accounts))
        premises = _with_other_sources(run, "premises", ids, listed.premises)
        counts.written["accounts"] = lake.replace_firms("accounts", ids, accounts, run.run_id)
        counts.written["premises"] = lake.replace_firms("premises", ids, premises, run.run_id)
        counts.written["firms"] = lake.replace_firms("firms", ids, listed.firms, run.run_id)


def import_texts(run: Run, texts: TextList, now: datetime) -> None:
    """Write firms and their words into firms, pages and sites; such firms are not crawled."""
    lake = run.workspace.lake
    ids = list(texts.firms)
    with run.stage("import") as counts:
        counts.rows_in = counts.rows_out = len(ids)
        pages = [page for page in texts.pages if page["text"]]
        worded = Counter(page["firm_id"] for page in pages)
        size: Counter[str] = Counter()
        for page in pages:
            size[page["firm_id"]] += len(page["text"].encode())
        sites = [
            {
                "firm_id": firm_id, "source": "texts", "website": firm["website"], "final_url": None,
                "outcome": "ok" if firm_id in worded else "empty",
                "reason": "words imported from a file" if firm_id in worded else "the imported text is empty",
                "crawled_at": now, "requests": 0, "bytes_read": size[firm_id], "pages": worded[firm_id],
                "flags": [],
            }
            for firm_id, firm in texts.firms.items()
        ]  # fmt: skip
        counts.written["pages"] = lake.replace_firms("pages", ids, pages, run.run_id)
        if counts.written["pages"] or set(ids) - set(lake.read("sites", ["firm_id"])["firm_id"]):
            counts.written["sites"] = lake.replace_firms("sites", ids, sites, run.run_id)
        counts.written["firms"] = lake.replace_firms("firms", ids, list(texts.firms.values()), run.run_id)


def _with_other_sources(run: Run, table: str, ids: Iterable[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, and what other sources than a firm list have said about these firms."""
    wanted = set(ids)
    held = run.workspace.lake.read_arrow(table).to_pylist()
    return rows + [row for row in held if row["firm_id"] in wanted and row["source"] != "firm_list"]


def _undated_unchanged(run: Run, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A list imported again on a later day does not make its old figures younger."""
    held = {
        (row["firm_id"], row["employees"], row["turnover_gbp"]): row["period_end"]
        for row in run.workspace.lake.read_arrow("accounts").to_pylist()
        if row["source"] == "firm_list"
    }
    return [row | {"period_end": held.get((row["firm_id"], row["employees"], row["turnover_gbp"]), row["period_end"])}
            for row in rows]  # fmt: skip
