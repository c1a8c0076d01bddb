"""When a site is to be visited next: pure functions of what its earlier visits found.

A site is visited about as often as its words change. How often that is, is estimated from the visits that were compared
with the one before: Cho and Garcia-Molina, "Estimating frequency of change", ACM Transactions on Internet Technology
3(3), 2003. Counting changes alone would be too low, since a change at a visit may stand for several.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

# Prior of the share of visits without a change, as if half a visit with and half a visit without had been seen.
# Cho and Garcia-Molina's estimator, -log((unchanged + 0.5) / (visits + 0.5)), with Jeffreys' prior in the place of
# theirs: at theirs, one visit without a change would make a site of which nothing is known wait for the longest time.
PRIOR_VISITS = 0.5

# Visits that are remembered in full: then all counts are halved, so that a site which changes its ways is believed.
# Simulated with bounds of 20 h and 28 days: a site that never changed and then changes all the time is visited every
# three days after 17 visits (20 remembered: after 45, two years); one that changes once in 168 h on average is visited
# every 73 to 239 h (10th and 90th percentile; 20 remembered: 117 to 217 h). Look again when visits can be replayed.
FULL_HISTORY = 6

# Sites first visited in one night would come due in one night for ever: they are spread over this share of their wait.
SPREAD = 0.1

PATIENT_VISITS = 3  # visits that may be refused throughout before a site is left alone for the longest time
LONGEST_ASKED = timedelta(days=366)  # a Retry-After beyond is a mistake, or a way to be forgotten

# Outcomes that are ours, not the site's: such a firm stays due.
UNVISITED = frozenset({"internal_error", "not_attempted"})


class Ending(Enum):
    """What a visit's outcome means for the next one."""

    ANSWERED = "answered"  # words, or a plain answer that there are none
    FAILED = "failed"
    REFUSED = "refused"  # 401 or 403 to every request
    LEFT_ALONE = "left alone"  # the owner does not want the visit, or the words used
    UNVISITED = "unvisited"  # our doing, not the site's


@dataclass(frozen=True, slots=True)
class Bounds:
    """Shortest and longest wait between two visits; both 0 when every site is to be visited in every run."""

    shortest: timedelta
    longest: timedelta

    @classmethod
    def of(cls, recrawl_after_h: float, recrawl_at_most_h: float) -> Bounds:
        """The bounds that the settings state; 0 as the shortest wait switches waiting off."""
        shortest = timedelta(hours=recrawl_after_h)
        return cls(shortest, max(shortest, timedelta(hours=recrawl_at_most_h)) if recrawl_after_h else shortest)

    def within(self, wait: timedelta) -> timedelta:
        """The wait, or the bound that it passes."""
        return min(max(wait, self.shortest), self.longest)


@dataclass(frozen=True, slots=True)
class History:
    """What earlier visits found: visits compared, changes among them, hours between them in all; failures in a row."""

    visits: int = 0
    changes: int = 0
    watched_h: float = 0.0
    failures: int = 0

    def compared(self, hours: float, changed: bool) -> History:
        """The history with one more comparison, ``hours`` after the visit it was compared with."""
        longer = replace(
            self, visits=self.visits + 1, changes=self.changes + changed, watched_h=self.watched_h + max(hours, 0.0)
        )
        if longer.visits < FULL_HISTORY:
            return longer
        return replace(
            longer, visits=longer.visits // 2, changes=(longer.changes + 1) // 2, watched_h=longer.watched_h / 2
        )


def hours_between_changes(history: History) -> float | None:
    """Estimated mean time between two changes of a site's words, hours; ``None`` before any comparison."""
    if not history.visits:
        return None
    unchanged = history.visits - history.changes
    share_unchanged = (unchanged + PRIOR_VISITS) / (history.visits + 2 * PRIOR_VISITS)
    return history.watched_h / history.visits / -math.log(share_unchanged)


def next_due(
    firm_id: str, history: History, ending: Ending, now: datetime, bounds: Bounds, not_before: datetime | None = None
) -> datetime:
    """When a site is to be visited next.

    Args:
        firm_id: Spreads sites that would come due together.
        history: With the visit that ended now.
        ending: How that visit ended.
        now: When it ended.
        bounds: Shortest and longest wait.
        not_before: Instant before which the site asked not to be visited; the only thing that may pass the longest
            wait, by up to ``LONGEST_ASKED``.
    """
    due = now + _wait(firm_id, history, ending, bounds)
    return max(due, min(not_before, now + LONGEST_ASKED)) if not_before else due


def is_due(held: dict[str, Any] | None, website: str | None, now: datetime, bounds: Bounds) -> bool:
    """Whether a firm is to be visited: never seen, its website changed, or its time has come. Imported words stay.

    Args:
        held: The firm's row in ``sites``.
        website: Its website as the firm list has it now.
        now: The present.
        bounds: As the settings state them now; a due date noted under others is moved into them.
    """
    if held is None:
        return True
    if held["source"] == "texts":
        return False
    if held["website"] != website:
        return True
    if website is None or (held.get("not_before") and now < held["not_before"]):
        return False
    if held["outcome"] in UNVISITED:
        return True
    noted, since = held.get("due_at"), now - held["crawled_at"]
    if since < timedelta(0):  # a visit in the future: the clock was wrong then, and must not keep the site from us now
        return True
    return bool(since >= bounds.within(noted - held["crawled_at"] if noted else timedelta(0)))


def _wait(firm_id: str, history: History, ending: Ending, bounds: Bounds) -> timedelta:
    if ending is Ending.UNVISITED:
        return timedelta(0)
    refused = ending is Ending.REFUSED and history.failures >= PATIENT_VISITS
    if ending is Ending.LEFT_ALONE or refused:
        return _spread(firm_id, bounds.longest, bounds)
    if ending is Ending.ANSWERED:
        expected = hours_between_changes(history)
        hours = 0.0 if expected is None else min(expected, bounds.longest / timedelta(hours=1))
        return _spread(firm_id, timedelta(hours=hours), bounds)
    doublings = min(max(history.failures - 1, 0), 20)  # 20 of them exceed any bound
    return _spread(firm_id, min(bounds.shortest * 2**doublings, bounds.longest), bounds)


def _spread(firm_id: str, wait: timedelta, bounds: Bounds) -> timedelta:
    place = int.from_bytes(hashlib.sha256(firm_id.encode()).digest()[8:10], "big") / 0xFFFF
    return bounds.within(bounds.within(wait) * (1 - SPREAD * place))
