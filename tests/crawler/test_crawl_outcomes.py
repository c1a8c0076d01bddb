"""One crawl over a web of good, odd and hostile sites: each ends with its own outcome and disturbs no other."""

from __future__ import annotations

import gzip
import socket
from pathlib import Path
from typing import Any

import pytest

from crawler.archive import read_record
from crawler.process import crawl
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl


def dead_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.9.200.1", 0))
        return int(probe.getsockname()[1])


class Fleet:
    """The sites, what came of each, and where the archive lies."""

    def __init__(self, web: Any, folder: Path) -> None:
        self.sites: dict[str, Any] = {}
        self.archive = folder / "archive"
        websites = self._build(web)
        settings = CrawlSettings(
            contact="crawl@example.org", delay_s=0, timeout_s=3, retries=1, allow_addresses=web.allow
        )
        targets = [CrawlTarget(firm_id, website) for firm_id, website in websites.items()]
        found = list(crawl(targets, settings, self.archive, folder / "work"))
        assert sorted(site.firm_id for site in found) == sorted(websites), "every firm exactly once"
        self.results: dict[str, SiteCrawl] = {site.firm_id: site for site in found}
        self.log = (folder / "work" / "crawl.log").read_text()

    def _build(self, web: Any) -> dict[str, str]:
        page, answer, text = web.page, web.answer, web.filler
        other = web.add({"/": page("Elsewhere", "Another firm entirely. " * 10)})
        moved = web.add({"/": page("New address", "We are the same firm at a new address, pressing metal. " * 5)})
        private = f"http://127.0.0.1:{web.port}/secret"
        links = (
            "<a href='/about'>About us</a> <a href='/products'>Products</a> <a href='/blog/1'>Blog</a> "
            "<a href='/login'>Log in</a> <a href='/brochure.pdf'>PDF</a> <a href='/contact'>Contact</a> "
            "<a href='/contact/leeds'>Contact Leeds</a> <a href='javascript:alert(1)'>x</a> "
            f"<a href='{web.url(other)}'>Partner</a>"
        )
        ok = page("Fine", text)
        pages: dict[str, dict[str, Any]] = {
            "good": {
                "/": page("Derby Presses", text, links),
                "/about": page("About us", "Founded in 1974 by two engineers from Derby, we employ forty people."),
                "/products": page("Products", "Benders, stamping presses and spare parts for all makes of press."),
                "/contact": page("Contact", "Write to sales at our Derby works, or call in on any weekday morning."),
                "/contact/leeds": page("Contact Leeds", "Write to sales at our Leeds works instead, if nearer to you."),
                "/blog/1": page("Blog", "We went to a trade fair and it was raining all week in Hanover."),
            },
            "robots_all": {"/robots.txt": answer("User-agent: *\nDisallow: /", content_type="text/plain"), "/": ok},
            "robots_some": {
                "/robots.txt": answer("User-agent: *\nDisallow: /private\n", content_type="text/plain"),
                "/": page("Some", text, "<a href='/private/plans'>Products</a><a href='/services'>Services</a>"),
                "/private/plans": ok,
                "/services": page("Services", "We repair and calibrate presses on site, within two days of a call."),
            },
            "robots_404": {"/": ok},
            "robots_403": {"/robots.txt": answer("no", 403), "/": ok},
            "robots_503": {"/robots.txt": answer("User-agent: *\nAllow: /", 503), "/": ok},
            "robots_429": {"/robots.txt": answer("", 429), "/": ok},
            "robots_silent": {"/robots.txt": web.silence, "/": ok},
            "robots_reset": {"/robots.txt": web.reset, "/": ok},
            "robots_private": {
                "/robots.txt": answer("", 302, Location=f"http://127.0.0.1:{web.port}/robots.txt"),
                "/": ok,
            },
            "robots_long": {
                "/robots.txt": answer(
                    "User-agent: *\nDisallow: /\n" + "# comment\n" * 700_000, content_type="text/plain"
                ),
                "/": ok,
            },
            "robots_delay": {"/robots.txt": answer("User-agent: firmscope\nCrawl-delay: 1000000"), "/": ok},
            "robots_html": {"/robots.txt": answer("<!doctype html><html><body>Log in</body></html>"), "/": ok},
            "alias": {"/": answer("", 301, Location=web.url(moved))},
            "sub_offsite": {
                "/": page("Some", text, "<a href='/about'>About us</a>"),
                "/about": answer("", 301, Location=web.url(other)),
            },
            "alias_refresh": {
                "/": answer(f"<html><head><meta http-equiv=refresh content='0; url={web.url(moved)}'></head></html>")
            },
            "chain": {
                **{f"/{n}": answer("", 302, Location=f"/{n + 1}") for n in range(1, 5)},
                "/5": ok,
                "/": answer("", 302, Location="/1"),
            },
            "loop": {"/": answer("", 302, Location="/a"), "/a": answer("", 302, Location="/")},
            "too_many": {
                "*": b"",
                **{f"/{n}": answer("", 302, Location=f"/{n + 1}") for n in range(1, 9)},
                "/": answer("", 302, Location="/1"),
            },
            "bad_location": {"/": answer("", 302, Location="http://[")},
            "to_private": {"/": answer("", 302, Location=private)},
            "parked": {
                "/": answer("<html><title>firm.example</title><body>This domain is for sale. Buy now.</body></html>")
            },
            "drip": {"/": web.drip},
            "silent": {"/": web.silence},
            "bomb": {"/": web.bomb()},
            "endless": {"/": web.endless},
            "endless_headers": {"/": web.endless_headers},
            "short": {"/": web.short_body},
            "cut_gzip": {"/": answer(gzip.compress(ok * 50)[:-40], Content_Encoding="gzip")},
            "nested": {"/": answer(b"x", Content_Encoding=", ".join(["gzip"] * 300))},
            "gzip": {"/": answer(gzip.compress(ok.split(b"\r\n\r\n", 1)[1]), Content_Encoding="gzip")},
            "binary": {"/": answer(b"%PDF-1.7 \0\0\0", content_type="text/html")},
            "pdf": {"/": answer(b"%PDF-1.7 \0\0\0", content_type="application/pdf")},
            "error": {"/": answer("<p>broken</p>", 500)},
            "gone": {"/": answer("<p>gone</p>", 404)},
            "empty": {"/": answer(b"")},
            "script": {"/": answer("<html><body><div id=root></div><script>go()</script></body></html>")},
            "deep": {"/": answer("<html><body>" + "<div>" * 5000 + f"<p>{text}</p></body></html>")},
            "punycode": {"/": answer(f"<!--{text * 3000}--><p>{text}", content_type="text/html; charset=punycode")},
            "half": {
                "/": page("Half", text, "<a href='/products'>Products</a><a href='/about'>About</a>"),
                "/products": web.short_body,
                "/about": page("About us", "What is left of this site is still worth reading for its words."),
            },
        }
        websites: dict[str, str] = {}
        for firm_id, site_pages in pages.items():
            self.sites[firm_id] = web.add(site_pages)
            websites[firm_id] = web.url(self.sites[firm_id])
        self.sites["private"] = web.add({"*": ok}, "127.0.0.1")
        self.sites |= {"other": other, "moved": moved}
        good = websites["good"]
        return websites | {
            "same_site": good.replace("http://", "HTTP://") + "index.html",
            "no_scheme": good.removeprefix("http://").rstrip("/"),
            "dead": f"http://127.9.200.1:{dead_port()}/",
            "no_such_name": "http://no-such-firm.invalid/",
            "blank": "",
            "script_url": "javascript:alert(1)",
        }


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
