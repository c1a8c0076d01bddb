"""What a robots.txt answer means: which URLs may be read, how slowly, or that the site must be left alone.

Scrapy fails open: a 429, a 5xx or a timeout on robots.txt lets it fetch everything. Here anything but a clear
answer closes the site for this run.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Any

PRODUCT_TOKEN = "firmscope"  # noqa: S105 (robots.txt calls the crawler's name a product token)
MAX_ROBOTS_BYTES = 500 * 1024  # RFC 9309 section 2.5
MAX_ROBOTS_REDIRECTS = 5  # RFC 9309 section 2.3.1.2
MAX_CRAWL_DELAY_S = 60.0
MAX_RULE_CHARS = 2_000
MAX_WILDCARDS = 20  # each further * multiplies the matching time of a hostile rule


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The decision for one (scheme, host, port).

    ``outcome`` is empty when rules apply, otherwise the outcome word with which every URL there is refused.
    """

    outcome: str = ""
    reason: str = ""
    delay_s: float | None = None
    flag: str = ""
    parser: Any = None

    def refusal(self, url: str) -> tuple[str, str]:
        """Outcome word and reason why this URL may not be read; two empty strings when it may."""
        if self.outcome:
            return self.outcome, self.reason
        if self.parser is not None and not self.parser.can_fetch(url, PRODUCT_TOKEN):
            return "robots_disallowed", "robots.txt disallows this URL"
        return "", ""


def rules_of(status: int, body: bytes) -> RobotsRules:
    """Read the final answer to a robots.txt request.

    Args:
        status: HTTP status after redirects.
        body: At least the first ``MAX_ROBOTS_BYTES`` bytes, content encoding undone.
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
    if delay is not None and delay > MAX_CRAWL_DELAY_S:
        return RobotsRules(
            "trap_limit", f"robots.txt asks for {delay:g} s between requests, more than {MAX_CRAWL_DELAY_S:g} s"
        )
    return RobotsRules(delay_s=delay if delay and delay > 0 else None, parser=parser)


def first_lines(body: bytes) -> str:
    """The text that counts: 500 KiB, whole lines, no byte order mark; rules too long or too wild to match left out."""
    body = body.removeprefix(codecs.BOM_UTF8)
    if len(body) > MAX_ROBOTS_BYTES:
        body = body[:MAX_ROBOTS_BYTES]
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    text = body.decode("utf-8", "replace").replace("\x00", "")
    return "\n".join(_tamed(line) for line in text.splitlines())


def _tamed(line: str) -> str:
    """A rule that no matcher should be asked to run is cut before its excess, which can only forbid more."""
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
