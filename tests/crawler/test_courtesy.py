"""Manners as the servers see them: distances, waits, wishes to be left alone. Two crawls over one archive, no more."""

from __future__ import annotations

import gzip
import itertools
import sqlite3
import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl

DELAY_S = 0.3
SLACK_S = 0.15  # the server hears of a request some milliseconds after it was sent, on a busy machine more


def gaps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def keeps_distance(times: Sequence[float], delay_s: float) -> None:
    """A single gap is only as good as the server's own clock watching; the middle one is not that far off."""
    assert statistics.median(gaps(times)) >= delay_s - 0.05
    assert min(gaps(times)) >= delay_s / 3, "one that is not kept is next to nothing"


class Manners:
    """All sites of the two crawls; ``first`` and ``second`` are what came of them."""

    def __init__(self, web: Any, folder: Path) -> None:
        self.web = web
        self.archive = folder / "archive"
        self.sites: dict[str, Any] = {}
        self.settings = CrawlSettings(
            contact="crawl@example.org", delay_s=DELAY_S, timeout_s=3, max_site_seconds=30, allow_addresses=web.allow
        )
        websites = self._build()
        self.settings = replace(self.settings, opt_out=(self.sites["opted_out"].address,))
        self.first = self._crawl(websites, folder / "work")
        self.hits = {name: list(site.hits) for name, site in self.sites.items()}
        self._make_older({"stale": 3, "stale_open": 3, "too_old": 31})
        for name in ("stale", "stale_open", "too_old"):
            self.sites[name].pages["/robots.txt"] = web.answer("", 503)
        again = ("killed", "stale", "stale_open", "too_old")
        self.second = self._crawl({name: websites[name] for name in again}, folder / "work")

    def _crawl(self, websites: dict[str, str], work: Path) -> dict[str, SiteCrawl]:
        targets = [CrawlTarget(name, website) for name, website in websites.items()]
        found = list(crawl(targets, self.settings, self.archive, work))
        assert sorted(site.firm_id for site in found) == sorted(websites)
        return {site.firm_id: site for site in found}

    def _make_older(self, days: dict[str, int]) -> None:
        with sqlite3.connect(self.archive / "robots.db") as database:
            for name, age in days.items():
                authority = self.web.url(self.sites[name], "")
                sql = "UPDATE robots SET fetched_at = fetched_at - ? WHERE authority = ?"
                assert database.execute(sql, (age * 86_400, authority)).rowcount == 1
        database.close()

    def _build(self) -> dict[str, str]:
        web = self.web
        page, answer = web.page, web.answer
        none = answer("", 404)
        fine = page("Fine", web.filler)
        closed = answer("User-agent: *\nDisallow: /", content_type="text/plain")

        def once(name: str, path: str, busy: bytes) -> Any:
            async def reply(hit: Any, writer: Any) -> None:
                first = self.sites[name].paths.count(path) == 1
                writer.write(busy if first else fine)

            return reply

        async def hang_up(hit: Any, writer: Any) -> None:
            """Answer as if the connection were to stay open, and close it."""
            links = "".join(f"<a href='/services/{n}'>Service {n}</a>" for n in range(3))
            words = f"Service {hit.path} is done by our own people, within a day of your call."
            writer.write(none if "." in hit.path else page(hit.path, words, links))
            await writer.drain()
            writer.close()

        pages: dict[str, dict[str, Any]] = {
            "opted_out": {"*": fine},
            "spaced": {
                "/": page("Home", web.filler, "<a href='/products/a'>A</a><a href='/products/b'>B</a>"),
                "/products/a": page("A", "Product A is a press like no other."),
                "/products/b": page("B", "Product B is a bender like no other."),
            },
            "shared": {"/a/": page("A", web.filler), "/b/": page("B", web.filler), "/robots.txt": none},
            "slow": {"/robots.txt": answer("User-agent: firmscope\nCrawl-delay: 0.7"), "/": fine},
            "busy": {"/": once("busy", "/", answer("", 503, Retry_After="2"))},
            "busy_shared": {
                "/a/": once("busy_shared", "/a/", answer("", 429, Retry_After="2")),
                "/b/": page("B", web.filler, "<a href='/b/services'>Services</a>"),
                "/b/services": page("Services", "We repair presses within two days of your call."),
            },
            "storm": {"/": answer("", 503)},
            "for_ever": {"/": answer("", 429, Retry_After="1000000000")},
            "forbidden": {"*": answer("", 403), "/robots.txt": none},
            "robots_busy": {"/robots.txt": answer("", 429, Retry_After="3600"), "*": fine},
            "to_opted_out": {"/": answer("", 302, Location="OPTED_OUT"), "/robots.txt": none},
            "robots_to_opted_out": {"/robots.txt": answer("", 302, Location="OPTED_OUT"), "*": fine},
            "hangs_up": {"*": hang_up},
            "five_hops": {f"/r{n}": answer("", 301, Location=f"HOP{n + 1}") for n in range(1, 5)}
            | {"/robots.txt": answer("", 301, Location="HOP1"), "/r5": closed, "/": fine},
            "six_hops": {f"/r{n}": answer("", 301, Location=f"/r{n + 1}") for n in range(1, 6)}
            | {"/robots.txt": answer("", 301, Location="/r1"), "/r6": closed, "/": fine},
            "killed": {"/": fine, "/robots.txt": none},
            "stale": {"/": fine, "/robots.txt": closed},
            "stale_open": {"/": fine, "/robots.txt": answer("User-agent: *\nDisallow: /x")},
            "too_old": {"/": fine, "/robots.txt": answer("User-agent: *\nDisallow: /x")},
        }
        for name, site_pages in pages.items():
            self.sites[name] = web.add(site_pages)
        other = web.add({f"/r{n}": answer("", 301, Location=f"HOP{n + 1}") for n in range(1, 5)})
        places = {b"OPTED_OUT": web.url(self.sites["opted_out"])}
        for n in range(1, 6):  # to and fro between two hosts; the rules are those of the last, for the first
            places[b"HOP%d" % n] = web.url(other if n % 2 else self.sites["five_hops"], f"/r{n}")
        for site in (*self.sites.values(), other):
            for path, reply in site.pages.items():
                for word, url in places.items():
                    if isinstance(reply, bytes):
                        reply = reply.replace(b": " + word + b"\r\n", b": " + url.encode() + b"\r\n")
                site.pages[path] = reply
        other.pages["/r5"] = closed
        websites = {name: web.url(site) for name, site in self.sites.items() if not name.endswith("shared")}
        for name in ("shared", "busy_shared"):
            websites |= {f"{name}_{part}": web.url(self.sites[name], f"/{part}/") for part in "ab"}
        return websites

    def times(self, name: str, path: str = "") -> list[float]:
        return [hit.at for hit in self.hits[name] if path in ("", hit.path)]

    def paths(self, name: str) -> list[str]:
        return [hit.path for hit in self.hits[name]]


@pytest.fixture(scope="module")
def manners(web: Any, tmp_path_factory: pytest.TempPathFactory) -> Manners:
    return Manners(web, tmp_path_factory.mktemp("manners"))


@pytest.mark.parametrize("name", ["spaced", "shared", "busy", "storm", "hangs_up"])
def test_requests_to_a_host_keep_their_distance(manners: Manners, name: str) -> None:
    """Whoever makes them and whatever for: robots.txt, sitemap, pages, tries again, two firms on one host."""
    times = manners.times(name)
    assert len(times) >= 4
    keeps_distance(times, DELAY_S)


def test_two_firms_on_one_host_are_both_read(manners: Manners) -> None:
    assert {manners.first["shared_a"].outcome, manners.first["shared_b"].outcome} == {"ok"}
    assert manners.paths("shared").count("/robots.txt") == 1


def test_hosts_do_not_wait_for_each_other(manners: Manners) -> None:
    first = [manners.times(name)[0] for name in ("spaced", "shared", "slow", "storm")]
    assert max(first) - min(first) < DELAY_S


def test_crawl_delay_stretches_the_distance(manners: Manners) -> None:
    times = manners.times("slow")
    assert len(times) >= 3
    keeps_distance(times, 0.7)


def test_busy_site_is_asked_again_after_the_time_it_names(manners: Manners) -> None:
    assert manners.first["busy"].outcome == "ok"
    assert gaps(manners.times("busy", "/"))[0] >= 2 - SLACK_S


def test_busy_host_is_left_alone_by_the_other_firms_visit_too(manners: Manners) -> None:
    told = manners.times("busy_shared", "/a/")[0]
    later = [at for at in manners.times("busy_shared") if at > told]
    assert later
    assert min(later) - told >= 2 - SLACK_S
    assert {manners.first["busy_shared_a"].outcome, manners.first["busy_shared_b"].outcome} == {"ok"}


def test_back_off_doubles_and_ends_after_three_tries(manners: Manners) -> None:
    times = gaps(manners.times("storm", "/"))
    assert len(times) == 2
    assert times[0] >= 1 - SLACK_S
    assert times[1] >= 2 - SLACK_S
    assert manners.first["storm"].outcome == "http_error"


def test_longer_wish_than_a_visit_is_for_the_next(manners: Manners) -> None:
    site = manners.first["for_ever"]
    assert (site.outcome, len(manners.times("for_ever", "/"))) == ("http_error", 1)
    assert site.not_before is not None
    assert timedelta(days=29) < site.not_before - site.ended_at <= timedelta(days=30)


def test_forbidden_is_not_tried_again(manners: Manners) -> None:
    assert manners.first["forbidden"].outcome == "http_error"
    assert manners.paths("forbidden").count("/") == 1


def test_busy_robots_txt_closes_the_site(manners: Manners) -> None:
    assert manners.first["robots_busy"].outcome == "robots_unreachable"
    assert manners.paths("robots_busy") == ["/robots.txt"]


def test_nothing_is_requested_from_who_opted_out(manners: Manners) -> None:
    """Not as a firm's site, not by a page's redirect, not by that of a robots.txt."""
    assert manners.hits["opted_out"] == []
    outcomes = {name: manners.first[name].outcome for name in ("opted_out", "to_opted_out", "robots_to_opted_out")}
    assert outcomes == {
        "opted_out": "opted_out",
        "to_opted_out": "opted_out",
        "robots_to_opted_out": "robots_unreachable",
    }
    assert manners.first["opted_out"].requests == 0
    assert "/" not in manners.paths("robots_to_opted_out")


def test_five_redirects_of_robots_txt_are_followed_and_six_are_not(manners: Manners) -> None:
    assert manners.first["five_hops"].outcome == "robots_disallowed"
    assert "/" not in manners.paths("five_hops")
    assert manners.first["six_hops"].outcome == "ok"
    assert "robots_redirects" in manners.first["six_hops"].flags
    assert "/r6" not in manners.paths("six_hops")


def test_connection_closed_between_requests_loses_nothing(manners: Manners) -> None:
    site = manners.first["hangs_up"]
    assert (site.outcome, len(site.pages)) == ("ok", 5), site.pages  # home, about and three services
    assert {fetch.outcome for fetch in site.fetches if "services" in fetch.url} == {"ok"}


def test_robots_txt_is_not_asked_for_again_by_the_next_crawl_of_the_day(manners: Manners) -> None:
    assert manners.second["killed"].outcome == "ok"
    assert manners.sites["killed"].paths.count("/robots.txt") == 1
    assert manners.sites["killed"].paths.count("/") == 2


def test_rules_of_three_days_ago_stand_in_for_a_failing_robots_txt(manners: Manners) -> None:
    assert [manners.sites[name].paths.count("/robots.txt") for name in ("stale", "stale_open")] == [2, 2]
    assert manners.second["stale"].outcome == "robots_disallowed"
    assert manners.sites["stale"].paths.count("/") == 0
    assert (manners.second["stale_open"].outcome, "robots_stale" in manners.second["stale_open"].flags) == ("ok", True)


def test_rules_older_than_a_month_do_not(manners: Manners) -> None:
    assert manners.second["too_old"].outcome == "robots_unreachable"
    assert manners.sites["too_old"].paths.count("/") == 1


def test_answers_of_robots_txt_are_archived(manners: Manners) -> None:
    records = b"".join(gzip.decompress(path.read_bytes()) for path in manners.archive.glob("*.warc.gz"))
    for name in ("stale", "robots_busy", "killed", "five_hops"):
        url = manners.web.url(manners.sites[name], "/robots.txt")
        assert f"WARC-Target-URI: {url}\r\n".encode() in records, name
    assert manners.web.url(manners.sites["five_hops"], "/r4").encode() in records
