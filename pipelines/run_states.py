"""Which state of the tables each run on record left, and whether it can still be read."""

from __future__ import annotations

import difflib
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.errors import UsageError
from pipelines.store import Lake
from pipelines.tables import TABLES

RUN_LOG = "runs"  # the one table that is read as it is now: a run's own row is written after the state it left
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


def is_gone(lake: Lake, snapshots: Mapping[str, int | None]) -> bool:
    """Whether a table cannot be read at its snapshot any more."""
    return not all(
        snapshot is None or _is_kept(lake, name, snapshot) for name, snapshot in snapshots.items() if name != RUN_LOG
    )


def kept_since(lake: Lake, later: Sequence[Left]) -> str:
    """From when on the states of these runs, oldest first, can be read: a part of a sentence."""
    place = bisect_left(later, True, key=lambda left: not is_gone(lake, left.snapshots))
    if place == len(later):
        return "only the state of now is kept"
    return f"later states are kept since {later[place].ended_at.date()} (run {later[place].run_id})"


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


def _is_kept(lake: Lake, name: str, snapshot: int) -> bool:
    try:
        lake.read_arrow(name, ["shard"], [0], snapshot)
    except (ValueError, FileNotFoundError):  # pyiceberg's word for a snapshot that is not there; files that are gone
        return False
    return True
