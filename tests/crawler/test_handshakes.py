"""Sites whose https address cannot greet: each a failed handshake, and none a reason to ask without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl


class Listener:
    """A port that does ``talk`` with everyone and remembers what it was told in plain text."""

    def __init__(self, address: str, talk: Callable[[socket.socket], bytes]) -> None:
        self.server = socket.create_server((address, 0))
        self.server.settimeout(0.2)
        self.website = f"https://{address}:{self.server.getsockname()[1]}/"
        self.heard: list[bytes] = []
        self._talk = talk
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self.server.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            self.heard.append(self._talk(connection))

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(6)
        self.server.close()


def silent(connection: socket.socket) -> bytes:
    """Read and say nothing until the other side gives up."""
    heard = b""
    with contextlib.suppress(OSError):
        while chunk := connection.recv(4096):
            heard += chunk
    return heard


def plain(connection: socket.socket) -> bytes:
    """Answer in plain text whatever was said."""
    heard = connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nno\n")
    return heard


def old_tls(folder: Path) -> Callable[[socket.socket], bytes]:
    """TLS 1.0 and nothing newer, as some forgotten machines have it."""
    pem = folder / "old.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=old.example"]
    subprocess.run([*command, "-keyout", str(pem), "-out", str(folder / "crt")], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + (folder / "crt").read_bytes())

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.load_cert_chain(pem)

    def talk(connection: socket.socket) -> bytes:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            return wrapped.recv(4096)

    return talk


class Greetings:
    def __init__(self, folder: Path, allow: tuple[str, ...]) -> None:
        talks = {"silent": silent, "plain": plain, "old": old_tls(folder)}
        self.listeners = {name: Listener(f"127.9.252.{n + 1}", talk) for n, (name, talk) in enumerate(talks.items())}
        settings = CrawlSettings("crawl@example.org", delay_s=0, timeout_s=2, retries=0, allow_addresses=allow)
        targets = [CrawlTarget(name, listener.website) for name, listener in self.listeners.items()]
        try:
            sites = list(crawl(targets, settings, folder / "archive", folder / "work"))
        finally:
            for listener in self.listeners.values():
                listener.close()
        self.sites: dict[str, SiteCrawl] = {site.firm_id: site for site in sites}


@pytest.fixture(scope="module")
def greetings(web: Any, tmp_path_factory: pytest.TempPathFactory) -> Greetings:
    return Greetings(tmp_path_factory.mktemp("greetings"), web.allow)


@pytest.mark.parametrize("name", ["silent", "plain", "old"])
def test_failed_handshake_is_named(greetings: Greetings, name: str) -> None:
    site = greetings.sites[name]
    assert (site.outcome, site.pages) == ("tls_failed", ()), site.reason
    assert {fetch.http_status for fetch in site.fetches} == {None}


def test_stalled_handshake_is_given_up_before_the_request_is(greetings: Greetings) -> None:
    site = greetings.sites["silent"]
    assert "handshake not finished within 1 s" in site.reason
    assert (site.ended_at - site.started_at).total_seconds() < 5, "tried twice, the second time without verifying"


def test_nothing_was_asked_for_in_plain_text(greetings: Greetings) -> None:
    for name, listener in greetings.listeners.items():
        assert not any(b"GET " in heard or b"HTTP/" in heard for heard in listener.heard), name
    assert greetings.listeners["silent"].heard
    assert greetings.listeners["plain"].heard
