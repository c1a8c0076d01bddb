"""Say from a company's entries of significant control who owns it today: in which country, and by which company.

Owner means control: more than half of shares, votes or surplus assets, the right to appoint most of the board, or
significant influence of another kind. A stake of 25 to 50 % is control for the register, but not for us: else a company
that two founders own with a foreign investor would be foreign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.sources.company_numbers import normalised
from pipelines.sources.countries import UNCLEAR, UNITED_KINGDOM, country_code

# Strength of control, strongest first; the words are the register's (natures_of_control), with endings such as
# "-as-trust" or "-limited-liability-partnership" left aside. "50-to-75" is more than half, "25-to-50" is up to half.
_STRENGTHS = (
    (4, re.compile(r"-75-to-100-percent")),
    (3, re.compile(r"-50-to-75-percent")),
    (2, re.compile(r"^(?:part-)?right-to-appoint-and-remove-")),
    (1, re.compile(r"^significant-influence-or-control")),
    (0, re.compile(r"-25-to-50-percent|-more-than-25-percent")),
)
UNSTATED = 1  # no nature of control, or none we know: the register lists the owner for its control all the same
MINORITY = 0
_NUMBER = re.compile(r"\b[A-Z]{0,2}[0-9]{6,8}\b")
_COMPANIES_HOUSE = re.compile(r"compan(?:y|ies)\s+house", re.IGNORECASE)


@dataclass(frozen=True)
class Ownership:
    """Who owns a company today, as far as companies and other bodies go.

    ``foreign_owned`` is None where the owner's country is unclear; ``owner_country`` is then ``unclear``. No owner:
    False and None. ``parent`` is the owner's company number where the owner is British. ``minority``: there is a
    corporate holder, but of no more than half.
    """

    foreign_owned: bool | None
    owner_country: str | None
    parent: str | None = None
    minority: bool = False


NO_OWNER = Ownership(foreign_owned=False, owner_country=None)
NOT_TOLD = Ownership(foreign_owned=None, owner_country=None)  # exempt, or says itself that it does not know


def ownership(entries: Iterable[Mapping[str, Any]]) -> Ownership:
    """Ownership of one company from its rows of the table ``owners``, in any order.

    The strongest control that has not ceased decides; of equals, the one notified first, then the one whose mark comes
    first.
    """
    present = [(strength(row["natures"] or ()), row) for row in entries if row["ceased_on"] is None]
    owners = [(held, row) for held, row in present if held > MINORITY]
    if not owners:
        return Ownership(foreign_owned=False, owner_country=None, minority=bool(present))
    _, owner = min(owners, key=lambda one: (-one[0], one[1]["notified_on"] or date.max, one[1]["owner"]))
    country = owner["country"]
    if country == UNCLEAR:
        return Ownership(foreign_owned=None, owner_country=UNCLEAR)
    return Ownership(country != UNITED_KINGDOM, country, parent_number(owner))


def strength(natures: Iterable[str]) -> int:
    """How strong these natures of control are together: 4 (75 % and more) to ``MINORITY``."""
    found = [value for nature in natures for value, pattern in _STRENGTHS if pattern.search(nature)]
    return max(found, default=UNSTATED)


def parent_number(owner: Mapping[str, Any]) -> str | None:
    """Company number of a British owner, normalised; None for owners abroad and for what is no number."""
    return number_in(owner["number"] or "") if owner["country"] == UNITED_KINGDOM else None


def number_in(text: str) -> str | None:
    """The company number that stands in a text such as ``Company No. 01234567``; None for none or several."""
    whole = normalised(text)
    if whole:
        return whole
    found = {normalised(part) for part in _NUMBER.findall(text.upper())}
    return found.pop() if len(found) == 1 else None


def country_registered(given: str, register: str, number: str) -> str:
    """Country in which an owner is registered: ISO 3166 alpha-2, or ``unclear``.

    Args:
        given: What was filed as the country.
        register: What was filed as the place of registration; asked where the first names no country.
        number: Registration number; one like those of Companies House, at ``Companies House``, is British.
    """
    for text in (given, register):
        code = country_code(text)
        if code != UNCLEAR:
            return code
    at_home = any(_COMPANIES_HOUSE.search(text) for text in (given, register))
    return UNITED_KINGDOM if at_home and number_in(number) else UNCLEAR
