"""Signals, pauses, a second night, readers, a disk that may only be read, too few descriptors, too little memory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from pipelines import digest_log
from pipelines.publication import current_set
from pipelines.workspace import Workspace
from tests.torture.comparing import differences, faults_of_ending, orphans, state_of
from tests.torture.kills import completed, peace
from tests.torture.world import TIMEOUT_S, World
from tests.torture.zygote import ROOT

SIGNALS = {"SIGINT": [signal.SIGINT], "SIGTERM": [signal.SIGTERM], "SIGHUP": [signal.SIGHUP],
           "SIGINT twice": [signal.SIGINT, signal.SIGINT]}  # fmt: skip
READERS = (["runs", "list"], ["figures", "related"], ["explain", "orbit3"], ["export", "firms", "--out", "OUT"],
           ["search", "satellite*"])  # fmt: skip
GRACE_S = 30.0
AT_ONCE_S = 10.0
MIB = 1 << 20


def signalled(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """Asked to stop, a night ends with 11 within half a minute, and the next one goes on from there."""
    world.put_back()
    name = list(SIGNALS)[number % len(SIGNALS)]
    known = world.runs
    job = world.start("nightly")
    time.sleep(0.3 + rng.random() * (peace(world).seconds - 0.8))
    for sent in SIGNALS[name]:
        job.kill(sent)
        time.sleep(0.2)
    began = time.monotonic()
    code = job.wait()
    took = time.monotonic() - began
    faults = orphans(job)
    before_it_began = {-sent for sent in SIGNALS[name]} if world.runs == known else set()
    if code not in {0, 11} | before_it_began:
        faults.append(f"ended with {code} and said: {job.said[-600:]}")
    if code == 11 and "goes on from there" not in job.said and "stopped" not in job.said:
        faults.append(f"does not say that it can be resumed: {job.said[-300:]}")
    if took > (AT_ONCE_S if len(SIGNALS[name]) > 1 else GRACE_S):
        faults.append(f"took {took:.0f} s to end")
    hits[f"{name}: exit {code}"] += 1
    return [f"{name}: {fault}" for fault in faults + state_of(world.workspace_folder).faults + completed(world)]


def paused(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """All processes of a night stand still for longer than a request may take; then it ends as if they had not."""
    world.put_back()
    job = world.start("nightly")
    time.sleep(0.3 + rng.random() * (peace(world).seconds - 0.5))
    still = job.family
    for pid in still:
        _send(pid, signal.SIGSTOP)
    time.sleep(1.3 * TIMEOUT_S)
    second = world.start("nightly")
    faults = [] if second.wait() == 5 or job.poll() is not None else [f"its lock was lost: {second.code}"]
    for pid in still:
        _send(pid, signal.SIGCONT)
    hits[f"exit {job.wait()}"] += 1
    if job.code != 0:
        return [*faults, f"ended with {job.code}: {job.said[-400:]}"]
    return faults + differences(peace(world).ending, state_of(world.workspace_folder))


def two_at_once(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """Of two nights that start together, or one in the other, one runs and the other ends with 5."""
    world.put_back()
    first = world.start("nightly")
    if number % 2:
        time.sleep(rng.random() * (peace(world).seconds - 0.5))
    second = world.start("nightly")
    ended = {first: first.wait(), second: second.wait()}
    hits[" and ".join(map(str, sorted(ended.values())))] += 1
    faults = []
    if sorted(ended.values()) != [0, 5] and not (number % 2 and set(ended.values()) == {0}):
        faults.append(f"ended with {list(ended.values())}: {first.said[-300:]} {second.said[-300:]}")
    refused = [job for job, code in ended.items() if code == 5]
    if any("is in use by" not in job.said for job in refused):
        faults.append(f"does not say who holds it: {refused[0].said[-300:]}")
    state = state_of(world.workspace_folder)
    return [*faults, *faults_of_ending(world.workspace_folder, state, world.firms),
            *differences(peace(world).ending, state)]  # fmt: skip


def finished_again(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """A night run again after it ended changes no byte of tables, archive, models and what readers see."""
    world.put_back()
    codes = [world.start("nightly").wait()]
    before = _digests(world.workspace_folder)
    codes.append(world.start("nightly").wait())
    after = _digests(world.workspace_folder)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    hits["unchanged files"] += len(before.keys() & after.keys()) - len(changed)
    return ([] if codes == [0, 0] else [f"ended with {codes}"]) + [f"{name} changed" for name in changed]


def read_meanwhile(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """Beside a night, readers see a whole set and whole tables at every moment."""
    world.put_back()
    faults: list[str] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                shown = current_set(Workspace(world.workspace_folder))
                if shown is None or not shown.is_whole:
                    faults.append("half a set is shown")
                lake = Workspace(world.workspace_folder).lake
                firms = lake.read_arrow("scores", ["firm_id"])["firm_id"].unique()
                if len(firms) < world.firms - 2:
                    faults.append(f"only {len(firms)} firms have scores")
                lake.close()
                hits["looks"] += 1
            except Exception as error:
                faults.append(f"{type(error).__name__}: {error}")
            time.sleep(0.05)

    reader = threading.Thread(target=read)
    reader.start()
    night = world.start("nightly")
    code = night.wait()
    ended.set()
    reader.join()
    return sorted(set(faults)) + ([] if code == 0 else [f"the night ended with {code}: {night.said[-300:]}"])


def read_only(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """On a disk that may only be read a night says so, and what only reads goes on."""
    world.put_back()
    folder, faults = world.workspace_folder, []
    assert world.start("nightly").wait() == 0  # figures older than the tables are not handed over
    before = _digests(folder)
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    try:
        night = world.start("nightly")
        if night.wait() not in (1, 2) or "Traceback" in night.said or "read-only" not in night.said.lower():
            faults.append(f"the night ended with {night.code} and said: {night.said[-600:]}")
        out = world.folder / "list.csv"
        for arguments in (["runs", "list"], ["figures", "related"], ["taxonomy", "check"], ["explain", "orbit3"],
                          ["export", "firms", "--out", str(out)], ["config", "show"]):  # fmt: skip
            job = world.start(*arguments)
            hits[f"{arguments[0]}: exit {job.wait()}"] += 1
            if job.code != 0:
                faults.append(f"{' '.join(arguments[:2])} ended with {job.code}: {job.said[-400:]}")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    changed = [name for name, digest in _digests(folder).items() if before.get(name) != digest]
    return faults + [f"{name} changed" for name in changed] + completed(world)


def reading_command(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """What reads tables ends with 0 as a process of its own, every time: nothing breaks while Python shuts down."""
    if number == 0 or not (world.workspace_folder / "read").is_file():
        world.put_back()
        assert world.start("nightly").wait() == 0
        (world.workspace_folder / "read").touch()
    out = str(world.folder / "list.csv")
    arguments = READERS[number % len(READERS)]
    ended = subprocess.run(world.command(*(out if one == "OUT" else one for one in arguments)), cwd=ROOT,
                           capture_output=True, text=True, check=False, timeout=120)  # fmt: skip
    hits[f"{arguments[0]}: exit {ended.returncode}"] += 1
    return [] if ended.returncode == 0 else [f"{arguments} ended with {ended.returncode}: {ended.stderr[-400:]}"]


def few_descriptors(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """With room for few open files a night ends as always, held back, or with 1; nothing is lost either way."""
    world.put_back()
    night = world.start("nightly", limits={"NOFILE": 64 if not number else rng.randrange(10, 40)})
    hits[f"exit {night.wait()}"] += 1
    faults = [] if night.code in (0, 1, 10) else [f"ended with {night.code}: {night.said[-400:]}"]
    return faults + state_of(world.workspace_folder).faults + completed(world)


def little_memory(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """Where memory ends in the midst of a night, the next one ends as one left in peace."""
    world.put_back()
    night = world.start("nightly", limits={"AS": rng.randrange(1, 60) * MIB})
    hits[f"exit {night.wait()}"] += 1
    return orphans(night) + state_of(world.workspace_folder).faults + completed(world)


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for name in ("lake", "archive", "models", "published", "exports", "report"):
        for path in sorted((folder / name).rglob("*")):
            if path.is_file() and path.name != digest_log.FILE:  # lines of files that went with the night are cut out
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
