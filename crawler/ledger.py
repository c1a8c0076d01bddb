"""The books of one site's visit: what was asked, what it cost, which pages count, and the site's result.

Text is judged here once, when a page is kept, and blocks repeated across the site are dropped once, at the end.
E-mail addresses end here: no text that leaves holds one.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from crawler.boilerplate import drop_repeated
from crawler.e_mail import without_e_mail
from crawler.extract import HtmlPage, with_description
from crawler.identity import merge_marks
from crawler.placeholders import placeholder
from crawler.records import CrawlTarget, Fetch, Mark, Page, SiteCrawl, utc_now
from crawler.reply import Reply

MIN_TEXT_CHARS = 20  # less is a logo's caption or a loading notice
MAX_CHOSEN = 300
NEVER_ASKED = {"robots_disallowed", "robots_unreachable", "opted_out"}  # refused before a request was made


class Ledger:
    """Rows and totals of one site; a fetch is named by its row number."""

    def __init__(self, target: CrawlTarget) -> None:
        self.target = target
        self.pages: list[Page] = []
        self.flags: set[str] = set()
        self.tries = 0
        self.bytes_read = 0
        self.html_pages = 0
        self.final_url = ""
        self.script_pages = 0
        self.unindexed = 0
        self._aliases: list[str] = []
        self._marks: list[Mark] = []
        self._not_before: datetime | None = None
        self._skipped: dict[str, str] = {}
        self._requests = 0
        self._fetches: list[Fetch] = []
        self._digests: dict[str, str] = {}
        self._started_at = utc_now()

    def count(self, reply: Reply) -> None:
        """Add a reply's cost; what robots.txt refused was never requested."""
        self.tries += reply.outcome not in NEVER_ASKED
        self._requests += len(reply.robots) + reply.parts + (reply.outcome not in NEVER_ASKED)
        self.bytes_read += reply.bytes_read + sum(robots.bytes_read for robots in reply.robots)
        self.flags.update(reply.flags)
        for robots in reply.robots:
            self._add(robots.url, robots.outcome, robots.status, Reply(robots.url, "", "", robots.at), "robots.txt")

    def record(self, reply: Reply, chosen: str) -> int:
        """Write a reply's row and return its number."""
        return self._add(reply.url, reply.outcome, reply.status, reply, chosen)

    def amend(self, row: int, outcome: str = "", note: str = "") -> None:
        """Correct a row once more is known about its page."""
        fetch = self._fetches[row]
        chosen = without_e_mail(f"{fetch.chosen}; {note}")[:MAX_CHOSEN] if note else fetch.chosen
        self._fetches[row] = replace(fetch, outcome=outcome or fetch.outcome, chosen=chosen)

    def skip(self, url: str, why: str) -> None:
        """Note a URL that was not asked for, unless it was after all."""
        if not any(fetch.url == url for fetch in self._fetches):
            self._skipped.setdefault(url, why)

    def moved(self, domain: str) -> None:
        """Note a registered domain whose home page redirects to this site."""
        if domain not in self._aliases:
            self._aliases.append(domain)

    def asked_to_wait(self, until: datetime | None) -> None:
        """Note the instant before which the host wants no further request."""
        if until is not None and (self._not_before is None or until > self._not_before):
            self._not_before = until

    def leave_out(self, row: int, directive: str) -> None:
        """Note a page that asks robots not to use its words."""
        self.unindexed += 1
        self.amend(row, outcome="noindex", note=f"the page says {directive}")

    def keep(self, row: int, url: str, html: HtmlPage, kind: str) -> tuple[str, str]:
        """Keep a page's words if they are the firm's; returns an outcome word and reason when they are not."""
        words = html.words
        if words.cut:
            self.flags.add("parse_cut")
        word, reason = placeholder(words.title, words.text)
        if words.stuffed and not word:
            self.flags.add("stuffed")
            word, reason = "empty", "the page is not meant for readers: a few words over and over, or written in white"
        if word:
            self.amend(row, outcome=word, note=reason)
            return word, reason
        self.script_pages += html.script_only
        self._marks.extend(html.marks)
        text = without_e_mail(with_description(words))
        if len(text) < MIN_TEXT_CHARS:
            self.amend(row, outcome="empty", note="text only script can show" if html.script_only else "")
            return "empty", ""
        digest = text_digest(text)
        self._fetches[row] = replace(self._fetches[row], text_digest=digest)
        if digest in self._digests:
            self.amend(row, note=f"same text as {self._digests[digest]}")
            return "", ""
        self._digests[digest] = url
        title = without_e_mail(words.title)
        self.pages.append(Page(self.target.firm_id, url, title, words.language, text, digest, kind))
        return "", ""

    def close(self, outcome: str, reason: str) -> SiteCrawl:
        """The site's result."""
        texts = drop_repeated([page.text for page in self.pages])
        pages = tuple(
            replace(page, text=text, text_digest=text_digest(text))
            for page, text in zip(self.pages, texts, strict=True)
            if len(text) >= MIN_TEXT_CHARS
        )
        if outcome == "ok" and not pages:
            outcome, reason = "empty", "the site shows nothing but a consent notice"
        for url, why in self._skipped.items():
            self._add(url, "skipped", None, Reply(url, "skipped", "", self._started_at), why)
        return SiteCrawl(
            firm_id=self.target.firm_id,
            website=self.target.website,
            final_url=self.final_url,
            outcome=outcome,
            reason=without_e_mail(reason),
            started_at=self._started_at,
            ended_at=utc_now(),
            requests=self._requests,
            bytes_read=self.bytes_read,
            fetches=tuple(self._fetches),
            pages=pages,
            flags=tuple(sorted(self.flags)),
            aliases=tuple(self._aliases),
            marks=merge_marks(self._marks),
            not_before=self._not_before,
        )

    def _add(self, url: str, outcome: str, status: int | None, reply: Reply, chosen: str) -> int:
        self._fetches.append(
            Fetch(
                firm_id=self.target.firm_id,
                url=url,
                outcome=outcome,
                http_status=status,
                fetched_at=reply.fetched_at,
                etag=reply.etag,
                last_modified=reply.last_modified,
                body_digest=reply.body_digest,
                text_digest="",
                archive_ref=reply.archive_ref,
                chosen=without_e_mail(chosen)[:MAX_CHOSEN],
            )
        )
        return len(self._fetches) - 1


def text_digest(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
