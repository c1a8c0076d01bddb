"""Hours in which sites may be begun, as a wall clock of the chosen zone shows them.

An hour that the clock shows twice counts both times; a window that falls into an hour it skips is closed that day.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crawler.errors import SettingsError

WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)
SEARCHED = timedelta(days=4)  # a window is open every day but one that a change of zone swallows


def check(window: str, zone: str) -> None:
    """Refuse a window that means nothing; empty means always open.

    Raises:
        SettingsError: ``window`` is not ``HH:MM-HH:MM``, or no such time zone is known.
    """
    _zone(zone)
    if window:
        _hours(window)


def is_open(now: datetime, window: str, zone: str = "UTC") -> bool:
    """Whether sites may be begun at ``now``; the window's first minute is inside, its last is not.

    Raises:
        SettingsError: As ``check``.
    """
    if not window:
        return True
    start, end = _hours(window)
    clock = now.astimezone(_zone(zone)).time()
    if end == time.min:  # 24:00
        return clock >= start
    return start <= clock < end if start < end else clock >= start or clock < end


def next_open(now: datetime, window: str, zone: str = "UTC") -> datetime:
    """The first instant from ``now`` on, in UTC, at which the window is open.

    Raises:
        SettingsError: As ``check``.
    """
    if is_open(now, window, zone):
        return now.astimezone(UTC)
    # Minute by minute: zones change by whole minutes at whole minutes, and no rule about them is needed here.
    instant = now.astimezone(UTC).replace(second=0, microsecond=0)
    last = instant + SEARCHED
    while instant < last:
        instant += timedelta(minutes=1)
        if is_open(instant, window, zone):
            return instant
    raise SettingsError(f"window {window!r} does not open within {SEARCHED.days} days in {zone}")


@functools.cache
def _hours(window: str) -> tuple[time, time]:
    match = WINDOW.fullmatch(window)
    if not match:
        raise SettingsError(f"window is {window!r}: expected HH:MM-HH:MM such as 22:00-06:00, or nothing for always")
    start = time(int(match[1]), int(match[2]))
    end = time.min if match[5] else time(int(match[3]), int(match[4]))
    if start == end and not match[5]:
        raise SettingsError(f"window is {window!r}, which begins when it ends: leave it empty for always")
    return start, end


@functools.cache
def _zone(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise SettingsError(
            f"window_zone is {zone!r}: expected a time zone such as Europe/London (where even that is unknown, install "
            "the package tzdata)"
        ) from error
