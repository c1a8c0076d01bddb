"""A new sector in an afternoon, as an analyst spends it: definition, queue, judging by keys, retraining, list, export.

On real sites, crawled once; no model knows the sector, so its queue begins from the definition alone.
FIRMSCOPE_ALL_SITES=1 takes all 200 of them, six minutes on two busy cores; make test takes three pages of every third.
"""

from __future__ import annotations

import csv
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.conftest import ALL_SITES, Firmscope

pytestmark = [pytest.mark.realdata, pytest.mark.slow, pytest.mark.timeout(1800)]

SECTOR = """id: afternoon
version: 1
sectors:
  - key: security
    name: Security of computers
    definition: >-
      Firms that protect computers, networks and data from attack: testing, monitoring, encryption, response.
      Not guards, alarms or locks.
    keywords: ['cyber*', 'penetration test*', 'ransomware OR malware', 'encryption', '"incident response"']
"""
TELLING = re.compile(r"cyber|penetration test|ransomware|malware|encrypt|vulnerabilit|incident response", re.IGNORECASE)
JUDGED = 40
MAX_MS = 200.0  # from the key to the next firm; half of the judgements have to come in below it on any machine


@pytest.fixture(scope="module")
def crawled(firmscope: Firmscope, real_sites: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a taxonomy of one new sector and the sites' words, and no model at all."""
    folder = tmp_path_factory.mktemp("afternoon")
    (folder / "taxonomy.yaml").write_text(SECTOR, encoding="utf-8")
    for arguments in (
        ["init", folder / "ws", "--taxonomy", folder / "taxonomy.yaml"],
        ["--workspace", folder / "ws", "config", "set", "crawl.contact", "crawler@example.org"],
        ["--workspace", folder / "ws", "config", "set", "crawl.allow_addresses", "127.0.0.0/8"],
        ["--workspace", folder / "ws", "config", "set", "crawl.delay_s", "0"],
        ["--workspace", folder / "ws", "config", "set", "crawl.page_budget", "20" if ALL_SITES else "3"],
        ["--workspace", folder / "ws", "import", "firms", real_sites / "firms.csv"],
        ["--workspace", folder / "ws", "crawl"],
        ["--workspace", folder / "ws", "taxonomy", "check"],
    ):
        ended = firmscope(*arguments)
        assert ended.returncode == 0, ended.stderr
    return folder / "ws"


@pytest.fixture(scope="module")
def link(crawled: Path) -> Iterator[str]:
    """The page, served by the command."""
    command = [sys.executable, "-m", "pipelines.cli", "--workspace", str(crawled), "labels", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        yield server.stdout.readline().strip()
        server.terminate()


def _sit_down(browser: Browser, link: str, coder: str) -> Page:
    """A browser of its own: link, name, sector."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(link)
    page.get_by_label("Name or initials").fill(coder)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Security of computers").click()
    expect(page.locator("#judge")).not_to_have_attribute("data-firm", "", timeout=120_000)
    return page


def _judge(page: Page, key: str) -> float:
    """Press a key; milliseconds until the next firm can be read."""
    return float(
        page.evaluate(
            """key => new Promise(done => {
                const began = performance.now(), click = document.getElementById('judge').dataset.click;
                document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
                const look = () => document.getElementById('judge').dataset.click === click
                    ? setTimeout(look, 2) : done(performance.now() - began);
                look();
            })""",
            key,
        )
    )


def _right_key(page: Page) -> str:
    """What a person who reads the words would press."""
    return "i" if len(TELLING.findall(page.locator("#words-of").inner_text())) >= 3 else "x"


def test_an_afternoon(browser: Browser, link: str, crawled: Path, firmscope: Firmscope, tmp_path: Path) -> None:
    page = _sit_down(browser, link, "anna")
    took, shown = [], []
    for _ in range(JUDGED):
        shown.append(page.locator("#judge").get_attribute("data-firm"))
        took.append(_judge(page, _right_key(page)))
        page.wait_for_timeout(50)
    print(f"\n{JUDGED} judgements: median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms")
    assert len(set(shown)) == JUDGED
    assert statistics.median(took) < MAX_MS
    expect(page.locator("#progress .tally dd").first).to_have_text(str(JUDGED), timeout=30_000)

    # retrain, without losing the page: a firm is judged while it runs
    page.locator("#retrain-panel summary").click()
    page.get_by_role("button", name="Retrain").click()
    expect(page.locator("#retraining progress")).to_be_visible(timeout=20_000)
    shown.append(page.locator("#judge").get_attribute("data-firm"))
    _judge(page, _right_key(page))
    expect(page.locator("#retraining h3").first).to_contain_text("would enter", timeout=400_000)
    entering = page.locator("#retraining ol a").count()
    assert entering > 3
    page.locator("#members-panel summary").click()
    expect(page.locator("#members li").first).to_be_visible()

    # a second coder, in a browser of their own, judges what the first did
    other = _sit_down(browser, link, "ben")
    other.locator("#mode").select_option("second")
    other.wait_for_url("**mode=second**", timeout=60_000)
    expect(other.locator("#judge")).not_to_have_attribute("data-firm", "", timeout=60_000)
    for _ in range(8):
        assert other.locator("#judge").get_attribute("data-firm") in shown
        _judge(other, _right_key(other))
    expect(other.locator("#progress")).to_contain_text("agree on", timeout=30_000)
    assert "100%" in other.locator("#progress").inner_text()

    # the list that was made, and who made it
    out = tmp_path / "labels.csv"
    assert firmscope("--workspace", crawled, "labels", "export", "--out", out).returncode == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["coder"] for row in rows].count("anna") == JUDGED + 1
    assert [row["coder"] for row in rows].count("ben") == 8
    assert {row["note"].split(";")[0] for row in rows if row["coder"] == "anna"} <= {
        "asked: definition", "asked: random", "asked: likely include", "asked: near the threshold",
        "asked: disagreement",
    }  # fmt: skip
    assert any(row["note"] == "asked: random" for row in rows)
    for command in (["train"], ["classify"], ["labels", "agreement"]):
        ended = firmscope("--workspace", crawled, *command)
        assert ended.returncode == 0, ended.stderr
