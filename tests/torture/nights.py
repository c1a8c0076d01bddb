"""Thirty nights in a row on a farm that changes, with faults at random, held against the same nights left in peace."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

from tests.torture.comparing import State, differences, faults_of_ending, state_of
from tests.torture.kills import peace
from tests.torture.world import CYBER, FIRMS, NONE, SPACE, World

NIGHTS = 30
WORDS = (SPACE, CYBER, NONE)
FAULTS = ("none", "kill", "kill twice", "SIGTERM", "two at once", "few descriptors")
GROWTH = 1.5  # of a workspace through faults, against one left in peace
DONE = (0, 10)  # published, or held by the gate: lists of few firms move much


def in_a_row(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """All nights with faults, then all without; after each, tables and figures are equal."""
    seed = rng.random()
    disturbed = _nights(world, random.Random(seed), hits)
    size = _bytes(world.workspace_folder)
    left = _nights(world, random.Random(seed), None)
    faults = [
        f"night {night}: {fault}"
        for night, ((code, state), (code_left, state_left)) in enumerate(zip(disturbed, left, strict=True), 1)
        for fault in (
            ([] if code == code_left else [f"ended with {code} in the place of {code_left}"])
            + differences(state_left, state)
        )
    ]
    bound = _bytes(world.workspace_folder) * GROWTH
    return faults + ([] if size <= bound else [f"the workspace grew to {size} bytes; {bound:.0f} were allowed"])


def _nights(world: World, rng: random.Random, hits: Counter[str] | None) -> list[tuple[int | None, State]]:
    """Exit code and state of each night; without ``hits`` no fault is made."""
    world.put_back()
    words = {name: world.farm[name].words for name in FIRMS}
    found = []
    try:
        for _ in range(NIGHTS):
            for name in rng.sample(sorted(FIRMS), rng.randrange(3)):
                world.farm[name].words = f"{rng.choice(WORDS)} Door {rng.randrange(1000)}."
            fault, share = rng.choice(FAULTS), rng.random()
            if hits is not None:
                hits[fault] += 1
                _disturb(world, fault, share)
            night = world.start("nightly")
            state = state_of(world.workspace_folder) if night.wait() in DONE else State()
            found.append((night.code, state))
            assert night.code in DONE, f"a night after {fault} ended with {night.code}: {night.said[-500:]}"
            state.rows.pop("embeddings", None)  # vectors that nothing uses go some nights later, after each run a few
            faults = faults_of_ending(world.workspace_folder, state, world.firms)
            assert not faults, f"after {fault}: {faults}"
            world.days_pass()
    finally:
        for name, said in words.items():
            world.farm[name].words = said
    return found


def _disturb(world: World, fault: str, share: float) -> None:
    if fault == "two at once":
        jobs = [world.start("nightly"), world.start("nightly")]
        codes = [job.wait() for job in jobs]
        assert 5 in codes, codes
    elif fault == "few descriptors":
        world.start("nightly", limits={"NOFILE": 16 + int(share * 40)}).wait()
    elif fault != "none":
        for _ in range(2 if fault == "kill twice" else 1):
            job = world.start("nightly")
            time.sleep(share * peace(world).seconds)
            job.kill(signal.SIGTERM if fault == "SIGTERM" else signal.SIGKILL)
            job.wait()


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "lake").rglob("*") if path.is_file())
