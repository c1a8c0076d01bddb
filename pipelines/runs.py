"""A run's folder: manifest, JSON-lines log, and every row that was dropped, with its reason.

The table ``runs`` gets a row only from a run that changed another table; a night that found nothing to do leaves its
folder.
"""

from __future__ import annotations

import csv
import fcntl
import json
import secrets
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, TextIO

from pipelines.crashing import crash_point
from pipelines.errors import FirmscopeError, InterruptedRunError
from pipelines.run_clock import refuse_a_clock_behind
from pipelines.shared_lake import refuse_shared_lake
from pipelines.store import Lake
from pipelines.taxonomy_copies import keep_taxonomy
from pipelines.workspace import LOCK, Workspace, write_whole

MAX_LOG_CHARS = 500  # a log line is for a person; longer values come from hostile pages
FINGERPRINTED = ("firmscope", "scrapy", "scikit-learn", "sentence-transformers", "torch", "pyiceberg", "pandas")


@dataclass
class StageCounts:
    """Rows into and out of one stage; what is missing must have a reason."""

    name: str
    rows_in: int = 0
    rows_out: int = 0
    unchanged: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    written: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise unless rows in = rows out + unchanged + dropped."""
        accounted = self.rows_out + self.unchanged + self.dropped.total()
        if self.rows_in != accounted:
            raise FirmscopeError(
                f"stage {self.name}: {self.rows_in} rows in, but {self.rows_out} out + {self.unchanged} unchanged + "
                f"{self.dropped.total()} dropped = {accounted}; a fault in firmscope, nothing of it was published"
            )

    def as_dict(self) -> dict[str, Any]:
        """The counts as they stand in the manifest."""
        return {
            "rows_in": self.rows_in, "rows_out": self.rows_out, "unchanged": self.unchanged,
            "dropped": dict(sorted(self.dropped.items())), "written": self.written,
        }  # fmt: skip


class Run:
    """One run of a command on a workspace; made by :func:`start_run`."""

    def __init__(self, workspace: Workspace, command: str) -> None:
        """Args: the locked workspace; the command as the user typed it."""
        self.workspace = workspace
        self.command = command
        self.started_at = datetime.now(UTC)
        # Names sort by start, to the microsecond: publications and states are told older or newer by them.
        tail = f"{self.started_at.microsecond:05x}{secrets.randbelow(16):x}"
        self.run_id = f"{self.started_at:%Y%m%dT%H%M%S}Z-{tail}"
        self.folder = workspace.runs_folder / self.run_id
        self.stages: dict[str, StageCounts] = {}
        self.notes: dict[str, Any] = {}
        self.beside: TextIO | None = None  # where a line for each stage is printed too
        self.outcome = "running"

    @contextmanager
    def stage(self, name: str) -> Iterator[StageCounts]:
        """Count one stage's rows; on leaving, the counts must add up and are written to the manifest."""
        from pipelines.night.stage_lines import timed

        counts = self.stages[name] = StageCounts(name)
        self.log("stage started", stage=name)
        with timed(self.folder, counts, self.beside):
            yield counts
            counts.check()
        self.log("stage ended", stage=name, **counts.as_dict())
        self.write_manifest()
        crash_point(f"after-{name}")

    def drop(self, counts: StageCounts, subject: str, reason: str, detail: str = "") -> None:
        """Count a row that goes no further and keep it, with its reason, in ``dropped.csv``."""
        self.drop_all(counts, [(subject, reason, detail)])

    def drop_all(self, counts: StageCounts, drops: Iterable[tuple[str, str, str]]) -> None:
        """The same for many rows at once: subject, reason, detail."""
        path = self.folder / "dropped.csv"
        fresh = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if fresh:
                writer.writerow(["stage", "subject", "reason", "detail"])
            for subject, reason, detail in drops:
                counts.dropped[reason] += 1
                writer.writerow([counts.name, subject, reason, one_line(detail)])

    def log(self, event: str, **fields: Any) -> None:
        """Add one line to ``log.jsonl``."""
        record = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        record |= {key: one_line(value) if isinstance(value, str) else value for key, value in fields.items()}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=str) + "\n")

    def write_manifest(self, ended_at: datetime | None = None) -> None:
        """Write ``manifest.json`` as things stand."""
        manifest = {
            "run_id": self.run_id,
            "stage": self.command,
            "started_at": self.started_at.isoformat(),
            "ended_at": ended_at.isoformat() if ended_at else None,
            "outcome": self.outcome,
            "counts": {name: counts.as_dict() for name, counts in self.stages.items()},
            "fingerprints": self.fingerprints(),
            "notes": self.notes,
        }
        write_whole(self.folder / "manifest.json", json.dumps(manifest, indent=1).encode())

    def fingerprints(self) -> dict[str, Any]:
        """What this run's figures rest on: versions, and the files that steer the work."""
        import hashlib

        files = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
            for path in (self.workspace.config_file, self.workspace.taxonomy_file, self.workspace.labels_file)
        }
        python = ".".join(str(part) for part in sys.version_info[:3])
        return {"versions": {"python": python} | _versions(), "files": files}

    def finish(self, outcome: str) -> None:
        """Close the run: manifest, and a row in ``runs`` when a table differs from what the newest row there says.

        So a run that was killed before it could write its row is accounted for by the next one, and so is one that
        ends because the tables, or the store that has them, cannot be read.
        """
        self.outcome = outcome
        ended_at = datetime.now(UTC)
        try:
            self.notes["tables_changed"] = self._record(ended_at)
        except Exception as error:
            self.outcome = "failed" if outcome == "done" else outcome
            self.notes.setdefault("error", one_line(str(error)))
            self.log("run not recorded in the tables", error=str(error))
            if outcome == "done":
                raise
        finally:
            self.log("run ended", outcome=self.outcome, tables_changed=self.notes.get("tables_changed"))
            self.write_manifest(ended_at)

    def _record(self, ended_at: datetime) -> list[str]:
        recorded, now = _recorded_snapshots(self.workspace.lake), self.workspace.lake.snapshots()
        changed = sorted(name for name in now if name != "runs" and now[name] != recorded.get(name))
        if {"assignments", "cells"} & set(changed):
            keep_taxonomy(self.workspace)
        if changed:
            row = {
                "run_id": self.run_id, "stage": self.command, "started_at": self.started_at, "ended_at": ended_at,
                "outcome": self.outcome,
                "counts": json.dumps({name: counts.as_dict() for name, counts in self.stages.items()}),
                "fingerprints": json.dumps(self.fingerprints() | {"snapshots": now}),
            }  # fmt: skip
            self.workspace.lake.append("runs", [row], self.run_id)
        return changed


@cache
def _versions() -> dict[str, str]:
    """Read once: each is parsed from a file of metadata, which took a twentieth of a short command."""
    return {name: version(name) for name in FINGERPRINTED}


@contextmanager
def start_run(workspace: Workspace, command: str) -> Iterator[Run]:
    """Lock the workspace and run a command on it; whatever happens, the run's folder says how it ended.

    Raises:
        UsageError: The lake is another workspace's, or the clock lies behind the runs on record.
        WorkspaceBusyError: Another run holds the workspace.
        InterruptedRunError: The user or the system stopped the run.
    """
    refuse_shared_lake(workspace)
    with workspace.locked(), _terminable():
        workspace.config  # noqa: B018 - a faulty configuration stops the run before it leaves a trace
        refuse_a_clock_behind(workspace.runs_folder, datetime.now(UTC))
        run = Run(workspace, command)
        run.folder.mkdir(parents=True)
        run.write_manifest()
        run.log("run started", command=command)
        try:
            yield run
        except KeyboardInterrupt as error:
            run.finish("interrupted")
            raise InterruptedRunError("stopped; what was done is kept, the same command goes on from there") from error
        except BaseException as error:
            run.notes["error"] = one_line(str(error))
            run.finish("interrupted" if isinstance(error, InterruptedRunError) else "failed")
            raise
        run.finish("done")
        workspace.lake.close()


def list_runs(workspace: Workspace) -> list[dict[str, Any]]:
    """Manifests of all runs, oldest first; a run that was killed says so."""
    manifests = []
    for path in sorted(workspace.runs_folder.glob("*/manifest.json")):
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if manifest["outcome"] == "running" and not is_held(workspace):
            manifest["outcome"] = "killed"
        manifests.append(manifest)
    return manifests


def _recorded_snapshots(lake: Lake) -> dict[str, int | None]:
    """Snapshots of all tables as the newest run on record left them."""
    rows = lake.read_arrow("runs", ["ended_at", "fingerprints"]).to_pylist()
    if not rows:
        return {}
    newest = max(rows, key=lambda row: row["ended_at"])
    snapshots: dict[str, int | None] = json.loads(newest["fingerprints"])["snapshots"]
    return snapshots


def one_line(text: str) -> str:
    """Text from outside, made safe for a log: one line, no control characters, of bounded length."""
    cut = text[: MAX_LOG_CHARS + 1]
    clean = "".join(char if char.isprintable() else " " for char in cut)
    return clean if len(text) <= MAX_LOG_CHARS else clean[:MAX_LOG_CHARS] + " ..."


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM and SIGHUP end a run as Ctrl-C does; what was ignored when it began, as under nohup, stays so."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    old = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    old = {number: handler for number, handler in old.items() if handler != signal.SIG_IGN}
    for number in old:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def is_held(workspace: Workspace) -> bool:
    """Whether a run holds the workspace now; also where nothing may be written."""
    try:
        with (workspace.folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
