"""Die at a named point, as by a power cut, when a test asks for it; otherwise do nothing.

Points: ``committed-TABLE`` after a commit, ``after-STAGE`` after a stage has written its counts,
``indexed-block`` and ``indexed`` in the making of a file under ``index/``,
``vacuum-set``, ``vacuum-forgot-TABLE``, ``vacuum-deleting``, ``vacuum-archive`` and ``vacuum-run`` in a vacuum,
``repair-planned``, ``repair-aside``, ``repair-entered``, ``repair-back-TABLE``, ``repair-lake``, ``repair-forgot``,
``repair-mended``, ``repair-due``, ``repair-fetches`` and ``repair-pages`` in a repair.
"""

from __future__ import annotations

import os
import signal


def crash_point(name: str) -> None:
    """Kill this process if ``FIRMSCOPE_CRASH_AT`` names this point."""
    if os.environ.get("FIRMSCOPE_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
