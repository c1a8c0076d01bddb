"""HTML of one page to its title, language and the text a classifier may read.

``extract_page`` works on its own and never raises: hostile bytes give an empty or cut text, not an exception.
The main-content finder takes time quadratic in nesting depth (539 s at 100,000 levels), hence ``MAX_NESTING``.
"""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass
from typing import Any

from crawler.charset import decode_html
from crawler.links import Link
from crawler.text import clean_text, language_of, main_text

MAX_TITLE = 300
MAX_DESCRIPTION = 1_000
MAX_LINKS = 5_000
MAX_NESTING = 500  # 3,000 levels cost 0.17 s, 100,000 cost 539 s; real pages stay under 100
MAX_HTML_CHARS = 8 * 1024 * 1024
NESTING_TAG = re.compile(
    r"<(/?)(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr|p|li|td|tr|th|dd|dt|option)\b)[a-zA-Z]",
    re.ASCII,
)
REFRESH = re.compile(r"^\s*([\d.]+)\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']+)", re.IGNORECASE)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageText:
    """What one page says. ``cut`` is true when its nesting or size kept part of the usual reading from being done."""

    text: str
    title: str
    language: str
    description: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page's words with what the crawl needs besides: links, base address, refresh target, robots rules."""

    words: PageText
    links: list[Link]
    base: str
    refresh: tuple[float, str] | None
    robots: str
    encoding: str


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
        return HtmlPage(PageText(text, "", "", cut=True), [], "", None, "", decoded.encoding)


def _read(source: str, encoding: str, *, cut: bool) -> HtmlPage:
    from resiliparse.parse.html import HTMLTree

    tree: Any = HTMLTree.parse(source.replace("\x00", ""))
    deep = nesting(source) > MAX_NESTING
    meta = _meta(tree)
    title = clean_text(tree.title or "").replace("\n", " ")[:MAX_TITLE] or meta.get("og:title", "")[:MAX_TITLE]
    description = (meta.get("description") or meta.get("og:description", ""))[:MAX_DESCRIPTION]
    links = _links(tree)
    text = main_text(tree, deep=deep)
    html_node = tree.document.query_selector("html")
    declared = (html_node.getattr("lang", "") or "") if html_node is not None else ""
    words = PageText(text, title, language_of(text, declared), description, cut or deep)
    base_node = tree.document.query_selector("base[href]")
    base = base_node.getattr("href", "") if base_node is not None else ""
    return HtmlPage(words, links, base or "", _refresh(tree), meta.get("robots", "").lower(), encoding)


def nesting(source: str) -> int:
    """An upper estimate of how deep elements are nested; tags that HTML lets people leave open are not counted."""
    depth = deepest = 0
    for match in NESTING_TAG.finditer(source):
        if match[1]:
            depth = max(0, depth - 1)
        else:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _meta(tree: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.document.get_elements_by_tag_name("meta")[:MAX_LINKS]:
        name = (node.getattr("name") or node.getattr("property") or "").strip().lower()
        if name in {"description", "og:description", "og:title", "robots"} and name not in found:
            found[name] = clean_text(node.getattr("content") or "").replace("\n", " ")
    return found


def _links(tree: Any) -> list[Link]:
    links: list[Link] = []
    for tag, attribute in (("a", "href"), ("area", "href"), ("frame", "src"), ("iframe", "src")):
        # The slice matters: iterating over the collection itself takes quadratic time (35 s for 3,000 links).
        for node in tree.document.get_elements_by_tag_name(tag)[:MAX_LINKS]:
            href = (node.getattr(attribute) or "").strip()
            if href and not href.startswith("#"):
                anchor = (
                    " ".join((node.text or "").split())[:200]
                    or (node.getattr("title") or node.getattr("alt") or "")[:200]
                )
                links.append(Link(href, "frame" if tag.endswith("frame") else anchor))
    return links


def _refresh(tree: Any) -> tuple[float, str] | None:
    for node in tree.document.get_elements_by_tag_name("meta")[:MAX_LINKS]:
        if (node.getattr("http-equiv") or "").strip().lower() == "refresh":
            match = REFRESH.match(node.getattr("content") or "")
            if match:
                try:
                    return float(match[1]), match[2].strip()
                except ValueError:
                    return None
    return None
