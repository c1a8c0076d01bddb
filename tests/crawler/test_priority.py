"""Which page is read first and what it is, from the link alone."""

from __future__ import annotations

import pytest

from crawler.frontier import MAX_HOSTS, Frontier
from crawler.links import Link
from crawler.priority import rank

HOME = "https://www.firm.com/"
KINDS = [
    ("/about-us", "About", "about"),
    ("/company/", "", "about"),
    ("/x1", "Who we are", "about"),
    ("/ueber-uns", "", "about"),
    ("/%C3%BCber-uns/", "Über uns", "about"),
    ("/qui-sommes-nous", "", "about"),
    ("/products", "Products", "product"),
    ("/produkte.html", "", "product"),
    ("/p/17", "Our product range", "product"),
    ("/services/welding", "Welding", "service"),
    ("/leistungen", "", "service"),
    ("/soluciones", "", "service"),
    ("/technology", "", "service"),
    ("/industries/rail", "Rail", "service"),
    ("/contact", "", "contact"),
    ("/kontakt.php", "", "contact"),
    ("/privacy-policy", "", "legal"),
    ("/impressum", "", "legal"),
    ("/terms-and-conditions", "", "legal"),
    ("/news/new-products", "New products", "news"),
    ("/blog/our-services", "", "news"),
    ("/careers", "", "other"),
    ("/xyz", "", "other"),
    ("/shop/engineering-kit", "", "product"),
    ("/products/service-kit-3", "Service kit", "product"),
    ("/shop/contact", "", "contact"),
    ("/index.php?page=about", "", "about"),
    ("/index.php?id=4", "Our services", "service"),
    ("/executive-search", "Executive search", "other"),
    ("/3d-print", "3D print", "other"),
]


@pytest.mark.parametrize(("path", "anchor", "kind"), KINDS)
def test_kind(path: str, anchor: str, kind: str) -> None:
    assert rank(HOME.rstrip("/") + path, anchor, 1, HOME).kind == kind


@pytest.mark.parametrize(
    ("path", "anchor"),
    [
        ("/login", ""),
        ("/my-account", ""),
        ("/x", "Sign in"),
        ("/basket", ""),
        ("/warenkorb", ""),
        ("/search", ""),
        ("/x", "Print"),
        ("/x", "Print this page"),
    ],
)
def test_never(path: str, anchor: str) -> None:
    assert rank(HOME.rstrip("/") + path, anchor, 1, HOME).score is None


def read_order(*links: tuple[str, str], home: str = HOME) -> list[str]:
    frontier = Frontier(home, 3)
    frontier.add([Link(href, anchor) for href, anchor in links], home, 0)
    order = []
    while candidate := frontier.pop():
        frontier.took(candidate)
        order.append(candidate.url.removeprefix(HOME))
    return order


def test_what_the_firm_does_comes_before_what_it_says_about_itself() -> None:
    order = read_order(
        ("/news", ""),
        ("/careers", ""),
        ("/privacy", ""),
        ("/contact", ""),
        ("/products", ""),
        ("/about", ""),
        ("/xyz", ""),
    )
    assert order == ["about", "products", "contact", "privacy", "xyz", "careers", "news"]


def test_contact_and_legal_are_read_once_each() -> None:
    assert read_order(("/contact", ""), ("/contact/leeds", ""), ("/terms", ""), ("/privacy", "")) == [
        "contact",
        "terms",
    ]


def test_the_legal_page_that_names_the_firm_comes_before_the_one_on_cookies() -> None:
    assert read_order(("/cookies", ""), ("/privacy", ""), ("/impressum", "")) == ["impressum"]


def test_english_version_of_a_foreign_site_comes_first() -> None:
    assert read_order(("/produkte", ""), ("/en/", "English"), ("/unternehmen", ""), home=HOME)[0] == "en/"


def test_copies_in_another_language_come_late() -> None:
    assert read_order(("/de/produkte", ""), ("/xyz", "")) == ["xyz", "de/produkte"]


def test_another_tenant_of_a_shared_host_comes_late() -> None:
    home = "https://host.com/~acme/"
    links = (("/hosting-services", ""), ("products.html", ""), ("/~acme/history.html", ""), ("/~other/about", ""))
    order = read_order(*links, home=home)
    assert order.index("https://host.com/~acme/products.html") < order.index("https://host.com/~other/about")
    assert order.index("https://host.com/~acme/history.html") < order.index("https://host.com/hosting-services")


def test_wildcard_hosts_are_bounded() -> None:
    frontier = Frontier(HOME, 3)
    frontier.add([Link(f"http://h{n}.firm.com/about", "") for n in range(50)], HOME, 0)
    urls = []
    while candidate := frontier.pop():
        urls.append(candidate.url)
    assert len(urls) == MAX_HOSTS - 1
    assert frontier.traps == 50 - len(urls)


def test_depth_is_bounded_and_pages_are_queued_once() -> None:
    frontier = Frontier(HOME, 1)
    frontier.add(
        [Link("/a", ""), Link("/a/", ""), Link("/a/index.html", ""), Link("http://firm.com/a", ""), Link("/", "")],
        HOME,
        0,
    )
    frontier.add([Link("/b", "")], HOME, 1)
    assert frontier.pop() is not None
    assert frontier.pop() is None
