"""The short form of ``make torture``: each case a few times, in less than three minutes."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.torture.cases import CASES
from tests.torture.zygote import ROOT

pytestmark = pytest.mark.slow

WHOLE = [
    "kills", "calls", "errors", "disk", "signals", "pause", "two", "again", "readers", "read-only", "commands",
    "descriptors", "memory", "moments", "jumps", "writers", "bucket", "conflict", "thirty",
]  # fmt: skip
SHORT = [
    "kills", "calls", "disk", "signals", "two", "again", "readers", "read-only", "commands", "descriptors", "jumps",
    "writers", "bucket",
]  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """What the command prints, by case."""
    command = [sys.executable, "-m", "tests.torture", "--short"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=590)
    found = {name: line for line in ended.stdout.splitlines() for name in SHORT if line.startswith(f"{name}: ")}
    assert found.keys() == set(SHORT), ended.stdout + ended.stderr
    return found | {"said": ended.stdout}


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost(lines: dict[str, str], name: str) -> None:
    if "NOT RUN" in lines[name]:
        pytest.skip(lines[name])
    assert re.match(rf"{name}: 0 of [1-9]\d* lost", lines[name]), lines["said"]


def test_short_form_is_this_one() -> None:
    assert [case.name for case in CASES if case.short] == SHORT


@pytest.mark.parametrize("name", WHOLE)
def test_whole_form_has_the_case(name: str) -> None:
    """The fault matrix names this one for what only ``make torture`` runs."""
    assert sum(case.name == name for case in CASES) == 1
