"""Crawl windows by the wall clock, across midnight and the two odd nights of the year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.errors import SettingsError
from crawler.records import CrawlSettings
from crawler.windows import check, is_open, next_open

LONDON = "Europe/London"
NIGHT = "22:00-06:00"

OPEN = [
    ("no window", "2026-07-01T12:00", "", "UTC", True),
    ("first minute", "2026-07-01T09:00", "09:00-17:00", "UTC", True),
    ("last minute is out", "2026-07-01T17:00", "09:00-17:00", "UTC", False),
    ("a minute before", "2026-07-01T08:59", "09:00-17:00", "UTC", False),
    ("summer time counts", "2026-07-01T08:00", "09:00-17:00", LONDON, True),
    ("winter time counts", "2026-01-01T08:00", "09:00-17:00", LONDON, False),
    ("before midnight", "2026-01-01T23:59", NIGHT, LONDON, True),
    ("midnight", "2026-01-01T00:00", NIGHT, LONDON, True),
    ("after midnight", "2026-01-01T05:59", NIGHT, LONDON, True),
    ("in the morning", "2026-01-01T06:00", NIGHT, LONDON, False),
    ("whole day", "2026-01-01T23:59", "00:00-24:00", "UTC", True),
    ("until 24:00", "2026-01-01T23:59", "20:00-24:00", "UTC", True),
    ("until 00:00 is the same", "2026-01-01T23:59", "20:00-00:00", "UTC", True),
    ("and not at it", "2026-01-01T00:00", "20:00-00:00", "UTC", False),
    ("the hour that comes twice, first", "2026-10-25T00:30", "01:00-02:00", LONDON, True),
    ("the hour that comes twice, second", "2026-10-25T01:30", "01:00-02:00", LONDON, True),
    ("after it", "2026-10-25T02:00", "01:00-02:00", LONDON, False),
    ("half an hour off", "2026-01-01T16:30", NIGHT, "Asia/Kolkata", True),
]
NEXT = [
    ("open now", "2026-01-01T23:10:30", NIGHT, LONDON, "2026-01-01T23:10:30"),
    ("this evening", "2026-01-01T12:00:30", NIGHT, LONDON, "2026-01-01T22:00"),
    ("this evening in summer", "2026-07-01T12:00", NIGHT, LONDON, "2026-07-01T21:00"),
    ("tomorrow", "2026-01-01T18:00", "09:00-17:00", LONDON, "2026-01-02T09:00"),
    ("the night the clock goes back", "2026-10-24T20:00", "01:30-01:40", LONDON, "2026-10-25T00:30"),
    ("begins in the skipped hour", "2026-03-29T00:10", "01:30-05:00", LONDON, "2026-03-29T01:00"),
    ("lies in the skipped hour", "2026-03-29T00:10", "01:10-01:50", LONDON, "2026-03-30T00:10"),
    ("new year", "2026-12-31T23:59:59", "00:00-01:00", "UTC", "2027-01-01T00:00"),
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("now", "window", "zone", "expected"), [o[1:] for o in OPEN], ids=[o[0] for o in OPEN])
def test_open(now: str, window: str, zone: str, expected: bool) -> None:
    assert is_open(at(now), window, zone) is expected


@pytest.mark.parametrize(("now", "window", "zone", "expected"), [n[1:] for n in NEXT], ids=[n[0] for n in NEXT])
def test_next_open(now: str, window: str, zone: str, expected: str) -> None:
    opens = next_open(at(now), window, zone)
    assert (opens, opens.tzinfo) == (at(expected), UTC)
    assert is_open(opens, window, zone)


@pytest.mark.parametrize("window", ["9-17", "25:00-06:00", "22:60-06:00", "22:00", "22:00-22:00", "22:00-24:30", "x"])
def test_wrong_window_is_refused_before_anything_is_asked_for(window: str) -> None:
    with pytest.raises(SettingsError, match="window is"):
        CrawlSettings("crawl@example.org", window=window)


@pytest.mark.parametrize("zone", ["", "Europe", "Nowhere/Land", "../etc/passwd", "London"])
def test_wrong_zone_is_refused(zone: str) -> None:
    with pytest.raises(SettingsError, match="window_zone"):
        check("", zone)
