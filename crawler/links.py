"""Links out of a page, and which of them are not worth or not safe to follow.

Traps are recognised by the shape of the URL alone, so that a calendar with an endless "next" never gets into
the queue; the per-site budgets of ``visit`` bound whatever shape is not known here.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from crawler.e_mail import has_e_mail

MAX_PATH_PARTS = 8
MAX_QUERY_PARAMETERS = 3  # faceted search and calendars need more; company pages rarely more than id and lang
MAX_PART_REPEATS = 2

NOT_PAGES = re.compile(
    r"\.(?:7z|avi|bmp|bz2|css|csv|dmg|docx?|eot|epub|exe|flv|gif|gz|ico|ics|iso|jar|jpe?g|js|json|m4[av]|mov|mp[34]|mpe?g|msi|"
    r"odp|ods|odt|og[gv]|pdf|pkg|png|pptx?|ps|psd|rar|rss|rtf|svgz?|swf|tar|tgz|tiff?|ttf|txt|vcf|wav|web[mp]|wm[av]|woff2?|xlsx?|"
    r"xml|atom|zip)$",
    re.IGNORECASE,
)
CALENDAR = re.compile(
    r"(?:^|[/_?&=-])(?:calendar|kalender|calendrier|calendario)(?:[/_?&=.-]|$)|[?&](?:month|year|week|day|date|monat|jahr|mois|"
    r"tribe-bar-date|ical)=|/(?:19|20)\d\d[/-](?:0?[1-9]|1[0-2])(?:[/-]\d{1,2})?(?:/|$)",
    re.IGNORECASE,
)
LISTING = re.compile(
    r"[?&](?:sort|order|orderby|filter\w*|facet\w*|dir|view|limit|per_page|replytocom|share|print|print(?:er)?|add-to-cart|wishlist|"
    r"compare|s|q|search|query|page|paged|start|offset|p?age_?num\w*)=|/page/\d+|/(?:feed|trackback|wp-json|xmlrpc\.php|wp-admin|"
    r"wp-login|wp-content|cgi-bin|cdn-cgi|tag|tags|author)(?:/|$)",
    re.IGNORECASE,
)
SESSION = re.compile(
    r"/\(?[sf]\([a-z0-9]{20,}\)\)?/|[/=][0-9a-f]{32,}(?:[/&?]|$)|(?:sess|session|token)[-_]?(?:id)?=", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Link:
    """An address as it stands in a page, with the words a reader sees on it."""

    href: str
    anchor: str


def refusal(url: str) -> str:
    """Why a canonical URL is not followed, or an empty string.

    Returns:
        One phrase: ``not a page``, ``repeated path``, ``deep path``, ``calendar``, ``listing``, ``session`` or
        ``many parameters``.
    """
    parts = urlsplit(url)
    if NOT_PAGES.search(unquote(parts.path)):
        return "not a page"
    if has_e_mail(unquote(f"{parts.path}?{parts.query}")):
        return "not a page"  # mostly a mail link whose "mailto:" was forgotten; its address is not to be kept
    path_parts = [part.lower() for part in parts.path.split("/") if part]
    if path_parts and max(Counter(path_parts).values()) > MAX_PART_REPEATS:
        return "repeated path"
    if len(path_parts) > MAX_PATH_PARTS:
        return "deep path"
    local = f"{parts.path}?{parts.query}" if parts.query else parts.path
    for pattern, phrase in ((CALENDAR, "calendar"), (LISTING, "listing"), (SESSION, "session")):
        if pattern.search(local):
            return phrase
    if len(parse_qsl(parts.query, keep_blank_values=True)) > MAX_QUERY_PARAMETERS:
        return "many parameters"
    return ""
