"""Who gets through the door: addresses, hosts, tokens, origins, and what every answer carries."""

from __future__ import annotations

import re

import psutil
import pytest

from pipelines.errors import UsageError
from pipelines.labelling.coders import check_coder
from pipelines.labelling.security import Door, Head, doorstep, judge_head
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command
from tests.pipelines.labelling.conftest import Served, raw


def test_p01_it_listens_on_loopback_alone(served: Served) -> None:
    listening = [found.laddr for found in psutil.Process(served.pid).net_connections() if found.status == "LISTEN"]
    assert [(found.ip, found.port) for found in listening] == [("127.0.0.1", served.port)]


@pytest.mark.parametrize(
    ("host", "reached_as", "password", "expected"),
    [
        ("0.0.0.0", "", "", "--reached-as"),
        ("0.0.0.0", "desk.example", "", "has 0 characters"),
        ("0.0.0.0", "desk.example", "elevenchars", "has 11 characters"),
        ("192.0.2.7", "", "a long password", "--reached-as"),
        ("::", "", "", "--reached-as"),
        ("127.0.0.1", "desk.example", "", "is not"),
    ],
)
def test_p01_other_machines_need_a_name_and_a_password(
    host: str, reached_as: str, password: str, expected: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(expected)):
        doorstep(host, 1, reached_as, password)


def test_p01_the_command_refuses_an_open_address(firmscope: Command, small: Workspace) -> None:
    answer = firmscope("--workspace", small.folder, "labels", "serve", "--host", "0.0.0.0", "--port", "0")
    assert answer.code == 2
    assert "FIRMSCOPE_PAGE_PASSWORD" in answer.err


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:PORT", "127.0.0.1.evil.example:PORT", "", "localhost@evil", "127.0.0.1",
        "[::1]:PORT", "127.0.0.1:PORT/path", "127.0.0.1:PORT@evil.example", "127.0.0.1:1", "0.0.0.0:PORT",
        "2130706433:PORT",
        "localhost.:PORT", " 127.0.0.1:PORT.evil.example",
    ],
)  # fmt: skip
def test_p02_other_hosts_are_refused(served: Served, host: str) -> None:
    named = host.replace("PORT", str(served.port))
    cookie = "; ".join(f"{name}={value}" for name, value in served.enter().cookies.items())
    request = f"GET / HTTP/1.1\r\nHost: {named}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    assert raw(served.port, request.encode()).status == 400


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT"])
def test_p02_its_own_names_are_let_in(served: Served, host: str) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in served.enter().cookies.items())
    named = host.replace("PORT", str(served.port))
    request = f"GET /who HTTP/1.1\r\nHost: {named}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    assert raw(served.port, request.encode()).status == 200


@pytest.mark.parametrize("lines", ["", "Host: 127.0.0.1:PORT\r\nHost: evil.example\r\n"], ids=["none", "two"])
def test_p02_there_is_one_host(served: Served, lines: str) -> None:
    for version in ("1.0", "1.1"):
        request = f"GET / HTTP/{version}\r\n{lines.replace('PORT', str(served.port))}\r\n"
        assert raw(served.port, request.encode()).status == 400


@pytest.mark.parametrize("path", ["/", "/?token=wrong", "/?token=", "/who", "/assets/page.js", "/nothing", "/docs"])
def test_p03_nothing_without_the_token(served: Served, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
    reply = raw(served.port, request.encode())
    assert reply.status == 403
    assert "link" in reply.text


def test_p03_the_token_becomes_a_cookie_and_leaves_the_address(served: Served) -> None:
    reply = raw(served.port, f"GET /?token={served.token} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
                f"Connection: close\r\n\r\n".encode())  # fmt: skip
    assert (reply.status, reply.header("location")) == (303, "/")
    cookie = reply.header("set-cookie")
    assert "; HttpOnly" in cookie
    assert "; SameSite=Strict" in cookie
    assert cookie.startswith(f"firmscope-{served.port}=")
    assert served.token not in cookie
    assert served.enter().get("/who").status == 200


def test_p03_the_token_is_in_no_log(served: Served) -> None:
    client = served.enter()
    client.get(f"/nothing?token={served.token}")
    client.get(f"/?token={served.token}x")
    assert served.token not in served.errors.read_text()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/x-www-form-urlencoded", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "multipart/form-data; boundary=x", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "text/plain", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
        ({"Content-Type": "application/json", "Origin": "null", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Content-Type": "application/json"}, 403),
        ({"Content-Type": "application/json", "Origin": "OWN", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "application/json", "Origin": "OWN", "Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "application/json", "Origin": "http://127.0.0.1:1"}, 403),
        ({"Content-Type": "application/json", "Origin": "OWN.evil.example"}, 403),
        ({"Content-Type": "application/x-www-form-urlencoded", "Origin": "OWN"}, 415),
        ({"Content-Type": "text/plain", "Origin": "OWN"}, 415),
        ({"Origin": "OWN"}, 415),
        ({"Content-Type": "application/json", "Origin": "OWN"}, 200),
        ({"Content-Type": "application/json; charset=utf-8", "Origin": "OWN", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_p04_only_the_page_itself_writes(served: Served, headers: dict[str, str], status: int) -> None:
    client = served.enter()
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    lines = "".join(f"{name}: {value.replace('OWN', served.origin)}\r\n" for name, value in headers.items())
    body = b'{"name": "mallory"}'
    request = f"POST /coder HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nCookie: {cookie}\r\n{lines}"
    reply = raw(served.port, f"{request}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
    assert reply.status == status
    assert bool(reply.header("set-cookie")) == (status == 200)


def test_p04_another_site_cannot_even_look(served: Served) -> None:
    client = served.enter()
    assert client.get("/who", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status == 403
    assert client.get("/who", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}).status == 403
    assert client.get("/who", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}).status == 200


@pytest.mark.parametrize(
    "path", ["/who", "/", "/assets/page.css", "/nothing", "/progress", "/?token=wrong", "/?token=OWN"]
)
def test_p07_every_answer_is_guarded(served: Served, path: str) -> None:
    reply = served.enter().get(path.replace("OWN", served.token))
    policy = reply.header("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert reply.header("x-content-type-options") == "nosniff"
    assert reply.header("cache-control") == "no-store"
    assert reply.header("referrer-policy") == "no-referrer"
    assert not reply.header("server")
    assert [name for name, _ in reply.headers].count("content-security-policy") == 1


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/metrics", "/assets", "/static/x"])
def test_p13_no_door_is_left_open(served: Served, path: str) -> None:
    reply = served.enter().get(path)
    assert reply.status == 404
    assert "<" not in reply.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    request = f"{method} / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
    assert raw(served.port, request.encode()).status in (400, 405)


OPEN = Door(("desk.example:80",), "firmscope-80", "token", "correct horse battery")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401), ("Basic", 401), ("Basic !!!", 401), ("Bearer Y29ycmVjdA==", 401), ("Basic YW5uYTp3cm9uZw==", 401),
        ("Basic YW5uYTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=", 403),  # right, and the token is asked for next
    ],
)  # fmt: skip
def test_an_open_page_asks_for_its_password_first(authorization: str, status: int) -> None:
    headers = [("host", "desk.example:80")] + ([("authorization", authorization)] if authorization else [])
    answer = judge_head(Head("GET", "/", "", tuple(headers)), OPEN)
    assert answer is not None
    assert answer.status == status


@pytest.mark.parametrize("name", ["anna", "Zoë B.", "a.b@x-y_z", "李雷", "  two   words "])
def test_names_of_coders(name: str) -> None:
    assert check_coder(name) == " ".join(name.split())


@pytest.mark.parametrize("name", ["", "settled", "Import", "=1+1", "a,b", "a\x00b", "a" * 41, "<b>", "'x", "-x", "a;b"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        check_coder(name)
