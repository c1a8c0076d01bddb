"""Keep the rows of a file that were not taken, with their reason, in a list that a person can still read.

All are counted. Of one reason the first ten thousand are written down: a register has millions of companies that are in
no firm list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pipelines.runs import Run, StageCounts

MAX_KEPT = 10_000  # rows of dropped.csv for one reason in one import

Drop = tuple[str, str, str]  # subject, reason word, detail


def drop_rows(run: Run, counts: StageCounts, drops: Iterable[Drop]) -> Counter[str]:
    """Count drops and keep the first of each reason; returns the number by reason."""
    total: Counter[str] = Counter()
    kept = []
    for drop in drops:
        total[drop[1]] += 1
        if total[drop[1]] <= MAX_KEPT:
            kept.append(drop)
    if kept:
        run.drop_all(counts, kept)
    for reason, number in total.items():
        counts.dropped[reason] += max(0, number - MAX_KEPT)
    return total
