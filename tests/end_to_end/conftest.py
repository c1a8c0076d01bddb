"""The command as a process of its own, and the sites to run it on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.tables import TABLES
from pipelines.workspace import Workspace

ALL_SITES = bool(os.environ.get("FIRMSCOPE_ALL_SITES"))  # all 200 real sites; make test takes every third

Firmscope = Callable[..., subprocess.CompletedProcess[str]]
Tables = dict[str, list[tuple[Any, ...]]]

# What two runs of the same night cannot share: instants, and where in an archive an answer lies.
PASSING_COLUMNS = {
    "fetched_at",
    "crawled_at",
    "since",
    "archive_ref",
    "read_at",
    "started_at",
    "ended_at",
    "bytes_read",
    "due_at",
    "last_ok_at",
    "watched_h",
    "requests",  # a rerun need not ask for a robots.txt that the killed run kept
}


@pytest.fixture(scope="session")
def firmscope() -> Firmscope:
    """Run ``firmscope`` in a process of its own."""

    def run(*arguments: str | Path, crash_at: str = "", timeout: float = 590) -> subprocess.CompletedProcess[str]:
        environment = os.environ | ({"FIRMSCOPE_CRASH_AT": crash_at} if crash_at else {})
        command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, env=environment)

    return run


def tables_of(folder: Path) -> Tables:
    """Rows of every table but ``runs``, sorted, without the columns that two runs cannot share."""
    lake = Workspace(folder).lake
    found = {}
    for name, table in TABLES.items():
        if name != "runs":
            columns = [column for column in table.names if column not in PASSING_COLUMNS]
            rows = [row for row in lake.read_arrow(name, columns).to_pylist() if row.get("chosen") != "robots.txt"]
            found[name] = sorted(tuple(map(repr, row.values())) for row in rows)
    lake.close()
    return found


@pytest.fixture(scope="session")
def real_sites(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Serve real sites, all or every third; the folder holds them, the firm list and the server's log of requests.

    Few captured sites have a robots.txt and none forbids anything, so some sites of several pages are given one that
    forbids what lies beside their home page.
    """
    folder = tmp_path_factory.mktemp("real")
    sites = folder / "sites"
    sites.mkdir()
    shutil.copy(shared / "sites" / "index.csv", sites)  # the server leaves out what has no folder
    kept = sorted(path for path in (shared / "sites").iterdir() if path.is_dir())[:: 1 if ALL_SITES else 3]
    for site in kept:
        shutil.copytree(site, sites / site.name)
    for site in sorted(sites.glob("ws-*"))[:: 5 if ALL_SITES else 2]:
        beside = sorted(path.name for path in site.iterdir() if not path.name.startswith("index"))
        rules = "".join(f"Disallow: /{quote(name)}\n" for name in beside)
        (site / "robots.txt").write_text(f"User-agent: *\n{rules}", encoding="utf-8")
    command = [
        sys.executable, str(shared / "tools" / "serve_sites.py"), str(sites), "--port", str(_free_port()),
        "--firms", str(folder / "firms.csv"), "--log", str(folder / "access.jsonl"),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith(f"serving {len(kept)} sites")
        yield folder
        server.terminate()


def _free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.1.0.1", 0))
        return int(sock.getsockname()[1])
