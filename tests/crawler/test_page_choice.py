"""What twenty pages of a site are spent on, on simulated sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from crawler.frontier import Frontier
from crawler.links import Link

ROOT = "https://www.firm.com"
HOME = f"{ROOT}/"
Links = list[tuple[str, str]]


def pages(*addresses: str) -> Links:
    """Links whose words are what their address says last."""
    return [(address, address.rstrip("/").rpartition("/")[2].replace("-", " ").title()) for address in addresses]


def shop() -> tuple[dict[str, Links], list[str]]:
    menu = pages(
        "/", "/shop", "/about-us", "/services/repair", "/services/hire", "/products", "/blog", "/contact", "/delivery",
        "/returns-policy", "/privacy-policy", "/terms", "/basket", "/login", "/our-technology", "/careers",
    )  # fmt: skip
    shelves = [
        f"/category/{name}" for name in ("shirts", "boots", "gloves", "helmets", "ropes", "lamps", "tents", "packs")
    ]
    models = ("alpha", "bravo", "core", "delta", "echo", "fjord")
    colours = ("red", "blue", "green", "black", "white", "grey", "orange", "pink", "navy", "lime")
    variants = [
        f"/product/{m}-{c}-{s}" for m in models for c in colours for s in ("xs", "s", "m", "l", "xl", "xxl", "3", "4")
    ]
    site = {"/": menu + pages(*shelves, *variants[::24])}
    for place, shelf in enumerate(shelves):
        facets = [f"{shelf}?color={colour}&size={size}" for colour in ("red", "blue") for size in "sml"]
        copies = [f"{shelf}?sort=price", f"{shelf}?page=2", f"{shelf}/page/2", f"{shelf}?utm_source=x", f"{shelf}/"]
        site[shelf] = menu + pages(*variants[place * 60 : place * 60 + 60], *facets, *copies)
    for variant in variants:
        more = [f"{variant}?add-to-cart=1", f"{variant}/print", f"{variant}?replytocom=7", f"{variant}?ref=box"]
        site[variant] = menu + pages(*more, *variants[:6])
    assert len(variants) == 480
    return {address: menu for address, _ in menu} | site, [*variants, "/about-us", "/services/repair", "/contact"]


def brochure() -> tuple[dict[str, Links], list[str]]:
    menu = pages("/", "/about", "/welding", "/fabrication", "/cnc-machining", "/sectors/rail", "/sectors/energy")
    menu += pages("/case-studies", "/news", "/contact", "/privacy-policy", "/cookies")
    stories = [f"/news/item-{n}" for n in range(30)]
    return {address: menu + pages(*stories) for address, _ in [*menu, *pages(*stories)]}, stories


def languages() -> tuple[dict[str, Links], list[str]]:
    parts = ("about", "products", "products/pumps", "products/valves", "services", "technology", "contact", "imprint")
    switch = [("/en/", "English"), ("/de/", "Deutsch"), ("/fr/", "Français"), ("/es/", "Español"), ("/it/", "Italiano")]
    site: dict[str, Links] = {}
    for folder, _ in switch:
        menu = pages(*(f"{folder}{part}" for part in parts)) + switch
        site |= {f"{folder}{part}": menu for part in ("", *parts)}
    return {**site, "/": site["/de/"]}, list(site)


def blog() -> tuple[dict[str, Links], list[str]]:
    menu = pages("/", "/about", "/platform", "/solutions/banks", "/solutions/insurers", "/pricing", "/blog", "/contact")
    menu += pages("/privacy")
    posts = [f"/blog/about-our-product-{n}" for n in range(200)]
    old = pages("/blog/page/2", "/tag/banks", "/author/jo", "/2020/05/", "/feed/", f"{posts[0]}/amp")
    listed = menu + pages(*posts[:20]) + old
    return {address: listed for address, _ in [*menu, *pages(*posts)]}, posts


def solicitor() -> tuple[dict[str, Links], list[str]]:
    services = [
        f"/services/{area}-law-{n}" for area in ("family", "crime", "property", "wills", "work") for n in range(8)
    ]
    people = [f"/our-people/solicitor-{n}" for n in range(25)]
    stories = [f"/news/{n}-story" for n in range(30)]
    menu = pages("/", "/about-us", "/services", "/our-people", "/news", "/contact-us", "/legal-notice", "/privacy")
    site = {address: menu + pages(*services, *people, *stories) for address, _ in menu}
    return site | dict.fromkeys((*services, *people, *stories), menu), services


def read(site: Mapping[str, Links], listed: Sequence[str], language: str = "", budget: int = 20) -> list[str]:
    """Paths in the order in which a crawl of the site reads them, after the home page."""
    frontier = Frontier(HOME, 3, language)
    frontier.add([Link(*link) for link in site["/"]], HOME, 0)
    frontier.add_sitemap([ROOT + path for path in listed])
    order: list[str] = []
    while len(order) < budget - 1 and (candidate := frontier.pop()):
        path = candidate.url.removeprefix(ROOT)
        assert path in site, f"{path} is not a page of its own: {candidate.chosen}"
        order.append(path)
        frontier.took(candidate)
        frontier.add([Link(*link) for link in site[path]], candidate.url, candidate.depth)
    return order


def share(order: Sequence[str], folder: str) -> int:
    return sum(path.startswith(folder) for path in order)


def test_a_shop_of_480_variants() -> None:
    order = read(*shop())
    wanted = {"/about-us", "/shop", "/products", "/services/repair", "/services/hire", "/our-technology", "/contact"}
    assert wanted <= set(order)
    assert {"/terms", "/privacy-policy", "/returns-policy"} & set(order)
    assert 3 <= share(order, "/product/") <= 8
    assert share(order, "/category/") >= 2
    models = {path.split("/")[2].split("-")[0] for path in order if path.startswith("/product/")}
    assert len(models) >= 5, "one of each model before a second size"
    assert len(order) == 19


def test_a_shop_known_by_its_sitemap_alone() -> None:
    site, listed = shop()
    order = read({**site, "/": pages("/enter")} | {"/enter": []}, listed)
    assert {"/about-us", "/services/repair", "/contact"} <= set(order[:14])


def test_a_brochure() -> None:
    order = read(*brochure())
    assert set(order[:10]) == {
        "/about", "/welding", "/fabrication", "/cnc-machining", "/sectors/rail", "/sectors/energy", "/case-studies",
        "/contact", "/privacy-policy", "/news",
    }  # fmt: skip
    assert len(order) == 19


@pytest.mark.parametrize(
    ("language", "folders"), [("", {"de", "en"}), ("fr", {"fr"}), ("it", {"it"})], ids=["none wanted", "fr", "it"]
)
def test_a_site_in_five_languages(language: str, folders: set[str]) -> None:
    site, listed = languages()
    order = read({**site, "/": site[f"/{language or 'de'}/"]}, listed, language, budget=40)
    assert {path.split("/")[1] for path in order} == folders
    assert f"/{language or 'de'}/products/pumps" in order


def test_a_two_letter_folder_alone_is_no_language() -> None:
    addresses = ("/it/support", "/it/networks", "/hr/payroll", "/about")
    order = read({"/": pages(*addresses)} | {address: [] for address in addresses}, [])
    assert set(order) == set(addresses)


def test_a_blog() -> None:
    order = read(*blog())
    assert set(order[:7]) == {
        "/about",
        "/platform",
        "/solutions/banks",
        "/solutions/insurers",
        "/contact",
        "/privacy",
        "/pricing",
    }
    assert share(order, "/blog/about-our-product") == 11, "posts only once nothing else is left"


def test_a_solicitor_with_forty_service_pages() -> None:
    order = read(*solicitor())
    assert {"/about-us", "/services", "/contact-us", "/legal-notice"} <= set(order)
    assert share(order, "/services/") == 15, "they say what the firm does, so they fill what is left"
    areas = [path.split("/")[2].split("-")[0] for path in order if path.startswith("/services/")]
    assert len(set(areas[:5])) == 5, "one of each area before a second"
