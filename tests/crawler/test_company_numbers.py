"""Which numbers on a page are company numbers, and which are something else."""

from __future__ import annotations

import time

import pytest

from crawler.company_numbers import (
    normalise_company_number,
    normalise_vat_number,
    registrations,
    valid_vat_number,
)


def found(text: str) -> list[tuple[str, str]]:
    return [(one.kind.split("_")[0], one.value) for one in registrations(text)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Registered in England and Wales No. 01234567", "01234567"),
        ("Registered in England & Wales under number 0123 4567", "01234567"),
        ("Registered in England, No: 2443078", "02443078"),
        ("Company number: SC123456", "SC123456"),
        ("Company number SC 123456", "SC123456"),
        ("Company No: sc-123456", "SC123456"),
        ("Company registration number NI 612345", "NI612345"),
        ("Registered in Scotland Company No 157747", "SC157747"),
        ("Company number 157747, registered in Scotland", "SC157747"),
        ("Company registered in England and Wales, no. 445566", "00445566"),
        ("Company Number 12345", "00012345"),
        ("Co. Reg. No: 1 234 567", "01234567"),
        ("Reg. No. 1234567", "01234567"),
        ("Company Registration 1234567", "01234567"),
        ("CRN 01234567", "01234567"),
        ("Companies House registration: 09876543", "09876543"),
        ("England & Wales Reg. 09876543", "09876543"),
        ("Rhif cwmni: 01234567", "01234567"),
        ("Cofrestrwyd yng Nghymru a Lloegr, rhif 01234567", "01234567"),
        ("Cwmni cofrestredig yng Nghymru, rhif 01234567", "01234567"),
        ("Hale LLP, registered number OC301234", "OC301234"),
        ("Company No 0C301234", "OC301234"),
        ("Partnership number SO300123", "SO300123"),
        ("Company number NO123456", "NO123456"),
        ("Company NO 01234567", "01234567"),
        ("Registered No. R0000123", "R0000123"),
        ("Registered Number IP12345R", "IP12345R"),
        ("a society under the Co-operative and Community Benefit Societies Act 2014, number RS001234", "RS001234"),
        ("Acme Ltd (01234567)", "01234567"),
        ("01234567, registered in England", "01234567"),
        ("Registered in England and Wales as Acme Widgets Limited, number 01234567", "01234567"),
        ("a company whose\ncompany number\nis 09876543", "09876543"),
        ("Company number\n01234567", "01234567"),
        ("VAT registered. Company number 01234567", "01234567"),
        ("a limited company 01234567", "01234567"),
        ("Registered 01234567 England", "01234567"),
        ("Company number (England & Wales) 01234567", "01234567"),
        ("Company No. (CRN): 01234567", "01234567"),
        ("incorporated under the Companies Act 2006 with number 01234567", "01234567"),
        ("our number on the register of companies is 01234567", "01234567"),
        ("Company number 01-234-567", "01234567"),
        ("Company number 01,234,567", "01234567"),
        ("UK establishment number BR012345", "BR012345"),
        ("UK branch of Kestrel GmbH, no. FC034567", "FC034567"),
        ("Society no. 12345R", "IP12345R"),
        ("regulated by the FCA. Registered in England No. 01234567", "01234567"),
        ("see our data protection policy. Registered in England No 01234567", "01234567"),
    ],
)
def test_company_numbers(text: str, number: str) -> None:
    assert found(text) == [("company", number)]


@pytest.mark.parametrize(
    "text",
    [
        "Tel: 01234 567890",
        "Tel: 0123 4567",
        "Registered in England. 0115 496 0000",
        "Registered in England and Wales 2019 2024",
        "authorised by the Financial Conduct Authority, registered number 123456",
        "firm reference number 1234567",
        "SRA number 612345",
        "ICO registration number Z1234567",
        "Data protection registration number 12345678",
        "ISO 9001 certificate number 1234567",
        "DUNS number 21-123-4567",
        "UK patent no. 2345678",
        "Invoice number 01234567",
        "Company number",
        "Company number 1234",
        "Company number 1234567890",
        "01234567",
        "founded in 1999",
        "Company of the year 2019",
    ],
)
def test_other_numbers(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Registered charity no. 1123456. Company limited by guarantee no. 01234567",
            [("charity", "1123456"), ("company", "01234567")],
        ),
        ("Registered charity in England and Wales (1123456)", [("charity", "1123456")]),
        ("Charity registered in England & Wales No 1123456", [("charity", "1123456")]),
        ("Scottish Charity Number SC012345", [("charity", "SC012345")]),
        ("Rhif elusen 1123456", [("charity", "1123456")]),
        ("VAT No. GB 927 5479 83", [("vat", "927547983")]),
        (
            "VAT Registration No: 927547983 Registered in England, No: 2443078",
            [("vat", "927547983"), ("company", "02443078")],
        ),
        ("VAT No. 123 4567 80", []),
        ("HRB 1234567 Amtsgericht Berlin", [("foreign", "1234567")]),
        ("Registered in Ireland. Company number 123456", [("foreign", "123456")]),
        ("Registered in Jersey, company no 123456", [("foreign", "123456")]),
        ("KvK 12345678", [("foreign", "12345678")]),
        ("Acme Ltd (01234567), Beta LLP (OC301234)", [("company", "01234567"), ("company", "OC301234")]),
        (
            "Company numbers 01234567, 07654321 and SC123456",
            [("company", "01234567"), ("company", "07654321"), ("company", "SC123456")],
        ),
    ],
)
def test_each_for_what_it_is(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234567", "01234567"),
        ("sc 123456", "SC123456"),
        ("SC12345", "SC012345"),
        ("0C301234", "OC301234"),
        (" 01234567 ", "01234567"),
        ("1234567.0", "01234567"),
        ("IP12345R", "IP12345R"),
        ("", ""),
        ("n/a", ""),
        ("99999999", ""),
        ("123456789", ""),
        ("XX123456", ""),
    ],
)
def test_normalised(text: str, number: str) -> None:
    assert normalise_company_number(text) == number
    assert normalise_company_number(number) == number


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("927547983", True),
        ("801175958", True),
        ("927547938", False),
        ("000000000", False),
        ("92754798", False),
        # Worked by hand: 1*8+0*7+0*6+0*5+0*4+0*3+1*2 = 10; 10+32+55 = 97.
        ("100000132", True),
        # 10+87 = 97: the older form.
        ("100000187", True),
        ("100000133", False),
    ],
)
def test_vat_check_digits(digits: str, valid: bool) -> None:
    assert valid_vat_number(digits) == valid
    assert normalise_vat_number(f"GB {digits[:3]} {digits[3:7]} {digits[7:]}") == (digits if valid else "")


@pytest.mark.parametrize(
    "piece",
    [
        "registered in england ", "1234567 ", "company number ", "ltd ", "0 ", "vat", "registered as a a a ", "no. ",
        "(a", "company number 1, ", "SC ", "Company No 01234567, ", "and ", "registered in england 1",
        "Company number 01234567 ", "VAT 123 4567 89 ",
    ],
)  # fmt: skip
def test_time_is_linear_in_hostile_text(piece: str) -> None:
    text = (piece * (50_000 // len(piece) + 1))[:50_000]
    started = time.process_time()
    registrations(text)
    assert time.process_time() - started < 3  # under 0.5 s on a busy machine; a quadratic pattern takes minutes
