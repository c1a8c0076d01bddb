"""What company and VAT numbers on a site say of whose it is: they decide where there are any.

A number that is only quoted, in words about somebody else, brings name and address with it; all of it is one statement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from crawler.company_numbers import normalise_company_number, normalise_vat_number
from crawler.match_evidence import (
    ANOTHER_NAME,
    DOMAIN,
    GROUP_MAX,
    IDENTITY_PAGES,
    Entry,
    Fact,
    Site,
    is_foreign,
    places,
)
from crawler.records import Mark
from crawler.relations import FORMER, MENTIONED, OWN, PARENT, THIRD_PARTY

NUMBER = 7.0
NUMBER_MENTIONED = 1.5  # in running text, or only on news, product and other pages, where firms speak of others
NUMBER_DISOWNED = 3.0  # stands as another's, but name and address of the site are the firm's: the words were misread
NUMBER_OF_ANOTHER = -1.0
NUMBER_FORMER = 0.5
PER_NUMBER = 0.9  # times the log of how many numbers the site calls its own
DIRECTORY = 1.5
NUMBER_NEARLY = 4.0  # the same digits under another prefix
TYPED_WRONG = 1.0
QUOTED = 0.5  # of what comes with a number that is only mentioned: one statement, not several
MAX_SLIPS = 2  # in eight characters; two numbers taken at random share fewer
ANOTHER_NUMBER = -10.0  # outweighs name, postcode and address together: sister and successor share all three
ANOTHER_NUMBER_ELSEWHERE = -3.0
FOREIGN_ID = -1.5
FOREIGN_NUMBER = -5.0  # the site's owner is registered abroad; a British arm states its number beside
VAT = 6.0
ANOTHER_VAT = -1.0  # groups register together


def number_facts(entry: Entry, site: Site, names: Sequence[Fact], domain: Sequence[Fact], sure: bool) -> list[Fact]:
    """What company numbers say.

    Args:
        entry: The firm.
        site: The site.
        names: What names say of the two.
        domain: What the site's address says.
        sure: Name, and place or address, are the firm's.
    """
    number = normalise_company_number(entry.company_number)
    marks = [mark for mark in site.marks if mark.kind == "company_number"]
    abroad = [mark for mark in site.marks if mark.kind == "foreign_number" and mark.label in {*OWN, MENTIONED}]
    if abroad and not marks:
        points = min(FOREIGN_NUMBER if mark.label in OWN else FOREIGN_ID for mark in abroad)
        return [Fact(points, f"the site states a foreign register's number, {abroad[0].value}")]
    if not number or not marks:
        return []
    own = {mark.value for mark in marks if mark.label in OWN}
    stated = [mark for mark in marks if mark.value == number]
    mine = [mark for mark in stated if mark.label in OWN]
    if mine:
        foreign = is_foreign(entry, site, mine)
        return [_own_number(number, mine, marks, own, foreign)]
    facts = _others_number(number, stated, sure or any(fact.points >= 0.9 * DOMAIN for fact in domain))
    if any(fact.points >= NUMBER_DISOWNED for fact in facts):
        return facts
    nearly = sorted(value for value in own if _digits(value) == _digits(number))
    if (
        nearly
        and any(fact.points > 0 for fact in (*names, *domain))
        and all(fact.points > ANOTHER_NAME for fact in names)
    ):
        return [*facts, Fact(NUMBER_NEARLY, f"{nearly[0]} has the digits of {number} under another prefix")]
    typed = sorted(value for value in own if _slips(value, number) <= MAX_SLIPS)
    if typed and sure:
        said = f"{typed[0]} is {number} but for a slip, and name and place are the firm's"
        return [*facts, Fact(TYPED_WRONG, said)]
    if own:
        central = [mark for mark in marks if mark.label in OWN and mark.page_kind in IDENTITY_PAGES]
        shown = ", ".join(sorted(own)[:3]) + (" and others" if len(own) > 3 else "")
        points = ANOTHER_NUMBER if central else ANOTHER_NUMBER_ELSEWHERE
        facts.append(Fact(points, f"the site calls company number {shown} its own, not {number}"))
    return facts


def vat_facts(entry: Entry, site: Site, numbers: Sequence[Fact]) -> list[Fact]:
    """What VAT numbers say; one that is quoted with a company number counts no more than that."""
    number = normalise_vat_number(entry.vat_number)
    marks = [mark for mark in site.marks if mark.kind == "vat_number" and mark.label in OWN]
    if not number or not marks:
        return []
    mine = [mark for mark in marks if mark.value == number]
    if mine:
        many = len({mark.value for mark in marks}) > GROUP_MAX
        if any(0 < fact.points <= NUMBER_MENTIONED for fact in numbers):
            return [Fact(QUOTED, f"VAT number {number} is quoted on {places(mine)}")]
        points = DIRECTORY if many or is_foreign(entry, site, mine) else VAT
        return [Fact(points, f"VAT number {number} stands on {places(mine)}")]
    return [Fact(ANOTHER_VAT, f"the site states VAT number {marks[0].value}, not {number}")]


def _own_number(number: str, mine: Sequence[Mark], marks: Sequence[Mark], own: set[str], foreign: bool) -> Fact:
    pages: dict[str, set[str]] = {}
    for mark in marks:
        if mark.label in OWN:
            pages.setdefault(mark.value, set()).add(mark.url)
    central = any(mark.page_kind in IDENTITY_PAGES for mark in mine)
    # Another number stands in every footer and this one on one page: the page speaks of somebody.
    passing = len(pages[number]) == 1 < max(map(len, pages.values())) and mine[0].page_kind != "legal"
    points = (NUMBER if central and not passing and not foreign else NUMBER_MENTIONED) - PER_NUMBER * math.log(len(own))
    if len(own) > GROUP_MAX:
        points = min(points, DIRECTORY)
    others = len(own) - 1
    beside = f" beside {others} other{'s' if others > 1 else ''}" if others else ""
    return Fact(points, f"company number {number} stands on {places(mine)}{beside}")


def _others_number(number: str, stated: Sequence[Mark], named: bool) -> list[Fact]:
    """What the firm's number says where the site does not plainly call it its own."""
    if not stated:
        return []
    labels, place = {mark.label for mark in stated}, places(stated)
    if MENTIONED in labels:
        return [
            Fact(NUMBER_DISOWNED if named else NUMBER_MENTIONED, f"company number {number} is mentioned on {place}")
        ]
    if named and THIRD_PARTY in labels:
        return [Fact(NUMBER_DISOWNED, f"company number {number} stands on {place}, and the site has the firm's name")]
    if FORMER in labels:
        return [Fact(NUMBER_FORMER, f"company number {number} stands on {place} as a former one")]
    whose = "as its parent's" if PARENT in labels else "as somebody else's"
    return [Fact(NUMBER_OF_ANOTHER, f"company number {number} stands on {place} {whose}")]


def _digits(number: str) -> str:
    return "".join(char for char in number if char.isdecimal()).lstrip("0")


def _slips(number: str, other: str) -> int:
    """Characters mistyped, left out, doubled or changed about between two numbers (restricted edit distance)."""
    left, right = number.lstrip("0"), other.lstrip("0")
    before: list[int] = []
    row = list(range(len(right) + 1))
    for place, char in enumerate(left, start=1):
        last, row = row, [place]
        for column, wanted in enumerate(right, start=1):
            cost = min(last[column] + 1, row[-1] + 1, last[column - 1] + (char != wanted))
            if place > 1 and column > 1 and char == right[column - 2] and left[place - 2] == wanted:
                cost = min(cost, before[column - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]
