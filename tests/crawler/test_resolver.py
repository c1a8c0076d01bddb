"""Slow name servers: names behind them are looked up all the same, and a name has a limit of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from crawler.settings import dns_threads

ROOT = Path(__file__).resolve().parents[2]

# In a process of its own, because a reactor runs once. The table stands where the system's look-up is.
PROGRAM = """
import json, socket, statistics, time
from twisted.internet import asyncioreactor
asyncioreactor.install()
from twisted.internet import reactor
from twisted.internet._resolver import GAIResolver
from twisted.internet.interfaces import IResolutionReceiver
from zope.interface import implementer
from crawler.guard import AddressPolicy
from crawler.resolver import AddressGuardResolver
from crawler.settings import dns_threads

TABLE = {"slow": 4.0, "servfail": -1.0, "good": 0.02, "private": 0.0}

def look_up(host, port, *rest):
    seconds = TABLE[host.rstrip("0123456789").rstrip(".")]
    if seconds < 0:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")
    time.sleep(seconds)
    address = "10.0.0.1" if host.startswith("private") else "127.9.9.9"
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

@implementer(IResolutionReceiver)
class Receiver:
    def __init__(self, host):
        self.host, self.began, self.addresses = host, time.monotonic(), []
    def resolutionBegan(self, resolution): pass
    def addressResolved(self, address): self.addresses.append(address.host)
    def resolutionComplete(self):
        ended.append((self.host, time.monotonic() - self.began, self.addresses))
        if len(ended) == len(hosts):
            reactor.stop()

hosts = [f"slow{n}" for n in range(100)] + [f"good{n}" for n in range(20)] + ["servfail", "private"]
ended = []
def start():
    reactor.suggestThreadPoolSize(dns_threads(50))
    guard = AddressGuardResolver(
        reactor, AddressPolicy(("127.9.9.0/24",)), GAIResolver(reactor, getaddrinfo=look_up), limit_s=1.0
    )
    for host in hosts:
        guard.resolveHostName(Receiver(host), host, 80)
reactor.callWhenRunning(start)
reactor.run()
good = [seconds for host, seconds, _ in ended if host.startswith("good")]
slow = [seconds for host, seconds, _ in ended if host.startswith("slow")]
print(json.dumps({  # flushed: the process ends at once
    "good_s": statistics.median(good), "slow_s": [min(slow), max(slow)], "ended": len({host for host, _, _ in ended}),
    "with_address": sorted({host.rstrip("0123456789") for host, _, addresses in ended if addresses}),
}), flush=True)
import os
os._exit(0)  # the threads that still sleep are not waited for
"""


def test_slow_names_hold_up_neither_good_ones_nor_their_own_sites() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[0]) if ended.stdout else {}
    assert found["good_s"] < 1, found
    assert 0.9 < found["slow_s"][0] <= found["slow_s"][1] < 2
    assert (found["ended"], found["with_address"]) == (122, ["good"])


def test_threads_grow_with_the_sites_within_bounds() -> None:
    assert [dns_threads(sites) for sites in (1, 16, 50, 10_000)] == [64, 64, 200, 400]
