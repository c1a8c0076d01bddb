"""Visit a site in an archive by the rules by which it is visited on the web, without waiting and without a network.

Our own files are read in the order in which they were written: a site's n-th visit meets the records of its n-th
visit, so that tries, redirects and nights come out as they were. For files of others, see ``collected``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from crawler.answers import Answers
from crawler.archive import Archive
from crawler.bodies import decode_body
from crawler.captures import Capture
from crawler.errors import ArchiveError, BadUrlError, BadWebsiteError, BodyError
from crawler.opt_out import REASON, opted_out
from crawler.records import CrawlSettings, CrawlTarget, KnownPage, SiteCrawl
from crawler.reply import Reply, RobotsRequest
from crawler.retry import not_before
from crawler.robots import MAX_ROBOTS_REDIRECTS, RobotsAnswer, RobotsRules, rules_of
from crawler.robots_cache import OWN_WORDS, has_own_word
from crawler.robots_store import KEPT
from crawler.stored import read_at
from crawler.urls import DEFAULT_PORTS, canonical_url, start_urls
from crawler.visit import SiteVisit

REDIRECTS = {301, 302, 303, 307, 308}
NOT_HELD = "not_attempted"

log = logging.getLogger(__name__)


async def no_sleep(seconds: float) -> None:
    """Waiting is for the web."""


class Replay:
    """One visit's requests, answered from an archive; ``find`` says by which record.

    Args:
        answers: Replies from the site's captures.
        earlier: robots.txt answers of earlier visits by (scheme, host, port), which this one may add to.
    """

    def __init__(self, answers: Answers, earlier: dict[str, tuple[datetime, RobotsAnswer]]) -> None:
        self.settings = answers.settings
        self.missing: set[str] = set()
        self.begun: datetime | None = None
        self.ended: datetime | None = None
        self._answers = answers
        self._earlier = earlier
        self._rules: dict[str, RobotsRules] = {}
        self._unverified: set[tuple[str, int]] = set()
        self._waits: dict[str, datetime] = {}

    def find(self, url: str) -> Capture | None:
        """The record that answers the next request for a URL."""
        raise NotImplementedError

    def find_robots(self, url: str, page: str) -> Capture | None:  # noqa: ARG002 (for those who need it)
        """The record that answers a request for a robots.txt, made on the way to a page."""
        return self.find(url)

    @property
    def not_before(self) -> datetime | None:
        """The instant before which the host wanted no further request."""
        return max(self._waits.values(), default=None)

    async def get(self, url: str, timeout_s: float, known: KnownPage | None = None) -> Reply:  # noqa: ARG002
        """As ``Fetcher.get``."""
        parts = urlsplit(url)
        peer = (parts.hostname or "", _port(url))
        reply = self._get(url)
        if reply.outcome == "tls_failed" and self.settings.tls == "record" and peer not in self._unverified:
            self._unverified.add(peer)
            again = self._get(url)
            if again.outcome != NOT_HELD:
                reply = replace(again, robots=(*reply.robots, *again.robots))
            self.missing.discard(url)
        if parts.scheme == "https" and peer in self._unverified and reply.outcome not in {"tls_failed", NOT_HELD}:
            reply = replace(reply, flags=(*reply.flags, "tls_unverified"))
        until = not_before(reply, reply.fetched_at)
        self._waits.pop(url, None)
        if until is not None:
            self._waits[url] = until
        return reply

    def _get(self, url: str) -> Reply:
        asked: list[RobotsRequest] = []
        if opted_out(urlsplit(url).hostname or "", self.settings.opt_out):
            return Reply(url, "opted_out", f"{urlsplit(url).hostname} is {REASON}", self._now())
        rules = self._rules_for(url, asked)
        outcome, reason = rules.refusal(url)
        if outcome:
            return Reply(url, outcome, reason, self._now(), retry_after=rules.retry_after, robots=tuple(asked))
        reply = self._reply(url, self.find(url))
        flags = (rules.flag,) if rules.flag and reply.status is not None else ()
        return replace(reply, robots=tuple(asked), flags=(*flags, *reply.flags), sitemaps=rules.sitemaps)

    def _reply(self, url: str, capture: Capture | None) -> Reply:
        if capture is not None:
            try:
                reply = self._answers.reply(url, capture)
            except (ArchiveError, BodyError) as error:
                if isinstance(error, ArchiveError) and error.errno is not None:
                    raise
                log.warning("record of %.200r left out: %s", url, error)
            else:
                self._passed(reply.fetched_at)
                return reply
        self.missing.add(url)
        return Reply(url, NOT_HELD, "the archive holds no answer for this address", self._now())

    def _rules_for(self, url: str, asked: list[RobotsRequest]) -> RobotsRules:
        parts = urlsplit(url)
        authority = f"{parts.scheme}://{parts.hostname}:{_port(url)}"
        if authority not in self._rules:
            answer = self._robots(f"{parts.scheme}://{parts.netloc}/robots.txt", url, asked)
            rules = self._judged(authority, answer)
            if rules.outcome in OWN_WORDS:
                return rules  # a further try of the page asks once more
            self._rules[authority] = rules
        return self._rules[authority]

    def _judged(self, authority: str, answer: RobotsAnswer | None) -> RobotsRules:
        """What holds for an authority: as ``RobotsCache`` has it, with earlier visits in the place of its store."""
        at, before = self._earlier.get(authority, (self._now(), None))
        if answer is None:
            return before.rules if before is not None else RobotsRules()
        if answer.is_clear:
            self._earlier[authority] = (self._now(), answer)
        elif answer.is_silence and before is not None and self._now() - at < KEPT and _stands_in(before):
            return replace(before.rules, flag="robots_stale")
        return answer.rules

    def _robots(self, url: str, page: str, asked: list[RobotsRequest]) -> RobotsAnswer | None:
        """Follow robots.txt through the archive; ``None`` when nothing is held of it."""
        status: int | None = None
        for hop in range(MAX_ROBOTS_REDIRECTS + 1):
            capture = self.find_robots(url, page)
            if capture is None:
                return None
            try:
                stored = read_at(capture.path, capture.offset)
                self._answers.reply(url, capture)
            except (ArchiveError, BodyError):
                return None
            self._passed(stored.at)
            if stored.kind == "failure":
                asked.append(RobotsRequest(url, stored.outcome, None, stored.at, 0))
                if has_own_word(stored.outcome, hop) and not stored.connected:
                    return RobotsAnswer(RobotsRules(stored.outcome, stored.reason))
                return _closed(stored.reason)
            status = stored.status
            asked.append(RobotsRequest(url, "ok", status, stored.at, len(stored.body)))
            fields = {name.lower(): value for name, value in reversed(stored.headers)}
            if status not in REDIRECTS or "location" not in fields:
                try:
                    body = decode_body(stored.body, fields.get("content-encoding", ""), self.settings.max_body_bytes)
                except BodyError as error:
                    return _closed(str(error))
                rules = rules_of(status, body, url)
                if rules.outcome == "robots_unreachable":
                    rules = replace(rules, retry_after=fields.get("retry-after", "")[:200])
                return RobotsAnswer(rules, status, body)
            try:
                url = canonical_url(fields["location"].encode("latin-1", "replace").decode("utf-8", "replace"), url)
            except BadUrlError as error:
                return _open(f"robots.txt redirects to no URL ({error})", status)
        return _open(f"robots.txt redirects more than {MAX_ROBOTS_REDIRECTS} times", status)

    def _now(self) -> datetime:
        return self.ended or self._answers.captures[0].at

    def _passed(self, at: datetime) -> None:
        self.begun = min(self.begun or at, at)
        self.ended = max(self.ended or at, at)


class InOrder(Replay):
    """Answers a request with the next record of its URL, which lies between two places in the site's records."""

    def __init__(
        self, answers: Answers, earlier: dict[str, tuple[datetime, RobotsAnswer]], first: int, end: int
    ) -> None:
        super().__init__(answers, earlier)
        self.at = first
        self.end = end

    def find(self, url: str) -> Capture | None:
        """The next record of the URL in this visit; of a page that was drawn afterwards, as it was drawn."""
        place = self._place(url)
        if place is None:
            return None
        drawn = self._place(url, place + 1)
        if drawn is not None and self._answers.captures[drawn].kind == "drawn":
            place = drawn
        self.at = place + 1
        return self._answers.captures[place]

    def find_robots(self, url: str, page: str) -> Capture | None:
        """The next record of the robots.txt, unless the page was asked for before it: then an older one still held."""
        place, then = self._place(url), self._place(page)
        return self.find(url) if place is not None and (then is None or place < then) else None

    def _place(self, url: str, first: int = 0) -> int | None:
        captures = self._answers.captures
        return next((place for place in range(max(first, self.at), self.end) if captures[place].url == url), None)


async def replay_visits(
    target: CrawlTarget, captures: Sequence[Capture], settings: CrawlSettings, archive: Archive
) -> list[SiteCrawl]:
    """The visits of a site that our own files hold, oldest first.

    A visit whose records break off, because the crawl was killed, is left out, as the crawl's tables left it out;
    unless nothing else is held of the site.

    Args:
        target: The firm.
        captures: Of its site and where it redirects to, in the order in which they were written.
        settings: As they were for the crawl; delays do not matter.
        archive: Our archive, into which records from elsewhere are copied.

    Raises:
        ArchiveError: The archive cannot be written.
    """
    try:
        pages = set(start_urls(target.website))
    except BadWebsiteError:
        return []
    starts = pages | {canonical_url("/robots.txt", url) for url in pages}
    is_start = [capture.url in starts and capture.kind != "drawn" for capture in captures]
    answers, earlier = Answers(captures, settings, archive), dict[str, tuple[datetime, RobotsAnswer]]()
    whole: list[SiteCrawl] = []
    torn: SiteCrawl | None = None
    at = 0
    while (first := next((place for place in range(at, len(captures)) if is_start[place]), None)) is not None:
        inner = next((place for place in range(first, len(captures)) if not is_start[place]), len(captures))
        end = next((place for place in range(inner, len(captures)) if is_start[place]), len(captures))
        visit = InOrder(answers, earlier, first, end)
        crawl = await run_visit(target, settings, visit)
        if visit.missing:
            cut = replace(crawl, flags=tuple(sorted({*crawl.flags, "partial"})))
            torn = cut if any(fetch.http_status for fetch in crawl.fetches) else torn
        else:
            whole.append(crawl)
        at = end if visit.at > inner else max(visit.at, first + 1)
    return whole or ([torn] if torn is not None else [])


async def run_visit(target: CrawlTarget, settings: CrawlSettings, replayed: Replay, **how: Any) -> SiteCrawl:
    """One visit, with the dates of the records; ``how`` as ``SiteVisit`` takes it."""
    crawl = await SiteVisit(target, settings, replayed.get, sleep=no_sleep, **how).run()
    return _as_of_then(crawl, replayed)


def _as_of_then(crawl: SiteCrawl, replayed: Replay) -> SiteCrawl:
    """The result with the dates of the records, and without rows that say only that the archive holds nothing."""
    ended = replayed.ended or crawl.ended_at
    begun = replayed.begun or ended
    fetches = tuple(
        replace(fetch, fetched_at=begun) if fetch.outcome == "skipped" else fetch
        for fetch in crawl.fetches
        if not (fetch.outcome == NOT_HELD and fetch.url in replayed.missing)
    )
    return replace(crawl, started_at=begun, ended_at=ended, fetches=fetches, not_before=replayed.not_before)


def _stands_in(before: RobotsAnswer) -> bool:
    return (before.status or 0) < 300 and bool(before.rules.parser is not None or before.rules.outcome)


def _closed(reason: str) -> RobotsAnswer:
    return RobotsAnswer(
        RobotsRules("robots_unreachable", f"robots.txt could not be read ({reason}); everything is disallowed")
    )


def _open(reason: str, status: int | None) -> RobotsAnswer:
    return RobotsAnswer(RobotsRules(reason=reason, flag="robots_redirects"), status)


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or DEFAULT_PORTS[parts.scheme]
