"""Tell a firm that moved to another domain from one whose address now leads to somebody else's website.

Nobody's words are given to two firms: where the new domain is another listed firm's own website, it stays theirs.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from urllib.parse import urlsplit

from crawler.errors import BadUrlError, BadWebsiteError
from crawler.records import SiteCrawl
from crawler.urls import canonical_url, is_ip, registered_domain, start_urls
from pipelines.changes import READ
from pipelines.store import Lake

SHARED = "shared_site"  # flag of a site that several firms lead to


class SiteOwners:
    """Which firm names which domain as its own website; the firm list is read when it is first needed."""

    def __init__(self, lake: Lake) -> None:
        """Args: the tables."""
        self._lake = lake

    def judged(self, visit: SiteCrawl) -> SiteCrawl:
        """The visit; without words when its home page leads to the website of another firm of the list."""
        if visit.outcome not in READ or not visit.aliases:
            return visit
        here = _domain(visit.final_url)
        owner = self._owners.get(here)
        if owner is None or owner == visit.firm_id or _website_domain(visit.website) == here:
            return visit
        reason = f"the home page leads to {here}, which is the website of firm {owner}"
        flags = tuple(sorted({*visit.flags, SHARED}))
        return replace(visit, outcome="redirect_offsite", reason=reason, pages=(), marks=(), flags=flags)

    @cached_property
    def _owners(self) -> dict[str, str]:
        """First firm of each domain that is some firm's whole website; a page on a platform owns no domain."""
        found: dict[str, str] = {}
        for shard in range(self._lake.shards):
            for firm in self._lake.read_arrow("firms", ["firm_id", "website"], [shard]).to_pylist():
                domain = _website_domain(firm["website"] or "", whole=True)
                if domain:
                    found[domain] = min(firm["firm_id"], found.get(domain, firm["firm_id"]))
        return found


def _website_domain(website: str, whole: bool = False) -> str:
    try:
        url = start_urls(website)[0]
    except BadWebsiteError:
        return ""
    return "" if whole and urlsplit(url).path not in ("", "/") else _domain(url)


def _domain(url: str) -> str:
    """Registered domain; an address counts with its port, as everywhere in the crawl."""
    try:
        parts = urlsplit(canonical_url(url))
    except BadUrlError:
        return ""
    host = parts.hostname or ""
    return parts.netloc if is_ip(host) else registered_domain(host).removeprefix("www.")  # where no suffix is known
