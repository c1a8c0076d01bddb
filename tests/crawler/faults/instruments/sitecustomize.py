"""Instruments inside a crawl process under test: names from a table, connections by a map, and a log of what it did.

Python imports a module of this name at its start where it lies on ``PYTHONPATH``, so that nothing in the crawler knows
of it: what is replaced are the system's own ``getaddrinfo`` and ``connect``. The log also holds every stretch of time
for which the event loop did nothing else, less what other processes took of it.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import Any

BLOCKED_S = 0.2
plan: dict[str, Any] = json.loads(os.environ.get("FAULT_INSTRUMENTS") or "{}")


def waited_s() -> float:
    """Seconds for which this thread could have run and another had the processor; Linux tells."""
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:  # noqa: PTH123 (pathlib would take as long again)
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def install() -> None:
    """Put the instruments in place."""
    import asyncio.events

    log = os.open(plan["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    names: dict[str, list[list[str]]] = plan["names"]
    routes: dict[str, list[Any]] = plan["routes"]
    turn = threading.Lock()
    real_lookup, real_connect, real_run = socket.getaddrinfo, socket.socket.connect_ex, asyncio.events.Handle._run

    def note(what: str, *values: Any) -> None:
        os.write(log, json.dumps([what, *values]).encode() + b"\n")

    def lookup(host: Any, port: Any, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        try:
            return list(real_lookup(host, port, family, kind, proto, flags | socket.AI_NUMERICHOST))
        except socket.gaierror:
            pass
        with turn:
            answers = names.get(name) or names.get("*." + name.partition(".")[2]) or [[]]
            addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        note("name", name, addresses)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [found for address in addresses for found in real_lookup(address, port, family, kind, proto, flags)]

    def connect(self: socket.socket, address: Any) -> int:
        if self.family not in {socket.AF_INET, socket.AF_INET6}:
            return real_connect(self, address)
        note("connect", address[0], address[1])
        to = routes.get(f"{address[0]}:{address[1]}")
        return real_connect(self, (to[0], to[1]) if to else address)

    def run(self: Any) -> None:
        started = time.monotonic()
        waited = waited_s()
        real_run(self)
        if time.monotonic() - started >= BLOCKED_S:
            took = time.monotonic() - started
            note("blocked", round(took - (waited_s() - waited), 2), round(took, 2), repr(self)[:300])

    socket.getaddrinfo = lookup  # type: ignore[assignment]
    socket.socket.connect_ex = connect  # type: ignore[method-assign, assignment]
    asyncio.events.Handle._run = run  # type: ignore[method-assign]
    note("started", os.getpid())


if plan:
    install()
