"""Everything that is told of a night, once, as plain values; every rendering of it says the same.

``Night`` is what is known before anything is published, so that the published report can show it; ``NightFacts`` adds
how the night ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from pipelines.night.gate import GateResult
from pipelines.night.state import ListMove, State

Verdict = Literal["published", "unchanged", "held", "released", "failed"]


@dataclass(frozen=True)
class Movement:
    """One firm that entered or left one list; ``firm`` and ``sentence`` are words of strangers."""

    list_key: str
    list_name: str
    firm_id: str
    firm: str
    entered: bool
    cause: str
    sentence: str = ""


@dataclass(frozen=True)
class DriftFact:
    """One measure of how unlike the firms are those that the model learnt from."""

    kind: str
    sector: str | None
    value: float | None
    threshold: float | None
    crossed: bool
    sentence: str


@dataclass(frozen=True)
class StageFacts:
    """One stage: rows, in the manifest's words, and how long it took.

    ``cpu_s``: processor seconds of the command's own process and of those that it started and that have ended; None in
    a run of an earlier release.
    """

    stage: str
    started_at: datetime
    seconds: float
    rows_in: int
    rows_out: int
    unchanged: int
    dropped: Mapping[str, int]
    written: Mapping[str, int]
    cpu_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The stage as its line in ``stages.jsonl``."""
        cpu_s = None if self.cpu_s is None else round(self.cpu_s, 3)
        return asdict(self) | {
            "started_at": self.started_at.isoformat(), "seconds": round(self.seconds, 3), "cpu_s": cpu_s,
        }  # fmt: skip


@dataclass(frozen=True)
class Night:
    """A night's figures beside those published: the verdict of the gate and what it rests on.

    Args:
        state: The list now.
        gate: The gate's verdict.
        before: The list as published; None before the first publication.
        before_run: The run whose figures stood published.
        lists: How every list changed.
        movements: Firms that entered or left, those most worth a look first.
        more_movements: Further ones, not listed.
        drift: Measures of drift, crossed or not.
    """

    state: State
    gate: GateResult
    before: State | None = None
    before_run: str | None = None
    lists: tuple[ListMove, ...] = ()
    movements: tuple[Movement, ...] = ()
    more_movements: int = 0
    drift: tuple[DriftFact, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The night for a program."""
        return asdict(self) | {"gate": self.gate.as_dict()}


@dataclass(frozen=True)
class Release:
    """A held night that somebody published after a look."""

    run_id: str
    reason: str


@dataclass(frozen=True)
class NightFacts:
    """A night from first to last.

    Args:
        run_id: The night's run.
        started_at: Start.
        ended_at: End, or when this was written.
        verdict: What became of its figures.
        night: What was judged; None when the figures were those published already.
        published_run: The run whose figures readers see now; None when there are none.
        stages: Stages in the order in which they ran.
        outcomes: Sites by outcome word, of their newest visit.
        classified: Firms classified tonight.
        in_a_sector: Firms in at least one sector.
        not_recognised: Sites not recognised as their firm's own.
        match_required: Whether such firms are left out.
        release: The look that published a held night.
        disk: Bytes by part of the workspace, and ``free``.
        places: What to open, by name: report, exports, log.
        held_run: Of a night whose figures were held back already, the run that made them.
        held_for: The reasons then.
    """

    run_id: str
    started_at: datetime
    ended_at: datetime
    verdict: Verdict
    night: Night | None = None
    published_run: str | None = None
    stages: tuple[StageFacts, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    classified: int = 0
    in_a_sector: int = 0
    not_recognised: int = 0
    match_required: bool = False
    release: Release | None = None
    disk: Mapping[str, int] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    held_run: str | None = None
    held_for: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it took; never negative, whatever was done to the clock."""
        return max((self.ended_at - self.started_at).total_seconds(), 0.0)

    def as_dict(self) -> dict[str, Any]:
        """The facts for a program."""
        return asdict(self) | {
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat(),
            "seconds": round(self.seconds, 3),
            "night": self.night.as_dict() if self.night else None,
            "stages": [stage.as_dict() for stage in self.stages],
        }
