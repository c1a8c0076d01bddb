"""One site from its home page to its last chosen page, within its budgets.

Knows nothing of Scrapy: it is given a function that fetches one URL, so its rules can be read and tested alone, and
an archive can be read by the very rules by which it was crawled. Requests of a site are strictly one after the
other, which is what keeps us polite and memory small.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from crawler.errors import BadUrlError, BadWebsiteError
from crawler.extract import HtmlPage
from crawler.frontier import Candidate, Frontier
from crawler.landing import Get, Lander, Landing, Read, Sleep
from crawler.languages import preferred_version
from crawler.ledger import Ledger
from crawler.opt_out import opted_out
from crawler.page_reading import read_page
from crawler.records import CrawlSettings, CrawlTarget, SiteCrawl
from crawler.reply import Reply
from crawler.robots_tags import NO_LINKS, NO_WORDS, directives
from crawler.sitemaps import read_sitemaps
from crawler.urls import canonical_url, page_key, same_page, start_urls

REQUESTS_PER_PAGE = 3  # a site of dead links may cost three requests for each page of its budget
MAX_FAILURES_IN_A_ROW = 3
MAX_MISSES_IN_A_ROW = 12  # 200 captured sites: 12 finds 88 % of the pages that 60 finds, with 39 % of the requests
SITE_FAILURES = {"timeout", "connect_failed", "tls_failed", "dns_failed", "robots_unreachable"}
REFUSALS = {401, 403}  # said to every page, they are meant for us
START_FALLBACK = frozenset({"connect_failed", "tls_failed"})  # a 404 over https is an answer; a closed port is not


async def read_here(body: bytes, url: str, content_type: str, kind: str) -> HtmlPage:
    """Read a page in this process."""
    return read_page(body, url, content_type, kind)


class SiteVisit:
    """State of one site's crawl; ``run`` may be called once.

    Args:
        target: The firm, its website cell and what is known of its pages.
        settings: Budgets and manners.
        get: Makes one request.
        read: Turns a body into a page.
        sleep: Waits between tries of one URL.
        extra: URLs offered when no link leads on, for words that were collected by somebody else.
    """

    def __init__(
        self,
        target: CrawlTarget,
        settings: CrawlSettings,
        get: Get,
        read: Read = read_here,
        sleep: Sleep = asyncio.sleep,
        extra: Sequence[str] = (),
    ) -> None:
        self.target = target
        self.settings = settings
        self._extra = extra
        self._ledger = Ledger(target)
        self._lander = Lander(settings, self._ledger, target.known, get, read, sleep)

    async def run(self) -> SiteCrawl:
        """Crawl the site and say what came of it."""
        try:
            starts = start_urls(self.target.website)
        except BadWebsiteError as error:
            return self._ledger.close("bad_url", str(error))
        host = urlsplit(starts[0]).hostname or ""
        if opted_out(host, self.settings.opt_out):
            return self._ledger.close("opted_out", f"{host} is on the list of sites that asked to be left alone")
        home = await self._home(starts)
        if home.html is None:
            if home.status in REFUSALS:
                return self._ledger.close(home.outcome, f"{home.reason} for the home page, so the site is left alone")
            return self._ledger.close(home.outcome, home.reason)
        version = preferred_version(
            home.html.alternates, home.html.links, home.url, home.html.words.language, self.settings.language
        )
        if version:
            home = await self._version(version, home)
        return await self._visit(home, starts)

    async def _visit(self, home: Landing, starts: Sequence[str]) -> SiteCrawl:
        frontier = Frontier(home.url, self.settings.depth, self.settings.language)
        for start in starts:
            frontier.seen(start)
        self._ledger.final_url = home.url
        word, reason = self._take(home, "home", frontier, 0)
        if word == "parked":
            return self._ledger.close(word, reason)
        if self.settings.page_budget > 1 and self.settings.depth:
            language = self.settings.language or (home.html.words.language if home.html else "")
            mapped = await read_sitemaps(home.sitemaps, home.url, self._sitemap, language)
            frontier.add_sitemap(mapped.urls)
        stopped = await self._read_on(frontier)
        if not stopped and self._extra:
            frontier.add_sitemap(self._extra)
            stopped = await self._read_on(frontier)
        for url, why in frontier.skipped():
            self._ledger.skip(url, why)
        for url, why in frontier.left():
            self._ledger.skip(url, f"not read: {stopped}" if stopped else why)
        if stopped:
            self._ledger.flags.add("partial")
        return self._end(frontier, reason, stopped)

    def _end(self, frontier: Frontier, reason: str, stopped: str) -> SiteCrawl:
        ledger = self._ledger
        if ledger.script_pages and 2 * ledger.script_pages >= ledger.html_pages:
            ledger.flags.add("needs_script")
        if ledger.pages:
            more = f"; stopped early: {stopped}" if stopped else ""
            return ledger.close("ok", f"{len(ledger.pages)} pages with text{more}")
        if ledger.unindexed:
            return ledger.close("noindex", "the site asks robots not to use its pages (noindex)")
        if "needs_script" in ledger.flags:
            return ledger.close("empty", "the text of this site can be seen only by running its scripts")
        if frontier.traps and not reason:
            return ledger.close("trap_limit", "only links that look like traps, and no text")
        return ledger.close("empty", reason or "no page has text that can be read without running scripts")

    async def _home(self, starts: tuple[str, ...]) -> Landing:
        for start in starts[:-1]:
            home = await self._lander.land(start, "home page", start, self.settings.retries, at_once=START_FALLBACK)
            if home.outcome not in START_FALLBACK:
                return home
        return await self._lander.land(starts[-1], "home page", starts[-1], self.settings.retries)

    async def _version(self, url: str, home: Landing) -> Landing:
        """The home page in the preferred language, or the one at hand when that cannot be read."""
        chosen = f"home page in the preferred language, {self.settings.language}"
        landing = await self._lander.land(url, chosen, home.url, self.settings.retries, lambda _: False)
        return landing if landing.html is not None else home

    async def _sitemap(self, url: str) -> Reply:
        reply = await self._lander.request(url, 0)
        self._ledger.record(reply, "sitemap")
        return reply

    async def _read_on(self, frontier: Frontier) -> str:
        """Read the best pages until the queue or the page budget ends; returns what else ended it, if anything."""
        failures = misses = 0
        while self._ledger.html_pages < self.settings.page_budget and (candidate := frontier.pop()):
            stopped = self._budget_spent(failures, misses)
            if stopped:
                return stopped
            landing = await self._lander.land(
                candidate.url,
                candidate.chosen,
                frontier.home,
                self.settings.retries,
                frontier.seen,
                candidate.rank.kind,
            )
            refused = landing.outcome == "http_error" and ((landing.status or 0) >= 429 or landing.status in REFUSALS)
            failures = failures + 1 if landing.outcome in SITE_FAILURES or refused else 0
            if landing.outcome != "robots_disallowed":
                misses = 0 if landing.outcome == "ok" else misses + 1
            if landing.html is not None:
                self._take(landing, candidate.rank.kind, frontier, candidate.depth, candidate)
        return ""

    def _take(
        self, landing: Landing, kind: str, frontier: Frontier, depth: int, candidate: Candidate | None = None
    ) -> tuple[str, str]:
        """Keep a page's words and queue its links, as far as the page lets us."""
        html = landing.html
        assert html is not None  # noqa: S101 (callers have looked)
        said = html.robots | directives(landing.robots_tag.split("\n"))
        base = _base(html, landing.url)
        if candidate is not None:
            frontier.took(candidate)
        if not said & NO_LINKS:
            frontier.add(html.links, base, depth)
        if said & NO_WORDS:
            self._ledger.leave_out(landing.row, sorted(said & NO_WORDS)[0])
            return "", ""
        same = same_page(landing.url, html.canonical, base)
        if page_key(same) != page_key(landing.url) and frontier.seen(same) and candidate is not None:
            self._ledger.amend(landing.row, note=f"the same page as {same}")
            return "", ""
        return self._ledger.keep(landing.row, landing.url, html, kind)

    def _budget_spent(self, failures: int, misses: int) -> str:
        if self._ledger.tries >= REQUESTS_PER_PAGE * self.settings.page_budget:
            return "too many requests for too few pages"
        if self._ledger.bytes_read >= self.settings.max_site_bytes:
            return "byte budget used up"
        if time.monotonic() >= self._lander.deadline:
            return "time budget used up"
        if failures >= MAX_FAILURES_IN_A_ROW:
            return f"{failures} failed requests in a row"
        if misses >= MAX_MISSES_IN_A_ROW:
            return f"{misses} dead links in a row"
        return ""


def _base(html: HtmlPage, url: str) -> str:
    try:
        return canonical_url(html.base, url) if html.base else url
    except BadUrlError:
        return url
