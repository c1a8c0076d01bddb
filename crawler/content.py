"""Main text of a parsed page: what it says apart from its menus, banners and advertisements.

Main content is found by rules made for articles, which throw away the cards and tables in which firms describe
their work; so it is only a guide: sentences outside it stay, and where it kept too little it is not followed at all.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crawler.text import clean_text
from crawler.visible import NOT_TEXT, detach

# Figures here are word F1 against 275 hand-marked pages (162 service, 113 product), as "service / product" on the
# pages of even and of odd rank by file_id. Choices were made on the even half only.
# Before: 0.830 / 0.675 and 0.822 / 0.632. With all of this: see tests/evaluation/test_extraction_gate.py.
# No form: older sites wrap the whole page in one.
FURNITURE = (
    *("nav", "header", "footer", "aside", "button", "[aria-modal=true]"),
    *(f"[role={role}]" for role in ("navigation", "banner", "contentinfo", "complementary", "search", "menu")),
    *(f"[role={role}]" for role in ("menubar", "dialog", "alertdialog", "alert", "tooltip")),
)
# Parts of a class or id. "footer", "header", "menu", "testimonial", "banner" and "slider" were tried and cost words.
FURNITURE_NAMES = (
    *("review", "related", "recommend", "popup", "modal", "cookie"),
    *("upsell", "cross-sell", "crosssell", "similar", "recently", "minicart"),  # goods other than the page's own
    *("newsletter", "subscribe", "breadcrumb", "announcement"),
)
NAMED_TAGS = ("div", "section", "ul")  # never body, whose classes name whatever the page also has
MAX_FURNITURE = 50_000
# Where something is sold, a carousel shows other goods (even half: product +0.008); elsewhere it is the firm's own
# work (service -0.002), so it goes on shop pages only, and with it lines that are nothing but links (+0.004).
SHOP_NAMES = (*FURNITURE_NAMES, "carousel")
ADD_TO_CART = re.compile(rb"add[-_ ]?to[-_ ]?(?:cart|bag|basket)")
BUTTON = re.compile(rb"<(?:button|input|form|a)\b[^>]*$|>\s*$")  # what may stand before it
CART_REACH = 600
PRODUCT = re.compile(
    rb"product:price|og:type.{0,50}product|product.{0,50}og:type|schema\.org/product\b|\"@type\".{0,6}\"product\"",
    re.DOTALL,
)
PRODUCT_SIGNS = (b"product:price", b"og:type", b"schema.org/product", b'"product"')
SIGN_REACH = 80
MIN_SHARE = 0.5  # of all words outside furniture; even half: 0.4 and 0.5 are alike, 0.3 and 0.6 worse
MIN_SHOP_SHARE = 0.4  # even half: product 0.715 at 0.3, 0.724 at 0.4, 0.718 at 0.5
MIN_KEPT = 0.1  # a page that is all form or all header is read whole
MIN_CHARS = 200
MAX_MARKED = 1_000_000  # the longest of 275 pages has 270,000
MIN_SENTENCE = 8  # words; even half: service 0.829 without, 0.831 at 8, 0.825 at 20
MENU_SHARE = 0.9
LEFTOVER = re.compile(r"\{\{|^\s*https?://\S{20,}\s*$")  # of a template that script was to fill in
LINK_START = re.compile(r"<a\b[^>]*>")
OPEN, CLOSE = "\ue000", "\ue001"  # private characters that stand for the tags of a link
MARK = re.compile(f"[{OPEN}{CLOSE}]")
LINK = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")
TAG = re.compile(r"<[^>]*>")
CUT_TAG = re.compile(r"<[^<>]*$")
SEPARATED = re.compile(
    r"</?fig(?:ure|caption)(?=[\s>])|</(?:summary|legend)\s{0,9}>|</a\s{0,9}>(?=<a\s)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; ``key`` is it in lower case, ``linked`` the share of its characters that is links."""

    text: str
    key: str
    linked: float


def separated(source: str) -> str:
    """HTML in which the text finder keeps apart, or finds at all, what it would else glue together or pass over.

    It puts no break after a summary or a legend, and drops a figure with all in it (in WordPress every table and
    quotation is one) when texts that stand for images are not wanted. Links that touch each other are words apart to a
    reader, since menus and lists of tags are spaced by style.
    """
    return SEPARATED.sub(_separated, source)


def _separated(found: re.Match[str]) -> str:
    tag = found[0].lower()
    if "fig" in tag:
        return "</div" if tag[1] == "/" else "<div"
    return f"{tag} " if tag.startswith("</a") else f"<br>{tag}"


def main_text(tree: Any, lower: bytes, everything: str) -> str:
    """The page's text in blocks separated by blank lines; a line that stands twice is kept once.

    Args:
        tree: A resiliparse ``HTMLTree``; its furniture is removed from it.
        lower: The page's HTML in lower case.
        everything: Its visible text.
    """
    shop = sells(lower)
    _remove_furniture(tree, SHOP_NAMES if shop else FURNITURE_NAMES)
    main = _lines(_marked_text(tree, main=True), shop=shop)
    main_size, share = _size(main), MIN_SHOP_SHARE if shop else MIN_SHARE
    if shop and main_size >= max(MIN_CHARS, share * len(everything)):
        return _join(main)  # as below, only sooner: the rest is longer than what is outside furniture
    plain = _lines(_marked_text(tree, main=False), shop=shop)
    plain_size = _size(plain)
    if main_size >= max(MIN_CHARS, share * plain_size):
        return _join(main if shop else _with_sentences(plain, main))
    if plain_size < MIN_CHARS or plain_size < MIN_KEPT * len(everything):
        return whole_text(everything)
    return _join(plain)


def whole_text(everything: str) -> str:
    """All visible text, each line once: for pages on which nothing is to be told apart."""
    return _join(_lines(html.escape(everything, quote=False), shop=False))


def sells(lower: bytes) -> bool:
    """Whether a page (HTML in lower case) offers goods: it says so to search engines, or something goes in a cart."""
    for sign in PRODUCT_SIGNS:
        at = lower.find(sign)
        if at >= 0 and PRODUCT.search(lower[max(0, at - SIGN_REACH) : at + SIGN_REACH]):
            return True
    return any(
        BUTTON.search(lower[max(0, found.start() - CART_REACH) : found.start()])
        for found in ADD_TO_CART.finditer(lower)
    )


def _remove_furniture(tree: Any, names: tuple[str, ...]) -> None:
    # One test within :is() for each tag takes a third of the time of a selector for each pair of tag and name.
    parts = ",".join(f'[{attribute}*="{name}" i]' for name in names for attribute in ("class", "id"))
    selector = ",".join((*FURNITURE, *(f"{tag}:is({parts})" for tag in NAMED_TAGS)))
    for node in tree.document.query_selector_all(selector)[:MAX_FURNITURE]:
        detach(node)


def _with_sentences(plain: list[Line], main: list[Line]) -> list[Line]:
    """Lines in main content, and whole sentences beside it."""
    keys = {line.key for line in main}
    return [
        line
        for line in plain
        if not line.text or line.key in keys or (line.key.count(" ") + 1 >= MIN_SENTENCE and line.linked < 0.5)
    ]


def _lines(marked: str, *, shop: bool) -> list[Line]:
    """Lines of minimal HTML, each once, without left-over template marks; a blank line has no text."""
    if len(marked) > MAX_MARKED:
        marked = CUT_TAG.sub("", marked[:MAX_MARKED])
    marked = LINK_START.sub(OPEN, marked.replace(OPEN, "").replace(CLOSE, "")).replace("</a>", CLOSE)
    plain = clean_text(html.unescape(TAG.sub("", marked)))
    lines: list[Line] = []
    seen: set[str] = set()
    for raw in plain.split("\n"):
        text, linked = _unmarked(raw) if OPEN in raw or CLOSE in raw else (raw, 0.0)
        key = text.lower()
        if not text:
            lines.append(Line("", "", 0.0))
        elif not (
            key in seen or (("{" in text or "://" in text) and LEFTOVER.search(text)) or (shop and linked > MENU_SHARE)
        ):
            seen.add(key)
            lines.append(Line(text, key, linked))
    return lines


def _unmarked(raw: str) -> tuple[str, float]:
    """A line without its marks, and the share of it that is links; a link over several lines is a card, not a link."""
    text = " ".join(MARK.sub("", raw).split())
    return text, sum(map(len, LINK.findall(raw))) / max(1, len(text))


def _size(lines: list[Line]) -> int:
    return sum(len(line.text) + 1 for line in lines)


def _join(lines: list[Line]) -> str:
    return clean_text("\n".join(line.text for line in lines))


def _marked_text(tree: Any, *, main: bool) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    extract: Callable[..., str] = extract_plain_text
    return extract(
        tree,
        main_content=main,
        preserve_formatting="minimal_html",
        alt_texts=False,
        list_bullets=False,
        links=True,
        skip_elements=list(NOT_TEXT),
    )
