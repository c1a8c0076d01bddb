"""Parts of a stage whose work failed three times: they are reported, and the others go on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pipelines.errors import FirmscopeError

if TYPE_CHECKING:
    from pipelines.runs import Run

FAILED = "its part of the stage failed"  # reason of firms that a stage left as they were
NOTE = "failed_parts"  # in a run's notes
SHOWN = 3  # firms of a part that are named


def firms_of_part(firm_ids: Collection[str]) -> str:
    """What a part is called that is no whole shard: its first firms, and how many others there are."""
    shown = sorted(firm_ids)[:SHOWN]
    more = len(firm_ids) - len(shown)
    return f"firm{'s' if len(firm_ids) > 1 else ''} {', '.join(shown)}{f' and {more:,} more' if more else ''}"


def report_failures(run: Run, stage: str, failures: Sequence[tuple[str, str]], tried: int) -> None:
    """Note which parts failed, and why, in the run's manifest and its log.

    Args:
        run: The run.
        stage: Stage that they failed in.
        failures: What each part is called, such as ``shard 3``, and why it failed; parts of one kind.
        tried: How many of that kind there were.

    Raises:
        FirmscopeError: All of them failed: then it is no part's fault, and nothing of it may be published.
    """
    for part, reason in failures:
        run.log("part failed", stage=stage, part=part, reason=reason)
        run.notes.setdefault(NOTE, []).append({"stage": stage, "part": part, "reason": reason})
    if failures and len(failures) >= tried:
        raise FirmscopeError(
            f"{stage} failed three times in every part that it had to do ({failures[0][1]}); what was committed "
            f"stands. The whole is in {run.folder / 'log.jsonl'}"
        )
