"""Whose site is it: small sites as firms write them, and the rules that scores must keep."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from crawler.matching import Entry, Match, Site, score, settle
from crawler.name_likeness import core, domain_likeness, likeness
from crawler.records import Mark
from tests.evaluation.site_cases import SiteCase, decide, load_cases

CASES = load_cases(Path(__file__).parent / "own_sites.yaml")


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_whose_site_it_is(case: SiteCase) -> None:
    for _, belongs, found in decide(case):
        assert found.matched == belongs, found
        assert all(found.reasons)


def mark(kind: str, value: str, label: str = "owner", page_kind: str = "home", path: str = "/") -> Mark:
    return Mark(kind, value, label, f"https://www.firm.co.uk{path}", page_kind)


FIRM = Entry("f", "Hollin Bank Engineering Ltd", (), "01234567", "", ("LS1 4AB",))
OWN = mark("company_number", "01234567", page_kind="legal", path="/legal")


def test_reasons_are_sentences_that_name_the_page() -> None:
    found = score(FIRM, Site("www.firm.co.uk", (), (OWN, mark("postcode", "LS1 4AB", "registered"))))
    assert found.matched
    assert found.by_number
    assert found.reasons == ("company number 01234567 stands on /legal", "postcode LS1 4AB stands on /")


def test_the_order_of_marks_does_not_matter() -> None:
    names = ("Hollin Bank Engineering Limited", "Other Ltd")
    marks = [OWN, mark("postcode", "LS1 4AB", "trading"), *(mark("name", name) for name in names)]
    marks += [mark("company_number", f"0{number}") for number in range(2345678, 2345683)]
    expected = score(FIRM, Site("x.co.uk", (), tuple(marks), ("One", "Two")))
    shuffler = random.Random(3)
    for _ in range(20):
        shuffler.shuffle(marks)
        assert score(FIRM, Site("x.co.uk", (), tuple(marks), ("Two", "One"))) == expected


@pytest.mark.parametrize("others", range(1, 30, 4))
def test_every_further_number_lowers_the_score(others: int) -> None:
    def of(count: int) -> float:
        marks = [OWN, *(mark("company_number", f"{8000000 + n:08}") for n in range(count))]
        return score(FIRM, Site("x.co.uk", (), tuple(marks))).score

    assert of(others) <= of(others - 1)
    assert of(0) > 0.9 > 0.5 > of(29)


@pytest.mark.parametrize(
    ("label", "page_kind", "matched"),
    [
        ("owner", "legal", True),
        ("owner", "home", True),
        ("owner", "news", False),
        ("parent", "legal", False),
        ("third party", "home", False),
        ("former", "legal", False),
    ],
)
def test_a_number_alone(label: str, page_kind: str, matched: bool) -> None:
    site = Site("x.co.uk", (), (mark("company_number", "01234567", label, page_kind),))
    assert score(FIRM, site).matched == matched


@pytest.mark.parametrize("number", ["", "00000000", "not known", "1234", "0123456789012"])
def test_a_register_number_that_is_none_is_no_evidence(number: str) -> None:
    found = score(replace(FIRM, company_number=number), Site("x.co.uk", (), (OWN,)))
    assert not found.matched


def test_where_firms_share_a_site_the_number_decides() -> None:
    by_number = Match(0.99, True, ("company number 01234567 stands on /",), by_number=True)
    by_name = Match(0.8, True, ("the address x.co.uk is the name",))
    found = settle([("b", by_name), ("a", by_number), ("c", replace(by_name, matched=False, score=0.2))])
    assert {firm_id: match.matched for firm_id, match in found.items()} == {"a": True, "b": False, "c": False}
    assert found["b"].score < 0.5
    assert found["b"].reasons[0] == "the site states the number of a, which names it too"
    assert settle([("b", by_name), ("d", by_name)]) == {"b": by_name, "d": by_name}


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("Moss & Reed Ltd", "MOSS AND REED LIMITED", True),
        ("The Bread Shed CIC", "Bread Shed Community Interest Company", True),
        ("J. M. Crane & Sons Ltd", "JM Crane and Sons Limited", True),
        ("Caffi Môr Cyf", "Caffi Mor Cyfyngedig", True),
        ("O'Dowd Roofing Ltd", "ODowd Roofing Ltd", True),
        ("Data Works Ltd", "Dataworks Ltd", True),
        ("Moss Joinery Ltd", "Moss Joinery Holdings Ltd", False),
        ("Moss Joinery Ltd", "Moss Joinery (Leeds) Ltd", False),
        ("Moss Joinery Ltd", "Moss Joinery UK Ltd", False),
        ("Leeds Plumbing Services Ltd", "Bradford Plumbing Services Ltd", False),
        ("", "", False),
        ("Ltd", "Ltd", False),
    ],
)
def test_likeness(name: str, other: str, same: bool) -> None:
    assert likeness(name, other).same == likeness(other, name).same == same


def test_rare_words_count_for_more() -> None:
    rare = likeness("Hollin Services Ltd", "Hollin Solutions Ltd").share
    common = likeness("Hollin Services Ltd", "Arkle Services Ltd").share
    assert rare > 0.6 > 0.3 > common


@pytest.mark.parametrize(
    ("name", "host", "low", "high"),
    [
        ("Hollin Bank Engineering Ltd", "www.hollinbankengineering.co.uk", 1, 1),
        ("Hollin Bank Engineering Ltd", "hollin-bank-engineering.com", 1, 1),
        ("Hollin Bank Engineering Ltd", "hollinbankengineeringltd.com", 1, 1),
        ("Hollin Bank Engineering Ltd", "hollinbank.co.uk", 0.6, 0.9),
        ("Hollin Bank Engineering Ltd", "hbe.co.uk", 0.4, 0.6),
        ("Harbour Engineering Ltd", "harbeng.co.uk", 0.3, 0.5),
        ("Hollin Bank Engineering Ltd", "engineering.co.uk", 0, 0),
        ("Hollin Bank Engineering Ltd", "127.0.0.1", 0, 0),
        ("Facebook Ltd", "www.facebook.com", 0, 0),
        ("", "x.co.uk", 0, 0),
    ],
)
def test_domain_likeness(name: str, host: str, low: float, high: float) -> None:
    assert low <= domain_likeness(name, host)[0] <= high


def test_a_name_can_be_of_any_script() -> None:
    assert core("株式会社 Ltd") == ("株式会社",)
