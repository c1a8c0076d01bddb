"""Shared fixtures: where the real data lies, and how its absence is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser import axe, browser

__all__ = ["axe", "browser"]  # fixtures of all tests

SHARED = Path(__file__).resolve().parents[2] / "shared"


LONG = {"end_to_end", "evaluation", "torture"}  # folders of tests; a file of theirs takes one to three minutes


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that no worker is left alone with one at the end.

    Skip ``realdata`` tests where the folder is missing, loudly; fail them where it is required.
    """
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))
    if SHARED.is_dir():
        return
    if os.environ.get("FIRMSCOPE_REQUIRE_REALDATA"):
        raise pytest.UsageError(f"FIRMSCOPE_REQUIRE_REALDATA is set, but {SHARED} is missing")
    for item in items:
        if item.get_closest_marker("realdata"):
            item.add_marker(pytest.mark.skip(reason=f"the real data folder {SHARED} is missing"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data."""
    return SHARED
