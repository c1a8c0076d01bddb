"""What each coder has said so far, and the one way in which the page adds to it.

A click has an id: sent twice it is written once. A click also says which word it saw: where another tab, or the same
coder elsewhere, has said something newer, nothing is written and both words are shown.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labels.queue import OWN_NOTE, asked_note, why_asked
from labels.store import UNDONE, Judgement
from labels.taxonomy import Taxonomy, load_taxonomy
from pipelines.judgements import current_judgements
from pipelines.judging import judge
from pipelines.workspace import Workspace

MAX_CLICKS = 20_000  # ids remembered: a week of two coders
MAX_UNDO = 200  # steps back, per coder


@dataclass(frozen=True)
class Said:
    """What a coder says of one firm with one click."""

    click: str
    coder: str
    firm_id: str
    labels: Mapping[str, str]  # by sector
    seen: Mapping[str, str]  # by sector: the coder's word that the page showed; empty or absent: none
    notes: Mapping[str, str]  # by sector
    text_digest: str


@dataclass(frozen=True)
class Clash:
    """A sector on which the coder has said something newer than the page showed."""

    sector: str
    held: Judgement
    wanted: str


@dataclass(frozen=True)
class _Step:
    """A click that can be taken back: what it wrote, and the words that stood there before."""

    written: tuple[Judgement, ...]
    before: Mapping[str, Judgement]


class Ledger:
    """All judgements of a workspace, at hand."""

    def __init__(self, workspace: Workspace) -> None:
        """Args: the workspace; its ``labels.csv`` is all that is written."""
        self.workspace = workspace
        self._lock = threading.RLock()  # of what is held in memory; never while waiting for the store
        self._writing = threading.Lock()
        self._clicks: OrderedDict[tuple[str, str], None] = OrderedDict()  # coder, click
        self._steps: dict[str, list[_Step]] = {}
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._judgements: list[Judgement] = []
        self._words: dict[tuple[str, str], dict[str, Judgement]] = {}
        self._taxonomy: Taxonomy | None = None

    @property
    def taxonomy(self) -> Taxonomy:
        """The sectors as ``taxonomy.yaml`` has them now."""
        with self._lock:
            self._refresh()
            assert self._taxonomy is not None  # noqa: S101 - for the type checker
            return self._taxonomy

    def judgements(self) -> list[Judgement]:
        """All judgements, oldest first."""
        with self._lock:
            self._refresh()
            return self._judgements

    def words(self, coder: str, firm_id: str) -> dict[str, Judgement]:
        """The coder's last words on a firm, by sector; those taken back are absent."""
        with self._lock:
            self._refresh()
            return dict(self._words.get((coder, firm_id), {}))

    def judged(self, sector: str) -> dict[str, dict[str, str]]:
        """Last labels on a sector, by firm and coder; those taken back are absent."""
        with self._lock:
            self._refresh()
            found: dict[str, dict[str, str]] = {}
            for (coder, firm_id), by_sector in self._words.items():
                word = by_sector.get(sector)
                if word:
                    found.setdefault(firm_id, {})[coder] = word.label
            return found

    def say(self, said: Said) -> tuple[Clash, ...]:
        """Write a click's judgements; on the disk when this returns. Returns what stands against it, if anything.

        Raises:
            LabelsError, FirmscopeError, OSError: Nothing was written.
        """
        with self._writing:
            if (said.coder, said.click) in self._clicks:
                return ()
            held = self.words(said.coder, said.firm_id)
            now = {sector: held[sector].label if sector in held else "" for sector in said.labels}
            clashes = [
                Clash(sector, held[sector], label)
                for sector, label in said.labels.items()
                if sector in held and now[sector] not in (label, said.seen.get(sector, ""))
            ]
            if clashes:
                return tuple(clashes)
            fresh = [
                self._judgement(said, sector, label, said.notes.get(sector, ""))
                for sector, label in said.labels.items()
                if sector not in held or (label, said.notes.get(sector, "")) != (held[sector].label, held[sector].note)
            ]
            self._write(fresh)
            self._remember(said.coder, said.click)
            if fresh:
                steps = self._steps.setdefault(said.coder, [])
                steps.append(_Step(tuple(fresh), held))
                del steps[:-MAX_UNDO]
            return ()

    def undo(self, coder: str, click: str) -> Judgement | None:
        """Take the coder's last click back by saying again what was said before it; nothing is erased.

        A word that somebody has changed since is left as it is.

        Returns:
            A judgement that was taken back, to show its firm again; None when there is none, or on a repeated click.
        """
        with self._writing:
            steps = self._steps.get(coder, [])
            if (coder, click) in self._clicks or not steps:
                return None
            step = steps[-1]
            held = self.words(coder, step.written[0].firm_id)
            back = []
            for word in step.written:
                if held.get(word.sector) != word:
                    continue
                before = step.before.get(word.sector)
                label, note = (before.label, before.note) if before else ("unsure", UNDONE)
                said = Said(click, coder, word.firm_id, {}, {}, {}, word.text_digest)
                back.append(self._judgement(said, word.sector, label, note))
            self._write(back)
            steps.pop()
            self._remember(coder, click)
            return step.written[0]

    def _remember(self, coder: str, click: str) -> None:
        self._clicks[coder, click] = None
        while len(self._clicks) > MAX_CLICKS:
            self._clicks.popitem(last=False)

    def _write(self, fresh: Sequence[Judgement]) -> None:
        if fresh:
            judge(self.workspace, fresh)

    def _judgement(self, said: Said, sector: str, label: str, note: str) -> Judgement:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        held = self._words.get((said.coder, said.firm_id), {}).get(sector)
        # A clock that was put back must not make the newer word the older one.
        when = max(now, held.labelled_on) if held else now
        version = str(self._taxonomy.version) if self._taxonomy else ""
        return Judgement(said.firm_id, sector, label, said.coder, when, note, version, said.text_digest)

    def _refresh(self) -> None:
        """Read the files anew where somebody changed them, this ledger included."""
        stamp = tuple(map(_stamp, (self.workspace.taxonomy_file, self.workspace.labels_file)))
        if stamp == self._stamp:
            return
        if self._taxonomy is None or stamp[:1] != self._stamp[:1]:
            self._taxonomy = load_taxonomy(self.workspace.taxonomy_file)
        self._judgements = current_judgements(self.workspace, self._taxonomy)
        self._words = {}
        for word in self._judgements:
            self._words.setdefault((word.coder, word.firm_id), {})[word.sector] = word
        self._stamp = stamp


def own_note(note: str) -> str:
    """What the coder wrote, without the reason for which the firm was asked."""
    why = why_asked(note)
    return note.removeprefix(asked_note(why)).removeprefix(OWN_NOTE) if why else note


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (state.st_mtime_ns, state.st_size)
