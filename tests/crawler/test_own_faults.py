"""What goes wrong on our side is not held against a site: no room for a connection, a clock that is set."""

from __future__ import annotations

import subprocess
import sys

import pytest
from twisted.internet.error import ConnectBindError, ConnectionRefusedError

from crawler.failures import failure_of
from crawler.guard import AddressPolicy
from crawler.resolver import AddressGuardResolver
from crawler.robots_cache import has_own_word


class NobodyBlocked(AddressGuardResolver):
    def __init__(self) -> None:
        self.policy = AddressPolicy(())


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ConnectBindError(24, "Too many open files"), "internal_error"),  # type: ignore[no-untyped-call]
        (ConnectionRefusedError(), "connect_failed"),  # type: ignore[no-untyped-call]
    ],
    ids=["no socket to be had", "refused by the host"],
)
def test_a_connection_that_could_not_be_begun(error: Exception, outcome: str) -> None:
    assert failure_of(error, "http://firm.example/", NobodyBlocked()).outcome == outcome


@pytest.mark.parametrize(
    ("outcome", "hop", "own"),
    [
        ("internal_error", 0, True),
        ("internal_error", 1, True),
        ("connect_failed", 0, True),
        ("connect_failed", 1, False),
        ("timeout", 0, False),
    ],
)
def test_a_robots_txt_that_we_could_not_ask_for_closes_no_site(outcome: str, hop: int, own: bool) -> None:
    assert has_own_word(outcome, hop) is own


def test_waits_go_by_a_clock_that_nobody_sets() -> None:
    script = (
        "import time\n"
        "from crawler.run import _wait_by_a_steady_clock\n"
        "_wait_by_a_steady_clock()\n"
        "from twisted.internet import asyncioreactor\n"
        "asyncioreactor.install()\n"
        "from twisted.internet import reactor\n"
        "print(abs(reactor.seconds() - time.monotonic()) < 1, abs(reactor.callLater(9, print).getTime() - 9 "
        "- time.monotonic()) < 1)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split() == ["True", "True"]
