"""Which language a URL states, and where the wanted version of a site begins."""

from __future__ import annotations

import pytest

from crawler.languages import language_named, language_of_url, neutral_key, preferred_version
from crawler.links import Link
from crawler.urls import canonical_url, page_key

STATED = [
    ("/en/about", "en"),
    ("/EN/about", "en"),
    ("/en-gb/", "en"),
    ("/pt_BR/", "pt"),
    ("/english/products", "en"),
    ("/deutsch", "de"),
    ("/uk/about", "en"),
    ("/cn/", "zh"),
    ("/?lang=de", "de"),
    ("/page.php?id=4&Language=fr-FR", "fr"),
    ("/?hl=english", "en"),
    ("/index_de.html", "de"),
    ("/en.html", "en"),
    ("//fr.firm.com/a", "fr"),
    ("/about", ""),
    ("/enquiries", ""),
    ("/en-route/", ""),
    ("/products/de/", ""),
    ("/why-it.html", ""),
    ("/xx/", ""),
    ("/?lang=", ""),
    ("//de.com/", ""),
]


@pytest.mark.parametrize(("path", "language"), STATED)
def test_language_that_a_url_states(path: str, language: str) -> None:
    assert language_of_url(canonical_url(path, "https://firm.com/")) == language


@pytest.mark.parametrize(
    ("path", "neutral"),
    [
        ("/de/about", "/about"),
        ("/de", "/"),
        ("/about?lang=de&id=2", "/about?id=2"),
        ("//de.firm.com/about", "/about"),
        ("/index_de.html", "/"),
        ("/about_de.html", "/about.html"),
        ("/de.html", "/"),
        ("/about", "/about"),
    ],
)
def test_versions_of_one_page_meet(path: str, neutral: str) -> None:
    home = "https://firm.com/"
    assert neutral_key(canonical_url(path, home)) == page_key(canonical_url(neutral, home))


@pytest.mark.parametrize(
    ("anchor", "language"),
    [
        ("English", "en"),
        ("[ EN ]", "en"),
        ("Français", "fr"),
        ("Русский", "ru"),
        ("Čeština", "cs"),
        ("Românã", "ro"),
        ("UK", "en"),
        ("English courses", ""),
        ("", ""),
    ],
)
def test_language_that_a_link_names(anchor: str, language: str) -> None:
    assert language_named(anchor) == language


DE = "https://firm.de/"
SWITCH = Link("/en/", "EN")
VERSIONS = [
    ("none wanted", [("en", "/en/")], [], DE, "de", "", ""),
    ("already there", [("en", "/en/")], [], DE, "en", "en", ""),
    ("hreflang", [("de", "/"), ("en", "/english.html")], [SWITCH], DE, "de", "en", "english.html"),
    ("hreflang, own region first", [("en-US", "/us/"), ("en-GB", "/gb/")], [], DE, "de", "en", "gb/"),
    ("hreflang, any region", [("en-ZA", "/za-en/")], [], DE, "de", "en", "za-en/"),
    ("hreflang with underscore", [("en_GB", "/gb/")], [], DE, "de", "en", "gb/"),
    ("hreflang, whole before region", [("en-gb", "/gb/"), ("en", "/int/")], [], DE, "de", "en", "int/"),
    ("hreflang to itself", [("en", "/")], [SWITCH], DE, "de", "en", "en/"),
    ("hreflang to another site", [("en", "https://firm.com/")], [], DE, "de", "en", ""),
    ("hreflang to another domain's address", [("en", "javascript:x")], [SWITCH], DE, "de", "en", "en/"),
    ("folder", [], [Link("/en/about", "About"), Link("/en/", "")], DE, "de", "en", "en/"),
    ("folder and index name", [], [Link("en/index.html", "")], DE, "de", "en", "en/index.html"),
    ("parameter", [], [Link("/a?lang=en", ""), Link("/?lang=en", "")], DE, "de", "en", "?lang=en"),
    ("host", [], [Link("https://en.firm.de/", "")], DE, "de", "en", "https://en.firm.de/"),
    ("file name", [], [Link("index_en.html", "")], DE, "de", "en", "index_en.html"),
    ("words of the link", [], [Link("/site2/", "English version")], DE, "de", "en", "site2/"),
    ("code as the link's words", [], [Link("/start.php?v=2", "EN")], DE, "de", "en", "start.php?v=2"),
    ("wrong folder behind right words", [], [Link("/fr/", "English")], DE, "de", "en", ""),
    ("x-default is English last", [("x-default", "/int/")], [], DE, "de", "en", "int/"),
    ("x-default is not French", [("x-default", "/int/")], [], DE, "de", "fr", ""),
    ("another language than English", [], [Link("/fr/", "FR"), SWITCH], DE, "en", "fr", "fr/"),
    ("unknown language of the page", [("en", "/en/")], [], DE, "", "en", "en/"),
    ("none offered", [("fr", "/fr/")], [Link("/produkte", "Produkte")], DE, "de", "en", ""),
]


@pytest.mark.parametrize("case", VERSIONS, ids=[case[0] for case in VERSIONS])
def test_where_the_wanted_version_begins(
    case: tuple[str, list[tuple[str, str]], list[Link], str, str, str, str],
) -> None:
    _, alternates, links, url, language, preferred, expected = case
    found = preferred_version(alternates, links, url, language, preferred)
    assert found == (canonical_url(expected, url) if expected else "")
