"""What a reader of the page would see: hidden and white text, stuffed pages, pages that only script can draw.

Careful on purpose: text hidden by a class stays, and so do tabs and accordions however they are hidden, since they
hold half of what firms say about themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from crawler.text import clean_text

NOT_TEXT = ("script", "style", "noscript", "template", "svg", "iframe", "object", "select", "dialog", "video", "audio")
MAX_REMOVED = 20_000
HIDING = {
    b"hidden": "[hidden]",
    b"display:none": '[style*="display:none" i]',
    b"display: none": '[style*="display: none" i]',
    b"visibility:hidden": '[style*="visibility:hidden" i]',
    b"visibility: hidden": '[style*="visibility: hidden" i]',
}
# What opens on a click, or is moved into place by script (React streams blocks as <div hidden id="S:1">). Of 275
# hand-marked pages 27 hold main content that the page itself hides; on 19 all of it has a role or one of the names.
OPENED = re.compile(
    "tab|accordion|collaps|toggle|panel|expand|answer|content|item|faq|slide|drawer|read|more|defer|lazy", re.IGNORECASE
)
MOVED = "S:"
MIN_SEEN = 40  # characters; a page that shows fewer and hides the rest shows nothing
MIN_UNSEEN = 200
WHITE = r"(?:#fff(?:fff)?\b|white\b|rgba?\(\s?255\s?,\s?255\s?,\s?255\b)"
WHITE_COLOUR = re.compile(WHITE, re.IGNORECASE)
WHITE_STYLE = re.compile(rf"(?:^|[;\s])color\s{{0,3}}:\s{{0,3}}{WHITE}", re.IGNORECASE)
WHITE_SIGNS = (b"#fff", b"white", b"255,", b"255 ")
WHITE_ANY = re.compile(WHITE.encode())
WHITE_RULE = re.compile(
    rf"(?:html|body|\bp|\bdiv|\*)\s{{0,3}}\{{(?:[^}}]{{0,500}}?[\s;])?color\s{{0,3}}:\s{{0,3}}{WHITE}".encode()
)
BACKGROUND = re.compile(
    rb"(?:background(?:-color|-image)?\s{0,3}[:=]|bgcolor\s{0,3}=)\s{0,3}[\"']?\s{0,3}([^;\"'>}]{0,40})"
)
MIN_WHITE = 0.9
MIN_STUFFED_WORDS = 300
MAX_STUFFED_SHARE = 0.01  # different words among all; the least of 447 pages of 200 real sites is 0.18
MAX_SCRIPT_PAGE_CHARS = 200  # visible characters of a page that waits for its scripts: a title, a loading notice
MAX_NOTICE_PAGE_CHARS = (
    100  # where nothing but a notice to enable scripts tells; small pages with a gallery have it too
)
FRAMEWORK = re.compile(
    rb"\bid=[\"']?__next\b|\b__next_data__|/_next/static/|window\.__nuxt__|/_nuxt/|<app-root\b|\bng-(?:app|version)\b"
    rb"|\bdata-reactroot\b|\bid=[\"']?___gatsby|/static/js/main\.[0-9a-z]+\.js"
)
ROOT = re.compile(rb"<(?:div|main|section)\b[^>]{0,200}\bid=[\"']?(?:root|app|react-root|svelte|q-app|mount)\b")
LOADED_SCRIPT = re.compile(rb"<script\b[^>]{0,300}\bsrc\s?=|<script\b[^>]{0,100}\btype=[\"']?module\b")
ENABLE_SCRIPT = re.compile(
    r"\b(?:enable|requires?|activate|turn on|aktivieren)\b.{0,40}\bjava ?script\b"
    r"|\bjava ?script\b.{0,60}\b(?:enable|required|activate|turn on|aktivieren|disabled)",
    re.IGNORECASE | re.DOTALL,
)


def detach(node: Any) -> None:
    """Take an element out of its tree."""
    parent = node.parent
    if parent is not None:
        parent.remove_child(node)


def visible_text(tree: Any, skip: Sequence[str] = ()) -> str:
    """All that can be seen of the page, menus and footers too, in blocks separated by blank lines."""
    from resiliparse.extract.html2text import extract_plain_text

    skipped = [*NOT_TEXT, *skip]
    return clean_text(extract_plain_text(tree, alt_texts=False, list_bullets=False, skip_elements=skipped))


def hiding(lower: bytes) -> list[str]:
    """Selectors of what the page itself hides, tabs and accordions too; only those of which the page has any."""
    return [selector for sign, selector in HIDING.items() if sign in lower]


def remove_hidden(tree: Any, lower: bytes) -> int:
    """Take out what the page itself hides, but for what a click opens; returns how many characters that has."""
    selectors = hiding(lower)
    opened = 0
    if selectors:
        for node in tree.document.query_selector_all(",".join(selectors))[:MAX_REMOVED]:
            name = node.getattr("id") or ""
            if node.tag in {"html", "body"} or name.startswith(MOVED):
                continue
            if node.getattr("role") or OPENED.search(name) or OPENED.search(node.getattr("class") or ""):
                opened += len(node.text or "")
            else:
                detach(node)
    return opened


def shows_nothing(tree: Any, lower: bytes, text: str, opened: int) -> bool:
    """Whether a page's text is not meant for readers.

    Args:
        tree: The page, as left by ``remove_hidden``.
        lower: Its HTML in lower case.
        text: Its visible text.
        opened: What ``remove_hidden`` gave.
    """
    if is_stuffed(text) or is_white(tree, lower, text):
        return True
    # Nested hidden elements count twice in ``opened``, so it only says where to look.
    suspect = len(text) >= MIN_UNSEEN and opened + MIN_SEEN >= len(text)
    return suspect and len(visible_text(tree, hiding(lower))) < MIN_SEEN


def is_stuffed(text: str) -> bool:
    """Whether a text is a few words over and over."""
    words = text.lower().split()
    return len(words) >= MIN_STUFFED_WORDS and len(set(words)) <= MAX_STUFFED_SHARE * len(words)


def is_white(tree: Any, lower: bytes, text: str) -> bool:
    """Whether nearly all text is written in white while the page names no other background; style sheets may."""
    if b"stylesheet" in lower or b"@import" in lower or not any(sign in lower for sign in WHITE_SIGNS):
        return False
    if not WHITE_ANY.search(lower):
        return False
    if not all(WHITE_COLOUR.match(found[1].decode("utf-8", "replace")) for found in BACKGROUND.finditer(lower)):
        return False
    body = tree.document.query_selector("body[text]")
    if WHITE_RULE.search(lower) or (body is not None and WHITE_COLOUR.match((body.getattr("text") or "").strip())):
        return True
    white = 0
    for node in tree.document.query_selector_all('[style*="color" i],font[color]')[:MAX_REMOVED]:
        if WHITE_STYLE.search(node.getattr("style") or "") or WHITE_COLOUR.match(node.getattr("color") or ""):
            white += len(node.text or "")
    return white >= MIN_WHITE * len(text) > 0


def waits_for_script(tree: Any, lower: bytes, text: str) -> bool:
    """Whether the page has hardly any words of its own and would draw them by script."""
    if len(text) > MAX_SCRIPT_PAGE_CHARS:
        return False
    if FRAMEWORK.search(lower):
        return True
    if not LOADED_SCRIPT.search(lower):
        return False
    if ROOT.search(lower):
        return True
    notices = " ".join(node.text or "" for node in tree.document.get_elements_by_tag_name("noscript")[:20])
    return len(text) <= MAX_NOTICE_PAGE_CHARS and bool(ENABLE_SCRIPT.search(notices[:10_000]))
