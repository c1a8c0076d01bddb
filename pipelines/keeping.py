"""Which past states of the tables, publications and run folders are kept, and which have had their time: rules only.

A state is what one run left of all tables. What a rollback or a published set goes back to is kept however old it is;
everything else goes by the days of ``[keep]``, counted from when the run ended. A state loses its large tables first
(``SHORT_LIVED``): they are nine tenths of the lake, and no list or figure of the past is read from them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.night_settings import KeepConfig
from pipelines.promotion import Promotion
from pipelines.run_states import SHORT_LIVED

Snapshots = Mapping[str, int | None]


@dataclass(frozen=True)
class State:
    """What a run that is on record left of every table."""

    run_id: str
    ended_at: datetime
    snapshots: Snapshots


@dataclass(frozen=True)
class Shown:
    """A set of exports and report, as far as its keeping goes; ``held``: nobody has released it."""

    run_id: str
    made_at: datetime
    held: bool


def kept_states(states: Iterable[State], now: datetime, keep: KeepConfig) -> dict[str, str]:
    """Why each state that is kept is kept, by run id; the others may go.

    Args:
        states: All on record, in any order.
        now: The present.
        keep: Settings.
    """
    in_order = sorted(states, key=lambda state: (state.ended_at, state.run_id))
    kept: dict[str, str] = {}
    if keep.monthly:
        first = _month(now) - keep.months + 1
        last = {_month(state.ended_at): state for state in in_order if _month(state.ended_at) >= first}
        kept = {state.run_id: f"last of {state.ended_at.astimezone(UTC):%Y-%m}" for state in last.values()}
    since = now - timedelta(days=keep.history_days)
    kept |= {state.run_id: f"of the last {keep.history_days} days" for state in in_order if state.ended_at >= since}
    if in_order:
        kept[in_order[-1].run_id] = "newest"
    return kept


def states_with_words(states: Iterable[State], now: datetime, keep: KeepConfig) -> set[str]:
    """Run ids of the states that keep all their tables, those of ``SHORT_LIVED`` too: of the last days, and the newest.

    Args:
        states: All on record, in any order.
        now: The present.
        keep: Settings.
    """
    found = list(states)
    since = now - timedelta(days=min(keep.words_days, keep.history_days))
    newest = {max(found, key=lambda state: (state.ended_at, state.run_id)).run_id} if found else set()
    return newest | {state.run_id for state in found if state.ended_at >= since}


def lasting(snapshots: Snapshots) -> dict[str, int | None]:
    """Those of the tables that a state keeps for as long as it is kept at all."""
    return {name: snapshot for name, snapshot in snapshots.items() if name not in SHORT_LIVED}


def rollback_chain(log: Sequence[Promotion], current: str | None) -> tuple[Promotion, ...]:
    """Promotions that ``models rollback`` would undo one after the other, the first of them first.

    All of them, however old: a model that is still there can be gone back to with its lists, or not at all.
    """
    found: list[Promotion] = []
    while current is not None:
        entry = next((entry for entry in reversed(log) if entry.kind == "promote" and entry.model_id == current), None)
        if entry is None or entry in found:
            break
        found.append(entry)
        current = entry.previous
    return tuple(found)


def by_table(kept: Iterable[Snapshots]) -> dict[str, set[int]]:
    """Snapshots of each table that some of these need."""
    found: dict[str, set[int]] = {}
    for snapshots in kept:
        for name, snapshot in snapshots.items():
            if snapshot is not None:
                found.setdefault(name, set()).add(snapshot)
    return found


def sets_to_go(sets: Sequence[Shown], current: str | None, now: datetime, keep: KeepConfig) -> list[str]:
    """Run ids of published sets that have had their time.

    The set that readers see never goes, nor the newest ``keep.publications`` that they saw or could see; one that is
    held waits for somebody's look for ``keep.history_days``, and the newest of these for as long as readers see an
    older one: night after night may find the same, and the set that says so is then an old one.
    """
    seen = sorted((one for one in sets if not one.held), key=lambda one: one.run_id, reverse=True)
    kept = {one.run_id for one in seen[: keep.publications]} | {current}
    since = now - timedelta(days=keep.history_days)
    held = sorted((one for one in sets if one.held), key=lambda one: (one.made_at, one.run_id))
    kept |= {one.run_id for one in held if one.made_at >= since or (one is held[-1] and one.run_id > (current or ""))}
    return sorted(one.run_id for one in sets if one.run_id not in kept)


def runs_to_go(begun: Mapping[str, datetime], needed: Collection[str], now: datetime, keep: KeepConfig) -> list[str]:
    """Run ids whose folder has had its time.

    Args:
        begun: When each run began, by run id.
        needed: Runs whose state is kept, or that a publication or a model names.
        now: The present.
        keep: Settings.
    """
    since = now - timedelta(days=keep.runs_days)
    return sorted(run_id for run_id, at in begun.items() if at < since and run_id not in needed)


def _month(at: datetime) -> int:
    """Months since the year 0, in UTC."""
    there = at.astimezone(UTC)
    return there.year * 12 + there.month
