"""Links out of a page, and which of them are not worth or not safe to follow.

Traps and near-duplicates are recognised by the shape of the URL alone, so that a calendar with an endless "next" never
gets into the queue; the per-site budgets of ``visit`` bound whatever shape is not known here. What old content managers
need to show a page at all (``?option=com_content&view=article``, ``?page=about``, ``?q=node/5``) is let through.
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

FILE = "not a page"
PDF = "PDF file"
NOT_PAGES = re.compile(
    r"\.(?:7z|avi|bmp|bz2|css|csv|dmg|docx?|eot|epub|exe|flv|gif|gz|ico|ics|iso|jar|jpe?g|js|json|m4[av]|mov|mp[34]|mpe?g|msi|"
    r"odp|ods|odt|og[gv]|pdf|pkg|png|pptx?|ps|psd|rar|rss|rtf|svgz?|swf|tar|tgz|tiff?|ttf|txt|vcf|wav|web[mp]|wm[av]|woff2?|xlsx?|"
    r"xml|atom|zip)$",
    re.IGNORECASE,
)
# First host labels that hold no pages about the firm, where they stand before the site's domain.
NOT_SITES = re.compile(
    r"(?:web)?mail\d?|cpanel|webdisk|autodiscover|ftp|login|sso|auth|cdn\d?|static\d?|assets?|im(?:g|ages?)\d?|api|git|jira"
)
_PATHS = {
    "calendar": r"""
        (?:^|[/_-])(?:calendar|kalender|calendrier|calendario)(?:[/.]|$)
        | /(?:19|20)\d\d[/-](?:0?[1-9]|1[0-2])(?:[/-]\d{1,2})?(?:/|$)
    """,
    "further page of a list": r"/(?:page|seite|pagina|pag|comment-page)[/-]\d+(?:/|$)",
    "feed": r"/(?:feed|rss|atom|rdf)(?:/|$)",
    "tag or author archive": r"/(?:tags?|tagged|schlagwort|etiquetas?|author|auteur)(?:/|$)",
    "print view": r"/[^/]+/(?:print|printable|printer-friendly|druckansicht)(?:/|$)|[_-]print(?:er)?\.\w+$",
    "shop action": r"/(?:cart|basket|checkout|wishlist|compare|warenkorb|panier)/(?:add|remove|product_compare)(?:/|$)",
    "administration": r"/(?:trackback|wp-json|xmlrpc\.php|wp-(?:admin|content|login(?:\.php)?)|cgi-bin|cdn-cgi)(?:/|$)",
    "session": r"""
        /\(?[sf]\([a-z0-9]{20,}\)\)?/ | /[0-9a-f]{32,}(?:/|$)
        | /(?:sess|session|sid|token)[-_]?(?:id)?[-_/=](?=[a-z]*\d)[a-z0-9]{8,}(?:/|$)
        | /(?=[a-z]*\d[a-z]*\d[a-z]*\d)[a-z0-9]{24,}(?:/|$)
    """,
}
_PARAMETERS = {  # name=value of one parameter, the whole of it
    "calendar": r"""
        (?:month|year|week|day|date|monat|jahr|mois|tribe-bar-date|ical|eventdisplay|cal(?:endar)?|ym)=.*
        | m=(?:19|20)\d{4,6} | view=(?:day|week|month|agenda)
    """,
    "further page of a list": r"""
        (?:page|paged|seite|pagina|pg|page_?n(?:o|um|umber)?|p?age_?num\w*|start|limitstart|offset|from_?row|.*\[page\])=\d*
    """,
    "feed": r"(?:feed|rss|atom)=.* | (?:format|type|output)=(?:feed|rss|atom|json|xml|raw|98|ics)",
    "print view": r"""
        (?:print(?:er|able|_?view|_?friendly|_?version)?|tmpl|drucken)=.*
        | (?:format|output|view|mode|type)=(?:print|pdf)
    """,
    "shop action": r"""
        (?:add[-_]to[-_](?:cart|wishlist|compare)|wishlist|add|remove_item|compare|buy|quantity|variant|variation|attribute_\w+)=.*
    """,
    "filter or sorting": r"""
        (?:sort\w*|order|orderby|order_?by|order_?dir|direction|limit|per_?page|pagesize|results|filter.*|facet.*|refine\w*|f\[.*|
        colou?rs?|sizes?|brands?|materials?|(?:min|max)_?price|price\w*|rating|in_?stock|availability|on_?sale)=.*
        | (?:dir)=(?:asc|desc) | (?:view|display|mode|layout)=(?:grid|list|table|map|gallery|all|mobile|desktop|full)
    """,
    "search": r"(?:s|search|query|keywords?|suche|searchword|search_query)=.* | q=(?!node/|[a-z-]+(?:/[a-z0-9-]+)*$).*",
    "reply or share": r"""
        (?:replytocom|share|like_comment|attachment_id|doing_wp_cron|redirect(?:_to)?|return(?:_?url)?|ajax)=.*
    """,
    "session": r"(?:sess|session|token)[-_]?(?:id)?=.* | (?!c?hash=|id=)\w+=[0-9a-f]{32,}",
}


def _one_of(table: dict[str, str]) -> re.Pattern[str]:
    """One pattern for all, whose group says which: a page of links is judged four times as fast."""
    groups = (f"(?P<{why.replace(' ', '_')}>{text})" for why, text in table.items())
    return re.compile("|".join(groups), re.IGNORECASE | re.VERBOSE)


_IN_PATH = _one_of(_PATHS)
_IN_QUERY = _one_of(_PARAMETERS)
# Parameters by which content managers name a page: Joomla, WordPress, Drupal, TYPO3, and a language.
_NAMING = frozenset(
    {"option", "view", "id", "itemid", "catid", "page_id", "p", "page", "q", "lang", "language", "l", "chash", "task"}
)


@dataclass(frozen=True, slots=True)
class Link:
    """An address as it stands in a page, with the words a reader sees on it."""

    href: str
    anchor: str


def refusal(url: str) -> str:
    """Why a canonical URL is not followed, or an empty string.

    Returns:
        One phrase: ``not a page`` (another file, or a mail address) or ``PDF file``, which are harmless; all others
        lead to pages without end or to pages again: ``repeated path``, ``deep path``, ``many parameters``, or a key of
        the tables above.
    """
    parts = urlsplit(url)
    path = unquote(parts.path)
    if path.lower().endswith(".pdf"):
        return PDF
    if NOT_PAGES.search(path):
        return FILE
    if has_e_mail(unquote(f"{parts.path}?{parts.query}")):
        return FILE  # mostly a mail link whose "mailto:" was forgotten; its address is not to be kept
    path_parts = [part.lower() for part in parts.path.split("/") if part]
    if path_parts and max(Counter(path_parts).values()) > MAX_PART_REPEATS:
        return "repeated path"
    if len(path_parts) > MAX_PATH_PARTS:
        return "deep path"
    if match := _IN_PATH.search(parts.path):
        return (match.lastgroup or "").replace("_", " ")
    return _refused_query(parts.query) if parts.query else ""


def is_trap(why: str) -> bool:
    """Whether a refusal is of pages without end, rather than of something that is no page."""
    return why not in {"", FILE, PDF}


def _refused_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    for name, value in pairs:
        if match := _IN_QUERY.fullmatch(f"{name}={value}"):
            return (match.lastgroup or "").replace("_", " ")
    extra = sum(name.lower() not in _NAMING for name, _ in pairs)
    return "many parameters" if extra > MAX_QUERY_PARAMETERS or len(pairs) > 2 * MAX_QUERY_PARAMETERS else ""
