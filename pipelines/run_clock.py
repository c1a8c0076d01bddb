"""Refuse to begin a run by a clock that lies behind the runs on record.

Runs, states of the tables and published sets are put in order by their instants: a run that seems older than the one
before it would be taken for the past. A clock that was wrong once is mended by setting aside the runs it named.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.errors import UsageError

BEHIND = timedelta(hours=1)  # a change of the hour cannot do it, all instants being UTC; a clock drifts by seconds
RUN_ID = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{6}")


def refuse_a_clock_behind(runs_folder: Path, now: datetime) -> None:
    """Compare the present with the newest run that has a folder: when it began, and when it ended.

    Args:
        runs_folder: A folder a run; it may be missing.
        now: The present, with its zone.

    Raises:
        UsageError: That lies more than an hour ahead.
    """
    names = [path.name for path in runs_folder.iterdir() if RUN_ID.fullmatch(path.name)] if runs_folder.is_dir() else []
    if not names:
        return
    newest = runs_folder / max(names)
    last = max(_began(newest), _ended(newest))
    if last - now > BEHIND:
        raise UsageError(
            f"this machine's clock says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, but run {newest.name} was at work at "
            f"{last:%Y-%m-%d %H:%M}: set the clock right and run this again; if it is right now and was wrong then, "
            f"move the run's folder out of {runs_folder}"
        )


def _began(folder: Path) -> datetime:
    return datetime.strptime(folder.name.partition("Z")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)


def _ended(folder: Path) -> datetime:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return datetime.fromisoformat(manifest["ended_at"]).astimezone(UTC)
    except (OSError, ValueError, TypeError, KeyError):  # killed, or torn: its name has to do
        return _began(folder)
