"""Marks of a page: whose number, name and address, and that nobody's private data becomes one."""

from __future__ import annotations

import time

import pytest

from crawler.identity import MAX_PAGE_MARKS, MAX_SITE_MARKS, marks_of, merge_marks, tidy
from crawler.records import Mark
from crawler.structured import Organization

URL = "https://www.acme.co.uk/"


def marks(
    text: str, page_kind: str = "home", organizations: tuple[Organization, ...] = ()
) -> set[tuple[str, str, str]]:
    return {(mark.kind, mark.value, mark.label) for mark in marks_of(text, organizations, URL, page_kind)}


OWNER, STATED, PARENT, THIRD_PARTY, FORMER = "owner", "stated", "parent", "third party", "former"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Company number 01234567", OWNER),
        ("© 2024 Acme Ltd. Company number 01234567", OWNER),
        ("Acme is a trading name of Northgate Ltd (company number 01234567)", OWNER),
        ("This website is owned and operated by Acme Ltd, company number 01234567", OWNER),
        ("Acme is part of the Beta Group and is registered in England under company number 01234567", OWNER),
        ("Website by Pixel Forge | Company number 01234567", OWNER),
        ("Website by Pixel Forge. Company number 01234567", OWNER),
        ("Website by Pixel Forge\nCompany number 01234567", OWNER),
        ("We are part of the Beta Group.\nCompany number 01234567", OWNER),
        ("Acme Ltd\nCompany number 01234567", STATED),
        ("© Acme, Acme Ltd 2024, registered in England 01234567", OWNER),
        ("Acme Ltd supplies tiles, company number 01234567", "mentioned"),
        ("Acme Ltd, company number 01234567. SIC code 1234. Company status: active", "mentioned"),
        ("Website by Pixel Forge Ltd (company number 01234567)", THIRD_PARTY),
        ("Acme is a subsidiary of Beta plc (company number 01234567)", PARENT),
        ("Beta plc (company number 01234567), our parent company", PARENT),
        ("Parent company\nBeta plc\nCompany number 01234567", PARENT),
        ("Landlord: Oak Ltd (company number 01234567)", THIRD_PARTY),
        ("We act as agents for Oak Ltd, company number 01234567", THIRD_PARTY),
        ("Payments are processed by Paywren Ltd (company number 01234567)", THIRD_PARTY),
        ("Acme is a registered trade mark of Oak Ltd, company number 01234567", THIRD_PARTY),
        ("Oak Ltd (company number 01234567) was fined", THIRD_PARTY),
        ("formerly known as Oak Ltd (company number 01234567)", FORMER),
    ],
)
def test_whose_number(text: str, label: str) -> None:
    assert {found for found in marks(text) if found[0] == "company_number"} == {("company_number", "01234567", label)}


def test_an_own_statement_outweighs_a_mention() -> None:
    text = "Website by Acme Ltd (company number 01234567)\n© Acme Ltd. Registered in England No. 01234567"
    assert ("company_number", "01234567", OWNER) in marks(text)


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("© 2019-2024 Acme Widgets (Leeds) Limited. All rights reserved", "Acme Widgets (Leeds) Limited", OWNER),
        ("The data controller is Acme Ltd.", "Acme Ltd", OWNER),
        ("Acme Ltd is registered in England", "Acme Ltd", STATED),
        ("ACME & SONS LTD\n5 Mill Lane\nLeeds\nLS1 4AB", "ACME & SONS LTD", STATED),
        ("made with Acme Ltd", "Acme Ltd", "mentioned"),
        ("our client Acme Ltd", "Acme Ltd", THIRD_PARTY),
        ("House of Wren Ltd was here", "House of Wren Ltd", "mentioned"),
        ("Welcome to J. Crane & Sons Ltd.", "J. Crane & Sons Ltd", OWNER),
    ],
)
def test_names(text: str, name: str, label: str) -> None:
    assert {found for found in marks(text) if found[0] == "name"} == {("name", name, label)}


@pytest.mark.parametrize(
    "text",
    [
        "Jane Example, Managing Director",
        "© 2024 Jane Example",
        "for a limited time only",
        "NOT BE LIMITED",
        "Ltd",
        "jane@example.co.uk 07700 900123",
    ],
)
def test_no_name(text: str) -> None:
    assert marks(text) == set()


@pytest.mark.parametrize("text", ["Jane Example of Acme Ltd said", "Jane Example, Acme Ltd", "a director of Acme Ltd"])
def test_a_person_is_not_part_of_a_firms_name(text: str) -> None:
    assert {value for _, value, _ in marks(text)} == {"Acme Ltd"}


@pytest.mark.parametrize(
    ("text", "page_kind", "expected"),
    [
        ("Registered office: 5 Mill Lane, Leeds LS1 4AB", "home", {("LS1 4AB", "registered")}),
        ("Head office: 5 Mill Lane, Leeds ls1 4ab", "news", {("LS1 4AB", "trading")}),
        ("Unit 3, Mill Road, Leeds, LS14AB", "contact", {("LS1 4AB", "trading")}),
        ("Bridle Road, Bootle GIR 0AA", "contact", {("GIR 0AA", "trading")}),
        (
            "Registered office: 5 Mill Lane, Leeds LS1 4AB. Showroom: 8 Bell Street, Hagley DY9 8AA",
            "contact",
            {("LS1 4AB", "registered"), ("DY9 8AA", "trading")},
        ),
        ("the job was in Leeds LS1 4AB", "news", set()),
        ("Part QX1 4AB, our office", "contact", set()),
        ("Part ZZ9 9ZZ, 5 Mill Lane", "contact", set()),
        ("Information Commissioner's Office, Wycliffe House, Water Lane, Wilmslow SK9 5AF", "legal", set()),
    ],
)
def test_postcodes(text: str, page_kind: str, expected: set[tuple[str, str]]) -> None:
    found = {(value, label) for kind, value, label in marks(text, page_kind) if kind == "postcode"}
    assert found == expected


def test_structured_data_of_the_site_and_of_others() -> None:
    own = Organization("Acme", "Acme Widgets Ltd", vat_id="GB927547983", postcode="ls1 4ab", url=URL)
    other = Organization("Oak", url="https://oak.example.com/")
    assert marks("", organizations=(own, other)) == {
        ("name", "Acme", "structured data"),
        ("name", "Acme Widgets Ltd", "structured data"),
        ("vat_number", "927547983", "owner"),
        ("postcode", "LS1 4AB", "trading"),
    }


def test_odd_characters_are_plain_digits_and_spaces() -> None:
    assert tidy("No\u00a0\uff10\uff11\u2011\u200e2 \n \n x\u2019s") == "No 01-2\nx's"
    assert ("company_number", "01234567", OWNER) in marks(
        "Company\u00a0number\u2003" + "".join(chr(0xFF10 + digit) for digit in range(8))
    )


def test_marks_are_bounded_and_diverse() -> None:
    text = "\n".join(f"Firm {chr(65 + n % 26)}{n} Ltd, company number {n:08}" for n in range(1000, 2000))
    of_page = marks_of(text, (), URL, "home")
    assert len(of_page) == MAX_PAGE_MARKS
    everywhere = [
        Mark("company_number", "01234567", OWNER, f"{URL}{n}", "legal" if n == 9 else "news") for n in range(20)
    ]
    merged = merge_marks([*everywhere, *of_page])
    assert len(merged) <= MAX_SITE_MARKS
    kept = [mark.url for mark in merged if mark.value == "01234567"]
    assert kept[0] == f"{URL}9"
    assert len(kept) == 3
    assert merge_marks(merged) == merged


@pytest.mark.parametrize(
    "piece", ["Ltd ", "A ", "A Ltd ", "SE1 1AA ", "client ", "© ", "part of ", "A.A.", "\ufdfa", "(", "x", " \n",
              "Company No 01234567 by client "],
)  # fmt: skip
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = (piece * (200_000 // len(piece) + 1))[:200_000]
    started = time.process_time()
    marks_of(text, (), URL, "home")
    assert time.process_time() - started < 6  # 2 s at most when written; a quadratic pattern takes minutes
