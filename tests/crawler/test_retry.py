"""Which failures are tried again, after how long, and until when a host wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crawler.reply import Reply
from crawler.retry import not_before, pause_s, should_retry, wait_before

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def reply(status: int | None = 503, retry_after: str = "", outcome: str = "http_error") -> Reply:
    return Reply("http://f.com/", outcome, "", NOW, status=status, retry_after=retry_after)


WAITS = [
    ("2 s", "2", 2.0),
    ("120 s", "120", 120.0),
    ("at most 300 s", "1000000000", 300.0),
    ("more digits than a number should have", "9" * 400, 300.0),
    ("date", "Fri, 20 Nov 2026 12:01:30 GMT", 90.0),
    ("date far ahead", "Fri, 20 Nov 2099 12:00:00 GMT", 300.0),
    ("date without a zone", "Fri, 20 Nov 2026 12:01:30 -0000", 90.0),
    ("date that has passed", "Fri, 20 Nov 2020 12:00:00 GMT", 1.0),
    ("date that no calendar has", "Fri, 99 Nov 2026 99:00:00 GMT", 1.0),
    ("garbage", "soon", 1.0),
    ("negative", "-5", 1.0),
    ("fraction", "2.5", 1.0),
    ("digits of another script", "\u0662", 1.0),
    ("empty", "", 1.0),
    ("zero", "0", 0.5),
]


@pytest.mark.parametrize(("value", "expected"), [w[1:] for w in WAITS], ids=[w[0] for w in WAITS])
def test_wait(value: str, expected: float) -> None:
    assert wait_before(reply(429, value), 1, 0.5, NOW) == expected


def test_back_off_doubles_up_to_its_limit() -> None:
    assert [wait_before(reply(), tries, 0.5, NOW) for tries in (1, 2, 3, 4, 30)] == [1, 2, 4, 8, 300]
    assert [pause_s("", times, NOW) for times in (1, 2, 3, 5_000)] == [1, 2, 4, 300]


def test_no_wait_is_shorter_than_the_distance_between_requests() -> None:
    assert wait_before(reply(429, "1"), 1, 7.0, NOW) == 7.0


TRIES = [
    ("busy", reply(503), 2, [True, True, False]),
    ("too many requests", reply(429), 2, [True, True, False]),
    ("three tries whatever is set", reply(503), 9, [True, True, False]),
    ("no retries set", reply(503), 0, [False]),
    ("broken connection", reply(None, outcome="connect_failed"), 2, [True, True, False]),
    ("half a body", reply(200, outcome="truncated"), 2, [True, False]),
    ("no such name", reply(None, outcome="dns_failed"), 2, [True, False]),
    ("forbidden", reply(403), 2, [False]),
    ("gone", reply(404), 2, [False]),
    ("not implemented", reply(501), 2, [False]),
    ("silence", reply(None, outcome="timeout"), 2, [False]),
    ("closed by robots.txt", reply(None, outcome="robots_unreachable"), 2, [False]),
    ("opted out", reply(None, outcome="opted_out"), 2, [False]),
]


@pytest.mark.parametrize(("failed", "retries", "expected"), [t[1:] for t in TRIES], ids=[t[0] for t in TRIES])
def test_tries(failed: Reply, retries: int, expected: list[bool]) -> None:
    assert [should_retry(failed, tries, retries) for tries in range(1, len(expected) + 1)] == expected


RETURNS = [
    ("seconds", reply(429, "7200"), timedelta(hours=2)),
    ("date", reply(503, "Sat, 21 Nov 2026 12:00:00 GMT"), timedelta(days=1)),
    ("bounded", reply(503, "1000000000"), timedelta(days=30)),
    ("robots.txt was busy", reply(None, "3600", "robots_unreachable"), timedelta(hours=1)),
]


@pytest.mark.parametrize(("last", "expected"), [r[1:] for r in RETURNS], ids=[r[0] for r in RETURNS])
def test_not_before(last: Reply, expected: timedelta) -> None:
    assert not_before(last, NOW) == NOW + expected


@pytest.mark.parametrize(
    "last",
    [reply(503), reply(503, "soon"), reply(503, "-1"), reply(503, "0"), reply(200, "60", "ok"), reply(404, "60")],
    ids=["nothing asked", "garbage", "negative", "zero", "not a failure", "not busy"],
)
def test_no_wish_no_instant(last: Reply) -> None:
    assert not_before(last, NOW) is None
