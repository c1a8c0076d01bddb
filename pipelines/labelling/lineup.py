"""Whose turn is it: firms to judge for a sector, from a plan that is made anew behind the scenes.

Making a plan takes seconds, so a coder is served from the one there is; a new one takes its place after ``PLAN_AFTER``
judgements.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

AHEAD = 8  # firms made ready before they are asked for; reading eight takes no longer than one
PLAN_AFTER = 10  # judgements on a sector until its plan is made anew

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chosen:
    """A firm and why it is shown; ``why`` is empty where the coder went to it by name."""

    firm_id: str
    why: str = ""


class LineUp:
    """One sector's plan."""

    def __init__(self, make: Callable[[], Future[Sequence[Chosen]]]) -> None:
        """Args: begins to make a plan."""
        self._make = make
        self._plan: Sequence[Chosen] | None = None
        self._making: Future[Sequence[Chosen]] | None = None
        self._judged = 0
        self._error = ""
        self._lock = threading.RLock()  # a future may call back at once

    @property
    def error(self) -> str:
        """Why there is no plan; empty when there is one, or one is on its way."""
        return self._error

    def make(self) -> None:
        """Have a plan made, or made anew; returns at once."""
        with self._lock:
            if self._making is None:
                self._judged = 0
                self._making = self._make()
                self._making.add_done_callback(self._made)

    def judged(self) -> None:
        """Count a judgement."""
        with self._lock:
            self._judged += 1
            if self._judged >= PLAN_AFTER:
                self.make()

    def take(self, count: int, skip: Collection[str]) -> list[Chosen] | None:
        """Up to ``count`` firms that are not in ``skip``; None while the first plan is on its way."""
        with self._lock:
            plan = self._plan
        if plan is None:
            self.make()
            return None
        left = [chosen for chosen in plan if chosen.firm_id not in skip]
        if len(left) < count and self._judged:
            self.make()
        return left[:count]

    def _made(self, making: Future[Sequence[Chosen]]) -> None:
        with self._lock:
            self._making = None
            try:
                self._plan, self._error = making.result(), ""
            except CancelledError:
                return
            except Exception as error:
                _log.exception("no plan could be made")
                self._error = str(error)


def second_look(judged: Mapping[str, Mapping[str, str]], coder: str) -> list[str]:
    """Firms that others judged for a sector and this coder did not, in an order that tells nothing about them.

    Args:
        judged: Labels by firm and coder.
        coder: Who is to judge.
    """
    waiting = [firm_id for firm_id, words in judged.items() if words and coder not in words]
    return sorted(waiting, key=lambda firm_id: hashlib.sha256(firm_id.encode()).digest())
