"""What every process that the crawler starts has in common: its environment, its log, and its end with its parent."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from pathlib import Path

PROXY_VARIABLES = {"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy"}
PR_SET_PDEATHSIG = 1
LOG_CHARS = 500


class _Tame(logging.Formatter):
    """One escaped line per message, so that a stranger's text cannot fake or flood the log."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        limit = 8 * LOG_CHARS if record.exc_info else LOG_CHARS
        return text[:limit].encode("unicode_escape").decode("ascii")


def environment() -> dict[str, str]:
    """This process's environment without proxies, in which this very package is found."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in PROXY_VARIABLES}
    root = str(Path(__file__).resolve().parents[1])
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, (root, kept.get("PYTHONPATH", ""))))}


def log_to_stderr() -> None:
    """Write this process's log to its standard error, which its parent has turned into the crawl log."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Tame("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def signal_when_parent_dies(number: signal.Signals) -> None:
    """Have ``number`` sent to this process when the thread that started it ends; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
