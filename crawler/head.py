"""What a page says to programs: title, meta tags, links, canonical address, translations, refresh, robots rules.

Collections are sliced before they are walked: iterating over one itself takes quadratic time (35 s for 3,000 links).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from crawler.links import Link
from crawler.text import clean_text

MAX_TITLE = 300
MAX_DESCRIPTION = 1_000
MAX_LINKS = 5_000
MAX_ALTERNATES = 200
MAX_ANCHOR = 200
ROBOTS_NAMES = ("robots", "firmscope")
META_NAMES = frozenset({"description", "og:description", "og:title"})
REFRESH = re.compile(r"^\s*([\d.]+)\s*[;,]\s*(?:url\s*=\s*)?[\"']?([^\"']+)", re.IGNORECASE)
LINK_TAGS = (("a", "href"), ("area", "href"), ("frame", "src"), ("iframe", "src"))


@dataclass(frozen=True, slots=True)
class Head:
    """``alternates`` are (hreflang in lower case, href); ``robots`` the directives that apply to us, in lower case."""

    title: str
    description: str
    language: str
    base: str
    canonical: str
    alternates: tuple[tuple[str, str], ...]
    refresh: tuple[float, str] | None
    robots: frozenset[str]


def read_head(tree: Any) -> Head:
    """Everything but the words and links of a resiliparse ``HTMLTree``."""
    meta: dict[str, str] = {}
    robots: set[str] = set()
    refresh: tuple[float, str] | None = None
    for node in tree.document.get_elements_by_tag_name("meta")[:MAX_LINKS]:
        name = (node.getattr("name") or node.getattr("property") or "").strip().lower()
        if name in META_NAMES and name not in meta:
            meta[name] = clean_text(node.getattr("content") or "").replace("\n", " ")
        elif name in ROBOTS_NAMES:
            robots.update(word.strip().lower() for word in (node.getattr("content") or "")[:1_000].split(","))
        elif refresh is None and (node.getattr("http-equiv") or "").strip().lower() == "refresh":
            refresh = _refresh(node.getattr("content") or "")
    canonical = ""
    alternates: list[tuple[str, str]] = []
    for node in tree.document.get_elements_by_tag_name("link")[:MAX_LINKS]:
        kinds = (node.getattr("rel") or "").lower().split()
        href = (node.getattr("href") or "").strip()
        if not href:
            continue
        if "canonical" in kinds:
            canonical = canonical or href
        elif "alternate" in kinds and len(alternates) < MAX_ALTERNATES:
            language = (node.getattr("hreflang") or "").strip().lower()
            if language:
                alternates.append((language, href))
    title = clean_text(tree.title or "").replace("\n", " ")[:MAX_TITLE] or meta.get("og:title", "")[:MAX_TITLE]
    description = (meta.get("description") or meta.get("og:description", ""))[:MAX_DESCRIPTION]
    return Head(
        title=title,
        description=description,
        language=_attribute(tree, "html", "lang"),
        base=_attribute(tree, "base[href]", "href"),
        canonical=canonical,
        alternates=tuple(alternates),
        refresh=refresh,
        robots=frozenset(robots - {""}),
    )


def read_links(tree: Any) -> list[Link]:
    """Links of the page as they stand in it, at most ``MAX_LINKS`` of each kind of tag."""
    links: list[Link] = []
    for tag, attribute in LINK_TAGS:
        for node in tree.document.get_elements_by_tag_name(tag)[:MAX_LINKS]:
            href = (node.getattr(attribute) or "").strip()
            if href and not href.startswith("#"):
                links.append(Link(href, "frame" if tag.endswith("frame") else _anchor(node)))
    return links


def _anchor(node: Any) -> str:
    words = " ".join((node.text or "").split())[:MAX_ANCHOR]
    return words or (node.getattr("title") or node.getattr("alt") or "")[:MAX_ANCHOR]


def _attribute(tree: Any, selector: str, name: str) -> str:
    node = tree.document.query_selector(selector)
    return (node.getattr(name, "") or "").strip() if node is not None else ""


def _refresh(content: str) -> tuple[float, str] | None:
    match = REFRESH.match(content)
    try:
        return (float(match[1]), match[2].strip()) if match else None
    except ValueError:
        return None
