"""One JSON line a stage, for whoever watches a night: appended to ``stages.jsonl`` of the run, and printed when asked.

A stage's line is written when the stage has ended, so that a night that was killed shows how far it came.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, process_time
from typing import TYPE_CHECKING, TextIO

from pipelines.night.facts import StageFacts

if TYPE_CHECKING:
    from pipelines.runs import StageCounts

STAGES = "stages.jsonl"


@contextmanager
def timed(folder: Path, counts: StageCounts, beside: TextIO | None = None) -> Iterator[None]:
    """Time one stage and write its line when it ends well.

    Args:
        folder: The run's folder.
        counts: The stage's counts, complete when the block ends.
        beside: Where the line is printed too.
    """
    started_at, start, worked = datetime.now(UTC), monotonic(), _cpu_s()
    yield
    facts = StageFacts(
        counts.name, started_at, monotonic() - start, counts.rows_in, counts.rows_out, counts.unchanged,
        dict(sorted(counts.dropped.items())), dict(counts.written), _cpu_s() - worked,
    )  # fmt: skip
    line = json.dumps({"run_id": folder.name, **facts.as_dict()}) + "\n"
    with (folder / STAGES).open("a", encoding="utf-8") as file:
        file.write(line)
    if beside is not None:
        beside.write(line)
        beside.flush()


def stage_facts(folder: Path) -> tuple[StageFacts, ...]:
    """Stages of a run that ended, in order; none of a run of an earlier release. A line cut short is none."""
    path = folder / STAGES
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    names = StageFacts.__dataclass_fields__
    return tuple(
        StageFacts(
            **{name: row[name] for name in names if name in row}
            | {"started_at": datetime.fromisoformat(row["started_at"])}
        )
        for row in rows
    )  # fmt: skip


def _cpu_s() -> float:
    """Processor seconds so far of this process and of those that it started and waited for."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + ended.ru_utime + ended.ru_stime
