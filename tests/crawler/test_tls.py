"""A certificate that nobody vouches for: read and flagged, or refused, as the settings say."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crawler.records import CrawlSettings, SiteCrawl

ADDRESS = "127.9.250.1"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = 404 if self.path == "/robots.txt" else 200
        body = b"<html><body><p>We make presses and repair them, in Derby since 1974.</p></body></html>"
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: ARG002
        return


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        return  # a client that distrusts the certificate hangs up, which is the point


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "firm.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = QuietServer((ADDRESS, 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"{ADDRESS}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("scheme", ["https://", ""])
def test_recorded_and_flagged(self_signed: str, run_crawl: Callable[..., dict[str, SiteCrawl]], scheme: str) -> None:
    site = run_crawl({"firm": scheme + self_signed})["firm"]
    assert (site.outcome, site.final_url) == ("ok", f"https://{self_signed}/")
    assert "tls_unverified" in site.flags


def test_refused_when_verification_is_asked_for(
    self_signed: str, run_crawl: Callable[..., dict[str, SiteCrawl]], settings: CrawlSettings
) -> None:
    site = run_crawl({"firm": f"https://{self_signed}"}, replace(settings, tls="verify"))["firm"]
    assert (site.outcome, site.pages) == ("tls_failed", ())
    assert "certificate" in site.reason


def test_robots_txt_that_leads_to_such_a_host_is_read_there(
    self_signed: str, web: Any, run_crawl: Callable[..., dict[str, SiteCrawl]]
) -> None:
    plain = web.add(
        {path: web.answer("", 301, Location=f"https://{self_signed}{path}") for path in ("/", "/robots.txt")}
    )
    site = run_crawl({"firm": web.url(plain)})["firm"]
    assert (site.outcome, site.final_url) == ("ok", f"https://{self_signed}/")
    assert "tls_unverified" in site.flags
