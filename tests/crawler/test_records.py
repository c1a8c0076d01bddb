"""Settings are checked when built, and waits between tries are bounded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crawler.errors import SettingsError
from crawler.records import CrawlSettings
from crawler.reply import Reply
from crawler.retry import should_retry, wait_before

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("contact", ["me@example.org", "https://example.org/bot", "http://example.org"])
def test_contact(contact: str) -> None:
    assert CrawlSettings(contact).contact == contact


@pytest.mark.parametrize(
    "contact",
    ["", "me", "example.org", "ftp://example.org", "a@b", "a@b.c\r\nX: y", "me@example.org (x)", "é@example.org"],
)
def test_no_crawl_without_a_contact(contact: str) -> None:
    with pytest.raises(SettingsError, match="contact"):
        CrawlSettings(contact)


BAD: list[dict[str, Any]] = [
    {"delay_s": -1},
    {"page_budget": 0},
    {"timeout_s": 0},
    {"allow_addresses": ("everything",)},
    {"allow_addresses": ("127.0.0.1/8",)},
    {"tls": "off"},
    {"concurrent_sites": 0},
    {"delay_s": float("nan")},
    {"page_budget": True},
    {"max_site_seconds": float("inf")},
]


@pytest.mark.parametrize("values", BAD, ids=str)
def test_bad_setting_is_named(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        CrawlSettings("me@example.org", **values)


def test_settings_survive_a_round_trip() -> None:
    settings = CrawlSettings("me@example.org", allow_addresses=("127.0.0.0/8",))
    assert CrawlSettings(**settings.to_dict()) == settings


WAITS = [
    ("2", 1, 2.0),
    ("120", 1, 120.0),
    ("1000000000", 1, 300.0),
    ("", 1, 1.0),
    ("", 2, 2.0),
    ("", 3, 4.0),
    ("garbage", 1, 1.0),
    ("-5", 1, 1.0),
    ("Sun, 01 Mar 2026 12:00:10 GMT", 1, 10.0),
]


@pytest.mark.parametrize(("retry_after", "tries", "expected"), WAITS)
def test_wait(retry_after: str, tries: int, expected: float) -> None:
    reply = Reply("http://f.com/", "http_error", "", NOW, status=503, retry_after=retry_after)
    assert wait_before(reply, tries, 0.5, NOW) == expected


TRIES = [
    ("http_error", 503, 3),
    ("http_error", 429, 3),
    ("http_error", 404, 1),
    ("connect_failed", None, 3),
    ("truncated", 200, 2),
    ("timeout", None, 1),
    ("blocked_address", None, 1),
    ("robots_unreachable", None, 1),
    ("ok", 200, 1),
]


@pytest.mark.parametrize(("outcome", "status", "requests"), TRIES)
def test_how_often(outcome: str, status: int | None, requests: int) -> None:
    reply = Reply("http://f.com/", outcome, "", NOW, status=status)
    tries = 1
    while should_retry(reply, tries, retries=2):
        tries += 1
    assert tries == requests
