"""HTML of one page to its title, language and the text a classifier may read.

``extract_page`` works on its own and never raises: hostile bytes give an empty or cut text, not an exception.
The main-content finder takes time quadratic in nesting depth (539 s at 100,000 levels), and asking for elements by name
11 s at a million levels, hence ``MAX_NESTING`` and ``MAX_TAGS``: beyond them all visible text is taken as it stands.
"""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass
from typing import Any

from crawler.charset import decode_html
from crawler.content import main_text, separated, whole_text
from crawler.head import read_head, read_links
from crawler.links import Link
from crawler.records import Mark
from crawler.structured import Organization, organizations
from crawler.text import clean_text, language_of
from crawler.visible import remove_hidden, shows_nothing, visible_text, waits_for_script

MAX_NESTING = 500  # 3,000 levels cost 0.17 s, 100,000 cost 539 s; real pages stay under 100
MAX_TAGS = 100_000  # the most of 275 real pages is 16,000; 400,000 elements would cost 6 s
MAX_WALKED = 30_000  # elements and texts looked at one by one, which costs 8 us each
MAX_HTML_CHARS = 8 * 1024 * 1024
MAX_FULL_TEXT = 200_000
MAX_SCRIPTS = 1_000
NESTING_TAG = re.compile(
    rb"<(/?)(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|td|tr|th|dd|dt|option)\b)[a-z]"
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageText:
    """What one page says.

    ``cut``: its nesting or size kept part of the usual reading from being done. ``stuffed``: the text is no text for a
    reader (a few words over and over, or written in white, or hidden as a whole), and should not be used.
    """

    text: str
    title: str
    language: str
    description: str = ""
    cut: bool = False
    stuffed: bool = False


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page's words with what the crawl needs besides.

    ``full_text`` is all that can be seen, menus and footers too, for marks of identity; ``marks`` are filled by
    ``page_reading``. ``robots`` are the directives
    of meta tags that apply to us, in lower case. ``canonical`` and ``alternates`` (hreflang in lower case, address)
    stand as in the page. ``script_only``: no words here, scripts would draw them.
    """

    words: PageText
    links: list[Link]
    base: str
    refresh: tuple[float, str] | None
    robots: frozenset[str]
    encoding: str
    canonical: str = ""
    alternates: tuple[tuple[str, str], ...] = ()
    full_text: str = ""
    organizations: tuple[Organization, ...] = ()
    script_only: bool = False
    marks: tuple[Mark, ...] = ()


def extract_page(body: bytes, url: str, content_type: str = "") -> PageText:
    """Read the words of an HTML page.

    Args:
        body: The page's bytes, content encoding already undone.
        url: Where it came from; used for messages only.
        content_type: The ``Content-Type`` header, for its charset.

    Returns:
        Main text in blocks separated by blank lines; empty fields where nothing was found. ``language`` is an
        ISO 639-1 code or an empty string. The meta description is a field of its own, see ``with_description``.
    """
    return read_html(body, url, content_type).words


def with_description(words: PageText) -> str:
    """The page's text, led by its meta description unless the text already says it."""
    needle = " ".join(words.description.lower().split())[:200]
    if not needle or needle in " ".join(words.text.lower().split()):
        return words.text
    return f"{words.description}\n\n{words.text}".strip()


def read_html(body: bytes, url: str, content_type: str = "") -> HtmlPage:
    """As ``extract_page``, with the links and directives of the page. Never raises."""
    decoded = decode_html(body, content_type)
    source = decoded.text[:MAX_HTML_CHARS]
    try:
        return _read(source, decoded.encoding, cut=len(decoded.text) > MAX_HTML_CHARS)
    except Exception:  # one page of one stranger must not end the crawl
        log.warning("cannot read the HTML of %.200r", url, exc_info=True)
        text = clean_text(html.unescape(re.sub(r"<[^>]*>", " ", source[:1_000_000])))
        return HtmlPage(PageText(text, "", "", cut=True), [], "", None, frozenset(), decoded.encoding)


def _read(source: str, encoding: str, *, cut: bool) -> HtmlPage:
    from resiliparse.parse.html import HTMLTree

    source = separated(source.replace("\x00", ""))
    tree: Any = HTMLTree.parse(source)
    lower = source.encode("utf-8", "replace").lower()
    deep = lower.count(b"<") > MAX_TAGS or (nesting(lower) > MAX_NESTING and is_deep(tree))
    head = read_head(tree)
    links = read_links(tree)
    firms = organizations(_json_scripts(tree))
    description = head.description or next((firm.description for firm in firms if firm.description), "")
    opened = 0 if deep else remove_hidden(tree, lower)
    everything = visible_text(tree)
    stuffed = shows_nothing(tree, lower, everything, opened)
    script_only = waits_for_script(tree, lower, everything)
    text = whole_text(everything) if deep else main_text(tree, lower, everything)  # last: it takes the page apart
    return HtmlPage(
        words=PageText(text, head.title, language_of(text, head.language), description, cut or deep, stuffed),
        links=links,
        base=head.base,
        refresh=head.refresh,
        robots=head.robots,
        encoding=encoding,
        canonical=head.canonical,
        alternates=head.alternates,
        full_text=everything[:MAX_FULL_TEXT],
        organizations=firms,
        script_only=script_only,
    )


def _json_scripts(tree: Any) -> list[str]:
    scripts = tree.document.get_elements_by_tag_name("script")[:MAX_SCRIPTS]
    return [node.text or "" for node in scripts if "ld+json" in (node.getattr("type") or "").lower()]


def nesting(lower: bytes) -> int:
    """An upper estimate of how deep elements are nested; tags that HTML lets people leave open are not counted.

    Args:
        lower: HTML in lower case.
    """
    depth = deepest = 0
    for closing in NESTING_TAG.findall(lower):
        if closing:
            depth = depth - 1 if depth else 0
        else:
            depth += 1
            if depth > deepest:
                deepest = depth
    return deepest


def is_deep(tree: Any) -> bool:
    """Whether the tree is nested beyond ``MAX_NESTING``, or too large to tell.

    The estimate of ``nesting`` is far too high on pages with drawings, whose elements close themselves.
    """
    node, depth = tree.document, 0
    for _ in range(MAX_WALKED):
        following = node.first_child
        if following is not None:
            depth += 1
            if depth > MAX_NESTING:
                return True
        else:
            following = node.next_sibling
            while following is None:
                node, depth = node.parent, depth - 1
                if node is None or depth <= 0:
                    return False
                following = node.next_sibling
        node = following
    return True
