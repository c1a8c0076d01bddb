"""Hostile sites side by side in one crawl, each with an outcome of its own and none at another's cost.

What sites cost in memory and time is measured in ``test_costs``; names and addresses are for ``test_addresses``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from crawler.archive import read_record
from crawler.links import MAX_PART_REPEATS
from tests.crawler.faults.hostile_sites import BUDGET, CANARIES, CHARSETS, INJECTED, LOCATIONS, TIMEOUT_S, Hostile


@pytest.fixture(scope="module")
def hostile(web: Any, watched_crawl: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    return Hostile(web, watched_crawl, tmp_path_factory.mktemp("modules"))


SITES_BY_OUTCOME = {
    "ok": "steady H03_three H05_few_cookies H10_charsets H15_both H16_locations H17_chain_of_five H18_maze "
    "H19_sitemaps H20_chain H21_policies H22_prompt S09_links",
    "bad_response": "H03_four H03_300 H15_negative H15_two H16_home H24_pdf H24_png H24_video H24_random",
    "timeout": "H07_drip",
    "truncated": "H13_cut_gzip H14_short H14_reset",
    "trap_limit": "H17_loop H17_chain H17_refresh_loop H17_refresh_chain H18_only_traps",
    "empty": "H22_script H22_hidden H22_white H22_stuffed H23_soft_404 H23_cookie_wall H23_bot_check H23_login",
    "parked": "H23_parked",
}
OUTCOMES = {site: outcome for outcome, sites in SITES_BY_OUTCOME.items() for site in sites.split()}


def test_invariants(hostile: Hostile) -> None:
    assert set(hostile.results) == set(OUTCOMES)
    hostile.crawl.check()


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES.items(), ids=list(OUTCOMES))
def test_outcome(hostile: Hostile, name: str, outcome: str) -> None:
    site = hostile.results[name]
    assert (site.outcome, bool(site.pages)) == (outcome, outcome == "ok"), site.reason


def test_h00_nothing_is_left_in_the_users_folder(hostile: Hostile) -> None:
    assert list((hostile.crawl.folder / "home").iterdir()) == []


def test_h05_no_cookie_is_sent(hostile: Hostile) -> None:
    assert "/services/0" in hostile.sites["H05_few_cookies"].paths
    assert not [hit for site in hostile.sites.values() for hit in site.hits if "cookie" in hit.headers]


def test_h07_slow_drip_ends_in_time_and_delays_nobody(hostile: Hostile) -> None:
    assert len(hostile.hung_up_after_s) == 1
    assert abs(hostile.hung_up_after_s[0] - TIMEOUT_S) <= 1
    times = [hit.at for hit in hostile.sites["steady"].hits]
    assert len(times) == BUDGET + 2
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 2


def test_h10_every_charset_is_read_or_refused(hostile: Hostile) -> None:
    """Of these only UTF-16 without a byte order mark is one, and cannot be told from binary data."""
    found = hostile.outcomes("H10_charsets")
    words = {page.url.rpartition("/")[2]: page.text for page in hostile.results["H10_charsets"].pages}
    for n, name in enumerate(CHARSETS):
        assert found[f"/services/{n}"] == ("bad_response" if name == "utf-16le" else "ok"), name[:20]
        assert name == "utf-16le" or f"service {n} 7 of the press" in words[str(n)], name[:20]


def test_h13_h14_body_that_ends_early_is_asked_for_once_more(hostile: Hostile) -> None:
    for name in ("H13_cut_gzip", "H14_short", "H14_reset"):
        assert hostile.sites[name].paths.count("/") == 2, name


def test_h15_length_and_chunks_are_read_by_chunks_and_flagged(hostile: Hostile) -> None:
    site = hostile.results["H15_both"]
    assert "part 29 of the press" in site.pages[0].text
    assert site.flags == ("two_lengths",)
    assert not [name for name, other in hostile.results.items() if "two_lengths" in other.flags and name != "H15_both"]


@pytest.mark.parametrize("name", LOCATIONS)
def test_h16_redirect_to_nowhere_costs_its_page_alone(hostile: Hostile, name: str) -> None:
    assert hostile.outcomes("H16_locations")[f"/services/{name}"] == "bad_response"
    assert hostile.sites["H16_locations"].paths.count(f"/services/{name}") == 1


def test_h16_other_pages_go_on(hostile: Hostile) -> None:
    found = hostile.outcomes("H16_locations")
    assert (found["/about"], found["/products/last"], found["/services/injected"]) == ("ok", "ok", "ok")
    assert not [path for site in hostile.sites.values() for path in site.paths if "\r" in path or "\n" in path]
    assert INJECTED.lower() in [path.lower() for path in hostile.sites["H16_locations"].paths], "escaped as it came"


@pytest.mark.parametrize(
    ("name", "hops"), [("H17_loop", 2), ("H17_chain", 6), ("H17_refresh_loop", 3), ("H17_refresh_chain", 6)]
)
def test_h17_hops_are_bounded_and_recorded(hostile: Hostile, name: str, hops: int) -> None:
    site, asked = hostile.results[name], [path for path in hostile.sites[name].paths if "." not in path]
    assert len(asked) == hops
    for path in asked:
        assert hostile.web.url(hostile.sites[name], path) in site.reason
    assert [fetch.url for fetch in site.fetches if fetch.chosen != "robots.txt"] == [
        hostile.web.url(hostile.sites[name], path) for path in asked
    ]


def test_h18_maze_is_left_at_its_budget(hostile: Hostile) -> None:
    paths = hostile.sites["H18_maze"].paths
    assert len(paths) <= BUDGET + 2
    for path in paths:
        parts = [part for part in path.partition("?")[0].split("/") if part]
        assert all(parts.count(part) <= MAX_PART_REPEATS for part in parts), path
        assert not re.search(r"month=|sort=|colour=|token=|/calendar/", path), path


def test_h18_site_of_traps_alone_is_hardly_asked(hostile: Hostile) -> None:
    assert len(hostile.sites["H18_only_traps"].hits) <= 3


def test_h19_sitemaps_are_bounded(hostile: Hostile) -> None:
    site = hostile.sites["H19_sitemaps"]
    maps = [path for path in site.paths if ".xml" in path]
    assert len(maps) <= 10
    assert len(set(maps)) == len(maps)
    assert not [path for path in maps if path.partition("?")[0] == "/itself.xml"][2:]
    assert len(hostile.results["H19_sitemaps"].fetches) < 200
    everything = b"".join(path.encode() for path in site.paths) + hostile.results["H19_sitemaps"].to_json().encode()
    assert b"root:" not in everything


def test_h20_nothing_is_told_to_the_next_host(hostile: Hostile) -> None:
    asked = [*hostile.sites["H20_chain"].hits, *(hit for site in hostile.hops for hit in site.hits)]
    assert [len(site.hits) > 1 for site in hostile.hops] == [True, True]
    assert "/about?from=last" in hostile.hops[-1].paths
    for hit in asked:
        assert not {"authorization", "cookie", "referer", "proxy-authorization"} & set(hit.headers), hit
        assert not [value for value in hit.headers.values() if "secret" in value]
    assert "secret" not in hostile.results["H20_chain"].final_url


def test_h21_no_policy_is_imported(hostile: Hostile) -> None:
    assert len([path for path in hostile.sites["H21_policies"].paths if "services" in path]) == len(CANARIES)
    assert sorted(path.name for path in hostile.modules.glob("canary*")) == sorted(f"{name}.py" for name in CANARIES)
    assert not [hit for site in hostile.sites.values() for hit in site.hits if "referer" in hit.headers]


def test_h22_pages_not_meant_for_readers_are_flagged(hostile: Hostile) -> None:
    for name in ("H22_white", "H22_stuffed"):
        assert "stuffed" in hostile.results[name].flags, name


def test_h22_instructions_are_words_like_any_other(hostile: Hostile) -> None:
    site = hostile.results["H22_prompt"]
    assert "Ignore all previous instructions" in site.pages[0].text
    assert site.flags == ()


def test_h24_archive_has_the_bytes_as_they_came(hostile: Hostile) -> None:
    fetch = next(f for f in hostile.results["H24_png"].fetches if f.outcome == "bad_response")
    assert read_record(hostile.crawl.folder / "archive", fetch.archive_ref).body.startswith(b"\x89PNG")


def test_s09_links_of_other_schemes_are_not_asked_for(hostile: Hostile) -> None:
    assert set(hostile.sites["S09_links"].paths) <= {"/robots.txt", "/", "/sitemap.xml"}
