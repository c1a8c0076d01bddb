"""A port whose firewall drops every packet: named as a failed connection, and no reason not to try plain http."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from crawler.records import SiteCrawl

Crawl = Callable[..., dict[str, SiteCrawl]]
ADDRESS = "127.9.251.1"
PAGE = b"<html><body><p>We make presses and repair them, in Derby since 1974.</p></body></html>"


class DeafPort:
    """A listening socket whose queue is full: Linux drops further SYNs, as a firewall would, until it is opened."""

    def __init__(self) -> None:
        self.server = socket.socket()
        self.server.bind((ADDRESS, 0))
        self.server.listen(0)
        self.name = f"{ADDRESS}:{self.server.getsockname()[1]}"
        self.fillers = [socket.socket() for _ in range(3)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(self.server.getsockname())
        self.ended = threading.Event()
        self.thread: threading.Thread | None = None

    def tries(self) -> set[int]:
        """Local ports from which the crawl process is asking just now."""
        found = set()
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                for entry in process.net_connections("tcp"):
                    if entry.raddr and f"{entry.raddr.ip}:{entry.raddr.port}" == self.name:
                        found.add(entry.laddr.port)
        return found

    def open_after_the_first_try(self) -> None:
        """Begin to serve plain http once the crawl process has given a connection up and begun another."""

        def run() -> None:
            first: set[int] = set()
            while not self.ended.wait(0.02):
                now = self.tries()
                first = first or now
                if now and not now & first:
                    break
            for filler in self.fillers:
                filler.close()
            self.server.settimeout(0.2)
            while not self.ended.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = self.server.accept()
                    threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.ended.set()
        if self.thread:
            self.thread.join(5)
        for filler in self.fillers:
            filler.close()
        self.server.close()

    @staticmethod
    def _serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            request = connection.recv(4096)
            if request.startswith(b"GET"):
                status = b"404 X" if b"/robots.txt" in request else b"200 OK"
                connection.sendall(
                    b"HTTP/1.1 %b\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
                    % (status, len(PAGE), PAGE)
                )


@pytest.fixture
def deaf() -> Iterator[DeafPort]:
    port = DeafPort()
    yield port
    port.close()


@pytest.mark.parametrize("scheme", ["http://", "https://"])
def test_a_port_that_drops_packets_is_a_failed_connection(deaf: DeafPort, run_crawl: Crawl, scheme: str) -> None:
    site = run_crawl({"firm": scheme + deaf.name})["firm"]
    assert (site.outcome, {fetch.outcome for fetch in site.fetches}) == ("connect_failed", {"connect_failed"})
    assert "in time" in site.reason


def test_http_is_tried_when_the_https_port_drops_packets(deaf: DeafPort, run_crawl: Crawl) -> None:
    deaf.open_after_the_first_try()
    site = run_crawl({"firm": deaf.name})["firm"]
    assert (site.outcome, site.final_url) == ("ok", f"http://{deaf.name}/"), site.reason
    assert [(f.url.split(":")[0], f.outcome) for f in site.fetches if f.chosen not in {"robots.txt", "sitemap"}] == [
        ("https", "connect_failed"),
        ("http", "ok"),
    ]


def test_silence_after_the_connection_is_a_timeout_as_before(web: Any, run_crawl: Crawl) -> None:
    started = time.monotonic()
    silent = web.add({"/": web.silence})
    mute = web.add({"/robots.txt": web.silence})
    found = run_crawl({"silent": web.url(silent), "mute": web.url(mute)})
    assert (found["silent"].outcome, found["mute"].outcome) == ("timeout", "robots_unreachable")
    assert time.monotonic() - started < 20
