"""The demo's web over real sockets: validators, refusals, odd sites, and a clean end."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import pytest

from pipelines.demo import server as server_module
from pipelines.demo.http_site import is_fresh
from pipelines.demo.server import DemoServerError, ServedRequest, serve_demo_sites
from pipelines.demo.sites import load_demo_firms

FIRMS = load_demo_firms()
TIMEOUT_S = 5.0

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def seen() -> list[ServedRequest]:
    return []


@pytest.fixture(scope="module")
def urls(seen: list[ServedRequest]) -> Iterator[Mapping[str, str]]:
    with serve_demo_sites(FIRMS, on_request=seen.append) as urls:
        yield urls


def ask(url: str, path: str = "/", method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_every_firm_has_its_own_loopback_address(urls: Mapping[str, str]) -> None:
    assert set(urls) == {firm.firm_id for firm in FIRMS}
    served = [urlsplit(url) for url in urls.values() if url]
    assert len({url.hostname for url in served}) == len(served) == len(FIRMS) - 1
    assert len({url.port for url in served}) == 1
    assert all(str(url.hostname).startswith("127.40.") for url in served)


def test_every_page_of_an_ordinary_site_is_served(urls: Mapping[str, str]) -> None:
    for firm in FIRMS:
        if firm.behaviour == "normal":
            for page in firm.pages:
                if page.path.startswith("/"):
                    status, headers, body = ask(urls[firm.firm_id], page.path)
                    assert (status, len(body)) == (200, int(headers["content-length"])), (firm.firm_id, page.path)


def test_an_unchanged_page_is_not_sent_again(urls: Mapping[str, str]) -> None:
    url = urls["nottingham-01"]
    _, headers, _ = ask(url)
    for condition in ({"If-None-Match": headers["etag"]}, {"If-Modified-Since": headers["last-modified"]}):
        status, again, body = ask(url, headers=condition)
        assert (status, body, again["etag"]) == (304, b"", headers["etag"])
    assert ask(url, headers={"If-None-Match": '"other"'})[0] == 200


@pytest.mark.parametrize(
    ("headers", "fresh"),
    [
        pytest.param({"if-none-match": '"a"'}, True, id="same tag"),
        pytest.param({"if-none-match": '"b", W/"a"'}, True, id="weak tag in a list"),
        pytest.param({"if-none-match": "*"}, True, id="any"),
        pytest.param(
            {"if-none-match": '"b"', "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, False, id="tag wins"
        ),
        pytest.param({"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, True, id="later date"),
        pytest.param({"if-modified-since": "Sat, 01 Jan 2000 00:00:00 GMT"}, False, id="earlier date"),
        pytest.param({"if-modified-since": "yesterday"}, False, id="no date"),
        pytest.param({}, False, id="first visit"),
    ],
)
def test_freshness(headers: dict[str, str], fresh: bool) -> None:
    assert is_fresh('"a"', headers) is fresh


def test_head_sends_the_length_and_no_body(urls: Mapping[str, str]) -> None:
    _, _, body = ask(urls["derby-01"])
    parts = urlsplit(urls["derby-01"])
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=TIMEOUT_S) as sock:
        sock.sendall(b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in received
    assert received.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("firm_id", "path", "method", "status"),
    [
        pytest.param("nottingham-01", "/no-such-page", "GET", 404, id="missing page"),
        pytest.param("nottingham-01", "/robots.txt", "GET", 404, id="no robots.txt"),
        pytest.param("nottingham-06", "/robots.txt", "GET", 200, id="robots.txt"),
        pytest.param("nottingham-01", "/../firms.yaml", "GET", 404, id="climbing out"),
        pytest.param("nottingham-01", "/?utm_source=x", "GET", 200, id="query ignored"),
        pytest.param("nottingham-01", "/", "POST", 405, id="not a reader"),
        pytest.param("stoke-07", "/", "GET", 500, id="failing site"),
        pytest.param("stoke-07", "/robots.txt", "GET", 404, id="failing site without rules"),
        pytest.param("leicester-10", "/", "GET", 200, id="parked"),
        pytest.param("birmingham-12", "/", "GET", 200, id="script shell"),
        pytest.param("coventry-05", "/robots.txt", "GET", 200, id="forbidding site"),
    ],
)
def test_statuses(urls: Mapping[str, str], firm_id: str, path: str, method: str, status: int) -> None:
    assert ask(urls[firm_id], path, method)[0] == status


def test_a_redirect_leads_to_another_firms_address(urls: Mapping[str, str]) -> None:
    status, headers, _ = ask(urls["birmingham-14"], "/anything")
    assert (status, headers["location"]) == (301, urls["birmingham-03"])
    assert ask(urls["birmingham-14"], "/robots.txt")[0] == 404


def test_a_dead_site_refuses_and_an_absent_one_has_no_address(urls: Mapping[str, str]) -> None:
    with pytest.raises(ConnectionRefusedError):
        ask(urls["stoke-04"])
    assert urls["lincoln-07"] == ""


def test_a_connection_is_kept_for_the_next_request(urls: Mapping[str, str]) -> None:
    parts = urlsplit(urls["derby-02"])
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    connection.request("GET", "/")
    connection.getresponse().read()
    sock = connection.sock
    connection.request("GET", "/technology")
    assert connection.getresponse().read()
    assert connection.sock is sock
    connection.close()


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        pytest.param(b"nonsense\r\n\r\n", b"HTTP/1.1 400", id="no request"),
        pytest.param(b"GET http://[ HTTP/1.1\r\n\r\n", b"HTTP/1.1 400", id="no target"),
        pytest.param(b"\x16\x03\x01\x02\x00" + b"x" * 20_000, b"", id="TLS, or a head without end"),
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 200", id="an old client"),
    ],
)
def test_bad_requests_end_the_conversation(urls: Mapping[str, str], sent: bytes, answered: bytes) -> None:
    parts = urlsplit(urls["derby-03"])
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=TIMEOUT_S) as sock:
        sock.sendall(sent)
        received = b""
        try:
            while data := sock.recv(65536):
                received += data
        except ConnectionResetError:
            pass
    assert received[: len(answered)] == answered
    assert bool(received) == bool(answered)


def test_every_answer_is_reported(urls: Mapping[str, str], seen: list[ServedRequest]) -> None:
    ask(urls["worcester-02"], "/gloves.htm?from=test")
    assert ServedRequest("worcester-02", "GET", "/gloves.htm", 200) in seen


def test_it_stops_at_once_with_a_visitor_still_connected() -> None:
    threads = threading.active_count()
    with serve_demo_sites(FIRMS[:10]) as urls:
        parts = urlsplit(urls[FIRMS[0].firm_id])
        visitor = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=TIMEOUT_S)
        visitor.sendall(b"GET / HTTP/1.1\r\n")
        ask(urls[FIRMS[1].firm_id])
        leaving = time.monotonic()
    assert time.monotonic() - leaving < 2
    assert threading.active_count() == threads
    assert visitor.recv(100) == b""
    visitor.close()
    with pytest.raises(ConnectionRefusedError):
        ask(urls[FIRMS[1].firm_id])


def test_sites_stop_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), serve_demo_sites(FIRMS[:3]) as urls:
        raise ZeroDivisionError
    with pytest.raises(ConnectionRefusedError):
        ask(urls[FIRMS[0].firm_id])


def test_one_address_gives_each_site_a_port() -> None:
    with serve_demo_sites(FIRMS, one_address=True) as urls:
        served = [urlsplit(url) for url in urls.values() if url]
        assert {url.hostname for url in served} == {"127.0.0.1"}
        assert len({url.port for url in served}) == len(served)
        assert b"Sluicegate" in ask(urls["lincoln-04"])[2]
        with pytest.raises(ConnectionRefusedError):
            ask(urls["stoke-04"])


def test_where_only_one_loopback_address_exists_each_site_gets_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "NETWORK", "203.0")  # no address of this machine: binding fails as on macOS
    with serve_demo_sites(FIRMS[:3]) as urls:
        assert {urlsplit(url).hostname for url in urls.values()} == {"127.0.0.1"}
        assert ask(urls[FIRMS[2].firm_id])[0] == 200


def test_a_port_in_use_is_refused_by_number() -> None:
    with serve_demo_sites(FIRMS[:1]) as urls:
        port = urlsplit(urls[FIRMS[0].firm_id]).port or 0
        with pytest.raises(DemoServerError, match=str(port)), serve_demo_sites(FIRMS[:1], port=port):
            pass


def test_a_chosen_port_is_used() -> None:
    with serve_demo_sites(FIRMS[:1]) as urls:
        port = urlsplit(urls[FIRMS[0].firm_id]).port or 0
    with serve_demo_sites(FIRMS[:2], port=port) as urls:
        assert {urlsplit(url).port for url in urls.values()} == {port}
