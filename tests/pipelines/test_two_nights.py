"""Real crawls of the same sites over HTTP: what has not changed is neither sent, nor archived, nor written again."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipelines.config import set_key
from pipelines.crawling import run_crawl
from pipelines.runs import Run, start_run
from pipelines.setup import create_workspace
from pipelines.tables import FIRMS
from pipelines.workspace import Workspace

LINKS = '<a href="/about">About us</a> <a href="/products">Our products</a>'
WORDS = "We design and build hydraulic presses for the aerospace industry, and have done so for forty years. "
# Noise that does not compress, so that the archive shows whether a body is stored once more.
NOISE = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(8_000))


@dataclass
class Served:
    """A site that says the same every night, or something new when ``night`` counts up."""

    name: str
    address: str
    validators: bool = False
    stamped: bool = False
    news: bool = False
    night: int = 1
    statuses: list[tuple[str, int]] = field(default_factory=list)

    def body(self, path: str) -> bytes:
        said = f"{WORDS * 3} This is {path} of {self.name}."
        if self.news and path == "/about":
            said += f" In night {self.night} we won a new order."
        stamp = f'<meta name="build" content="{self.night}">' if self.stamped else ""
        noise = f"<!-- {NOISE} -->"
        return (
            f"<html><head><title>{path}</title>{stamp}</head><body><p>{said}</p>{LINKS}{noise}</body></html>".encode()
        )


def handler(site: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known = self.path in ("/", "/about", "/products")
            body = site.body(self.path) if known else b"no such page"
            etag = f'"{site.night if site.news else 1}{self.path}"'
            status = 200 if known else 404
            if known and site.validators and self.headers.get("If-None-Match") == etag:
                status, body = 304, b""
            site.statuses.append((self.path, status))
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if known and site.validators:
                self.send_header("ETag", etag)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@dataclass(frozen=True)
class Night:
    """What a night left behind."""

    run: Run
    statuses: dict[str, Counter[int]]
    snapshots: dict[str, int | None]
    sites: dict[str, dict[str, Any]]
    fetches: dict[tuple[str, str], dict[str, Any]]
    archive_bytes: int


def night(workspace: Workspace, sites: list[Served]) -> Night:
    for site in sites:
        site.statuses.clear()
    with start_run(workspace, "crawl") as run:
        run_crawl(run, lambda _done, _total: None)
    lake = workspace.lake
    wanted = {"/", "/about", "/products"}
    return Night(
        run,
        {site.name: Counter(status for path, status in site.statuses if path in wanted) for site in sites},
        lake.snapshots(),
        {row["firm_id"]: row for row in lake.read_arrow("sites").to_pylist()},
        {(row["firm_id"], row["url"]): row for row in lake.read_arrow("fetches").to_pylist()},
        sum(path.stat().st_size for path in workspace.archive_folder.glob("*.warc.gz")),
    )


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Night, Night, Night]]:
    """A first night; one on which nothing is new but a build stamp; one with news on one site and one site down."""
    sites = [
        Served("still", "127.9.251.1", validators=True),
        Served("plain", "127.9.251.2"),
        Served("stamped", "127.9.251.3", stamped=True),
        Served("lively", "127.9.251.4", validators=True, news=True),
        Served("down", "127.9.251.5"),
    ]
    folder = tmp_path_factory.mktemp("nights")
    create_workspace(folder / "ws", "midlands")
    settings = {"contact": "crawl@example.org", "allow_addresses": "127.9.0.0/16", "delay_s": "0"}
    for key, text in (settings | {"recrawl_after_h": "0", "timeout_s": "3"}).items():
        set_key(folder / "ws" / "firmscope.toml", f"crawl.{key}", text)
    workspace = Workspace(folder / "ws")
    empty = dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")
    with ExitStack() as stack:
        servers: dict[str, ThreadingHTTPServer] = {}
        rows = []
        for site in sites:
            server = stack.enter_context(ThreadingHTTPServer((site.address, 0), handler(site)))
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            if site.name != "down":
                stack.callback(server.shutdown)
            servers[site.name] = server
            website = f"http://{site.address}:{server.server_port}/"
            rows.append(empty | {"firm_id": site.name, "name": site.name, "website": website})
        workspace.lake.replace_firms("firms", list(servers), rows, "r")
        first = night(workspace, sites)
        sites[2].night = 2
        second = night(workspace, sites)
        sites[3].night = 2
        servers["down"].shutdown()
        servers["down"].server_close()
        yield workspace, first, second, night(workspace, sites)


def test_the_first_night_reads_everything(nights: tuple[Workspace, Night, Night, Night]) -> None:
    first = nights[1]
    assert {row["outcome"] for row in first.sites.values()} == {"ok"}
    assert all(counted == {200: 3} for counted in first.statuses.values())
    assert {row["visits"] for row in first.sites.values()} == {0}


def test_what_a_server_calls_unchanged_is_not_sent_again(nights: tuple[Workspace, Night, Night, Night]) -> None:
    _, first, second, third = nights
    assert second.statuses["still"] == third.statuses["still"] == {304: 3}
    assert second.statuses["plain"] == {200: 3}
    assert second.statuses["lively"] == {304: 3}
    assert third.statuses["lively"] == {200: 3}
    for key, row in first.fetches.items():
        if key[0] == "still" and row["http_status"] == 200:
            again = second.fetches[key]
            assert again["http_status"] == 304
            kept = ("outcome", "etag", "body_digest", "text_digest", "archive_ref")
            assert {name: again[name] for name in kept} == {name: row[name] for name in kept}


def test_change_is_judged_by_the_words(nights: tuple[Workspace, Night, Night, Night]) -> None:
    _, first, second, third = nights
    assert {row["outcome"] for row in second.sites.values()} == {"unchanged"}
    assert {name: row["outcome"] for name, row in third.sites.items()} == {
        "still": "unchanged", "plain": "unchanged", "stamped": "unchanged", "lively": "ok", "down": "connect_failed",
    }  # fmt: skip
    assert {name: row["changes"] for name, row in third.sites.items() if row["changes"]} == {"lively": 1}
    stamped = [(key, row) for key, row in first.fetches.items() if key[0] == "stamped" and row["text_digest"]]
    assert len(stamped) == 3
    assert all(second.fetches[key]["body_digest"] != row["body_digest"] for key, row in stamped)


def test_a_night_without_news_writes_no_page_and_hardly_any_archive(
    nights: tuple[Workspace, Night, Night, Night],
) -> None:
    """Classification goes by the digests in ``pages``: where that table is untouched, nothing is embedded or scored."""
    _, first, second, third = nights
    assert second.snapshots["pages"] == first.snapshots["pages"]
    assert second.run.stages["crawl"].written["pages"] == 0
    assert third.snapshots["pages"] != second.snapshots["pages"]
    one_body = first.archive_bytes / 15
    assert second.archive_bytes - first.archive_bytes < 4 * one_body  # three pages with another build stamp
    assert third.archive_bytes - second.archive_bytes < 4 * one_body  # three pages of the lively site


def test_a_site_that_is_down_keeps_its_words_and_their_dates(nights: tuple[Workspace, Night, Night, Night]) -> None:
    workspace, first, _, third = nights
    row = third.sites["down"]
    assert (row["failures"], row["pages"], row["final_url"]) == (1, 3, first.sites["down"]["final_url"])
    assert row["last_ok_at"] < row["crawled_at"]
    pages = [page for page in workspace.lake.read_arrow("pages").to_pylist() if page["firm_id"] == "down"]
    assert len(pages) == 3
    assert all(page["read_at"] <= first.sites["down"]["crawled_at"] for page in pages)
