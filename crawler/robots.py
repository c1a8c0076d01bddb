"""What a robots.txt answer means: which URLs may be read, how slowly, or that the site must be left alone.

Scrapy fails open: a 429, a 5xx or a timeout on robots.txt lets it fetch everything. Here anything but a clear
answer closes the site for this run.
"""

from __future__ import annotations

import codecs
import contextlib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crawler.errors import BadUrlError
from crawler.urls import canonical_url

PRODUCT_TOKEN = "firmscope"  # noqa: S105 (robots.txt calls the crawler's name a product token)
MAX_ROBOTS_BYTES = 500 * 1024  # RFC 9309 section 2.5
MAX_ROBOTS_REDIRECTS = 5  # RFC 9309 section 2.3.1.2
MAX_CRAWL_DELAY_S = 60.0
MAX_RULE_CHARS = 2_000
MAX_WILDCARDS = 20  # each further * multiplies the matching time of a hostile rule
MAX_SITEMAPS = 50
AGENT = re.compile(r"\s*user[ -]?agent\s*[:\s]\s*([^#]*)", re.IGNORECASE)
TOKEN = re.compile(r"[A-Za-z_-]*")  # RFC 9309 section 2.2.1; a version behind it is no part of it


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The decision for one (scheme, host, port).

    ``outcome`` is empty when rules apply, otherwise the outcome word with which every URL there is refused.
    ``sitemaps`` are absolute URLs as stated. ``retry_after`` is the header of an answer that closes the site.
    """

    outcome: str = ""
    reason: str = ""
    delay_s: float | None = None
    flag: str = ""
    parser: Any = None
    sitemaps: tuple[str, ...] = ()
    retry_after: str = ""

    def refusal(self, url: str) -> tuple[str, str]:
        """Outcome word and reason why this URL may not be read; two empty strings when it may."""
        if self.outcome:
            return self.outcome, self.reason
        if self.parser is not None and not self.parser.can_fetch(url, PRODUCT_TOKEN):
            return "robots_disallowed", "robots.txt disallows this URL"
        return "", ""


@dataclass(frozen=True, slots=True)
class RobotsAnswer:
    """What came of asking for robots.txt: the rules, and the final answer they were read from.

    ``status`` is ``None`` where none came, and that of the last redirect where they led nowhere.
    """

    rules: RobotsRules
    status: int | None = None
    body: bytes = b""

    @property
    def is_clear(self) -> bool:
        """Whether the host has said what it wants, so that the answer holds for a day."""
        given = self.status is not None and (200 <= self.status < 300 or 400 <= self.status < 500)
        return given and self.rules.outcome != "robots_unreachable"

    @property
    def is_silence(self) -> bool:
        """Whether the server failed to answer, so that what it said before may stand in (RFC 9309 section 2.3.1.4)."""
        return self.rules.outcome == "robots_unreachable" and (self.status is None or self.status >= 500)


def rules_of(status: int, body: bytes, url: str = "") -> RobotsRules:
    """Read the final answer to a robots.txt request.

    Args:
        status: HTTP status after redirects.
        body: At least the first ``MAX_ROBOTS_BYTES`` bytes, content encoding undone.
        url: Where it was asked for; stated sitemaps are resolved against it.
    """
    if status in {401, 403}:
        return RobotsRules("robots_disallowed", f"robots.txt answered {status}; read as a wish to be left alone")
    if status == 429 or status >= 500 or status < 200:
        return RobotsRules(
            "robots_unreachable", f"robots.txt answered {status}; everything is disallowed until it can be read"
        )
    if 300 <= status < 400:
        return RobotsRules(reason="robots.txt redirects nowhere, so there are no rules", flag="robots_redirects")
    if status >= 400 or status == 204:
        return RobotsRules()
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or body[:200].count(0) > 20:
        return RobotsRules("robots_unreachable", "robots.txt is UTF-16 and cannot be read; everything is disallowed")
    text = first_lines(body)
    if looks_like_html(text):
        return RobotsRules(flag="robots_not_text")
    from protego import Protego

    parser = Protego.parse(text)
    delay = parser.crawl_delay(PRODUCT_TOKEN)
    sitemaps = _sitemaps(parser.sitemaps, url)
    if delay is not None and delay > MAX_CRAWL_DELAY_S:
        return RobotsRules(
            "trap_limit", f"robots.txt asks for {delay:g} s between requests, more than {MAX_CRAWL_DELAY_S:g} s"
        )
    return RobotsRules(delay_s=delay if delay and delay > 0 else None, parser=parser, sitemaps=sitemaps)


def first_lines(body: bytes) -> str:
    """The text that counts: 500 KiB, whole lines, no byte order mark; rules too long or too wild to match left out."""
    body = body.removeprefix(codecs.BOM_UTF8)
    if len(body) > MAX_ROBOTS_BYTES:
        body = body[:MAX_ROBOTS_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    text = body.decode("utf-8", "replace").replace("\x00", "")
    return "\n".join(_tamed(line) for line in text.splitlines())


def _tamed(line: str) -> str:
    """A line as the parser should see it.

    Another crawler's group is renamed, because the parser would take one for ``firm`` as ours. A rule that no matcher
    should be asked to run is cut before its excess, which can only forbid more.
    """
    agent = AGENT.match(line)
    if agent and (name := agent[1].strip()) and name != "*":
        token = TOKEN.match(name)
        ours = token is not None and token[0].lower() == PRODUCT_TOKEN
        return f"User-agent: {PRODUCT_TOKEN if ours else 'another'}"
    if len(line) <= MAX_RULE_CHARS and line.count("*") <= MAX_WILDCARDS:
        return line
    if line.lstrip().lower().startswith("allow"):
        return ""
    parts = line[:MAX_RULE_CHARS].split("*")
    return "*".join(parts[:MAX_WILDCARDS])


def looks_like_html(text: str) -> bool:
    """Whether a login or error page was served in place of rules."""
    start = text.lstrip()[:500].lower()
    return start.startswith(("<!doctype", "<html", "<head", "<body", "<?xml")) or "<html" in start


def _sitemaps(stated: Iterable[str], url: str) -> tuple[str, ...]:
    found: list[str] = []
    for text in itertools.islice(stated, MAX_SITEMAPS):
        with contextlib.suppress(BadUrlError):
            found.append(canonical_url(text, url))
    return tuple(dict.fromkeys(found))
