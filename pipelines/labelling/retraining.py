"""What a list would gain and lose if the model were trained now, worked out beside judging, one sector at a time.

The work runs in a process of its own (``pipelines.previewing``); here is only a thread that waits for it.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from labels.errors import LabelsError
from pipelines.errors import FirmscopeError
from pipelines.previewing import Preview, preview
from pipelines.workspace import Workspace

State = Literal["idle", "running", "done", "failed"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a retraining is, or how it ended."""

    state: State = "idle"
    sector: str = ""
    step: str = ""
    share: float = 0.0
    found: Preview | None = None
    error: str = ""


class Retraining:
    """The page's one retraining at a time."""

    def __init__(self, folder: Path) -> None:
        """Args: the workspace's folder."""
        self._folder = folder
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._progress = Progress()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._lock:
            return self._progress

    def start(self, sector: str) -> bool:
        """Begin, unless one is running; returns at once whether this one began."""
        with self._lock:
            if self._progress.state == "running" or self._ended.is_set():
                return False
            self._progress = Progress("running", sector, "Starting")
        threading.Thread(target=self._work, args=(sector,), daemon=True, name="retraining").start()
        return True

    def close(self) -> None:
        """Let the one that is running end at its next report."""
        self._ended.set()

    def _work(self, sector: str) -> None:
        try:
            found = preview(Workspace(self._folder), sector, self._report)
        except (FirmscopeError, LabelsError) as error:
            self._set(state="failed", error=str(error))
        except InterruptedError:
            self._set(state="failed", error="the page was stopped")
        except Exception:
            _log.exception("the retraining failed")
            self._set(state="failed", error="a fault in firmscope; the window where the page was started says more")
        else:
            self._set(state="done", found=found, share=1.0)

    def _report(self, step: str, share: float) -> None:
        if self._ended.is_set():
            raise InterruptedError
        self._set(step=step, share=share)

    def _set(self, **changes: object) -> None:
        with self._lock:
            self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
