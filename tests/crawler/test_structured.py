"""Organisations in schema.org JSON-LD: whose they are, what is kept of them, and scripts as broken as real ones."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from crawler.structured import MAX_ORGANIZATIONS, Organization, organizations, parse_json

FIRM = {
    "@context": "https://schema.org",
    "@type": "Organization",
    "name": "Harrow Tooling",
    "legalName": "Harrow Tooling Limited",
    "description": "<p>Presses &amp; forges.</p>",
    "vatID": "GB 123 4567 82",
    "taxID": 12345678,
    "url": "https://harrow.example/",
    "telephone": "+44 1332 000000",
    "email": "jo@harrow.example",
    "founder": {"@type": "Person", "name": "Jo Example"},
    "address": {
        "@type": "PostalAddress",
        "postalCode": "DE1 1AA",
        "addressLocality": "Derby",
        "addressCountry": {"@type": "Country", "name": "GB"},
    },
    "sameAs": ["https://social.example/harrow", "https://www.linkedin.com/in/jo-example", "mailto:jo@harrow.example"],
}
READ = Organization(
    name="Harrow Tooling",
    legal_name="Harrow Tooling Limited",
    description="Presses & forges.",
    vat_id="GB 123 4567 82",
    tax_id="12345678",
    url="https://harrow.example/",
    postcode="DE1 1AA",
    locality="Derby",
    country="GB",
    same_as=("https://social.example/harrow",),
)


def test_every_field_and_nothing_of_persons() -> None:
    assert organizations([json.dumps(FIRM)]) == (READ,)
    kept = repr(READ)
    assert "Jo" not in kept
    assert "@" not in kept


def org(name: str, **more: Any) -> dict[str, Any]:
    return {"@type": "Organization", "name": name, **more}


WHOSE: list[tuple[str, Any, list[str]]] = [
    ("plain", org("A"), ["A"]),
    ("array", [org("A"), {"@type": "BreadcrumbList"}], ["A"]),
    ("graph", {"@graph": [{"@type": "WebSite"}, org("A")]}, ["A"]),
    ("publisher of the site", {"@type": "WebSite", "publisher": org("A")}, ["A"]),
    ("provider of a service", {"@type": "Service", "name": "Repairs", "provider": org("A")}, ["A"]),
    ("full type name", {"@type": "https://schema.org/Corporation", "name": "A"}, ["A"]),
    ("several types", {"@type": ["Thing", "Plumber"], "name": "A"}, ["A"]),
    ("kind of business by its ending", {"@type": "HomeAndConstructionBusiness", "name": "A"}, ["A"]),
    ("legal name only", {"@type": "NGO", "legalName": "A CIO"}, [""]),
    ("parent apart", org("A", parentOrganization=org("Parent")), ["A"]),
    ("parent by its id", {"@graph": [org("A", parentOrganization={"@id": "#p"}), org("P", **{"@id": "#p"})]}, ["A"]),
    (
        "publisher by its id",
        {"@graph": [{"@type": "WebSite", "publisher": {"@id": "#a"}}, org("A", **{"@id": "#a"})]},
        ["A"],
    ),
    (
        "own goods name it as brand too",
        {"@graph": [{"@type": "WebSite", "publisher": {"@id": "#a"}}, org("A", **{"@id": "#a"}, brand={"@id": "#a"})]},
        ["A"],
    ),
    ("brand of goods", {"@type": "Product", "name": "Drill", "brand": org("Maker"), "manufacturer": org("M")}, []),
    ("who was reviewed", {"@type": "Review", "itemReviewed": org("Other"), "author": org("Paper")}, []),
    ("person", {"@type": "Person", "name": "Jo Example", "worksFor": org("Elsewhere")}, []),
    ("person as organisation", {"@type": ["Person", "Organization"], "name": "Jo Example"}, []),
    ("doctor", {"@type": "Physician", "name": "Dr Jo Example"}, []),
    ("an offering is no firm", {"@type": "FoodService", "name": "Catering"}, []),
    ("no name", {"@type": "Organization", "url": "https://a.example"}, []),
    ("said twice", [org("A"), org("A")], ["A"]),
    ("name is a list", org(["A", "B"]), ["A"]),  # type: ignore[arg-type]
    ("name is an object", org({"@value": "A", "@language": "en"}), ["A"]),  # type: ignore[arg-type]
    ("nonsense", [1, None, "x", {"@type": 7, "name": {}}, {"@type": {"a": 1}}], []),
]


@pytest.mark.parametrize(("value", "names"), [row[1:] for row in WHOSE], ids=[row[0] for row in WHOSE])
def test_whose_organisation_it_is(value: Any, names: list[str]) -> None:
    assert [firm.name for firm in organizations([json.dumps(value)])] == names


BROKEN = [
    ("comma at the end", '{"a": [1, 2,], }'),
    ("HTML comment", '<!--\n{"a": [1, 2]}\n-->'),
    ("CDATA", '//<![CDATA[\n{"a": [1, 2]}\n//]]>'),
    ("CDATA in a comment", '/* <![CDATA[ */ {"a": [1, 2]} /* ]]> */'),
    ("semicolon", '{"a": [1, 2]};'),
    ("escaped quotes", "{&quot;a&quot;: [1, 2]}"),
    ("byte order mark", '\ufeff{"a": [1, 2]}'),
]


@pytest.mark.parametrize("script", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_scripts_are_read(script: str) -> None:
    assert parse_json(script) == {"a": [1, 2]}


def test_line_break_in_a_string_is_read() -> None:
    assert parse_json('{"a": "one\ntwo"}') == {"a": "one\ntwo"}


@pytest.mark.parametrize("script", ["", "{", "not json", '{"a": }', "[" * 100_000, '{"a":' * 60_000, "[" * 10_000_000])
def test_hopeless_or_hostile_scripts_are_passed_over_quickly(script: str) -> None:
    started = time.process_time()
    assert organizations([script, json.dumps(FIRM)]) == (READ,)
    assert time.process_time() - started < 1


def test_what_is_kept_is_bounded() -> None:
    many = organizations([json.dumps([org(f"A{n}") for n in range(1_000)])])
    assert len(many) == MAX_ORGANIZATIONS
    deep: Any = org("deep")
    for _ in range(50):
        deep = {"@type": "WebPage", "mainEntity": deep}
    assert organizations([json.dumps(deep)]) == ()
    long = organizations([json.dumps(org("A" * 10_000, description="b" * 10_000, sameAs=["https://a.example"] * 99))])[
        0
    ]
    assert (len(long.name), len(long.description), len(long.same_as)) == (200, 1_000, 20)


def test_e_mail_address_in_a_description_is_masked() -> None:
    (firm,) = organizations([json.dumps(org("A", description="Write to jo@harrow.example now"))])
    assert firm.description == "Write to [e-mail] now"
