"""A small workspace with hostile firms, real servers on it, and a client that speaks raw HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from pipelines.importing import import_texts
from pipelines.runs import start_run
from pipelines.setup import create_workspace
from pipelines.text_lists import read_texts
from pipelines.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]
TAXONOMY = """id: small
version: 3
sectors:
  - key: space
    name: Space <b>technologies</b>
    definition: Firms that build satellites & rockets.
    keywords: ['satellite*', 'NEAR("earth" "observation", 3)']
  - {key: cyber, name: Cyber, definition: Firms that protect networks from attack., keywords: ['malware OR hacker*']}
  - {key: food, name: Food}
"""
HOSTILE = (
    '<script>alert(1)</script> "><img src=x onerror=alert(1)> </script><svg onload=alert(1)> {{7*7}} '
    "\N{RIGHT-TO-LEFT OVERRIDE}exe.txt javascript:alert(1) We build satellites for <b>earth</b> observation."
)
FIRMS = [
    {"firm_id": f"f{number:02}", "name": f"Firm {number}", "text": f"We build satellites number {number} for weather. "
     "Our customers are happy. Hackers and malware are stopped by our analysts.", "url": f"https://f{number:02}.example/"}
    for number in range(30)
] + [{"firm_id": "hostile", "name": HOSTILE[:120], "text": HOSTILE, "url": "https://hostile.example/?<q>"}]  # fmt: skip


def make_workspace(folder: Path) -> Workspace:
    """A workspace with 31 firms and no model."""
    (folder / "small.yaml").write_text(TAXONOMY, encoding="utf-8")
    create_workspace(folder / "ws", str(folder / "small.yaml"))
    workspace = Workspace(folder / "ws")
    (folder / "texts.jsonl").write_text("".join(json.dumps(firm) + "\n" for firm in FIRMS), encoding="utf-8")
    with start_run(workspace, "import texts") as run:
        import_texts(run, read_texts(folder / "texts.jsonl"), run.started_at)
    return workspace


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace that most tests share; each judges firms of its own."""
    return make_workspace(tmp_path_factory.mktemp("small"))


@pytest.fixture
def own(tmp_path: Path) -> Workspace:
    """A workspace that a test may break."""
    return make_workspace(tmp_path)


@dataclass
class Reply:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def header(self, name: str) -> str:
        """A header's value; empty when it is missing."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass
class Served:
    """A server at work."""

    link: str
    pid: int
    errors: Path
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.link.split(":")[2].split("/")[0])

    @property
    def token(self) -> str:
        """What was printed."""
        return self.link.split("token=")[1]

    @property
    def origin(self) -> str:
        """As a browser writes it."""
        return f"http://127.0.0.1:{self.port}"

    def enter(self, coder: str = "") -> Client:
        """A client that has been let in."""
        client = Client(self)
        reply = client.get(f"/?token={self.token}")
        assert reply.status == 303, reply.text
        client.keep(reply)
        if coder:
            client.keep(client.post("/coder", {"name": coder}))
        return client

    def kill(self) -> None:
        """Without a goodbye."""
        os.kill(self.pid, signal.SIGKILL)


class Client:
    """Speaks as the page's own script does."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.cookies: dict[str, str] = {}

    def keep(self, reply: Reply) -> None:
        """Keep a cookie."""
        assert reply.status < 400, reply.text
        name, _, rest = reply.header("set-cookie").partition("=")
        self.cookies[name] = rest.partition(";")[0]

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        """GET a path."""
        return self._ask("GET", path, None, headers or {})

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Reply:
        """POST JSON, with the headers of a browser."""
        own = {"Origin": self.served.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        return self._ask("POST", path, json.dumps(body).encode(), own | (headers or {}))

    def judge(self, firm: str, label: str, click: str, seen: str = "", **more: Any) -> Reply:
        """Judge a firm for cyber."""
        body = {"click": click, "firm": firm, "sector": "cyber", "labels": {"cyber": label}, "seen": {"cyber": seen}}
        return self.post("/judge", body | more)

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.served.port, timeout=60)
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request(method, path, body, headers | ({"Cookie": cookie} if cookie else {}))
        answer = connection.getresponse()
        reply = Reply(answer.status, [(key.lower(), value) for key, value in answer.getheaders()], answer.read())
        connection.close()
        return reply


Serve = Callable[..., Served]


@pytest.fixture(scope="session")
def zygote() -> Iterator[subprocess.Popen[str]]:
    """The process that forks servers."""
    command = [sys.executable, str(Path(__file__).with_name("zygote.py"))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()


@pytest.fixture(scope="session")
def serve(zygote: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server: ``serve(workspace, sector="cyber")``; all end with the session."""
    begun: list[Served] = []
    lock = threading.Lock()

    def start(workspace: Workspace, **settings: Any) -> Served:
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        errors = tmp_path_factory.mktemp("served") / "errors.txt"
        wanted = {"folder": str(workspace.folder), "settings": {"port": 0, **settings}, "errors": str(errors)}
        with lock:
            zygote.stdin.write(json.dumps(wanted) + "\n")
            zygote.stdin.flush()
            said = [zygote.stdout.readline().strip() for _ in range(3)]
        pid = next(line for line in said if line.startswith("pid "))
        link = next((line for line in said if line.startswith("http")), "")
        assert link, said
        served = Served(link, int(pid.split()[1]), errors)
        begun.append(served)
        return served

    yield start
    for served in begun:
        try:
            served.kill()
        except ProcessLookupError:
            continue


@pytest.fixture(scope="session")
def served(serve: Serve, small: Workspace) -> Served:
    """A server that most tests share; the browser says who judges."""
    return serve(small)


def raw(port: int, request: bytes, patience_s: float = 10) -> Reply:
    """Send bytes as they are, and read the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as sock:
        sock.sendall(request)
        received = b""
        while True:
            try:
                part = sock.recv(65536)
            except (ConnectionResetError, TimeoutError):
                break
            if not part:
                break
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1]) if len(lines[0].split()) > 1 else 0
    pairs = [(key.lower(), value.strip()) for key, _, value in (line.partition(":") for line in lines[1:])]
    return Reply(status, pairs, body)
