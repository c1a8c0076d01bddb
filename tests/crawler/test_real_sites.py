"""The captured sites of real firms, served on loopback: words from nearly all, and no forbidden path asked for."""

from __future__ import annotations

import csv
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from protego import Protego

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget

MIN_WITH_TEXT = 195
MIN_CHARS = 500  # two sites whose text was drawn by scripts, which the captures lack, give 151 and 371: a description


@pytest.mark.realdata
@pytest.mark.slow
def test_200_sites(shared: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.1.0.1", 0))
        port = probe.getsockname()[1]
    firms, log = tmp_path / "firms.csv", tmp_path / "log.jsonl"
    command = [sys.executable, str(shared / "tools/serve_sites.py"), str(shared / "sites")]
    command += ["--port", str(port), "--firms", str(firms), "--log", str(log)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith(b"serving")
        with firms.open(newline="") as file:
            targets = [CrawlTarget(row["firm_id"], row["website"]) for row in csv.DictReader(file)]
        settings = CrawlSettings("crawl@example.org", delay_s=0, allow_addresses=("127.1.0.0/16",))
        started = time.monotonic()
        found = list(crawl(targets, settings, tmp_path / "archive", tmp_path / "work"))
        seconds = time.monotonic() - started
    finally:
        server.terminate()
        server.communicate(timeout=10)
    assert sorted(site.firm_id for site in found) == sorted(target.firm_id for target in targets)
    words = {site.firm_id: sum(len(page.text) for page in site.pages) for site in found}
    thin = {site.firm_id: site.outcome for site in found if words[site.firm_id] < MIN_CHARS}
    print(f"{len(found)} sites: {Counter(site.outcome for site in found)}; under {MIN_CHARS} characters: {thin}")
    assert len(found) - len(thin) >= MIN_WITH_TEXT, thin
    assert seconds < 300
    hits = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(hits) == sum(site.requests for site in found), "we count our requests as the servers do"
    ruled = 0
    for name in {hit["site"] for hit in hits}:
        robots = shared / "sites" / name / "robots.txt"
        if robots.is_file():
            ruled += 1
            rules = Protego.parse(robots.read_text())
            paths = [hit["path"] for hit in hits if hit["site"] == name]
            assert [path for path in paths if not rules.can_fetch(urlsplit(path).geturl(), "firmscope")] == []
    assert ruled
