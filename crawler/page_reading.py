"""Everything that takes a page's bytes and time: its words, its links and the marks of whose it is.

One function, so that it runs the same in the crawl's own process and in one beside it.
"""

from __future__ import annotations

from dataclasses import replace

from crawler.extract import HtmlPage, read_html
from crawler.identity import marks_of


def read_page(body: bytes, url: str, content_type: str, kind: str) -> HtmlPage:
    """Read a page with its marks; ``full_text``, which is only needed for those, is left out. Never raises.

    Args:
        body: The page's bytes, content encoding already undone.
        url: Where it came from.
        content_type: The ``Content-Type`` header.
        kind: What kind of page it is taken for, as ``records.PAGE_KINDS``.
    """
    return with_marks(read_html(body, url, content_type), url, kind)


def with_marks(html: HtmlPage, url: str, kind: str) -> HtmlPage:
    """The page with the marks that stand in its ``full_text``, and without that."""
    return replace(html, marks=marks_of(html.full_text, html.organizations, url, kind), full_text="")
