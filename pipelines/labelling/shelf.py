"""Firms as the tables hold them, kept at hand so that the next one is there before it is asked for.

Reading one firm takes a tenth of a second and more, since seven tables are asked; several firms at once take no longer
than one. A table is read anew when somebody commits: the catalog's file tells.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from labels.taxonomy import NONE
from pipelines.best_accounts import best_accounts
from pipelines.firm_facts import Amount, Place, newest_amounts, places
from pipelines.firm_texts import words_digest
from pipelines.lake_folder import CATALOG
from pipelines.store import Lake
from pipelines.workspace import Workspace

MAX_KEPT = 300  # firms held in memory; a site of 20 pages has about 100 kB of words
LOOK_AGAIN_S = 5.0  # between two looks at the catalog: a run commits many times a minute

Found = TypeVar("Found")


@dataclass(frozen=True)
class PageHeld:
    """One page's words."""

    url: str
    title: str
    kind: str
    text: str
    read_at: datetime


@dataclass(frozen=True)
class FirmRecord:
    """What the tables say of one firm; None is what is not known."""

    firm_id: str
    name: str
    website: str | None
    sic_codes: tuple[str, ...]
    place: Place
    employees: Amount | None
    turnover_gbp: Amount | None
    outcome: str | None
    outcome_reason: str | None
    pages: tuple[PageHeld, ...]
    text_digest: str  # of the words that are shown; empty when there are none
    model_id: str | None
    chances: Mapping[str, float]  # by sector; empty before the firm was classified
    rows: Mapping[str, Mapping[str, Any]]  # rows of ``assignments`` and ``near_misses``, by sector
    in_none: str | None  # why the firm is in no sector
    names: Mapping[str, str]  # of the firms named in ``rows``


@dataclass(frozen=True)
class Member:
    """A firm of a sector's list."""

    firm_id: str
    name: str
    probability: float | None
    reason: str


class Tables:
    """The lake as it stands, for one thread at a time; opened anew after somebody else's commit."""

    def __init__(self, folder: Path) -> None:
        """Args: the workspace's folder."""
        self.workspace = Workspace(folder)
        self._lock = threading.RLock()
        self._catalog = self.workspace.lake_folder / CATALOG
        self._seen: tuple[int, int] | None = None
        self._looked_at = 0.0

    def ask(self, question: Callable[[Workspace], Found]) -> tuple[Found, tuple[int, int]]:
        """The answer to a question, and the state of the tables that it was asked of."""
        with self._lock:
            now = time.monotonic()
            if self._seen is None or now - self._looked_at > LOOK_AGAIN_S:
                state = self._catalog.stat()
                version = (state.st_mtime_ns, state.st_size)
                if version != self._seen and self._seen is not None:
                    self.workspace.lake.close()
                    self.workspace = Workspace(self.workspace.folder)
                self._seen, self._looked_at = version, now
            return question(self.workspace), self._seen


class Kept:
    """Answers by key, the newest ``size`` of one state of the tables."""

    def __init__(self, size: int) -> None:
        """Args: how many answers are kept."""
        self._size = size
        self._lock = threading.Lock()
        self._state: tuple[int, int] | None = None
        self._held: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any) -> Any:
        """The answer, or None."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Any, answer: Any, state: tuple[int, int]) -> None:
        """Keep an answer; those from another state of the tables go."""
        with self._lock:
            if state != self._state:
                self._held.clear()
                self._state = state
            self._held[key] = answer
            while len(self._held) > self._size:
                self._held.popitem(last=False)


class Shelf:
    """Firms by id."""

    def __init__(self, folder: Path) -> None:
        """Args: the workspace's folder."""
        self._tables = Tables(folder)
        self._firms = Kept(MAX_KEPT)
        self._lists = Kept(8)

    def firm(self, firm_id: str) -> FirmRecord | None:
        """One firm; None when it is not in the list."""
        held = self._firms.get(firm_id)
        if held is None:
            self.warm([firm_id])
            held = self._firms.get(firm_id)
        return held if isinstance(held, FirmRecord) else None

    def warm(self, firm_ids: Iterable[str]) -> None:
        """Have these firms at hand."""
        missing = [firm_id for firm_id in firm_ids if self._firms.get(firm_id) is None]
        if not missing:
            return
        found, state = self._tables.ask(
            lambda workspace: read_records(workspace.lake, missing, workspace.config.rollup.amount_sources)
        )
        for record in found:
            self._firms.put(record.firm_id, record, state)

    def holds(self, firm_id: str) -> bool:
        """Whether the firm is at hand."""
        return self._firms.get(firm_id) is not None

    def names(self, firm_ids: Iterable[str]) -> dict[str, str]:
        """Names by firm_id; firms that left the list are absent."""
        wanted = list(firm_ids)

        def question(workspace: Workspace) -> dict[str, str]:
            found = workspace.lake.read_firms("firms", wanted, ["firm_id", "name"]).to_pylist()
            return {row["firm_id"]: row["name"] for row in found}

        return self._tables.ask(question)[0]

    def members(self, sector: str) -> tuple[Member, ...]:
        """Firms that the model put in a sector, the most probable first."""
        held = self._lists.get(sector)
        if held is None:
            held, state = self._tables.ask(lambda workspace: _members(workspace.lake, sector))
            self._lists.put(sector, held, state)
        return tuple(held)


def read_records(lake: Lake, firm_ids: Iterable[str], sources: Sequence[str]) -> list[FirmRecord]:
    """What the tables say of some firms, in no promised order; firms that are not in the list are absent.

    Args:
        lake: The tables.
        firm_ids: The firms.
        sources: Sources of employees and turnover, the one to believe first (``rollup.amount_sources``).
    """
    wanted = list(firm_ids)
    by_firm: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for table in ("pages", "scores", "assignments", "near_misses", "sites"):
        for row in lake.read_firms(table, wanted).to_pylist():
            by_firm.setdefault(row["firm_id"], {}).setdefault(table, []).append(row)
    where = places(lake.read_firms("premises", wanted).to_pandas())
    accounts = best_accounts(lake.read_firms("accounts", wanted), sources)
    amounts = {name: newest_amounts(accounts, name) for name in ("employees", "turnover_gbp")}
    near = {
        name
        for held in by_firm.values()
        for row in (*held.get("assignments", ()), *held.get("near_misses", ()))
        for name in row["evidence_nearest"] or ()
    }
    firms = lake.read_firms("firms", {*wanted, *near}).to_pylist()
    names = {row["firm_id"]: row["name"] for row in firms}
    asked = set(wanted)
    return [
        _record(row, by_firm.get(row["firm_id"], {}), where, amounts, names) for row in firms if row["firm_id"] in asked
    ]


def _record(
    firm: Mapping[str, Any],
    held: Mapping[str, list[dict[str, Any]]],
    where: Mapping[str, Place],
    amounts: Mapping[str, Mapping[str, Amount]],
    names: Mapping[str, str],
) -> FirmRecord:
    firm_id = firm["firm_id"]
    pages = sorted(held.get("pages", ()), key=lambda page: int(page["position"]))
    visit = next(iter(held.get("sites", ())), {})
    decided = held.get("assignments", [])
    model_id = next((row["model_id"] for row in decided if row["model_id"]), None)
    shown = [row for row in decided if row["assigned"]]
    shown += [row | {"assigned": False} for row in held.get("near_misses", ()) if row["model_id"] == model_id]
    return FirmRecord(
        firm_id=firm_id,
        name=firm["name"],
        website=visit.get("final_url") or firm["website"],
        sic_codes=tuple(firm["sic_codes"] or ()),
        place=where.get(firm_id, Place()),
        employees=amounts["employees"].get(firm_id),
        turnover_gbp=amounts["turnover_gbp"].get(firm_id),
        outcome=visit.get("outcome"),
        outcome_reason=visit.get("reason"),
        pages=tuple(
            PageHeld(page["url"], page["title"], page["kind"], page["text"], page["read_at"]) for page in pages
        ),
        text_digest=words_digest(pages) if pages else "",
        model_id=model_id,
        chances={row["sector"]: row["probability"] for row in held.get("scores", ()) if row["model_id"] == model_id},
        rows={row["sector"]: row for row in shown},
        in_none=next((row["reason"] for row in decided if row["sector"] == NONE), None),
        names={near: names[near] for row in shown for near in row["evidence_nearest"] or () if near in names},
    )


def _members(lake: Lake, sector: str) -> list[Member]:
    rows = lake.read_arrow("assignments", ["firm_id", "sector", "assigned", "probability", "reason"])
    import pyarrow.compute as pc

    found = rows.filter(pc.and_(pc.equal(rows["sector"], sector), rows["assigned"])).to_pylist()
    names = {row["firm_id"]: row["name"] for row in lake.read_arrow("firms", ["firm_id", "name"]).to_pylist()}
    found.sort(key=lambda row: (-(row["probability"] or 0.0), row["firm_id"]))
    return [
        Member(row["firm_id"], names.get(row["firm_id"], row["firm_id"]), row["probability"], row["reason"])
        for row in found
    ]
