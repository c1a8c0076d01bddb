"""A night killed at random instants, run again, and held against one that was left in peace."""

from __future__ import annotations

import functools
import json
import random
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.torture.comparing import State, differences, faults_of_ending, orphans, state_of
from tests.torture.world import World
from tests.torture.zygote import Job

BEFORE = "before the first stage"
TOO_LATE = "came too late"
TRIES = 5  # at a night that ended before it could be killed
TWICE = 4  # of so many repetitions the rerun of one is killed too
AGAIN = 20  # and after so many a third night must change nothing
PATIENCE_S = 90.0
EVENT = re.compile(rb'"event": "(?:run started|stage started|stage ended|run ended)"')


@dataclass(frozen=True)
class Span:
    """A part of a night, from an event in its log to the next; seconds as the night left in peace took."""

    name: str
    event: int  # how many events the log holds when it begins; 0: no log yet
    seconds: float


@dataclass(frozen=True)
class Peace:
    """A night that was left in peace: how it ended and how long its parts took."""

    ending: State
    spans: tuple[Span, ...]
    seconds: float


@functools.cache
def peace(world: World) -> Peace:
    """What a night leaves that is let alone; it is run once."""
    world.put_back()
    known, began = world.runs, time.time()
    night = world.start("nightly")
    assert night.wait() == 0, night.said
    lines = _lines(_log(world, known))
    spans, name, since = [], BEFORE, began
    for number, line in enumerate(lines):
        at = datetime.fromisoformat(line["at"]).timestamp()
        spans.append(Span(name, number, max(at - since, 0.0)))
        ended = line["event"] == "stage ended"
        name, since = f"after {line['stage']}" if ended else line.get("stage") or name, at
    joined = [span for span in spans if span.seconds > 0.03 or not span.event]
    state = state_of(world.workspace_folder)
    faults = faults_of_ending(world.workspace_folder, state, world.firms)
    assert not faults, faults
    return Peace(state, tuple(joined), sum(span.seconds for span in spans))


def killed_at_random(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """One repetition: kill, look, run again, compare. Returns what was lost."""
    left = peace(world)
    world.put_back()
    faults = []
    for turn in range(2 if number % TWICE == TWICE - 1 else 1):
        place = number if turn == 0 else rng.randrange(len(left.spans))
        job, stage = _killed(world, left.spans[place % len(left.spans)], rng)
        for _ in range(TRIES):
            if turn or stage != TOO_LATE:
                break
            world.put_back()
            job, stage = _killed(world, left.spans[place % len(left.spans)], rng)
        hits[stage] += 1
        faults += [f"killed in {stage}: {fault}" for fault in (*orphans(job), *state_of(world.workspace_folder).faults)]
    return faults + completed(world, number % AGAIN == AGAIN - 1)


def completed(world: World, and_again: bool = False) -> list[str]:
    """Run the night to its end. Returns in what it differs from one left in peace."""
    left = peace(world)
    rerun = world.start("nightly")
    if rerun.wait() != 0:
        return [f"the rerun ended with {rerun.code}: {rerun.said[-600:]}"]
    state = state_of(world.workspace_folder)
    faults = faults_of_ending(world.workspace_folder, state, world.firms) + differences(left.ending, state)
    if and_again:
        before = world.workspace.lake.snapshots()
        third = world.start("nightly")
        if third.wait() != 0 or world.workspace.lake.snapshots() != before:
            faults.append(f"a night after the rerun ended with {third.code} and changed tables: {third.said[-300:]}")
    return faults


def _killed(world: World, span: Span, rng: random.Random) -> tuple[Job, str]:
    """A night killed within a span, and where it was hit; one that ended before is let end, and counted as such."""
    known = world.runs
    job = world.start("nightly")
    deadline = time.monotonic() + PATIENCE_S
    while _events(_log(world, known)) < span.event and time.monotonic() < deadline and job.poll() is None:
        time.sleep(0.02)
    time.sleep(rng.random() * span.seconds)
    job.kill(signal.SIGKILL)
    if job.wait() != -signal.SIGKILL:
        return job, TOO_LATE
    stage = BEFORE
    for line in _lines(_log(world, known)):
        if line["event"] != "run ended":
            stage = f"after {line['stage']}" if line["event"] == "stage ended" else line.get("stage") or stage
    return job, stage


def _log(world: World, known: set[str]) -> Path | None:
    fresh = sorted(world.runs - known)
    return world.workspace_folder / "runs" / fresh[-1] / "log.jsonl" if fresh else None


def _events(log: Path | None) -> int:
    """How many events a log holds that say how far a run has come."""
    try:
        return len(EVENT.findall(log.read_bytes())) if log else 0
    except FileNotFoundError:
        return 0


def _lines(log: Path | None) -> list[dict[str, str]]:
    """These events; a line that was cut by the kill is none."""
    if log is None or not log.is_file():
        return []
    whole = [line for line in log.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [json.loads(line) for line in whole if EVENT.search(line)]
