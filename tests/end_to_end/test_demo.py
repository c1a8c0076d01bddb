"""The demo, as a newcomer runs it: one command, under two minutes, every odd site told apart."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.demo.firms import load_demo_firms
from pipelines.workspace import Workspace
from tests.end_to_end.conftest import Firmscope
from tests.read_only import jailed, why_not

pytestmark = pytest.mark.slow

MAX_SECONDS = 120
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo(firmscope: Firmscope, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """The demo's workspace, what it printed, and the processor's seconds that it took: the clock of a machine that does
    other work beside it tells of that work."""
    room = tmp_path_factory.mktemp("demo")
    folder = room / "ws"
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = (sys.executable, "-m", "pipelines.cli", "demo", str(folder))
    if why_not():
        ended = firmscope("demo", folder)
    else:  # as in a container with a read-only root: nothing but the room can be written to
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(jailed(room, *command), capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    took = resource.getrusage(resource.RUSAGE_CHILDREN)
    return folder, ended.stdout, took.ru_utime + took.ru_stime - began.ru_utime - began.ru_stime


def test_it_wrote_nothing_beside_its_folder(demo: tuple[Path, str, float]) -> None:
    """Home, code and environment were read-only to it, and it had no capability."""
    if why_not():
        pytest.skip(f"the demo was not run on a read-only root: {why_not()}")
    assert {path.name for path in demo[0].parent.iterdir()} == {"ws", "tmp"}
    assert list((demo[0].parent / "tmp").iterdir()) == []


def test_it_takes_less_than_two_minutes(demo: tuple[Path, str, float]) -> None:
    assert demo[2] < MAX_SECONDS


def test_every_site_ends_as_it_should(demo: tuple[Path, str, float]) -> None:
    rows = Workspace(demo[0]).lake.read_arrow("sites", ["firm_id", "outcome"]).to_pylist()
    outcome = {row["firm_id"]: row["outcome"] for row in rows}
    assert outcome == {firm.firm_id: firm.expected_outcome for firm in load_demo_firms()}


def test_paths_that_robots_forbid_were_not_asked_for(demo: tuple[Path, str, float]) -> None:
    forbidden = {firm.firm_id: firm.robots_disallow for firm in load_demo_firms() if firm.robots_disallow}
    assert forbidden
    fetches = Workspace(demo[0]).lake.read_arrow("fetches", ["firm_id", "url", "http_status"]).to_pylist()
    for row in fetches:
        path = urlsplit(row["url"]).path
        if any(path.startswith(prefix) for prefix in forbidden.get(row["firm_id"], ())):
            assert row["http_status"] is None


def test_it_prints_a_table_and_where_the_report_is(demo: tuple[Path, str, float]) -> None:
    folder, printed, _ = demo
    for word in ("Cluster", "Businesses", "Employees", "Turnover", "Aerospace", "Agri-tech"):
        assert word in printed
    assert str(folder / "report" / "index.html") in printed
    assert (folder / "report" / "index.html").is_file()
    assert (folder / "exports" / "firms.csv").is_file()


def test_the_model_agrees_with_the_authors_on_firms_it_has_not_seen(demo: tuple[Path, str, float]) -> None:
    found = re.search(r"name (\d+) pairs .* found (\d+) of them. It gave (\d+) in all, (\d+) of which", demo[1])
    assert found
    stated, hits, given, beyond = map(int, found.groups())
    assert stated > 80
    assert hits / stated > 0.8
    assert beyond < min(stated, given / 2)


def test_the_sites_are_no_longer_served(demo: tuple[Path, str, float]) -> None:
    websites = Workspace(demo[0]).lake.read_arrow("firms", ["website"])["website"].to_pylist()
    served = urlsplit(next(website for website in websites if website))
    with socket.socket() as sock:
        sock.settimeout(5)
        assert sock.connect_ex((served.hostname, served.port)) != 0


def test_counts_cover_many_towns_and_sectors(demo: tuple[Path, str, float]) -> None:
    cells = Workspace(demo[0]).lake.read_arrow("cells").to_pylist()
    districts = {cell["area_code"] for cell in cells if cell["area_kind"] == "lad"} - {"unknown"}
    clusters = {cell["cluster"] for cell in cells if cell["metric"] == "businesses" and cell["value"]}
    assert len(districts) >= 6
    assert len(clusters) >= 12
