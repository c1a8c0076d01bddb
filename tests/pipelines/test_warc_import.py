"""``firmscope import warc``: archives stand in for a crawl, a crawl's own archive gives the crawl's own tables."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from crawler.archive import read_record
from crawler.members import failure_member, response_member
from pipelines.setup import create_workspace
from pipelines.workspace import Workspace

Command = Callable[..., Any]
AT = datetime(2026, 2, 1, 10, tzinfo=UTC)
HTML = [("Content-Type", "text/html; charset=utf-8")]
WORDS = {
    "/": "We design and build precision hydraulic presses for the aerospace industry in the Midlands. ",
    "/about": "Founded in 1974 by two engineers from Derby, we employ forty people in two large halls. ",
    "/services": "We repair and calibrate presses of all makes on site, within two days of a telephone call. ",
}


def html(path: str, firm: str, links: str = "") -> bytes:
    words = f"{WORDS[path]} This is {firm}. "
    return f"<html lang=en><title>{firm}</title><body><main><p>{words * 3}</p>{links}</main></body></html>".encode()


def member(url: str, body: bytes, status: int = 200, at: datetime = AT) -> bytes:
    return response_member(url, status, HTML, body, "192.0.2.1", at)


def write_firms(folder: Path, firms: dict[str, str]) -> Path:
    path = folder / "firms.csv"
    rows = [f"{firm_id},{firm_id} Ltd,{website}" for firm_id, website in firms.items()]
    path.write_text("\n".join(["firm_id,name,website", *rows, ""]), encoding="utf-8")
    return path


def tables(workspace: Workspace, *without: str) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for name in ("sites", "pages", "fetches", "marks"):
        rows = workspace.lake.read_arrow(name).to_pylist()
        found[name] = sorted(({k: v for k, v in row.items() if k not in without} for row in rows), key=repr)
    return found


@pytest.fixture
def listed(workspace: Workspace, firmscope: Command, tmp_path: Path) -> Workspace:
    """Three firms whose sites the file holds or not, and one without a site."""
    firms = {"A": "a.co.uk", "B": "https://b.co.uk/", "C": "c.co.uk", "D": ""}
    answer = firmscope(
        "--workspace", workspace.folder, "import", "firms", write_firms(tmp_path, firms), "--allow-missing-websites"
    )
    assert answer.code == 0, answer.err
    return workspace


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """A file of somebody else's with pages of A, B and a stranger."""
    path = tmp_path / "collected.warc.gz"
    path.write_bytes(
        member("https://www.a.co.uk/", html("/", "A", "<a href=/about>About us</a>"))
        + member("https://www.a.co.uk/about", html("/about", "A"))
        + member("https://stranger.co.uk/", html("/", "X"))
        + member("https://b.co.uk/", html("/", "B"))
        + member("https://b.co.uk/services", html("/services", "B"))
        + failure_member("https://b.co.uk/about", "timeout", "no answer", AT)
    )
    return path


def test_a_file_stands_in_for_a_crawl_and_does_so_once(listed: Workspace, collected: Path, firmscope: Command) -> None:
    answer = firmscope("--workspace", listed.folder, "import", "warc", collected)
    assert answer.code == 0, answer.err
    assert "collected.warc.gz: 6 records, 5 answers, 5 of firms listed" in answer.out
    assert "2 firms taken, 2 left as they were" in answer.out
    assert "1: these files hold nothing of the site" in answer.out
    found = tables(listed)
    assert {row["firm_id"]: (row["source"], row["outcome"], row["pages"]) for row in found["sites"]} == {
        "A": ("warc", "ok", 2),
        "B": ("warc", "ok", 2),
    }
    assert all(row["crawled_at"] == AT and row["due_at"] > AT for row in found["sites"])
    assert sorted(row["url"] for row in found["pages"]) == [
        "https://b.co.uk/",
        "https://b.co.uk/services",
        "https://www.a.co.uk/",
        "https://www.a.co.uk/about",
    ]
    digests = {row["url"]: row["body_digest"] for row in found["fetches"]}
    for row in found["pages"]:
        body = read_record(listed.archive_folder, row["archive_ref"]).body
        assert sha256(body).hexdigest() == digests[row["url"]], "every text has its record in our own archive"
        assert row["read_at"] == AT
    (file,) = listed.lake.read_arrow("warc_files").to_pylist()
    assert (file["records"], file["responses"], file["taken"], file["skipped"]) == (6, 5, 5, 0)
    assert not (listed.folder / "warc-import").exists()
    before, archive = listed.lake.snapshots(), sorted(listed.archive_folder.iterdir())
    answer = firmscope("--workspace", listed.folder, "import", "warc", collected)
    listed.lake.close()
    assert (answer.code, listed.lake.snapshots()) == (0, before), "the same file again changes nothing"
    assert sorted(listed.archive_folder.iterdir()) == archive
    assert "0 firms taken" in answer.out


def test_older_words_do_not_replace_newer_ones(
    listed: Workspace, collected: Path, firmscope: Command, tmp_path: Path
) -> None:
    firmscope("--workspace", listed.folder, "import", "warc", collected)
    before = tables(listed)
    old = tmp_path / "old.warc.gz"
    old.write_bytes(member("https://www.a.co.uk/", html("/services", "A"), at=AT.replace(year=2024)))
    answer = firmscope("--workspace", listed.folder, "import", "warc", old)
    assert "1: the site was read at that time or since" in answer.out
    listed.lake.close()
    assert tables(listed) == before
    new = tmp_path / "new.warc.gz"
    new.write_bytes(member("https://www.a.co.uk/", html("/services", "A"), at=AT.replace(month=3)))
    assert "1 firms taken" in firmscope("--workspace", listed.folder, "import", "warc", new).out
    listed.lake.close()
    texts = [row["text"] for row in listed.lake.read_arrow("pages").to_pylist() if row["firm_id"] == "A"]
    assert [WORDS["/services"].strip() in text for text in texts] == [True]


def test_killed_in_the_middle_it_ends_where_it_would_have(
    listed: Workspace, collected: Path, firmscope: Command, tmp_path: Path
) -> None:
    create_workspace(tmp_path / "other", str(listed.taxonomy_file))
    other = Workspace(tmp_path / "other")
    firms = {"A": "a.co.uk", "B": "https://b.co.uk/", "C": "c.co.uk", "D": ""}
    path = write_firms(tmp_path, firms)
    firmscope("--workspace", other.folder, "import", "firms", path, "--allow-missing-websites")
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "--workspace",
        str(listed.folder),
        "import",
        "warc",
        str(collected),
    ]
    killed = subprocess.run(
        command, env=os.environ | {"FIRMSCOPE_CRASH_AT": "committed-fetches"}, check=False, timeout=60
    )
    assert killed.returncode < 0
    for folder in (listed.folder, other.folder):
        assert firmscope("--workspace", folder, "import", "warc", collected).code == 0
    listed.lake.close()
    assert tables(listed, "archive_ref") == tables(other, "archive_ref")
    assert listed.lake.read_arrow("warc_files").num_rows == 1
    for row in tables(listed)["pages"]:
        assert read_record(listed.archive_folder, row["archive_ref"]).url == row["url"]


def test_what_is_no_warc_file_is_refused(listed: Workspace, firmscope: Command, tmp_path: Path) -> None:
    path = tmp_path / "file.warc.gz"
    assert "cannot read" in firmscope("--workspace", listed.folder, "import", "warc", path).err
    for content in (b"", b"<html>", gzip.compress(b"x" * 99)):
        path.write_bytes(content)
        answer = firmscope("--workspace", listed.folder, "import", "warc", path)
        assert (answer.code, "no WARC record" in answer.err) == (2, True), answer.err
    assert listed.lake.read_arrow("warc_files").num_rows == 0


class Server(ThreadingHTTPServer):
    """Sites on loopback, told apart by the address asked."""

    daemon_threads = True


PAGES: dict[str, dict[str, tuple[int, dict[str, str], bytes]]] = {
    "127.9.77.1": {
        "/": (200, {}, html("/", "P", "<a href=/about>About us</a><a href=/gone>Products</a>")),
        "/about": (200, {"ETag": '"v1"'}, html("/about", "P")),
    },
    "127.9.77.2": {
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /services"),
        "/": (302, {"Location": "/home"}, b""),
        "/home": (200, {}, html("/", "Q", "<a href=/services>Services</a><a href=/about>About us</a>")),
        "/about": (301, {"Location": "/about-us"}, b""),
        "/about-us": (200, {}, html("/about", "Q")),
        "/services": (200, {}, html("/services", "Q")),
    },
    "127.9.77.3": {"/robots.txt": (503, {}, b""), "/": (200, {}, html("/", "R"))},
    "127.9.77.4": {"/": (404, {}, b"")},
}


class Handler(BaseHTTPRequestHandler):
    """One answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site = PAGES[self.connection.getsockname()[0]]
        status, headers, body = site.get(self.path, (404, {}, b"<p>nothing here"))
        if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
            status, body = 304, b""
        self.send_response(status)
        for name, value in ({"Content-Type": "text/html"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    servers: list[Server] = []
    for address in PAGES:
        servers.append(Server((address, servers[0].server_port if servers else 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield servers[0].server_port
    for server in servers:
        server.shutdown()
        server.server_close()


# What an import cannot know or states otherwise: when exactly a visit ended, and when robots.txt or a skipped page was
# looked at, with all that follows from it; where in which archive an answer lies.
UNTOLD = ("source", "crawled_at", "last_ok_at", "due_at", "watched_h", "not_before", "archive_ref", "fetched_at")


def test_two_nights_of_crawling_read_back(workspace: Workspace, port: int, firmscope: Command, tmp_path: Path) -> None:
    create_workspace(tmp_path / "other", str(workspace.taxonomy_file))
    other = Workspace(tmp_path / "other")
    path = write_firms(tmp_path, {f"S{n}": f"http://{address}:{port}/" for n, address in enumerate(PAGES)})
    for folder in (workspace.folder, other.folder):
        assert firmscope("--workspace", folder, "import", "firms", path).code == 0
        firmscope("--workspace", folder, "config", "set", "crawl.allow_addresses", json.dumps(["127.9.0.0/16"]))
    for key, value in {"contact": "crawl@example.org", "delay_s": "0", "recrawl_after_h": "0"}.items():
        firmscope("--workspace", workspace.folder, "config", "set", f"crawl.{key}", value)
    for _ in range(2):
        answer = firmscope("--workspace", workspace.folder, "crawl")
        assert answer.code == 0, answer.err
    firmscope("--workspace", other.folder, "config", "set", "crawl.recrawl_after_h", "0")
    files = sorted(workspace.archive_folder.glob("*.warc.gz"))
    answer = firmscope("--workspace", other.folder, "import", "warc", *files)
    assert answer.code == 0, answer.err
    workspace.lake.close()
    crawled, imported = tables(workspace, *UNTOLD), tables(other, *UNTOLD)
    for name, rows in crawled.items():
        assert imported[name] == rows, name
    assert {row["outcome"] for row in crawled["sites"]} == {"unchanged", "robots_unreachable", "http_error"}
    instants = {
        (row["firm_id"], row["url"]): row["fetched_at"] for row in workspace.lake.read_arrow("fetches").to_pylist()
        if row["body_digest"] and not row["url"].endswith("robots.txt")
    }  # fmt: skip
    for row in other.lake.read_arrow("fetches").to_pylist():
        assert instants.get((row["firm_id"], row["url"]), row["fetched_at"]) == row["fetched_at"]
    into_itself = firmscope("--workspace", workspace.folder, "import", "warc", *files)
    assert "0 firms taken" in into_itself.out
    workspace.lake.close()
    assert tables(workspace, *UNTOLD) == crawled
