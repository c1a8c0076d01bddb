"""Run the torture: ``python -m tests.torture [NAME ...] [--short] [--repeat N] [--seed S] [--table] [--keep DIR]``.

A line a case: repetitions, losses, seconds, what was met. What a repetition draws follows from seed, case and number,
so that ``NAME --seed S --only NUMBER`` makes the same one again. The exit code is 1 when something was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.torture import storage
from tests.torture.cases import CASES, Case, no_mounts
from tests.torture.comparing import keep_aside
from tests.torture.kills import peace
from tests.torture.world import World, world
from tests.torture.zygote import ROOT

IN_MEMORY = Path("/dev/shm")  # a night syncs hundreds of times, which says nothing here
INSIDE = "TORTURE_INSIDE"


@dataclass
class Result:
    """What became of one case."""

    case: Case
    times: int = 0
    losses: list[str] = field(default_factory=list)
    seconds: float = 0.0
    met: Counter[str] = field(default_factory=Counter)
    skipped: str = ""

    def line(self) -> str:
        """For a terminal, and for whoever reads it back."""
        if self.skipped:
            return f"{self.case.name}: NOT RUN, {self.skipped}"
        met = ", ".join(f"{what} {times}" for what, times in sorted(self.met.items()))
        lost = f"{len(self.losses)} of {self.times} lost"
        return f"{self.case.name}: {lost}, {self.seconds:.0f} s ({met})"

    def row(self) -> str:
        """For the README."""
        met = ", ".join(f"{what} {times}" for what, times in sorted(self.met.items()))
        return f"| {self.case.name} | {self.case.what} | {self.times} | {len(self.losses)} | {met} |"


def main() -> int:
    """Run what the command line asks for."""
    asked = _asked()
    if not os.environ.get(INSIDE) and not no_mounts():  # a namespace of our own, in which disks may be mounted
        inside = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", "tests.torture", *sys.argv[1:]]
        os.execvpe(inside[0], inside, os.environ | {INSIDE: "1"})
    print(f"seed {asked.seed}", flush=True)
    results = []
    place = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="torture-", dir=place))
    try:
        with world(folder) as made:
            peace(made)  # before a case takes the workspace
            for case in CASES:
                if (asked.names and case.name not in asked.names) or not (case.short or asked.names or not asked.short):
                    continue
                results.append(_run(case, made, asked))
                print(results[-1].line(), flush=True)
    finally:
        storage.close()
        shutil.rmtree(folder, ignore_errors=True)
    if not asked.names and not asked.short:
        results.append(_elsewhere())
        print(results[-1].line(), flush=True)
    if asked.table:
        print("\n".join(result.row() for result in results))
    return int(any(result.losses for result in results))


def _run(case: Case, made: World, asked: argparse.Namespace) -> Result:
    result = Result(case)
    if why := case.missing():
        result.skipped = why
        return result
    of = asked.repeat or (case.short or 1 if asked.short else case.times)
    for number in range(of) if asked.only is None else [asked.only]:
        began = time.monotonic()
        try:
            faults = case.once(made, random.Random(f"{asked.seed}/{case.name}/{number}"), number, of, result.met)
        except Exception:
            faults = [traceback.format_exc()]
        result.times += 1
        result.seconds += time.monotonic() - began
        if faults:
            again = f"python -m tests.torture {case.name} --seed {asked.seed} --only {number} --repeat {of}"
            result.losses.append(again)
            print(f"LOST in {case.name} {number}; again with: {again}", *faults, sep="\n  ", flush=True)
            if asked.keep:
                keep_aside(made.workspace_folder, asked.keep / f"{case.name}-{number}")
    return result


def _elsewhere() -> Result:
    """Run the tests that hold cases of groups D, W, K and C and lie elsewhere."""
    matrix = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text(encoding="utf-8"))
    named = {f"tests/{node}" for row in matrix.values() for node in row["tests"]}
    nodes = sorted(node for node in named if not node.startswith("tests/torture/test_torture.py"))
    result = Result(
        Case("elsewhere", "tests of these groups that lie with what they test", 1, 0, lambda *_: []), len(nodes)
    )
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *nodes]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                           env=os.environ | {"FIRMSCOPE_ALL_KILLS": "1"})  # fmt: skip
    result.seconds = time.monotonic() - began
    result.met[ended.stdout.strip().splitlines()[-1].strip("= ")] += 1
    if ended.returncode:
        result.losses = [line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))] or ["?"]
        print("LOST elsewhere", *result.losses, sep="\n  ", flush=True)
    return result


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *(case.name for case in CASES)], help="cases; all if none")
    parser.add_argument("--short", action="store_true", help="what make test takes: under three minutes")
    parser.add_argument("--repeat", type=int, default=0, help="repetitions of each case")
    parser.add_argument("--only", type=int, help="make this repetition alone")
    parser.add_argument("--seed", type=int, default=20261122, help="what random numbers follow from")
    parser.add_argument("--table", action="store_true", help="print the table of README.md at the end")
    parser.add_argument("--keep", type=Path, help="keep workspaces in which something was lost here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
