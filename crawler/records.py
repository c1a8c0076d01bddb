"""What the crawler is asked for and what it hands back: typed records and the outcome words.

Importable without Scrapy. Every text in here is plain Unicode without lone surrogates, so any store can take it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from crawler import opt_out, windows
from crawler.errors import SettingsError

SITE_OUTCOMES: tuple[str, ...] = (
    "ok",
    "unchanged",
    "robots_disallowed",
    "robots_unreachable",
    "blocked_address",
    "dns_failed",
    "connect_failed",
    "tls_failed",
    "timeout",
    "too_big",
    "truncated",
    "bad_response",
    "http_error",
    "trap_limit",
    "empty",
    "internal_error",
    "not_attempted",
    "not_html",
    "parked",
    "redirect_offsite",
    "bad_url",
    "noindex",
    "opted_out",
    "gone",
)

# Words that only a single URL can have, never a site.
FETCH_OUTCOMES: tuple[str, ...] = (*SITE_OUTCOMES, "skipped")

PAGE_KINDS: tuple[str, ...] = ("home", "about", "product", "service", "legal", "contact", "news", "other")

CONTACT = re.compile(r"[^@\s<>()]+@[^@\s<>()]+\.[^@\s<>()]+|https?://[^\s<>()/]+\.[^\s<>()]+")


@dataclass(frozen=True, slots=True)
class KnownPage:
    """What an earlier crawl kept of a URL: enough to ask whether it has changed, and to have it again if not.

    ``archive_ref`` names the record that holds the whole answer; without it a page is not asked for conditionally.
    """

    url: str
    etag: str
    last_modified: str
    body_digest: str
    archive_ref: str


@dataclass(frozen=True, slots=True)
class CrawlTarget:
    """One firm and the website cell of its register row, as it stands there, with what is known of its pages."""

    firm_id: str
    website: str
    known: tuple[KnownPage, ...] = ()

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> CrawlTarget:
        """Rebuild what ``asdict`` made."""
        return cls(value["firm_id"], value["website"], tuple(KnownPage(**page) for page in value.get("known", ())))


@dataclass(frozen=True, slots=True)
class CrawlSettings:
    """How to crawl. Checked when built, so a wrong value never reaches the network.

    Args:
        contact: E-mail address or http(s) page by which a site owner reaches us; sent with every request.
        delay_s: Seconds between two requests to one host, robots.txt included.
        page_budget: HTML pages fetched per site at most.
        depth: Clicks away from the home page at most.
        timeout_s: Seconds for one response, from connecting to its last byte; connecting may take half, 10 s at most.
        max_body_bytes: Largest body, counted on the wire and again after decompression.
        max_site_bytes: Bytes read from one site at most.
        max_site_seconds: Seconds spent on one site at most.
        concurrent_sites: Sites crawled at the same time; each has one request in flight.
        retries: Further tries after a broken connection or a 429/5xx answer.
        allow_addresses: Networks allowed on any port, in addition to public addresses on ports 80 and 443.
        tls: ``record`` fetches over unverifiable TLS too and flags the site; ``verify`` ends it as ``tls_failed``.
        memory_limit_mb: The crawl process stops itself above this resident size.
        opt_out: Registered domains or hosts that asked to be left alone; nothing is requested from them.
        window: Hours in which sites may be begun, ``HH:MM-HH:MM``; may span midnight. Empty: always.
        window_zone: IANA time zone of ``window``.
        language: ISO 639-1 code of the version to read where a site has several; empty: the site's own first.
        render: Draw pages whose text only script can show, in a browser (extra ``js``).

    Raises:
        SettingsError: A value is missing, malformed or out of range.
    """

    contact: str
    delay_s: float = 1.0
    page_budget: int = 20
    depth: int = 3
    timeout_s: float = 30.0
    max_body_bytes: int = 8 * 1024 * 1024
    max_site_bytes: int = 64 * 1024 * 1024
    max_site_seconds: float = 900.0
    concurrent_sites: int = 50
    retries: int = 2
    allow_addresses: tuple[str, ...] = ()
    tls: str = "record"
    memory_limit_mb: int = 1024
    opt_out: tuple[str, ...] = ()
    window: str = ""
    window_zone: str = "UTC"
    language: str = ""
    render: bool = False

    def __post_init__(self) -> None:
        if not CONTACT.fullmatch(self.contact) or len(self.contact) > 200 or not self.contact.isascii():
            raise SettingsError(
                f"contact is {self.contact!r}: expected an e-mail address or an http(s) page where a site owner "
                "reaches you; set crawl.contact before crawling"
            )
        floors = {"delay_s": 0, "retries": 0, "depth": 0, "timeout_s": 0.1, "max_site_seconds": 0.1}
        for name in ("page_budget", "max_body_bytes", "max_site_bytes", "concurrent_sites", "memory_limit_mb"):
            floors[name] = 1
        for name, floor in floors.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not floor <= value < float("inf"):
                raise SettingsError(f"{name} is {value!r}: expected a number of at least {floor}")
        if self.tls not in {"record", "verify"}:
            raise SettingsError(f"tls is {self.tls!r}: expected 'record' or 'verify'")
        object.__setattr__(self, "allow_addresses", tuple(self.allow_addresses))
        object.__setattr__(self, "opt_out", opt_out.entries(self.opt_out))
        windows.check(self.window, self.window_zone)
        for network in self.allow_addresses:
            try:
                ipaddress.ip_network(network, strict=True)
            except (ValueError, TypeError) as error:
                raise SettingsError(
                    f"allow_addresses holds {network!r}: expected a network such as 127.0.0.0/8 ({error})"
                ) from error

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values; ``CrawlSettings(**value)`` builds them again."""
        return {**asdict(self), "allow_addresses": list(self.allow_addresses), "opt_out": list(self.opt_out)}


@dataclass(frozen=True, slots=True)
class Fetch:
    """One URL tried or deliberately left out.

    ``text_digest`` is of the page's text before blocks repeated across the site were dropped, so it compares
    this page with itself on another day. ``archive_ref`` is ``FILE.warc.gz:OFFSET`` or empty.
    """

    firm_id: str
    url: str
    outcome: str
    http_status: int | None
    fetched_at: datetime
    etag: str
    last_modified: str
    body_digest: str
    text_digest: str
    archive_ref: str
    chosen: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page whose words count for the firm; ``text_digest`` is the SHA-256 of ``text`` as it stands here."""

    firm_id: str
    url: str
    title: str
    language: str
    text: str
    text_digest: str
    kind: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a page by which a site names its owner; never a person's name, e-mail address or telephone number.

    ``kind`` is ``company_number``, ``foreign_number`` (registered abroad), ``vat_number``, ``charity_number``,
    ``postcode`` or ``name``; ``value`` is normalised. ``label`` says whose it is by the words around it: ``owner``,
    ``stated``, ``parent``, ``third party``, ``former``, ``mentioned``; of names also ``structured data``; of postcodes
    ``registered`` or ``trading``. ``page_kind`` as ``Page.kind``.
    """

    kind: str
    value: str
    label: str
    url: str
    page_kind: str


@dataclass(frozen=True, slots=True)
class SiteCrawl:
    """Everything that came of one firm's website in this crawl, with exactly one outcome word.

    ``flags`` hold what a reader of the text should know: ``tls_unverified``, ``robots_not_text``, ``parse_cut``,
    ``partial`` (a budget or repeated failures ended the site early), ``shared_site``, ``needs_script`` (text only
    script can show), ``rendered``, ``render_failed``, ``robots_stale`` (an older robots.txt stood in for one that could
    not be read), ``stuffed`` (a page not meant for readers), ``two_lengths`` (an answer that names its length in two
    ways).

    ``aliases`` are other registered domains from which the home page redirected here. ``marks`` say whose site it is.
    ``not_before`` is the instant before which the site asked not to be visited again.
    """

    firm_id: str
    website: str
    final_url: str
    outcome: str
    reason: str
    started_at: datetime
    ended_at: datetime
    requests: int = 0
    bytes_read: int = 0
    fetches: tuple[Fetch, ...] = ()
    pages: tuple[Page, ...] = ()
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    not_before: datetime | None = None

    def __post_init__(self) -> None:
        if self.outcome not in SITE_OUTCOMES:
            raise ValueError(f"outcome is {self.outcome!r}: expected one of {', '.join(SITE_OUTCOMES)}")

    def to_json(self) -> str:
        """One line of ASCII JSON."""
        return json.dumps(asdict(self), default=_instant, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str | bytes) -> SiteCrawl:
        """Rebuild what ``to_json`` wrote.

        Raises:
            ValueError: The line is not such JSON.
        """
        try:
            value = json.loads(line)
            fetches = tuple(
                Fetch(**{**f, "fetched_at": datetime.fromisoformat(f["fetched_at"])}) for f in value["fetches"]
            )
            value |= {
                "fetches": fetches,
                "pages": tuple(Page(**page) for page in value["pages"]),
                "flags": tuple(value["flags"]),
                "aliases": tuple(value["aliases"]),
                "marks": tuple(Mark(**mark) for mark in value["marks"]),
                "not_before": datetime.fromisoformat(value["not_before"]) if value["not_before"] else None,
                "started_at": datetime.fromisoformat(value["started_at"]),
                "ended_at": datetime.fromisoformat(value["ended_at"]),
            }
            return cls(**value)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a crawled site: {line[:80]!r} ({error!r})") from error


def utc_now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


def _instant(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
