"""Points at which a test kills a run: one of each list in ``make test``, all with FIRMSCOPE_ALL_KILLS=1."""

from __future__ import annotations

import os

ALL_KILLS = bool(os.environ.get("FIRMSCOPE_ALL_KILLS"))


def points(hardest: str, *others: str) -> tuple[str, ...]:
    """Where to kill; ``hardest`` is the one that loses most when recovery is wrong."""
    return (hardest, *others) if ALL_KILLS else (hardest,)
