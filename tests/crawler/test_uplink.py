"""A dead connection is not taken for dead sites; dead sites are not taken for a dead connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler import uplink
from crawler.errors import CrawlPausedError
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, Fetch, KnownPage, SiteCrawl, utc_now
from crawler.robots_store import Copy, RobotsStore
from crawler.uplink import Held, Uplink, is_silent

DEAD = 60


def site(outcome: str, status: int | None = None) -> SiteCrawl:
    now = utc_now()
    fetch = Fetch("f", "http://f.com/", outcome, status, now, "", "", "", "", "", "home page")
    return SiteCrawl("f", "http://f.com/", "", outcome, "", now, now, fetches=(fetch,))


SILENCE = [
    ("closed port", "connect_failed", None, True),
    ("no such name", "dns_failed", None, True),
    ("no answer", "timeout", None, True),
    ("robots.txt does not come", "robots_unreachable", None, True),
    ("robots.txt fails", "robots_unreachable", 503, False),
    ("robots.txt came, the page did not", "timeout", 404, False),
    ("an error is an answer", "http_error", 500, False),
    ("read", "ok", 200, False),
    ("refused by us", "blocked_address", None, False),
]


@pytest.mark.parametrize(("outcome", "status", "expected"), [s[1:] for s in SILENCE], ids=[s[0] for s in SILENCE])
def test_silence(outcome: str, status: int | None, expected: bool) -> None:
    assert is_silent(site(outcome, status)) is expected


def test_an_answer_hands_out_what_was_held_back_before_it() -> None:
    line = Uplink(limit=3)
    assert line.took(Held(0, site("timeout"))) == []
    assert [held.place for held in line.took(Held(1, site("bad_url")))] == [1]
    assert [held.place for held in line.took(Held(2, site("ok", 200)))] == [0, 2]
    assert line.held == []


def test_doubt_after_so_many_in_a_row_only() -> None:
    line = Uplink(limit=3)
    for place, outcome in enumerate(["timeout", "dns_failed", "ok", "timeout", "blocked_address", "dns_failed"]):
        line.took(Held(place, site(outcome, 200 if outcome == "ok" else None)))
    assert not line.in_doubt
    line.took(Held(9, site("connect_failed")))
    assert line.in_doubt


def test_second_silence_of_a_site_counts_once_the_line_is_known_to_be_up() -> None:
    line = Uplink(limit=3)
    for place in range(3):
        line.took(Held(place, site("timeout"), again=place == 1))
    known, again = line.found_up()
    assert ([held.place for held in known], again, line.held) == ([1], [0, 2], [])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "PAUSE_S", 0.2)


def dead_targets(web: Any) -> list[CrawlTarget]:
    """Sites on addresses where nobody listens: refused at once."""
    web.add({})  # or there is no port yet
    return [CrawlTarget(f"dead{n:02}", web.url(f"127.9.240.{n + 1}")) for n in range(DEAD)]


def collect(running: Iterator[SiteCrawl]) -> tuple[list[SiteCrawl], CrawlPausedError | None]:
    found = []
    try:
        for one in running:
            found.append(one)
    except CrawlPausedError as error:
        return found, error
    return found, None


Run = Callable[[list[CrawlTarget]], tuple[list[SiteCrawl], CrawlPausedError | None]]


@pytest.fixture
def run(settings: CrawlSettings, tmp_path: Path, quick: None) -> Run:
    (tmp_path / "archive").mkdir()

    def crawl_them(targets: list[CrawlTarget]) -> tuple[list[SiteCrawl], CrawlPausedError | None]:
        using = replace(settings, retries=0, concurrent_sites=10)
        found, error = collect(crawl(targets, using, tmp_path / "archive", tmp_path / "work"))
        assert sorted(one.firm_id for one in found) == sorted(target.firm_id for target in targets)
        return found, error

    return crawl_them


def test_when_nobody_answers_nobody_is_called_dead(web: Any, run: Run) -> None:
    found, error = run(dead_targets(web))
    assert {one.outcome for one in found} == {"not_attempted"}
    assert all("connection seems to be down" in one.reason for one in found)
    assert error is not None
    assert (error.cause, f"{DEAD} of {DEAD}" in str(error)) == ("uplink", True)


def test_when_a_host_of_yesterday_still_answers_the_sites_are_dead(web: Any, run: Run, tmp_path: Path) -> None:
    witness = web.add({"/robots.txt": web.answer("", 404)})
    store = RobotsStore(tmp_path / "archive")
    store.put(Copy(web.url(witness, ""), utc_now() - timedelta(days=1), 404, b""))
    store.close()
    found, error = run(dead_targets(web))
    assert {one.outcome for one in found} == {"connect_failed"}
    assert error is None
    assert set(witness.paths) == {"/robots.txt"}
    assert len(witness.paths) <= 4


def test_sites_that_were_silent_while_the_line_was_down_are_read_when_it_is_up(web: Any, run: Run) -> None:
    """What answers is a silent site that was once read, which is asked again after the pause."""
    targets = dead_targets(web)
    late = web.add({"/robots.txt": web.reset, "*": web.reset})
    asked: list[str] = []

    async def from_the_second_time_on(hit: Any, writer: Any) -> None:
        asked.append(hit.path)
        if len(asked) == 1:
            writer.transport.abort()
        else:
            writer.write(web.answer("", 404) if "." in hit.path else web.page("Late", web.filler))

    late.pages = {"*": from_the_second_time_on}
    known = KnownPage(web.url(late), "", "", "0" * 64, "")
    found, error = run([CrawlTarget("late", web.url(late), (known,)), *targets])
    outcomes = {one.firm_id: one.outcome for one in found}
    assert (outcomes.pop("late"), set(outcomes.values())) == ("ok", {"connect_failed"})
    assert error is None


def test_dead_sites_among_living_ones_stay_dead(web: Any, run: Run) -> None:
    living = [CrawlTarget(f"good{n}", web.url(web.add({"/": web.page(f"Good {n}", web.filler)}))) for n in range(3)]
    dead = dead_targets(web)
    found, error = run([*dead[:20], living[0], *dead[20:40], living[1], *dead[40:], living[2]])
    assert {one.outcome for one in found if one.firm_id.startswith("dead")} == {"connect_failed"}
    assert {one.outcome for one in found if one.firm_id.startswith("good")} == {"ok"}
    assert error is None


def test_closed_window_begins_nothing(web: Any, settings: CrawlSettings, tmp_path: Path) -> None:
    sites = [web.add({"/": web.page("Home", web.filler)}) for _ in range(2)]
    now = utc_now()
    closed = f"{now + timedelta(hours=2):%H:%M}-{now + timedelta(hours=3):%H:%M}"
    targets = [CrawlTarget(str(n), web.url(one)) for n, one in enumerate(sites)]
    found, error = collect(crawl(targets, replace(settings, window=closed), tmp_path / "archive", tmp_path / "work"))
    assert {one.outcome for one in found} == {"not_attempted"}
    assert all(f"the crawl window {closed} (UTC) was closed" in one.reason for one in found)
    assert error is not None
    assert (error.cause, "2 of 2 sites" in str(error)) == ("window", True)
    assert not any(one.hits for one in sites)
