"""Nights whose clock jumps, or that lie across a change of the hour, a leap day or the end of 32-bit time.

The night and all that it starts are told another time of day (``other_clock/sitecustomize.py``); waits go by a clock
that does not jump.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.torture.comparing import differences, faults_of_ending, state_of
from tests.torture.kills import completed, peace
from tests.torture.world import World
from tests.torture.zygote import ROOT

HOOK = Path(__file__).parent / "other_clock"
NIGHT_S = 300
# When the first of two nights begins (UTC), and by which zone the machine goes.
MOMENTS = {
    "the hour that is left out": ("2027-03-28 00:59:55", "Europe/London"),
    "the hour that comes twice": ("2027-10-31 00:59:55", "Europe/London"),
    "a leap day": ("2028-02-28 23:59:55", "UTC"),
    "the end of 32-bit time": ("2038-01-19 03:14:02", "UTC"),
    "a zone that was changed": ("2027-01-10 01:30:00", "Pacific/Kiritimati"),
}
JUMPS = {"back 50 min": timedelta(minutes=-50), "forward 3 days": timedelta(days=3), "back 1 h": timedelta(hours=-1),
         "forward 2 h": timedelta(hours=2)}  # fmt: skip


def at_a_moment(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """Two nights an hour apart by the clock: the second finds nothing to do; names of runs sort by time."""
    name = list(MOMENTS)[number % len(MOMENTS)]
    text, zone = MOMENTS[name]
    world.put_back()
    told = world.folder / "told"
    known, faults = world.runs, []
    begin = datetime.fromisoformat(text).replace(tzinfo=UTC)
    for at in (begin, begin + timedelta(hours=1)):
        told.write_text(f"{(at - datetime.now(UTC)).total_seconds()}\n", encoding="utf-8")
        ended = subprocess.run(world.command("nightly"), env=_environment(told, zone), capture_output=True, text=True,
                               check=False, timeout=NIGHT_S)  # fmt: skip
        if ended.returncode != 0:
            faults.append(f"the night of {at:%H:%M} ended with {ended.returncode}: {ended.stderr[-500:]}")
    state = state_of(world.workspace_folder)
    faults += _beside_dates(differences(peace(world).ending, state))
    faults += faults_of_ending(world.workspace_folder, state, world.firms)
    fresh = sorted(world.runs - known)
    manifests = [json.loads((world.workspace_folder / "runs" / run / "manifest.json").read_text()) for run in fresh]
    begun = [datetime.fromisoformat(one["started_at"]) for one in manifests]
    ended_at = [datetime.fromisoformat(one["ended_at"]) for one in manifests if one["ended_at"]]
    if begun != sorted(begun) or any(end < start for start, end in zip(begun, ended_at, strict=False)):
        faults.append(f"runs out of order: {manifests}")
    if not begun or not begin <= begun[0] <= begin + timedelta(minutes=10):
        faults.append(f"the clock was not told: {begun} in the place of {begin}")
    hits[name] += 1
    return [f"{name}: {fault}" for fault in faults]


def jumping(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """The clock jumps during a night; that night, and the next by the right clock, end as in peace, or say why not."""
    name = list(JUMPS)[number % len(JUMPS)]
    world.put_back()
    told = world.folder / "told"
    told.write_text("0\n", encoding="utf-8")
    night = subprocess.Popen(
        world.command("nightly"),
        env=_environment(told, "UTC"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    known = len(world.runs)
    while night.poll() is None and len(world.runs) == known:
        time.sleep(0.1)
    time.sleep(1.5 + rng.random() * peace(world).seconds / 2)  # half of the time it is the crawl
    told.write_text(f"{JUMPS[name].total_seconds()}\n", encoding="utf-8")
    _, said = night.communicate(timeout=NIGHT_S)
    faults = [] if night.returncode == 0 else [f"ended with {night.returncode}: {said[-500:]}"]
    state = state_of(world.workspace_folder)
    faults += _beside_dates(differences(peace(world).ending, state))
    ahead = _run_ahead(world)
    following = world.start("nightly")
    code = following.wait()
    if ahead:
        if code != 2 or "clock" not in following.said:
            faults.append(f"a run ahead by {JUMPS[name]} was not refused: {code} {following.said[-300:]}")
        newest = world.workspace_folder / "runs" / max(world.runs)
        newest.rename(world.folder / newest.name)  # the cure that the message names
        after = world.start("nightly")
        if after.wait() != 0:
            faults.append(f"after the cure a night ended with {after.code}: {after.said[-300:]}")
        state = state_of(world.workspace_folder)  # sites visited in days to come are visited once more
        faults += faults_of_ending(world.workspace_folder, state, world.firms)
    else:
        faults += _beside_dates(completed(world))
    hits[f"{name}: then exit {code}"] += 1
    return [f"{name}: {fault}" for fault in faults]


def _run_ahead(world: World) -> bool:
    """Whether the newest run ended after its clock had jumped."""
    manifest = world.workspace_folder / "runs" / max(world.runs) / "manifest.json"
    ended_at = datetime.fromisoformat(json.loads(manifest.read_text(encoding="utf-8"))["ended_at"])
    return ended_at - datetime.now(UTC) > timedelta(hours=1)


def _beside_dates(faults: list[str]) -> list[str]:
    """Without files that name the day: pages of the report, and since when a firm is in a list."""
    return [fault for fault in faults if not fault.startswith(("file report/", "file exports/firms.csv"))]


def _environment(told: Path, zone: str) -> dict[str, str]:
    path = os.pathsep.join((str(HOOK), str(ROOT)))
    return os.environ | {"PYTHONPATH": path, "TORTURE_CLOCK": str(told), "TZ": zone, "OMP_NUM_THREADS": "1"}
