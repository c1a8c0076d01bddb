"""One crawl over a web of good, odd and hostile sites: each ends with its own outcome and disturbs no other."""

from __future__ import annotations

from typing import Any

import pytest

from crawler.archive import read_record
from crawler.records import SiteCrawl
from tests.crawler.fleet import Fleet


@pytest.fixture(scope="module")
def fleet(web: Any, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(web, tmp_path_factory.mktemp("fleet"))


SITES_BY_OUTCOME = {
    "ok": "good same_site no_scheme robots_some robots_404 robots_html chain gzip deep punycode half alias "
    "alias_refresh sub_offsite",
    "robots_disallowed": "robots_all robots_403 robots_long",
    "robots_unreachable": "robots_503 robots_429 robots_silent robots_reset robots_private",
    "trap_limit": "robots_delay loop too_many",
    "bad_response": "bad_location endless_headers nested binary",
    "blocked_address": "to_private",
    "parked": "parked",
    "timeout": "drip silent",
    "too_big": "bomb endless",
    "truncated": "short cut_gzip",
    "not_html": "pdf",
    "http_error": "error gone",
    "empty": "empty script",
    "connect_failed": "dead",
    "dns_failed": "no_such_name",
    "bad_url": "blank script_url",
}
OUTCOMES = {site: outcome for outcome, sites in SITES_BY_OUTCOME.items() for site in sites.split()}


@pytest.mark.parametrize(("firm_id", "outcome"), OUTCOMES.items(), ids=list(OUTCOMES))
def test_outcome(fleet: Fleet, firm_id: str, outcome: str) -> None:
    site = fleet.results[firm_id]
    assert (site.outcome, bool(site.pages)) == (outcome, outcome == "ok"), site.reason
    assert site.reason


def test_every_firm_is_in_the_table(fleet: Fleet) -> None:
    assert set(fleet.results) == set(OUTCOMES)


@pytest.mark.parametrize(
    "firm_id",
    [
        "robots_all",
        "robots_403",
        "robots_503",
        "robots_429",
        "robots_silent",
        "robots_reset",
        "robots_private",
        "robots_long",
        "robots_delay",
    ],
)
def test_closed_by_robots_means_no_page_is_asked_for(fleet: Fleet, firm_id: str) -> None:
    assert set(fleet.sites[firm_id].paths) == {"/robots.txt"}


def test_disallowed_path_is_left_alone_and_recorded(fleet: Fleet) -> None:
    assert "/private/plans" not in fleet.sites["robots_some"].paths
    assert "/services" in fleet.sites["robots_some"].paths
    assert [f.outcome for f in fleet.results["robots_some"].fetches if "private" in f.url] == ["robots_disallowed"]


def test_nothing_was_sent_to_an_address_that_is_not_allowed(fleet: Fleet) -> None:
    assert fleet.sites["private"].hits == []


def test_other_site_is_not_read_for_a_firm(fleet: Fleet) -> None:
    assert fleet.sites["other"].hits == []
    about = next(fetch for fetch in fleet.results["sub_offsite"].fetches if fetch.url.endswith("/about"))
    assert about.outcome == "redirect_offsite"


@pytest.mark.parametrize("firm_id", ["alias", "alias_refresh"])
def test_home_page_may_lead_to_another_domain_which_is_noted(fleet: Fleet, firm_id: str) -> None:
    site = fleet.results[firm_id]
    old, new = fleet.sites[firm_id].address, fleet.sites["moved"].address
    assert (site.outcome, site.aliases, new in site.final_url) == ("ok", (old,), True)
    assert "new address" in site.pages[0].text


def test_good_site_is_read_best_pages_first_and_once(fleet: Fleet) -> None:
    asked = [path for path in fleet.sites["good"].paths if path not in {"/robots.txt", "/sitemap.xml"}]
    assert asked[:3] == ["/", "/about", "/products"]
    assert asked.count("/") == 1, "three firms name this site"
    assert "/login" not in asked
    assert "/brochure.pdf" not in asked
    assert len([path for path in asked if path.startswith("/contact")]) == 1
    assert asked[-1] == "/blog/1"


def test_kinds_language_and_titles(fleet: Fleet) -> None:
    pages = {page.url.rsplit("/", 1)[1]: page for page in fleet.results["good"].pages}
    assert {name: page.kind for name, page in pages.items()} == {
        "": "home",
        "about": "about",
        "products": "product",
        "contact": "contact",
        "1": "news",
    }
    assert {page.language for page in pages.values()} == {"en"}
    assert pages["about"].title == "About us"


def test_menus_and_banners_are_gone_and_footers_kept_once(fleet: Fleet) -> None:
    texts = [page.text for page in fleet.results["good"].pages]
    assert not any("cookies" in text for text in texts)
    assert sum("Registered in England" in text for text in texts) <= 1
    assert "precision hydraulic presses" in texts[0]


def test_same_site_for_three_firms_says_so(fleet: Fleet) -> None:
    for firm_id in ("same_site", "no_scheme"):
        copy = fleet.results[firm_id]
        assert "shared with firm good" in copy.reason
        assert [page.text for page in copy.pages] == [page.text for page in fleet.results["good"].pages]
        assert {fetch.firm_id for fetch in copy.fetches} | {page.firm_id for page in copy.pages} == {firm_id}


def test_redirect_target_is_named(fleet: Fleet) -> None:
    assert "127.0.0.1" in fleet.results["to_private"].reason


def test_archive_holds_what_was_read(fleet: Fleet) -> None:
    for firm_id in ("good", "gzip"):
        for fetch in fleet.results[firm_id].fetches:
            if fetch.outcome == "ok" and fetch.chosen != "robots.txt":
                stored = read_record(fleet.archive, fetch.archive_ref)
                assert (stored.url, stored.status) == (fetch.url, fetch.http_status)
                assert (
                    stored.body == fleet.sites["good"].pages["/" + fetch.url.split("/", 3)[3]].split(b"\r\n\r\n", 1)[1]
                    or firm_id == "gzip"
                )
    assert not list(fleet.archive.glob("*.open"))


def test_page_that_fails_costs_only_itself(fleet: Fleet) -> None:
    half = fleet.results["half"]
    assert [page.kind for page in half.pages] == ["home", "about"]
    assert "truncated" in {fetch.outcome for fetch in half.fetches}


def test_deep_page_keeps_its_tail_and_says_so(fleet: Fleet) -> None:
    assert "hydraulic presses" in fleet.results["deep"].pages[0].text
    assert "parse_cut" in fleet.results["deep"].flags


def test_timeouts_are_kept_and_others_not_delayed(fleet: Fleet) -> None:
    drip = fleet.results["drip"]
    assert 2.5 <= (drip.ended_at - drip.started_at).total_seconds() <= 6
    good = fleet.results["good"]
    assert (good.ended_at - good.started_at).total_seconds() < 6


def test_site_survives_a_round_trip_through_json(fleet: Fleet) -> None:
    for site in fleet.results.values():
        assert SiteCrawl.from_json(site.to_json()) == site


def test_user_agent_is_ours_and_no_cookie_or_referer_is_sent(fleet: Fleet) -> None:
    for hit in fleet.sites["good"].hits:
        assert hit.headers["user-agent"].startswith("firmscope/")
        assert "(+crawl@example.org)" in hit.headers["user-agent"]
        assert not {"cookie", "referer"} & set(hit.headers)


def test_log_has_no_traceback(fleet: Fleet) -> None:
    assert not [word for word in ("Traceback", "Unhandled") if word in fleet.log]
