"""The rules of a visit, over a site held in a table: no socket, so that each rule is seen alone."""

from __future__ import annotations

import asyncio

import pytest

from crawler.records import CrawlSettings, CrawlTarget, KnownPage, utc_now
from crawler.reply import Reply
from crawler.visit import SiteVisit
from tests.crawler.table_web import HOME, SETTINGS, Table, outcomes, page, to, visit

OTHER = "Our workshop in Derby repairs and calibrates presses of every make within two days. " * 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirected_sub_page_is_read_and_costs_one_page(status: int) -> None:
    about, new = f"{HOME}about", f"{HOME}about-us"
    site, _ = visit(
        page(HOME, links="<a href=/about>About us</a><a href=/services>Services</a>"),
        to(about, "/about-us", status),
        page(new, OTHER),
        page(f"{HOME}services", "What we offer to owners of presses, from repair to calibration and training."),
        settings=CrawlSettings(contact="a@example.org", delay_s=0, page_budget=3),
    )
    assert [p.url for p in site.pages] == [HOME, new, f"{HOME}services"]
    assert next(f for f in site.fetches if f.url == new).chosen.startswith("redirect from about link")


def test_meta_refresh_on_a_sub_page_is_followed() -> None:
    refresh = page(f"{HOME}about", "", head="<meta http-equiv=refresh content='0; url=/about-us'>")
    site, _ = visit(page(HOME, links="<a href=/about>About</a>"), refresh, page(f"{HOME}about-us", OTHER))
    assert [p.url for p in site.pages] == [HOME, f"{HOME}about-us"]


def test_home_page_on_another_domain_is_read_and_the_old_domain_noted() -> None:
    group = "https://www.group.com/"
    site, table = visit(to(HOME, group), page(group, links="<a href=/about>About</a>"), page(f"{group}about", OTHER))
    assert (site.outcome, site.final_url, site.aliases) == ("ok", group, ("firm.co.uk",))
    assert f"{group}about" in table.urls


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("https://www.facebook.com/firm", "redirect_offsite"),
        ("https://www.amazon.de/shops/firm", "redirect_offsite"),
        ("https://www.hugedomains.com/domain_profile.cfm?d=firm.co.uk", "parked"),
        ("http://127.0.0.1/", "blocked_address"),
        ("https://left-alone.org/", "opted_out"),
        ("https://shop.left-alone.org/", "opted_out"),
    ],
)
def test_home_page_is_not_followed_to(target: str, outcome: str) -> None:
    settings = CrawlSettings(contact="a@example.org", delay_s=0, opt_out=("left-alone.org",))
    site, table = visit(to(HOME, target), page(target), settings=settings)
    assert (site.outcome, site.pages, table.urls) == (outcome, (), [HOME])


def test_sub_page_on_another_domain_is_written_down_and_not_followed() -> None:
    about = f"{HOME}about"
    site, table = visit(
        page(HOME, links="<a href=/about>About</a>"), to(about, "https://group.com/"), page("https://group.com/")
    )
    assert outcomes(site) == {HOME: "ok", about: "redirect_offsite"}
    assert "https://group.com/" not in table.urls
    assert site.aliases == ()


def test_opted_out_firm_is_never_asked() -> None:
    settings = CrawlSettings(contact="a@example.org", opt_out=("firm.co.uk",))
    site, table = visit(page(HOME), settings=settings)
    assert (site.outcome, table.asked) == ("opted_out", [])


@pytest.mark.parametrize(
    ("head", "robots_tag", "kept", "followed"),
    [
        ("<meta name=robots content='noindex'>", "", False, True),
        ("<meta name=ROBOTS content='NOINDEX, NOFOLLOW'>", "", False, False),
        ("<meta name=robots content=none>", "", False, False),
        ("<meta name=robots content=nofollow>", "", True, False),
        ("<meta name=firmscope content=noindex>", "", False, True),
        ("<meta name=googlebot content=noindex>", "", True, True),
        ("", "noindex", False, True),
        ("", "googlebot: noindex", True, True),
        ("", "firmscope: noindex, nofollow", False, False),
        ("", "googlebot: noindex\nnofollow", True, False),
        ("", "noai", False, True),
        ("", "unavailable_after: 25 Jun 2035 15:00:00 PST", True, True),
        ("<meta name=robots content='index, follow, max-snippet:-1'>", "", True, True),
    ],
)
def test_robots_directives_of_a_page(head: str, robots_tag: str, kept: bool, followed: bool) -> None:
    home = page(HOME, links="<a href=/about>About</a>", head=head, robots_tag=robots_tag)
    site, table = visit(home, page(f"{HOME}about", OTHER))
    assert (HOME in [p.url for p in site.pages], f"{HOME}about" in table.urls) == (kept, followed)
    assert outcomes(site)[HOME] == ("ok" if kept else "noindex")


def test_site_that_wants_none_of_its_pages_used_says_so() -> None:
    site, _ = visit(page(HOME, robots_tag="noindex"))
    assert (site.outcome, site.pages, site.marks) == ("noindex", (), ())


def test_canonical_link_names_the_same_page() -> None:
    same = "<link rel=canonical href='/services'>"
    site, table = visit(
        page(HOME, links="<a href=/services>Services</a><a href='/services?ref=menu'>What we offer</a>"),
        page(f"{HOME}services", OTHER, head=same),
        page(f"{HOME}services?ref=menu", OTHER + "Menu.", head=same),
    )
    assert [p.url for p in site.pages] == [HOME, f"{HOME}services"]
    assert len(table.urls) in {2, 3}


def test_spellings_of_one_page_are_read_once() -> None:
    links = "".join(
        f"<a href='{href}'>About us</a>"
        for href in ("/about", "/about/", "http://firm.co.uk/about", "https://www.firm.co.uk/about/", "/about#team")
    )
    site, table = visit(page(HOME, links=links), page(f"{HOME}about", OTHER))
    assert table.urls == [HOME, f"{HOME}about"]
    assert len(site.pages) == 2


def test_base_href_and_frames_lead_on() -> None:
    based = page(HOME, head="<base href='https://firm.co.uk/en/'>", links="<a href='about'>About</a>")
    assert f"{HOME}en/about" in visit(based)[1].urls
    body = (
        b"<html><head><title>F</title></head><frameset cols='20%,80%'>"
        b"<frame src=menu.html><frame src=main.html></frameset></html>"
    )
    frames = Reply(HOME, "ok", "", utc_now(), 200, body, "text/html")
    site, _ = visit(frames, page(f"{HOME}main.html", OTHER), page(f"{HOME}menu.html", "", "<a href=/about>About</a>"))
    assert [p.url for p in site.pages] == [f"{HOME}main.html"]


def test_known_pages_are_handed_to_the_request() -> None:
    known = KnownPage(HOME, '"e1"', "", "0" * 64, "crawl.warc.gz:0")
    _, table = visit(page(HOME), known=(known,))
    assert table.asked[0] == (HOME, known)
    assert all(held is None for url, held in table.asked if url != HOME)


def test_unchanged_reply_gives_the_words_and_links_of_the_archive() -> None:
    unchanged = page(HOME, links="<a href=/about>About</a>", status=304, unchanged=True, archive_ref="old.warc.gz:7")
    site, table = visit(unchanged, page(f"{HOME}about", OTHER))
    fetch = site.fetches[0]
    assert (fetch.http_status, fetch.archive_ref, site.pages[0].url) == (304, "old.warc.gz:7", HOME)
    assert f"{HOME}about" in table.urls


def test_304_to_a_question_that_was_not_asked_is_no_page() -> None:
    site, _ = visit(Reply(HOME, "ok", "", utc_now(), 304))
    assert site.outcome == "bad_response"


def test_site_that_answers_403_throughout_is_left_alone() -> None:
    refused = Reply(HOME, "http_error", "HTTP 403", utc_now(), 403)
    site, table = visit(refused)
    assert (site.outcome, len(table.asked)) == ("http_error", 1)
    assert "left alone" in site.reason
    links = "".join(f"<a href=/service-{n}>Service {n}</a>" for n in range(9))
    pages = [Reply(f"{HOME}service-{n}", "http_error", "HTTP 403", utc_now(), 403) for n in range(9)]
    site, table = visit(page(HOME, links=links), *pages)
    assert (site.outcome, len(table.urls)) == ("ok", 4)


def test_long_retry_after_is_promised_to_the_next_run() -> None:
    site, _ = visit(Reply(HOME, "http_error", "HTTP 503", utc_now(), 503, retry_after="86400"), settings=SETTINGS_ONCE)
    assert site.not_before is not None
    assert site.not_before > utc_now()


SETTINGS_ONCE = CrawlSettings(contact="crawl@example.org", delay_s=0, retries=0)


def test_skipped_urls_are_named_with_their_reason() -> None:
    links = (
        "<a href=/brochure.pdf>Brochure</a><a href='/events?month=2026-12'>Next</a><a href=/login>Log in</a>"
        "<a href='/shop?sort=price'>Cheapest</a>"
    )
    site, table = visit(page(HOME, links=links))
    skipped = {fetch.url: fetch.chosen for fetch in site.fetches if fetch.outcome == "skipped"}
    assert {f"{HOME}brochure.pdf", f"{HOME}events?month=2026-12", f"{HOME}shop?sort=price"} <= set(skipped)
    assert "PDF" in skipped[f"{HOME}brochure.pdf"]
    assert table.urls == [HOME]


def test_preferred_language_version_becomes_the_home_page() -> None:
    german = "Wir entwickeln und bauen hydraulische Pressen für die Bahn und die Luftfahrt. " * 4
    head = "<link rel=alternate hreflang=en href='/en/'><link rel=alternate hreflang=de href='/'>"
    replies = [page(HOME, german, head=head), page(f"{HOME}en/", links="<a href=/en/about>About</a>")]
    replies.append(page(f"{HOME}en/about", OTHER))
    settings = CrawlSettings(contact="a@example.org", delay_s=0, language="en")
    site, _ = visit(*replies, settings=settings)
    assert (site.final_url, [p.language for p in site.pages]) == (f"{HOME}en/", ["en", "en"])
    assert visit(*replies)[0].final_url == HOME


def test_sitemap_pages_are_read_where_links_do_not_lead() -> None:
    sitemap = b"<urlset><url><loc>https://firm.co.uk/services</loc></url></urlset>"
    site, _ = visit(
        page(HOME, sitemaps=(f"{HOME}map.xml",)),
        Reply(f"{HOME}map.xml", "ok", "", utc_now(), 200, sitemap, "application/xml"),
        page(f"{HOME}services", OTHER),
    )
    assert [p.url for p in site.pages] == [HOME, f"{HOME}services"]


def test_extra_urls_are_offered_when_no_link_leads_on() -> None:
    site, _ = visit(page(HOME), page(f"{HOME}services", OTHER), extra=[f"{HOME}services"])
    assert [p.url for p in site.pages] == [HOME, f"{HOME}services"]


def test_site_drawn_by_script_is_told_apart_from_an_empty_one() -> None:
    body = (
        b"<html><head><title>Firm</title></head><body>"
        b"<noscript>You need to enable JavaScript to run this app.</noscript>"
        b"<div id=root></div><script src=/static/js/main.4f2a.js></script></body></html>"
    )
    site, _ = visit(Reply(HOME, "ok", "", utc_now(), 200, body, "text/html"))
    assert (site.outcome, "needs_script" in site.flags) == ("empty", True)
    assert "script" in site.reason
    empty, _ = visit(Reply(HOME, "ok", "", utc_now(), 200, b"<html><body></body></html>", "text/html"))
    assert (empty.outcome, "needs_script" in empty.flags) == ("empty", False)


def test_sitemap_that_has_not_changed_is_read_from_the_archive() -> None:
    sitemap = b"<urlset><url><loc>https://firm.co.uk/services</loc></url></urlset>"
    site, _ = visit(
        page(HOME, sitemaps=(f"{HOME}map.xml",)),
        Reply(f"{HOME}map.xml", "ok", "", utc_now(), 304, sitemap, "application/xml", unchanged=True),
        page(f"{HOME}services", OTHER),
    )
    assert [p.url for p in site.pages] == [HOME, f"{HOME}services"]


@pytest.mark.parametrize(("website", "asked"), [("firm.co.uk", 2), (HOME, 2)])
def test_busy_home_page_is_asked_again_whatever_the_cell_says(website: str, asked: int) -> None:
    answers = [Reply(HOME, "http_error", "HTTP 503", utc_now(), 503, retry_after="0"), page(HOME)]
    urls: list[str] = []

    async def get(url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:
        assert timeout_s > 0
        urls.append(url)
        return answers.pop(0) if url == HOME else Reply(url, "http_error", "HTTP 404", utc_now(), 404)

    async def sleep(seconds: float) -> None:
        assert seconds >= 0

    site = asyncio.run(SiteVisit(CrawlTarget("F1", website), SETTINGS, get, sleep=sleep).run())
    assert (site.outcome, urls.count(HOME)) == ("ok", asked)


def test_closed_https_port_is_not_tried_again_before_http() -> None:
    table = Table({"http://firm.co.uk/": page("http://firm.co.uk/")})
    table.replies[HOME] = Reply(HOME, "connect_failed", "refused", utc_now())
    site = asyncio.run(SiteVisit(CrawlTarget("F1", "firm.co.uk"), SETTINGS, table.get).run())
    assert (site.outcome, table.urls.count(HOME)) == ("ok", 1)


def test_urls_that_robots_txt_refuses_cost_nothing_of_the_budget() -> None:
    links = "".join(f"<a href=/service-{n}>Service {n}</a>" for n in range(40)) + "<a href=/history>History</a>"
    refused = [
        Reply(f"{HOME}service-{n}", "robots_disallowed", "robots.txt disallows this URL", utc_now()) for n in range(40)
    ]
    settings = CrawlSettings(contact="a@example.org", delay_s=0, page_budget=5)
    site, _ = visit(page(HOME, links=links), page(f"{HOME}history", OTHER), *refused, settings=settings)
    assert [p.url for p in site.pages] == [HOME, f"{HOME}history"]
    assert "partial" not in site.flags
