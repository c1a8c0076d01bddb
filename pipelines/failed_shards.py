"""Shards whose work failed three times: they are reported, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.errors import FirmscopeError

if TYPE_CHECKING:
    from pipelines.runs import Run

FAILED = "its shard failed"  # reason of firms that a stage left as they were
NOTE = "failed_shards"  # in a run's notes


def report_failures(run: Run, stage: str, failures: Sequence[tuple[int, str]], tasks: int) -> None:
    """Note which shards failed, and why, in the run's manifest and its log.

    Args:
        run: The run.
        stage: Stage that they failed in.
        failures: Shard and reason of each.
        tasks: How many there were.

    Raises:
        FirmscopeError: All of them failed: then it is no shard's fault, and nothing of it may be published.
    """
    for shard, reason in failures:
        run.log("shard failed", stage=stage, shard=shard, reason=reason)
        run.notes.setdefault(NOTE, []).append({"stage": stage, "shard": shard, "reason": reason})
    if failures and len(failures) >= tasks:
        raise FirmscopeError(
            f"{stage} failed three times in every part that it had to do ({failures[0][1]}); what was committed "
            f"stands. The whole is in {run.folder / 'log.jsonl'}"
        )
