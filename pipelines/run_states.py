"""Which state of the tables each run on record left, and whether it can still be read.

A state that is kept has lists and figures, but after a few nights not the words that they were made of.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.errors import TableError, UsageError
from pipelines.store import Lake
from pipelines.tables import TABLES

RUN_LOG = "runs"  # the one table that is read as it is now: a run's own row is written after the state it left
SHORT_LIVED = frozenset({"pages", "embeddings", "fetches", "marks", RUN_LOG})
"""Tables that a state keeps for ``keep.words_days`` only: all that is large, and the log of runs."""
MAX_NAMED = 3  # runs that a refusal names


@dataclass(frozen=True)
class Left:
    """What a run on record left; ``taxonomy_digest`` is that of taxonomy.yaml as the run ended."""

    run_id: str
    ended_at: datetime
    snapshots: Mapping[str, int | None]
    taxonomy_digest: str | None


def recorded_states(lake: Lake) -> list[Left]:
    """What the runs on record left, the oldest first; runs that changed no table are not among them."""
    found = []
    for row in lake.read_arrow(RUN_LOG, ["run_id", "ended_at", "fingerprints"]).to_pylist():
        noted = json.loads(row["fingerprints"])
        digest = (noted.get("files") or {}).get("taxonomy.yaml")
        found.append(Left(row["run_id"], row["ended_at"].astimezone(UTC), complete(noted["snapshots"]), digest))
    return sorted(found, key=lambda left: left.ended_at)


def complete(snapshots: Mapping[str, int | None]) -> dict[str, int | None]:
    """With the tables that the release of then did not have: they were never written."""
    return {name: snapshots.get(name) for name in TABLES}


def hold_other_rows(
    lake: Lake, names: Iterable[str], before: Mapping[str, int | None], after: Mapping[str, int | None]
) -> bool:
    """Whether one of some tables changed between two states, and not only the files that hold its rows."""
    return any(lake.rows_id(name, before.get(name)) != lake.rows_id(name, after.get(name)) for name in names)


def is_gone(lake: Lake, snapshots: Mapping[str, int | None], words: bool = False) -> bool:
    """Whether a table of those that stay with a state cannot be read at its snapshot any more.

    Args:
        lake: The tables.
        snapshots: The state's.
        words: Whether its words are asked for as well, as by who compares a night with it.
    """
    return not all(
        snapshot is None or is_kept(lake, name, snapshot)
        for name, snapshot in snapshots.items()
        if name not in SHORT_LIVED or (words and name == "pages")
    )


def next_kept(lake: Lake, later: Sequence[Left]) -> str:
    """The first of the states of these runs, oldest first, that can be read: a part of a sentence.

    States after it may be gone again: of the months before the last days only the last one of each is kept.
    """
    kept = next((left for left in later if not is_gone(lake, left.snapshots)), None)
    if kept is None:
        return "only the state of now is kept"
    return f"the next that is kept is of {kept.ended_at.date()} (run {kept.run_id})"


def named_run(known: Iterable[str], prefix: str) -> str:
    """The run of this id, or the only one whose id begins so.

    Raises:
        UsageError: There is none, or there are several; names the nearest.
    """
    ids = sorted(known)
    if prefix in ids:
        return prefix
    found = [run_id for run_id in ids if prefix and run_id.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    near = found[-MAX_NAMED:] if found else difflib.get_close_matches(prefix, ids, MAX_NAMED, 0.3) or ids[-MAX_NAMED:]
    named = f": {', '.join(near)}" if near else ""
    many = f"{len(found)} runs begin with" if found else "no run begins with"
    raise UsageError(
        f"{many} {prefix[:60]!r}; {'the newest of them' if found else 'the nearest'}{named or ' is none'}. "
        "firmscope runs list shows all; a day is written YYYY-MM-DD"
    )


def is_kept(lake: Lake, name: str, snapshot: int) -> bool:
    """Whether a table can be read at a snapshot: it is not forgotten, and no file is missing or spoilt."""
    found = lake.find(name)
    if found is None or found.snapshot_by_id(snapshot) is None:
        return False
    try:
        lake.read_arrow(name, ["shard"], [0], snapshot)
    except TableError as error:
        if found.location().startswith("s3://") and not isinstance(error.__cause__, FileNotFoundError):
            raise  # storage that does not answer says nothing about what it holds
        return False
    return True
