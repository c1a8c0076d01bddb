"""Addresses that must never be reached: names that change, spellings, redirects, ports, schemes.

One crawl resolves names from a table inside the crawl process; what it connects to is read from that process's own log
of connections, besides the lists of what the servers were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crawler.archive import read_record
from crawler.records import SiteCrawl, utc_now
from pipelines.site_owners import SiteOwners
from tests.crawler.faults.named_sites import PORTS, PRIVATE, PUBLIC, SCHEMES, SPELLINGS, Named


@pytest.fixture(scope="module")
def named(web: Any, watched_crawl: Callable[..., Any]) -> Iterator[Named]:
    sites = Named(web, watched_crawl)
    yield sites
    sites.close()


def test_invariants(named: Named) -> None:
    named.crawl.check()
    assert named.private.hits == []
    reached = {host for host, _ in named.crawl.of("connect")}
    assert reached <= {site.address for site in named.sites.values()} | {"127.9.201.1", PUBLIC}


OUTCOMES = {
    "S03_0": "ok",
    "S03_1": "ok",
    "S03_localhost": "blocked_address",
    "S03_private-name": "blocked_address",
    "S04_refresh": "blocked_address",
    "S04_links": "ok",
    "S04_sitemap": "ok",
    "S04_robots": "robots_unreachable",
    "S05_rebinding": "ok",
    "S05_at_once": "blocked_address",
    "S06_two_records": "ok",
    "S06_refused": "connect_failed",
    "S07_private_name": "blocked_address",
    "S08_kept_alive": "ok",
    "S09_redirects": "ok",
    **{f"S09_{n}": "bad_url" for n in range(len(SCHEMES))},
    **{f"S10_{port}": "blocked_address" for port in (*PORTS, "named")},
    "S10_80": "ok",
    "H18_wildcard": "ok",
    "H25_shared": "ok",
    "H25_shared_too": "ok",
    "H25_market": "redirect_offsite",
}


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES.items(), ids=list(OUTCOMES))
def test_outcome(named: Named, name: str, outcome: str) -> None:
    site = named.results[name]
    assert (site.outcome, bool(site.pages)) == (outcome, outcome == "ok"), site.reason


def test_every_firm_is_in_the_table(named: Named) -> None:
    assert set(named.results) == set(OUTCOMES)


def test_s03_first_page_is_kept_and_each_hop_refused(named: Named) -> None:
    for half in (0, 1):
        found = named.outcomes(f"S03_{half}")
        assert found["/"] == "ok"
        refused = {path: word for path, word in found.items() if "services" in path}
        assert refused == {f"/services/{n}": "blocked_address" for n in range(half, len(SPELLINGS), 2)}
        assert named.sites[f"S03_{half}"].paths.count("/services/" + str(half)) == 1, "not tried again"


def test_s04_nothing_that_a_page_names_is_asked_for(named: Named) -> None:
    assert named.outcomes("S04_links")["/about"] == "blocked_address"
    assert named.outcomes("S04_sitemap")["/about"] == "ok"
    assert set(named.sites["S04_robots"].paths) == {"/robots.txt"}


def test_s05_second_answer_is_never_connected_to(named: Named) -> None:
    found = named.outcomes("S05_rebinding")
    assert (found["/"], found["/about"]) == ("ok", "blocked_address")
    looked_up = [name for name, _ in named.crawl.of("name")]
    assert looked_up.count("rebinding.example.com") >= 3, "nothing is cached"


def test_s06_private_record_is_no_way_out(named: Named) -> None:
    assert ("127.9.201.1", named.web.port) in named.crawl.of("connect")
    assert set(named.outcomes("S06_two_records").values()) <= {"ok", "http_error"}


def test_s08_open_connection_is_used_on_and_its_address_written_down(named: Named) -> None:
    assert [name for name, _ in named.crawl.of("name")].count("kept.example.com") == 1
    site = named.results["S08_kept_alive"]
    read = [fetch for fetch in site.fetches if fetch.archive_ref]
    assert {fetch.outcome for fetch in read} >= {"ok"}
    for fetch in read:
        path = named.crawl.folder / "archive" / fetch.archive_ref.split(":")[0]
        assert read_record(named.crawl.folder / "archive", fetch.archive_ref).url == fetch.url
        assert ip_of(path, fetch.url) == named.sites["S08_kept_alive"].address


def ip_of(path: Path, url: str) -> str:
    from fastwarc.warc import ArchiveIterator

    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            if record.headers.get("WARC-Target-URI") == url and "WARC-IP-Address" in record.headers:
                return str(record.headers["WARC-IP-Address"])
    raise AssertionError(f"no record of {url}")


def test_s09_redirects_to_other_schemes_are_refused(named: Named) -> None:
    found = {path: word for path, word in named.outcomes("S09_redirects").items() if "services" in path}
    assert found == {f"/services/{n}": "bad_response" for n in range(len(SCHEMES))}


def test_s10_other_services_are_not_connected_to(named: Named) -> None:
    assert [port for port, listener in named.listeners.items() if listener.was_reached()] == []
    assert {port for host, port in named.crawl.of("connect") if host == PUBLIC} == {80}
    for port in PORTS:
        assert str(port) in named.results[f"S10_{port}"].reason
    assert named.public.paths, "a public address on port 80 is read"


def test_h18_hosts_of_a_wildcard_are_bounded(named: Named) -> None:
    asked = {name for name, _ in named.crawl.of("name") if name.endswith("example.net")}
    assert 1 < len(asked) <= 5


def test_h25_one_site_of_two_firms_is_read_once(named: Named) -> None:
    assert named.sites["H25_shared"].paths.count("/") == 1
    shared = [name for name, site in named.results.items() if "shared_site" in site.flags]
    assert shared == ["H25_shared_too"]


def test_h25_market_place_is_not_read_for_a_firm(named: Named) -> None:
    assert named.sites["market"].hits == []


def test_h25_words_of_another_firms_site_are_not_taken() -> None:
    rows = [{"firm_id": "a", "website": "old.example.com"}, {"firm_id": "b", "website": "https://www.example.org/"}]
    lake: Any = SimpleNamespace(shards=1, read_arrow=lambda *_: SimpleNamespace(to_pylist=lambda: rows))
    visit = SiteCrawl(
        "a", "old.example.com", "https://example.org/", "ok", "", utc_now(), utc_now(), aliases=("old.example.com",)
    )
    judged = SiteOwners(lake).judged(visit)
    assert (judged.outcome, judged.pages, judged.flags) == ("redirect_offsite", (), ("shared_site",))
    assert "firm b" in judged.reason


@pytest.mark.parametrize("name", ["S07_private_name", "S03_localhost", "S05_at_once"])
def test_s16_report_names_the_address_and_not_the_look_up(named: Named, name: str) -> None:
    assert f"blocked address {PRIVATE} (loopback)" in named.results[name].reason
    assert "resolve" not in named.results[name].reason
