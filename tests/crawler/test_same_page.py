"""Which spellings are one page, and when a page's canonical link is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.urls import canonical_url, page_key, same_page

KEYS = [
    ("https://www.firm.com/a/", "http://firm.com/a", True),
    ("https://firm.com/a/index.html", "https://firm.com/a", True),
    ("https://firm.com/a?x=1&y=2", "https://firm.com/a?y=2&x=1", True),
    ("https://m.firm.com/a", "https://firm.com/a", True),
    ("https://www.m.firm.com/a", "https://firm.com/a", True),
    ("https://firm.com/a?ref=menu", "https://firm.com/a", True),
    ("https://m.com/a", "https://com/a", False),
    ("https://shop.firm.com/a", "https://firm.com/a", False),
    ("https://firm.com/A", "https://firm.com/a", False),
    ("https://firm.com/home.html", "https://firm.com/", False),
    ("https://firm.com/a?id=1", "https://firm.com/a?id=2", False),
    ("http://firm.com:8080/", "http://firm.com/", False),
]


@pytest.mark.parametrize(("one", "other", "same"), KEYS)
def test_page_key(one: str, other: str, same: bool) -> None:
    assert (page_key(canonical_url(one)) == page_key(canonical_url(other))) is same


@given(
    st.from_regex(
        r"https?://(www\.|m\.)?[a-c]\.(com|co\.uk)/([a-cA/.]|index\.html|%2F){0,8}(\?(ref|[ab])=[0-9]?&b=x)?",
        fullmatch=True,
    )
)
def test_page_key_of_a_spelling_of_the_same_page_is_the_same(url: str) -> None:
    one = canonical_url(url)
    assert page_key(canonical_url(one)) == page_key(one)
    assert page_key(one.replace("https:", "http:")) == page_key(one)


CANONICAL = [
    ("none", "/a", "", "/a"),
    ("itself", "/a", "/a", "/a"),
    ("no URL", "/a", "javascript:x", "/a"),
    ("final slash", "/a", "/a/", "/a/"),
    ("www", "/a", "https://www.firm.com/a", "https://www.firm.com/a"),
    ("telephone host", "https://m.firm.com/a", "https://firm.com/a", "/a"),
    ("letter case", "/About", "/about", "/about"),
    ("https to http", "/a", "http://firm.com/a", "/a"),
    ("http to https", "http://firm.com/a", "https://firm.com/a", "/a"),
    ("another site", "/a", "https://other.com/a", "/a"),
    ("home page", "/a", "/", "/a"),
    ("home page by name", "/a", "/index.php", "/a"),
    ("first page of a language", "/en/a", "/en/", "/en/a"),
    ("another page", "/products", "/about", "/products"),
    ("folder of it", "/products/pumps", "/products", "/products/pumps"),
    ("without a filter", "/shop?color=red", "/shop", "/shop"),
    ("without what tells it apart", "/page.aspx?id=3", "/page.aspx", "/page.aspx?id=3"),
    ("same article in another folder", "/sale/products/pump", "/products/pump", "/products/pump"),
    ("with and without an ending", "/about.html", "/about", "/about"),
    ("page by number", "/?p=12", "/about-us", "/about-us"),
    ("page by number of a script", "/index.php?id=5", "/about-us", "/about-us"),
    ("telephone copy", "/news/a/amp", "/news/a", "/news/a"),
    ("a feed", "/a", "/feed/a", "/a"),
    ("a file", "/a", "/a.pdf", "/a"),
]


@pytest.mark.parametrize(
    ("url", "href", "expected"), [case[1:] for case in CANONICAL], ids=[case[0] for case in CANONICAL]
)
def test_canonical_link(url: str, href: str, expected: str) -> None:
    base = canonical_url(url, "https://firm.com/")
    assert same_page(base, href, base) == canonical_url(expected, "https://firm.com/")
