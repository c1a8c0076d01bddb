"""A night's facts, and words that no rendering may obey."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.night.facts import DriftFact, Movement, Night, NightFacts, StageFacts
from pipelines.night.gate import judge
from pipelines.night.state import Candidate, ListMove, Pair, Reached, State
from pipelines.night_settings import GateConfig

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
BEFORE, RUN = "20261121T010000Z-aaaaaa", "20261122T010000Z-bbbbbb"
HOSTILE = (
    '<script>alert(1)</script> "><img src=x onerror=alert(2)> [x](javascript:alert(3)) `rm` | **b** '
    "\u202egnp.exe \x1b[31m https://evil.example www.evil.example a.person@firm.example {{7*7}} \u05d0\u05d1\u05d2"
)


@pytest.fixture
def hostile() -> str:
    """Words of a stranger who means harm."""
    return HOSTILE


@pytest.fixture
def facts() -> NightFacts:
    """A night of 12,345 firms that is published."""
    return night_facts()


def night_facts(reached: int = 9_900, name: str = "Example & Sons", sentence: str = "") -> NightFacts:
    """The same, with other figures or words."""
    lists = (
        ListMove("space_tech", "Space technologies", 40, 42, {"site_changed": 3}, {"register_changed": 1}),
        ListMove("cyber", "Cyber", 12, 12),
    )
    now = Candidate(
        State(12_345, 11_000, 10_000, 100, 4_210.0),
        reached=Reached(10_000, reached, 10_000, {"timeout": 10_000 - reached} if reached < 10_000 else {}),
        coverage=Pair(12_300, 0.892, 0.891), failures=Pair(10_000, 0.008, 0.010), chars=Pair(9_900, 4_200, 4_210),
        lists=lists, totals=684,
    )  # fmt: skip
    gate = judge(BEFORE, now, GateConfig())
    said = sentence or "now says “We build satellites.”"
    firm = Movement("space_tech", "Space technologies", "f-1", name, True, "site_changed", said)
    drift = (
        DriftFact("prevalence", "cyber", 2.4, 2.0, True, "Cyber: 2.4 times as frequent as published, beyond 2."),
        DriftFact("scores", "cyber", 0.1, 0.25, False, "quiet"),
    )
    before = State(12_300, 10_980, 9_950, 80, 4_200.0)
    night = Night(now.state, gate, before, BEFORE, lists, (firm,), 3, drift)
    stages = tuple(
        StageFacts(stage, START, seconds, 12_345, 12_000, 340, {"dissolved": 5}, {"pages": 7})
        for stage, seconds in (("crawl", 3_723.4), ("rollup", 12.0))
    )
    return NightFacts(
        RUN, START, START + timedelta(seconds=3_735.4), "held" if gate.held else "published", night,
        BEFORE if gate.held else RUN, stages, {"ok": 9_000, "timeout": 100}, 321, 4_321, 12, False, None,
        {"lake": 1_500_000_000, "free": 80_000_000_000}, {"Report": "report/index.html"},
    )  # fmt: skip


@pytest.fixture
def held() -> NightFacts:
    """The same night, of which a tenth of the sites was not reached."""
    return night_facts(9_000)


@pytest.fixture
def hostile_night() -> NightFacts:
    """The same night, with a firm whose every word means harm."""
    return night_facts(9_900, HOSTILE, HOSTILE)
