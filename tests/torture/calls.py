"""A night that is killed, or told of an error, at its k-th call of the system that changes names or syncs.

``strace`` follows the main thread, in which the catalogue is committed and files get their names.
"""

from __future__ import annotations

import functools
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from tests.torture.comparing import orphans, state_of
from tests.torture.kills import completed
from tests.torture.world import World
from tests.torture.zygote import Job

CALLS = ("rename", "unlink", "fsync", "fdatasync", "mkdir", "symlink", "link", "rmdir", "ftruncate", "pwrite64")
# And the exit codes that each may end with. SQLite calls every error at a sync "disk I/O error".
ERRORS = {"ENOSPC": (1, 3), "EIO": (1,), "EROFS": (1,)}
ATTACH_S = 20.0


def missing() -> str:
    """Why calls cannot be followed here; empty where they can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return "" if tried.returncode == 0 else f"strace may not follow processes here: {tried.stderr.strip()[:100]}"


def killed_at_a_call(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """One repetition: SIGKILL at one call, then the night once more."""
    name, place = _drawn(world, rng, number)
    job = _followed(world, f"inject={name}:signal=KILL:when={place}")
    code = job.wait()
    hits[f"{name} killed" if code == -signal.SIGKILL else "not reached"] += 1
    faults = orphans(job) + state_of(world.workspace_folder).faults
    return [f"killed at {name} {place}: {fault}" for fault in faults + completed(world)]


def told_of_an_error(world: World, rng: random.Random, number: int, of: int, hits: Counter[str]) -> list[str]:
    """One repetition: an error at one call; the night stops and says so, or does without; then once more."""
    name, place = _drawn(world, rng, number)
    error = rng.choice(sorted(ERRORS))
    job = _followed(world, f"inject={name}:error={error}:when={place}")
    try:
        code = job.wait()
    except TimeoutError as hung:
        return [f"{error} at {name} {place}: {hung}"]
    hits[f"{error}: exit {code}"] += 1
    faults = orphans(job) + state_of(world.workspace_folder).faults
    unclear = code == 1 and error == "ENOSPC" and "disk I/O error" not in job.said
    if code not in (0, *ERRORS[error]) or unclear or "Traceback" in job.said:
        faults.append(f"ended with {code} and said: {job.said[-700:]}")
    return [f"{error} at {name} {place}: {fault}" for fault in faults + completed(world)]


def _drawn(world: World, rng: random.Random, number: int) -> tuple[str, int]:
    counted = _counted(world)
    names = [name for name in CALLS if counted[name]]
    name = names[number % len(names)]
    return name, rng.randint(1, counted[name])


@functools.cache
def _counted(world: World) -> Counter[str]:
    """How often a night in peace makes each call."""
    job = _followed(world, f"trace={','.join(CALLS)}", world.folder / "calls")
    assert job.wait() == 0, job.said
    lines = (world.folder / "calls").read_text(encoding="utf-8").splitlines()
    found = (re.match(r"\d* *(\w+)\(", line) for line in lines)
    return Counter(match[1] for match in found if match)


def _followed(world: World, expression: str, into: Path = Path("/dev/null")) -> Job:
    """A night that strace follows."""
    world.put_back()
    job = world.start("nightly", halted=True)
    names = f"trace={','.join(CALLS)}"
    expressions = [one for text in dict.fromkeys((names, expression)) for one in ("-e", text)]
    subprocess.Popen(["strace", "-qq", "-o", into, *expressions, "-p", str(job.pid)], stderr=subprocess.DEVNULL)
    status, deadline = Path(f"/proc/{job.pid}/status"), time.monotonic() + ATTACH_S
    while "TracerPid:\t0\n" in status.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, "strace does not follow"
        time.sleep(0.01)
    runs = world.workspace_folder / "runs"
    known = len(list(runs.iterdir()))
    while job.poll() is None and len(list(runs.iterdir())) == known:  # one that comes while strace attaches is lost
        assert time.monotonic() < deadline + ATTACH_S, "it does not go on"
        job.kill(signal.SIGCONT)
        time.sleep(0.05)
    return job
