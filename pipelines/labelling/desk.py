"""The desk that coders sit at: brings the next firm, takes the judgement, and keeps the ones after it ready.

Coders who work at once are not given the same firm, unless it is for a second look, without seeing the first's word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from labels.queue import SECOND as SECOND_OPINION
from labels.taxonomy import Sector
from pipelines.asking import Progress, progress
from pipelines.labelling.firm_view import FirmView, view_of
from pipelines.labelling.ledger import Clash, Ledger, Said
from pipelines.labelling.lineup import AHEAD, Chosen, LineUp, second_look
from pipelines.labelling.reasons import Reasons, Told
from pipelines.labelling.shelf import Shelf, Tables
from pipelines.workspace import Workspace

FRESH, SECOND = "fresh", "second"  # which firms a coder is given: nobody judged them, or somebody else did
MAX_SKIPPED = 5_000

Plan = Callable[[str], "Future[Sequence[Chosen]]"]
"""Begins to plan which firms to judge for a sector."""
Ask = Callable[[str, str], "Future[Told]"]
"""Begins to ask the model about a firm and a sector."""


@dataclass
class _Seat:
    """One coder at work on one sector."""

    at: str = ""
    skipped: dict[str, None] = field(default_factory=dict)
    ahead: list[Chosen] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a coder is: whose judgement, on which sector, of which firms."""

    coder: str
    sector: str
    mode: str


class Desk:
    """Everything that the page asks for about firms and judgements."""

    def __init__(self, workspace: Workspace, plan: Plan, ask: Ask) -> None:
        """Args: the workspace; how a sector's firms are planned; how the model is asked."""
        self.ledger = Ledger(workspace)
        self.shelf = Shelf(workspace.folder)
        self.reasons = Reasons(ask)
        self.searching = Tables(workspace.folder)
        self._tables = Tables(workspace.folder)
        self._plan = plan
        self._fetching = ThreadPoolExecutor(1, thread_name_prefix="fetch")
        self._lines: dict[str, LineUp] = {}
        self._seats: dict[Place, _Seat] = {}
        self._lock = threading.RLock()

    def close(self) -> None:
        """Start nothing any more."""
        self._fetching.shutdown(wait=False, cancel_futures=True)

    def line(self, sector: str) -> LineUp:
        """A sector's plan; asked for the first time, it begins to be made."""
        with self._lock:
            if sector not in self._lines:
                self._lines[sector] = LineUp(lambda: self._plan(sector))
                self._lines[sector].make()
            return self._lines[sector]

    def next_firm(self, place: Place) -> Chosen | None:
        """The firm whose turn it is; None when there is none, or the plan is still on its way."""
        with self._lock:
            seat = self._seats.setdefault(place, _Seat())
            judged = self.ledger.judged(place.sector)
            taken = {other.at for where, other in self._seats.items() if other is not seat and where.mode == place.mode
                     and where.coder != place.coder and where.sector == place.sector}  # fmt: skip
            if place.mode == SECOND:
                waiting = [Chosen(firm, SECOND_OPINION) for firm in second_look(judged, place.coder)]
                seat.ahead = [chosen for chosen in waiting if chosen.firm_id not in seat.skipped][: 1 + AHEAD]
            else:
                skip = {*judged, *seat.skipped, *taken}
                # Firms that were made ready stay next, so that a plan made anew never makes a coder wait.
                ready = [chosen for chosen in seat.ahead if chosen.firm_id not in skip][:1]
                more = self.line(place.sector).take(1 + AHEAD, skip | {chosen.firm_id for chosen in ready})
                seat.ahead = [*ready, *(more or [])][: 1 + AHEAD]
            if not seat.ahead:
                return None
            chosen, *seat.ahead = seat.ahead
            seat.at = chosen.firm_id
            self._fetching.submit(self._make_ready, tuple(after.firm_id for after in seat.ahead))
            return chosen

    def pending(self, place: Place) -> bool:
        """Whether there is no firm only because the queue is still being opened."""
        return place.mode == FRESH and not self.line(place.sector).error and self.line(place.sector).take(1, ()) is None

    def skip(self, place: Place, firm_id: str) -> None:
        """Do not bring this firm again to this coder while the page is served."""
        with self._lock:
            skipped = self._seats.setdefault(place, _Seat()).skipped
            skipped[firm_id] = None
            while len(skipped) > MAX_SKIPPED:
                skipped.pop(next(iter(skipped)))

    def view(self, place: Place, firm_id: str) -> FirmView | None:
        """A firm as this coder sees it; None when it is not in the list."""
        record = self.shelf.firm(firm_id)
        if record is None:
            return None
        with self._lock:
            self._seats.setdefault(place, _Seat()).at = firm_id
        words = self.ledger.words(place.coder, firm_id)
        said = {sector: (word.label, word.note) for sector, word in words.items()}
        taxonomy = self.ledger.taxonomy
        told = self.reasons.known(record, place.sector, taxonomy.by_key[place.sector].name)
        return view_of(record, place.sector, taxonomy, said, told)

    def progress(self, sector: str) -> Progress:
        """How far the judging of a sector is."""
        return self._tables.ask(lambda workspace: progress(workspace, sector))[0]

    def judge(self, said: Said) -> tuple[Clash, ...]:
        """Write judgements; raises as :meth:`Ledger.say`."""
        clashes = self.ledger.say(said)
        if not clashes:
            for sector in said.labels:
                if sector in self._lines:
                    self._lines[sector].judged()
        return clashes

    def sectors(self) -> Mapping[str, Sector]:
        """Sectors by key, in taxonomy order."""
        return {sector.key: sector for sector in self.ledger.taxonomy.sectors}

    def _make_ready(self, firm_ids: tuple[str, ...]) -> None:
        """Several at once, and seldom: every time costs the same."""
        if not all(self.shelf.holds(firm_id) for firm_id in firm_ids[:2]):
            self.shelf.warm(firm_ids)
