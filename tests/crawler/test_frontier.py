"""The queue of a site's pages: one page once, bounds that hold, and a reason for each choice and refusal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.frontier import MAX_HOSTS, MAX_LEFT, MAX_LINKS_PER_PAGE, MAX_QUEUED, UNUSED, Frontier
from crawler.links import Link
from crawler.skipped import MAX_SKIPPED
from crawler.urls import canonical_url, page_key, same_site

HOME = "https://www.firm.com/"
Links = list[tuple[str, str]]


COPIES = [
    ("/a", "/a/", "final slash"),
    ("/a/", "/a/index.html", "index name"),
    ("/a", "http://firm.com/a", "scheme and www"),
    ("/a", "https://www.firm.com:443/a#part", "port and fragment"),
    ("/a", "https://m.firm.com/a", "telephone host"),
    ("/a", "//www.firm.com//a", "two slashes"),
    ("/%7ea", "/~a", "needless escape"),
    ("/%c3%bc", "/%C3%BC", "case of an escape"),
    ("/a", "/a?utm_source=x&fbclid=y", "tracking"),
    ("/a", "/a?ref=footer", "where from"),
    ("/a", "/a?amp=1", "telephone copy"),
    ("/x/a", "/x/a/amp/", "telephone folder"),
    ("/a", "/a;jsessionid=AB12", "session in path"),
    ("/a?x=1&y=2", "/a?y=2&x=1", "order of parameters"),
    ("/a", "/b/../a", "dots"),
    ("/", "/home", "home page"),
    ("/", "/index.php", "home page's index"),
]


@pytest.mark.parametrize(("first", "second"), [case[:2] for case in COPIES], ids=[case[2] for case in COPIES])
def test_spellings_of_one_page_are_read_once(first: str, second: str) -> None:
    frontier = Frontier(HOME, 3)
    others = [Link(f"/{name}", "") for name in ("about", "contact", "products")]
    frontier.add([*others, Link(first, ""), Link(second, "")], HOME, 0)
    frontier.add_sitemap([canonical_url(second, HOME)])
    taken = []
    while candidate := frontier.pop():
        taken.append(candidate.url)
    assert len(taken) == 3 + (first != "/")


def test_letter_case_counts_until_one_spelling_was_read() -> None:
    frontier = Frontier(HOME, 3)
    frontier.add([Link("/About_Us.asp", "About"), Link("/about_us.asp", "About"), Link("/x", "")], HOME, 0)
    first, second = frontier.pop(), frontier.pop()
    assert first is not None
    assert second is not None
    assert second.url == f"{HOME}about_us.asp", "the first may be dead"
    frontier.add([Link("/ABOUT_US.asp", "")], HOME, 0)
    frontier.took(second)
    third = frontier.pop()
    assert third is not None
    assert third.url == f"{HOME}x"
    assert frontier.pop() is None
    assert (f"{HOME}ABOUT_US.asp", "read under another spelling") in frontier.skipped()


def test_home_of_a_doorway_is_the_real_first_page() -> None:
    frontier = Frontier(HOME, 3)
    frontier.add([Link("/home.html", "Enter")], HOME, 0)
    assert frontier.pop() is not None


def test_better_words_found_later_raise_a_waiting_page() -> None:
    frontier = Frontier(HOME, 3)
    frontier.add([Link("/x1", ""), Link("/products", "Products")], HOME, 0)
    frontier.add([Link("/x1", "Who we are")], HOME, 0)
    first = frontier.pop()
    assert first is not None
    assert (first.url, first.rank.topic) == (f"{HOME}x1", "about")


def test_a_waiting_page_reached_by_redirect_is_not_read_again() -> None:
    frontier = Frontier(HOME, 3)
    frontier.add([Link("/a", ""), Link("/b", "")], HOME, 0)
    assert frontier.pop() is not None
    assert not frontier.seen(f"{HOME}b"), "nobody has read it"
    assert frontier.seen(f"{HOME}b")
    assert frontier.seen(f"{HOME}a")
    assert frontier.seen(HOME)
    assert frontier.pop() is None


def test_each_choice_and_each_refusal_says_why() -> None:
    frontier = Frontier(HOME, 3)
    hrefs = [
        "/events?month=2031-01",
        "/events?month=2031-02",
        "/a.pdf",
        "/login",
        "/shop?color=red",
        "/me@firm.com",
        "/ok",
    ]
    frontier.add([Link(href, "") for href in hrefs], HOME, 0)
    frontier.add([Link("https://mail.firm.com/x", ""), Link("https://other.com/", ""), Link("mailto:x", "")], HOME, 0)
    frontier.add_sitemap([f"{HOME}products"])
    assert frontier.skipped()[:5] == [
        (f"{HOME}events?month=2031-01", "calendar"),
        (f"{HOME}a.pdf", "PDF file"),
        (f"{HOME}login", "not a page about the firm"),
        (f"{HOME}shop?color=red", "filter or sorting"),
        ("https://mail.firm.com/x", "not a page"),
    ]
    assert not any("@" in url for url, _ in frontier.skipped())
    assert frontier.left() == [(f"{HOME}products", UNUSED), (f"{HOME}ok", UNUSED)]
    first = frontier.pop()
    assert first is not None
    assert first.chosen == "product page of the sitemap, score 78"
    assert frontier.traps == 3


TRAPS: list[tuple[str, Callable[[int], str], str]] = [
    ("calendar", lambda n: f"/events?month={2000 + n // 12}-{n % 12 + 1:02}", "calendar"),
    ("repeated path", lambda n: "/a" * (n + 3), "repeated path"),
    ("session in path", lambda n: f"/s/{n:032x}/page", "session"),
    ("facets", lambda n: f"/shop?color={n}&size=m", "filter or sorting"),
    ("wildcard hosts", lambda n: f"http://h{n}.firm.com/about", f"on more than {MAX_HOSTS} hosts"),
]


@pytest.mark.parametrize(("link", "why"), [case[1:] for case in TRAPS], ids=[case[0] for case in TRAPS])
def test_endless_links_cost_next_to_nothing(link: Callable[[int], str], why: str) -> None:
    frontier = Frontier(HOME, 3)
    taken = 0
    frontier.add([Link(link(0), "")], HOME, 0)
    for step in range(1, 400):
        frontier.add([Link(link(step), "")], HOME, 1)
        if frontier.pop():
            taken += 1
    assert taken < MAX_HOSTS
    assert frontier.traps > 100
    assert why in {reason for _, reason in frontier.skipped()}


def test_a_trap_of_no_known_shape_is_bounded() -> None:
    frontier = Frontier(HOME, 3)
    frontier.add([Link(f"/x{n}y/{n}", "") for n in range(2_000)], HOME, 1)
    assert len(frontier.left()) == MAX_LEFT
    assert len(frontier._queue) == MAX_LINKS_PER_PAGE
    for _ in range(2):
        frontier.add_sitemap([f"{HOME}{n}/{m}" for n in range(50) for m in range(50)])
    assert len(frontier._queue) == MAX_QUEUED
    assert len(frontier.left()) == MAX_LEFT
    assert len(frontier.skipped()) <= MAX_SKIPPED


HREF = st.one_of(
    st.text(max_size=20),
    st.from_regex(
        r"(https?://(www\.|m\.|a\.)?(firm|other)\.com)?/([a-cA-C/.]|%2f|%C3){0,12}(\?[a-c]=[0-9])?", fullmatch=True
    ),
    st.sampled_from(["/en/", "/de/about", "/about", "/about/", "/contact", "/kontakt", "/product/1", "http://[", ""]),
)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(HREF, st.sampled_from(["", "About", "English", "Login"])), max_size=40),
    st.sampled_from(["", "en"]),
)
def test_no_page_is_returned_twice_or_from_another_site(links: Links, language: str) -> None:
    frontier = Frontier(HOME, 2, language)
    half = len(links) // 2
    frontier.add([Link(*link) for link in links[:half]], HOME, 0)
    frontier.add_sitemap([href for href, _ in links])
    taken: list[str] = []
    while candidate := frontier.pop():
        taken.append(candidate.url)
        frontier.took(candidate)
        frontier.add([Link(*link) for link in links[half:]], candidate.url, candidate.depth)
        assert candidate.depth <= 2
    assert len({page_key(url) for url in [HOME, *taken]}) == len(taken) + 1
    assert all(same_site(url, HOME) and canonical_url(url) == url for url in taken)
