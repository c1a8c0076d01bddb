"""A crawl on a cluster that is killed: its parts end, and a rerun begins when they have."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import crawl_sign
from pipelines.config import set_key
from pipelines.crawl_sign import PartAbandonedError, Watch, giving_sign
from pipelines.errors import UsageError
from pipelines.workspace import Workspace
from tests.pipelines.conftest import new_workspace
from tests.pipelines.engines.processes import OURS, scheduler, worker
from tests.pipelines.test_crawling import listed

IN_SMALL_PARTS = "from pipelines import crawling; crawling.PART_SITES = 1; from pipelines.cli import main; main()"


class Endless(http.server.ThreadingHTTPServer):
    """A site whose every page leads to others; it notes when it is asked for one."""

    daemon_threads = True

    def __init__(self, host: str) -> None:
        self.asked: list[float] = []
        super().__init__((host, 0), _Page)


class _Page(http.server.BaseHTTPRequestHandler):
    server: Endless

    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            self.send_error(404)
            return
        self.server.asked.append(time.monotonic())
        number = len(self.server.asked)
        links = "".join(f"<p><a href=/about-{number}-{one}>About us {number} {one}</a>" for one in range(9))
        body = f"<!doctype html><title>Firm</title><p>We build satellites, page {number}. {links}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def sites() -> Iterator[list[Endless]]:
    """Two of them."""
    servers = [Endless("127.9.9.1"), Endless("127.9.9.2")]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_no_site_is_visited_by_a_killed_crawl_and_its_rerun(tmp_path: Path, sites: list[Endless]) -> None:
    workspace = new_workspace(tmp_path)
    websites = {f"f{at}": f"http://{site.server_address[0]!s}:{site.server_port}/" for at, site in enumerate(sites)}
    listed(workspace, **websites)
    settings = {"contact": "a@b.example", "allow_addresses": "127.9.0.0/16", "delay_s": "0.5", "page_budget": "500",
                "depth": "10"}  # fmt: skip
    for key, value in settings.items():
        set_key(workspace.config_file, f"crawl.{key}", value)
    archive = Workspace(workspace.folder).archive_folder
    with scheduler() as (_, address), worker(address), worker(address):
        command = ["--workspace", str(workspace.folder), "crawl", "--engine", "dask", "--scheduler", address]
        killed = subprocess.Popen([sys.executable, "-c", IN_SMALL_PARTS, *command], env=os.environ | OURS)
        until = time.monotonic() + 60
        while not all(len(site.asked) > 2 for site in sites):
            assert time.monotonic() < until, "the crawl does not get to both sites"
            time.sleep(0.1)
        killed.kill()
        killed.wait()
        with giving_sign(archive, "dask"):  # as the rerun begins
            now = time.monotonic()
            time.sleep(3)
    assert [len([at for at in site.asked if at > now]) for site in sites] == [0, 0]


def test_a_part_ends_when_its_crawl_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawl_sign, "BEAT_S", 0.05)
    monkeypatch.setattr(crawl_sign, "STANDS_STILL_S", 0.5)
    with giving_sign(tmp_path, "dask") as sign:
        watch = Watch(tmp_path / sign)
        _watched(watch, 1)
        monkeypatch.setattr(crawl_sign, "BEAT_S", 60)
        time.sleep(0.1)  # the last beat
    (tmp_path / sign).write_text("still", encoding="ascii")
    monkeypatch.setattr(crawl_sign, "BEAT_S", 0)
    with pytest.raises(PartAbandonedError, match=r"no sign for 0\.5 s"):
        _watched(watch, 5)


def test_a_part_without_its_sign_is_not_begun_and_does_not_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="a worker cannot see"):
        Watch(tmp_path / "gone")
    monkeypatch.setattr(crawl_sign, "BEAT_S", 0)
    (tmp_path / "sign").touch()
    watch = Watch(tmp_path / "sign")
    watch()
    (tmp_path / "sign").unlink()
    with pytest.raises(PartAbandonedError, match="is gone"):
        watch()


def test_signs_of_killed_crawls_go_and_only_a_clusters_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl_sign, "ENDED_S", 0.6)
    (tmp_path / ".crawling-local-1").touch()
    since = time.monotonic()
    with giving_sign(tmp_path, "local") as sign:
        assert [path.name for path in tmp_path.iterdir()] == [sign]
    assert time.monotonic() - since < 0.5
    (tmp_path / ".crawling-dask-1").touch()
    since = time.monotonic()
    with giving_sign(tmp_path, "local"):
        assert time.monotonic() - since > 0.5
    assert list(tmp_path.iterdir()) == []


def _watched(watch: Watch, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch()
        time.sleep(0.02)
