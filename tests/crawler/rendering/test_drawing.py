"""Sites that only script can show, drawn in a real browser: one second pass over one site per oddity."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from crawler.archive import Archive, read_record
from crawler.captures import CaptureIndex
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.rendering import render
from crawler.replay import replay_visits
from crawler.urls import start_urls
from crawler.warc import file_digest, site_of

MANY = 450  # requests of the greedy page
NODES = 10_000
SETTINGS = CrawlSettings(contact="crawl@example.org", delay_s=0, timeout_s=40, retries=0, page_budget=5)
SHOW = """
const show = (title, text, more = '') =>
    { document.getElementById('root').innerHTML = `<main><h1>${title}</h1><p>${text}</p>${more}</main>` };
"""


@dataclass
class Drawn:
    """What one second pass made of a set of sites."""

    results: dict[str, SiteCrawl]
    websites: dict[str, str]
    settings: CrawlSettings
    sites: dict[str, Any]
    forbidden: Any
    archive: Path
    said: str
    log: str

    def text(self, firm_id: str) -> str:
        return "\n".join(page.text for page in self.results[firm_id].pages)


def websites(web: Any, forbidden: Any, shell: Callable[..., str], said: str) -> dict[str, Any]:
    """One site per thing that can happen when a page is drawn."""
    say, script = web.answer, "text/javascript"
    app = say("<html><title>Acme</title><body><div id=root></div><script src=/app.js></script></body></html>")
    draw_from_json = (
        SHOW + "fetch('/api' + location.pathname).then(answer => answer.json())"
        ".then(found => show(found.title, found.text, '<a href=/about>About us</a>'))"
    )
    api = {
        "/api/": say(json.dumps({"title": "Foundry", "text": said}), content_type="application/json"),
        "/api/about": say(json.dumps({"title": "About", "text": web.filler}), content_type="application/json"),
    }
    grow = f"for (let i = 0; i < {NODES}; i++) {{ const p = document.createElement('p'); p.textContent = 'wheel ' + i;"
    odd = f"""
        alert(1); confirm(2); prompt(3); print();
        const sheet = document.createElement('link');
        sheet.rel = 'stylesheet';
        sheet.href = '/lazy.css';
        sheet.onload = () => {{
            const inner = document.createElement('div');
            document.getElementById('root').append(inner);
            inner.attachShadow({{mode: 'open'}}).innerHTML = `<main><h1>Foundry</h1><p>{said}</p></main>`;
        }};
        document.head.append(sheet);
    """
    greedy = f"""
        for (let i = 0; i < {MANY}; i++) fetch('/part/' + i);
        setInterval(() => fetch('/tick?' + Math.random()), 100);
        show('Foundry', `{said}`);
    """
    pages: dict[str, dict[str, Any]] = {
        "app": {
            "/": app,
            "/about": app,
            "/app.js": say("", 302, Location="/build/app.js"),
            "/build/app.js": say(draw_from_json, content_type=script),
            **api,
        },
        "routed": {
            "/": say(
                shell(f"history.pushState(null, '', '/en/start'); show('Start', `{said}`, '<a href=wheels>W</a>')")
            ),
            "/en/wheels": web.page("Wheels", web.filler),
        },
        "hostile": {
            "/": say(forbidden.page()),
            "/redirect": say("", 302, Location=f"https://127.0.0.1:{forbidden.tcp}/redirected"),
            "/redirect-plain": say("", 302, Location=f"http://127.0.0.1:{forbidden.tcp}/redirected"),
            "/service.js": say(f"fetch('http://127.0.0.1:{forbidden.tcp}/service')", content_type=script),
        },
        "greedy": {"/": say(shell(greedy)), "*": say("{}", content_type="application/json")},
        "many nodes": {"/": say(shell(grow + "document.getElementById('root').append(p) }"))},
        "odd": {"/": say(shell(odd, body="<img src=/logo.png>"))},
        "moved": {
            "/": say(shell("location.href = '/welcome'")),
            "/welcome": say(shell(f"setTimeout(() => show('Hello', `{said}`), 1200)")),
        },
        "sent away": {"/": say(shell(f"location.replace('http://127.0.0.1:{forbidden.tcp}/moved')"))},
        "api refused": {
            "/": app,
            "/app.js": say(draw_from_json, content_type=script),
            "/robots.txt": say("User-agent: *\nDisallow: /api", content_type="text/plain"),
            **api,
        },
        "plain": {"/": web.page("Presses", web.filler)},
    }
    return {firm_id: web.add(site) for firm_id, site in pages.items()}


@pytest.fixture(scope="module")
def drawn(
    web: Any, forbidden: Any, shell: Callable[..., str], said: str, tmp_path_factory: pytest.TempPathFactory
) -> Drawn:
    """One second pass over all the sites."""
    folder = tmp_path_factory.mktemp("drawn")
    sites = websites(web, forbidden, shell, said)
    targets = [CrawlTarget(firm_id, web.url(site)) for firm_id, site in sites.items()]
    using = replace(SETTINGS, allow_addresses=web.allow)
    results = {site.firm_id: site for site in render(targets, using, folder / "archive", folder / "work")}
    time.sleep(0.3)  # for what a browser that has just been closed may still have sent
    addresses = {firm_id: web.url(site) for firm_id, site in sites.items()}
    return Drawn(
        results,
        addresses,
        using,
        sites,
        forbidden,
        folder / "archive",
        said,
        (folder / "work" / "crawl.log").read_text(),
    )


def test_text_that_script_draws_from_an_answer_is_read(drawn: Drawn) -> None:
    result = drawn.results["app"]
    assert (result.outcome, result.flags) == ("ok", ("rendered",))
    assert [(page.title, page.text) for page in result.pages] == [
        ("Acme", f"Foundry\n\n{drawn.said}\n\nAbout us"),
        ("Acme", drawn.results["app"].pages[1].text),
    ]
    assert "hydraulic presses" in result.pages[1].text
    assert "enable JavaScript" not in drawn.text("app")


def test_what_several_pages_ask_for_is_asked_for_once(drawn: Drawn) -> None:
    asked = [path for path in drawn.sites["app"].paths if path.startswith(("/app.js", "/build", "/api"))]
    assert asked == ["/app.js", "/build/app.js", "/api/", "/api/about"]


def test_all_that_a_page_cost_is_counted(drawn: Drawn) -> None:
    served = sum(len(body.partition(b"\r\n\r\n")[2]) for path, body in drawn.sites["app"].pages.items())
    assert drawn.results["app"].bytes_read > served


def test_the_drawn_page_is_archived_and_referred_to(drawn: Drawn) -> None:
    [home] = [fetch for fetch in drawn.results["app"].fetches if fetch.chosen == "home page"]
    record = read_record(drawn.archive, home.archive_ref)
    assert ("X-Firmscope-Rendered", "1") in record.headers
    assert drawn.said in record.body.decode()
    assert (home.etag, home.last_modified) == ("", "")


@pytest.mark.parametrize("firm_id", ["app", "routed", "plain", "moved"])
def test_the_archive_read_back_gives_the_drawn_pages(drawn: Drawn, firm_id: str, tmp_path: Path) -> None:
    crawled, website = drawn.results[firm_id], drawn.websites[firm_id]
    index = CaptureIndex(tmp_path / "index", "test")
    sites = frozenset(site_of(url) for url in start_urls(website))
    digests = [index.add(path, file_digest(path), sites).digest for path in sorted(drawn.archive.glob("*.warc.gz"))]
    writer = Archive(tmp_path / "archive", "firmscope/0 (+test)")
    target = CrawlTarget(firm_id, website)
    [visit] = asyncio.run(replay_visits(target, index.of(sites, digests), drawn.settings, writer))
    writer.close()
    index.close()
    assert (visit.outcome, visit.pages, visit.flags) == (crawled.outcome, crawled.pages, crawled.flags)


def test_links_are_relative_to_the_address_that_script_gave_the_page(drawn: Drawn) -> None:
    assert "/en/wheels" in drawn.sites["routed"].paths
    assert len(drawn.results["routed"].pages) == 2


def test_a_page_with_words_is_read_as_it_came(drawn: Drawn) -> None:
    result = drawn.results["plain"]
    assert (result.outcome, result.flags) == ("ok", ())


def test_no_page_reaches_what_the_guard_forbids(drawn: Drawn) -> None:
    assert drawn.forbidden.heard == []
    result = drawn.results["hostile"]
    assert (result.outcome, result.flags) == ("ok", ("rendered",))  # so its script ran to the end
    assert drawn.said in drawn.text("hostile")
    assert "root:" not in drawn.text("hostile")
    assert {"/redirect", "/redirect-plain"} <= set(drawn.sites["hostile"].paths)
    assert not {"/service.js"} & set(drawn.sites["hostile"].paths)


def test_a_page_that_leads_to_a_forbidden_address_is_not_followed(drawn: Drawn) -> None:
    result = drawn.results["sent away"]
    assert result.outcome == "blocked_address"
    assert "127.0.0.1" in result.reason


@pytest.mark.parametrize("firm_id", ["greedy", "odd", "moved"])
def test_text_is_read_in_spite_of_oddities(drawn: Drawn, firm_id: str) -> None:
    result = drawn.results[firm_id]
    assert (result.outcome, result.flags) == ("ok", ("rendered",))
    assert drawn.said in drawn.text(firm_id)


def test_a_large_page_is_drawn_whole(drawn: Drawn) -> None:
    assert f"wheel {NODES - 1}" in drawn.text("many nodes")


def test_a_page_may_ask_for_so_much_and_no_more(drawn: Drawn) -> None:
    parts = [path for path in drawn.sites["greedy"].paths if path.startswith(("/part/", "/tick"))]
    assert 0 < len(parts) <= 60
    assert "asks for more than 400 things" in drawn.log


def test_a_script_that_moves_the_page_is_followed_by_the_visit(drawn: Drawn) -> None:
    result = drawn.results["moved"]
    assert result.final_url.endswith("/welcome")
    assert [fetch.chosen for fetch in result.fetches if fetch.url.endswith("/welcome")] == [
        "meta refresh from home page"
    ]


def test_robots_txt_holds_for_what_a_page_asks_for(drawn: Drawn) -> None:
    result = drawn.results["api refused"]
    assert not [path for path in drawn.sites["api refused"].paths if path.startswith("/api")]
    assert result.outcome == "empty"
    assert "needs_script" in result.flags


def test_pictures_and_style_sheets_are_not_asked_for(drawn: Drawn) -> None:
    assert not {"/logo.png", "/lazy.css"} & set(drawn.sites["odd"].paths)
