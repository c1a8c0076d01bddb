"""N01-N14: bad lines, and servers that misbehave on good ones. Sites and crawls are in ``bad_network``."""

from __future__ import annotations

import asyncio
import itertools
import socket
import ssl
import warnings
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from crawler.records import CrawlSettings, CrawlTarget, KnownPage, utc_now
from crawler.reply import Reply
from crawler.visit import MAX_FAILURES_IN_A_ROW, SiteVisit
from tests.crawler.faults.bad_network import (
    AGAIN,
    BAD_TLS,
    CLOCKS,
    CUTS,
    HOSTS,
    LATER,
    TIMEOUT_S,
    Network,
    home_of,
    words,
)
from tests.crawler.faults.toxi import Toxi

SLACK_S = 0.2  # between the crawler's clock and the server's, on a busy machine


@pytest.fixture(scope="module")
def network(web: Any, watched_crawl: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    web.add({})  # or there is no port yet
    with Toxi(web.port, "127.9.230") as toxi, pytest.MonkeyPatch.context() as patch:
        made = Network(web, toxi, tmp_path_factory.mktemp("network"))
        patch.setenv("SSL_CERT_FILE", str(made.root.path))
        made.on_the_day(watched_crawl)
        made.while_dead()
        made.day_after()
        yield made
        made.old.close()


def gaps(network: Network, name: str, path: str = "/") -> list[float]:
    times = [hit.at for hit in network.hits[name] if hit.path == path]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


def outcomes(network: Network, name: str) -> dict[str, str]:
    return {fetch.url.rsplit("/", 1)[1]: fetch.outcome for fetch in network.results[name].fetches}


def test_invariants_of_the_crawl(network: Network) -> None:
    network.watched.check()


@pytest.mark.parametrize("name", ["refused", "no_route"])
def test_n01_no_connection(network: Network, name: str) -> None:
    site = network.results[name]
    host = network.websites[name].split("/")[2].split(":")[0]
    assert (site.outcome, site.pages) == ("connect_failed", ())
    assert [to for to, _ in network.watched.of("connect")].count(host) == 3
    assert 3 <= (site.ended_at - site.started_at).total_seconds() < 10, "1 s before the second try, 2 before the third"


def test_n03_name_that_does_not_exist(network: Network) -> None:
    assert network.results["no_name"].outcome == "dns_failed"
    assert network.watched.of("name") == [("no-name.firm.co.uk", [])] * 2, "asked once more, in case it was the line"


def test_n04_dead_line_marks_no_firm_dead(network: Network) -> None:
    assert sorted(int(site.firm_id) for site in network.dead) == list(range(HOSTS))
    assert {site.outcome for site in network.dead} == {"not_attempted"}
    assert network.paused is not None
    assert network.paused.cause == "uplink"


def test_n04_the_next_crawl_reads_what_was_left(network: Network) -> None:
    again = [network.again[f"host{number}"] for number in range(AGAIN)]
    assert {(site.outcome, len(site.pages)) for site in again} == {("ok", 2)}


def test_n05_latency(network: Network) -> None:
    """A tenth of the three seconds and of the time that a site has for them."""
    site, line = network.results["latency"], network.lines["latency"]
    assert (site.outcome, len(site.pages)) == ("ok", 2)
    assert (site.ended_at - site.started_at).total_seconds() > 0.1 * len(line.requests)
    assert {one.most_at_once for one in network.lines.values()} <= {0, 1}
    assert line.most_at_once == 1


def test_n06_bandwidth(network: Network) -> None:
    home = network.results["slow_home"]
    assert (home.outcome, home.pages) == ("timeout", ())
    times = {hit.path: hit.at for hit in network.hits["slow_page"]}
    assert outcomes(network, "slow_page") == {
        "robots.txt": "ok", "": "ok", "sitemap.xml": "http_error", "about": "timeout", "products": "ok",
    }  # fmt: skip
    assert TIMEOUT_S - SLACK_S < times["/products"] - times["/about"] < 2 * TIMEOUT_S, "the slot is free again"


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("cut", CUTS)
def test_n07_cut(network: Network, cut: str, how: str) -> None:
    site, within_body = network.results[f"cut_{cut}_{how}"], cut in {"100", "mid_body"}
    tries = 2 if within_body else 3
    assert (site.outcome, site.pages) == ("truncated" if within_body else "connect_failed", ())
    assert site.requests == 1 + tries
    # A kept connection that breaks is opened anew without a word (N13), so the server may see one more.
    assert tries <= len([hit for hit in network.hits[f"cut_{cut}_{how}"] if hit.path == "/"]) <= tries + 1


def test_n07_cut_page_costs_itself_alone(network: Network) -> None:
    site = network.results["cut_about"]
    assert (site.outcome, len(site.pages), outcomes(network, "cut_about")["about"]) == ("ok", 1, "truncated")


@pytest.mark.parametrize("name", ["sliced_plain", "sliced_gzip", "sliced_chunked"])
def test_n08_single_bytes(network: Network, name: str) -> None:
    site, whole = network.results[name], network.results["whole"]
    assert (site.outcome, len(whole.pages)) == ("ok", 2)
    assert [page.text_digest for page in site.pages] == [page.text_digest for page in whole.pages]


@pytest.mark.parametrize(("name", "least_s"), [("busy_2", 2.0), ("busy_date", 2.0)])
def test_n09_wait_that_is_kept(network: Network, name: str, least_s: float) -> None:
    assert network.results[name].outcome == "ok"
    assert gaps(network, name)[0] >= least_s - SLACK_S


@pytest.mark.parametrize("name", ["busy_garbage", "busy_negative"])
def test_n09_header_that_says_nothing(network: Network, name: str) -> None:
    first, second = gaps(network, name)
    assert (first >= 1 - SLACK_S, second >= 2 - SLACK_S) == (True, True)
    assert (network.results[name].outcome, network.results[name].not_before) == ("http_error", None)


@pytest.mark.parametrize(("name", "asked_s"), [("busy_120", 120), ("busy_1e9", 30 * 86_400)])
def test_n09_wait_longer_than_a_visit(network: Network, name: str, asked_s: int) -> None:
    site = network.results[name]
    assert (site.outcome, gaps(network, name)) == ("http_error", [])
    assert site.not_before is not None
    assert timedelta(0) <= site.ended_at + timedelta(seconds=asked_s) - site.not_before < timedelta(seconds=5)


def test_n10_every_second_request_fails(network: Network) -> None:
    site = network.results["every_second"]
    assert (site.outcome, len(site.pages), site.requests) == ("ok", 2, 6), "home and About were asked for twice"


def test_n10_storm_of_503() -> None:
    """Back-off doubles for each page, and the site is left after three pages."""
    home, slept, asked = "https://firm.co.uk/", [], []
    paths = [f"/service-{number}" for number in range(9)]

    async def get(url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:
        asked.append(url)
        if url == home:
            body = words("Home", "We design and build hydraulic presses for makers of railway parts.", *paths).encode()
            return Reply(url, "ok", "", utc_now(), 200, body, "text/html")
        return Reply(url, "http_error", "HTTP 503", utc_now(), 404 if "sitemap" in url else 503)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    settings = CrawlSettings(contact="crawl@example.org", delay_s=0)
    site = asyncio.run(SiteVisit(CrawlTarget("F1", home), settings, get, sleep=sleep).run())
    assert slept == [1.0, 2.0] * MAX_FAILURES_IN_A_ROW
    assert len([url for url in asked if "service" in url]) == 3 * MAX_FAILURES_IN_A_ROW
    assert (site.outcome, site.flags) == ("ok", ("partial",))


@pytest.mark.parametrize("fault", BAD_TLS)
def test_n11_recorded(network: Network, fault: str) -> None:
    site = network.results[f"tls_{fault}"]
    assert (site.outcome, len(site.pages), site.flags) == ("ok", 2, ("tls_unverified",))


@pytest.mark.parametrize("fault", BAD_TLS)
def test_n11_verified(network: Network, fault: str) -> None:
    site = network.again[f"tls_{fault}"]
    assert (site.outcome, site.pages, network.sites[f"tls_{fault}"].hits) == ("tls_failed", (), [])


def test_n11_good_certificate(network: Network) -> None:
    for site in (network.results["tls_good"], network.again["tls_good"]):
        assert (site.outcome, len(site.pages), site.flags) == ("ok", 2, ())


@pytest.mark.parametrize("name", ["tls_stalls", "tls_plain", "tls_1_0"])
def test_n12_no_handshake(network: Network, name: str) -> None:
    site = network.results[name]
    assert (site.outcome, site.pages) == ("tls_failed", ())
    assert {fetch.url.split(":")[0] for fetch in site.fetches} == {"https"}, "never by plain http instead"
    assert name == "tls_1_0" or network.hits[name] == []


def test_n12_server_of_the_test_does_speak_tls_1_0(network: Network) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    assert network.old.greeted == 0
    with (
        socket.create_connection((network.old.address, network.old.port), 5) as plain,
        context.wrap_socket(plain) as encrypted,
    ):
        assert encrypted.version() == "TLSv1"


def test_n13_kept_connection_that_breaks_with_the_next_request(network: Network) -> None:
    site, line = network.results["reused"], network.lines["reused"]
    assert (site.outcome, len(site.pages), set(outcomes(network, "reused").values())) == ("ok", 2, {"ok", "http_error"})
    assert site.requests == 4, "robots.txt, home, sitemap.xml and About: no try of ours was spent on it"
    assert len(line.requests) > 4
    assert line.connections == 4


@pytest.mark.parametrize("name", CLOCKS)
def test_n14_our_own_clock_counts(network: Network, name: str) -> None:
    site = network.results[name]
    assert site.outcome == "ok"
    assert site.started_at <= home_of(site).fetched_at <= site.ended_at
    assert "2099" in home_of(site).last_modified


@pytest.mark.parametrize(("name", "status"), [("tag_changes", 200), ("not_modified", 304)])
def test_n14_same_body_is_the_same_page(network: Network, name: str, status: int) -> None:
    before, now = home_of(network.results[name]), home_of(network.again[name])
    assert "if-none-match" in network.sites[name].hits[0].headers
    assert now.http_status == status
    assert (now.body_digest, now.text_digest, now.archive_ref) == (
        before.body_digest,
        before.text_digest,
        before.archive_ref,
    )


@pytest.mark.parametrize("name", ["tag_stays", "wrong_digest"])
def test_n14_other_body_is_another_page_whatever_the_tag_says(network: Network, name: str) -> None:
    before, now = home_of(network.results[name]), home_of(network.again[name])
    assert LATER in network.again[name].pages[0].text
    assert now.body_digest != before.body_digest
    assert now.archive_ref != before.archive_ref


def test_n14_page_whose_archived_body_is_another_is_not_asked_for_conditionally(network: Network) -> None:
    assert not any(
        {"if-none-match", "if-modified-since"} & set(hit.headers) for hit in network.sites["wrong_digest"].hits
    )
