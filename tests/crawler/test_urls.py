"""Website cells, the one spelling of a URL, what is one site, and which links are traps."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import BadUrlError, BadWebsiteError
from crawler.links import is_trap, refusal
from crawler.urls import (
    canonical_url,
    page_key,
    registered_domain,
    same_site,
    site_key,
    start_urls,
)

CELLS = [
    ("bare host", "firm.co.uk", ("https://firm.co.uk/", "http://firm.co.uk/")),
    ("spaces and case", "  WWW.Firm.co.uk ", ("https://www.firm.co.uk/", "http://www.firm.co.uk/")),
    ("byte order mark", "\ufefffirm.com", ("https://firm.com/", "http://firm.com/")),
    ("http stays http", "http://firm.com", ("http://firm.com/",)),
    ("scheme in capitals", "HTTPS://Firm.com/About", ("https://firm.com/About",)),
    ("no scheme, slashes", "//firm.com/x", ("https://firm.com/x", "http://firm.com/x")),
    ("port without scheme", "127.9.0.1:8080", ("https://127.9.0.1:8080/", "http://127.9.0.1:8080/")),
    ("name and port without scheme", "localhost:8080", ("https://localhost:8080/", "http://localhost:8080/")),
    ("default port", "http://firm.com:80/", ("http://firm.com/",)),
    ("credentials", "http://me:secret@firm.com/", ("http://firm.com/",)),
    ("trailing dot", "http://firm.com./", ("http://firm.com/",)),
    ("umlaut", "http://müller.de", ("http://xn--mller-kva.de/",)),
    ("integer address", "http://2130706433/", ("http://127.0.0.1/",)),
    ("hexadecimal address", "http://0x7f000001/", ("http://127.0.0.1/",)),
    ("octal address", "http://0177.0.0.1/", ("http://127.0.0.1/",)),
    ("short address", "http://127.1/", ("http://127.0.0.1/",)),
    ("circled digits", "http://①②⑦.0.0.1/", ("http://127.0.0.1/",)),
    ("IPv6", "http://[::FFFF:127.0.0.1]/", ("http://[::ffff:7f00:1]/",)),
]
BAD_CELLS = [
    "",
    "   ",
    "n/a",
    "None",
    "-",
    "javascript:alert(1)",
    "mailto:info@firm.com",
    "info@firm.com",
    "ftp://firm.com",
    "file:///etc/passwd",
    "data:text/html,x",
    "gopher://firm.com",
    "http://",
    "http://[",
    "http://[::1",
    "firm.com, firm.co.uk",
    "firm.com other.com",
    "http://a.comhttp://b.com",
    "http://firm.com:99999/",
    "http://firm.com:0/",
    "http://256.256.256.256/",
    "http://-firm-.com/",
    "http://fi rm.com/",
    "x" * 3000,
    "http://" + "a" * 300 + ".com",
    "http://firm..com",
    "http://%00.com/",
    "http://firm.com\\@evil.com:x/",
]


@pytest.mark.parametrize(("cell", "expected"), [case[1:] for case in CELLS], ids=[case[0] for case in CELLS])
def test_website_cell(cell: str, expected: tuple[str, ...]) -> None:
    assert start_urls(cell) == expected


@pytest.mark.parametrize("cell", BAD_CELLS, ids=[repr(cell[:30]) for cell in BAD_CELLS])
def test_cell_that_names_no_site(cell: str) -> None:
    with pytest.raises(BadWebsiteError, match="website cell"):
        start_urls(cell)


JOINS = [
    ("../x", "http://f.com/a/b/c", "http://f.com/a/x"),
    ("/x/./y/../z", "http://f.com/", "http://f.com/x/z"),
    ("?a=1#top", "http://f.com/p", "http://f.com/p?a=1"),
    ("//other.com", "https://f.com/", "https://other.com/"),
    ("/a b", "http://f.com/", "http://f.com/a%20b"),
    ("/%7euser", "http://f.com/", "http://f.com/~user"),
    ("/%e4", "http://f.com/", "http://f.com/%E4"),
    ("/100%", "http://f.com/", "http://f.com/100%25"),
    ("/ü", "http://f.com/", "http://f.com/%C3%BC"),
    ("/p?utm_source=x&id=2&gclid=3", "http://f.com/", "http://f.com/p?id=2"),
    ("/p;jsessionid=AB12?id=2", "http://f.com/", "http://f.com/p?id=2"),
    ("/a//b", "http://f.com/", "http://f.com/a/b"),
    ("\n/new\tline ", "http://f.com/", "http://f.com/newline"),
    ("/?b=2&a=1", "http://f.com/", "http://f.com/?b=2&a=1"),
]


@pytest.mark.parametrize(("href", "base", "expected"), JOINS, ids=[case[0].strip() for case in JOINS])
def test_canonical_url(href: str, base: str, expected: str) -> None:
    assert canonical_url(href, base) == expected
    assert canonical_url(expected) == expected


@given(
    st.one_of(st.text(max_size=60), st.from_regex(r"https?://[a-z0-9.:@\[\]%-]{1,20}(/[^\s]{0,30})?", fullmatch=True))
)
def test_canonical_url_is_idempotent_and_fails_only_in_one_way(text: str) -> None:
    try:
        once = canonical_url(text, "http://firm.com/a/b")
    except BadUrlError:
        return
    assert canonical_url(once) == once
    assert once.isascii()
    assert page_key(once) == page_key(canonical_url(once))


@given(st.text(max_size=40))
def test_any_cell_is_a_site_or_a_named_refusal(cell: str) -> None:
    with contextlib.suppress(BadWebsiteError):
        assert all(url.startswith(("https://", "http://")) for url in start_urls(cell))


SITES = [
    ("http://www.firm.co.uk/", "https://firm.co.uk/about", True),
    ("http://shop.firm.co.uk/", "http://www.firm.co.uk/", True),
    ("http://firm.co.uk/", "http://other.co.uk/", False),
    ("http://one.github.io/", "http://two.github.io/", False),
    ("http://127.1.0.1:80/", "http://127.1.0.2/", False),
    ("http://127.1.0.1:8800/", "http://127.1.0.1:8801/", False),
    ("http://127.1.0.1:8800/a", "http://127.1.0.1:8800/b", True),
    ("http://firm.com/", "http://firm.com.evil.net/", False),
    ("http://127.0.0.1/", "http://127.0.0.1.evil.net/", False),
]


@pytest.mark.parametrize(("one", "other", "same"), SITES)
def test_same_site(one: str, other: str, same: bool) -> None:
    assert same_site(canonical_url(one), canonical_url(other)) is same


@pytest.mark.parametrize(
    ("host", "domain"),
    [("a.b.firm.co.uk", "firm.co.uk"), ("firm.com", "firm.com"), ("10.0.0.1", "10.0.0.1"), ("localhost", "localhost")],
)
def test_registered_domain(host: str, domain: str) -> None:
    assert registered_domain(host) == domain


def test_site_key_brings_spellings_together_and_keeps_paths_apart() -> None:
    spellings = [
        "firm.com",
        "http://www.firm.com/",
        "HTTPS://FIRM.COM/index.html",
        "firm.com/#top",
        "firm.com/home.html",
    ]
    assert len({site_key(cell) for cell in spellings}) == 1
    assert site_key("host.com/one") != site_key("host.com/two")


LINKS = [
    ("http://f.com/about", ""),
    ("http://f.com/products/pumps.html", ""),
    ("http://f.com/page.aspx?id=3", ""),
    ("http://f.com/dates-and-nuts", ""),
    ("http://f.com/viewpoint", ""),
    ("http://f.com/calendar-printing", ""),
    ("http://f.com/tagging-systems", ""),
    ("http://f.com/feed-mills", ""),
    ("http://f.com/printing", ""),
    ("http://f.com/print", ""),
    ("http://f.com/page-layout", ""),
    ("http://f.com/session-musicians", ""),
    ("http://f.com/index.php?page=about", ""),
    ("http://f.com/?q=node/12", ""),
    ("http://f.com/?q=about-us", ""),
    ("http://f.com/?page_id=12", ""),
    ("http://f.com/index.php?option=com_content&view=article&id=5&Itemid=7&lang=en", ""),
    ("http://f.com/index.php?id=12&L=1&cHash=0123456789abcdef0123456789abcdef", ""),
    ("http://f.com/shop?category=pumps", ""),
    ("http://f.com/file.pdf", "PDF file"),
    ("http://f.com/File%2ePDF?x=1", "PDF file"),
    ("http://f.com/PHOTO.JPG?x=1", "not a page"),
    ("http://f.com/a/b/a/b/a", "repeated path"),
    ("http://f.com/a/a/a/", "repeated path"),
    ("http://f.com/1/2/3/4/5/6/7/8/9", "deep path"),
    ("http://f.com/events?month=2031-05", "calendar"),
    ("http://f.com/events?view=month", "calendar"),
    ("http://f.com/?m=201905", "calendar"),
    ("http://f.com/2019/05/", "calendar"),
    ("http://f.com/calendar/", "calendar"),
    ("http://f.com/events/calendar.php", "calendar"),
    ("http://f.com/shop?sort=price", "filter or sorting"),
    ("http://f.com/shop?color=red&size=m", "filter or sorting"),
    ("http://f.com/shop?filter[brand]=x", "filter or sorting"),
    ("http://f.com/shop?min_price=5", "filter or sorting"),
    ("http://f.com/list?dir=asc", "filter or sorting"),
    ("http://f.com/blog/page/7", "further page of a list"),
    ("http://f.com/blog?page=7", "further page of a list"),
    ("http://f.com/index.php?option=com_content&view=category&id=5&start=20", "further page of a list"),
    ("http://f.com/?s=pumps", "search"),
    ("http://f.com/find?q=Blue%20pump", "search"),
    ("http://f.com/a?print=1", "print view"),
    ("http://f.com/a/print/", "print view"),
    ("http://f.com/index.php?id=5&tmpl=component", "print view"),
    ("http://f.com/pump?add-to-cart=9", "shop action"),
    ("http://f.com/pump?variant=9", "shop action"),
    ("http://f.com/cart/add/9", "shop action"),
    ("http://f.com/a?replytocom=9", "reply or share"),
    ("http://f.com/a?share=twitter", "reply or share"),
    ("http://f.com/a/feed/", "feed"),
    ("http://f.com/?feed=rss2", "feed"),
    ("http://f.com/tag/pumps", "tag or author archive"),
    ("http://f.com/author/jo/", "tag or author archive"),
    ("http://f.com/wp-admin/", "administration"),
    ("http://f.com/x?a=1&b=2&c=3&d=4", "many parameters"),
    ("http://f.com/x/0123456789abcdef0123456789abcdef/", "session"),
    ("http://f.com/(S(abcdefghijklmnopqrstuvwx))/a", "session"),
    ("http://f.com/session-4f3a2b1c9d/a", "session"),
    ("http://f.com/a?token=0123456789", "session"),
]


@pytest.mark.parametrize(("url", "expected"), LINKS)
def test_traps_are_told_by_their_shape(url: str, expected: str) -> None:
    found = refusal(canonical_url(url))
    assert found == expected
    assert is_trap(found) is (expected not in {"", "PDF file", "not a page"})


@pytest.mark.parametrize(
    "url", ["/a" * 900, "/" + "a1" * 900, "/?" + "a=1&" * 400, "/?" + "[" * 1_900, "/x" + "-" * 1_900]
)
def test_long_urls_are_judged_in_no_time(url: str) -> None:
    started = time.process_time()
    for _ in range(20):
        refusal(canonical_url(url, "http://f.com/"))
    assert time.process_time() - started < 1
