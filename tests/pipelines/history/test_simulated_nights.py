"""Nights on end: the lake stays bounded beside its newest state, and reading it takes no longer (a short benchmark)."""

from __future__ import annotations

from pathlib import Path

from pipelines.setup import create_workspace
from pipelines.workspace import Workspace
from tests.benchmarks.history import TAXONOMY, Night, live, read
from tests.benchmarks.history_lake import FEW_TABLES, Size

NIGHTS = 24  # ten more than a state is kept
TIMES, SLOWER = 2.3, 1.5  # of a year 3 and 1.5: its twelve ends of a month come on top


def test_history_is_bounded(tmp_path: Path) -> None:
    for name in ("young", "old"):
        create_workspace(tmp_path / name, TAXONOMY)
    young, old = Workspace(tmp_path / "young"), Workspace(tmp_path / "old")
    size, nights = Size(firms=150, changed=0.01, tables=FEW_TABLES), list[Night]()
    live(young, size, 1, nights.append)
    live(old, size, NIGHTS, nights.append, every=3)
    assert max(night.weight.times for night in nights) < TIMES
    assert nights[-1].weight.notes < 0.5 * nights[-1].weight.newest
    assert all(files <= 4 * 9 for _, _, files in nights[-1].weight.tables.values())
    first, last = read(young, old)
    assert last.list_s < SLOWER * first.list_s
    assert last.pages_s < SLOWER * first.pages_s
