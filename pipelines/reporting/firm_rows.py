"""Make rows of the report's lists out of the tables: who a firm is, where, how large, and what its website says.

Words from outside are kept as they came until a list shows them: making the links of 100,000 firms safe takes longer
than everything else, and a report shows a few thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import nlargest, nsmallest
from typing import Any

from crawler.e_mail import without_e_mail
from pipelines.firm_facts import Place, newest_amounts, places, probability_order
from pipelines.frames import rows
from pipelines.outside_text import safe_link
from pipelines.reporting.content import Firm, FirmList, ReportInput
from pipelines.rollup import METRICS

MAX_FIRMS = 200  # rows of a list; with longest names, sentences and addresses a page of them stays under 1 MB
MAX_LARGEST = 10


@dataclass(frozen=True)
class Unshown(Firm):
    """A firm with words from outside as they came: only those of firms that a list shows are made safe."""

    visited: str | None = None
    listed: str | None = None


def all_firms(given: ReportInput) -> dict[str, Unshown]:
    """Every firm of the list, by firm_id."""
    where = places(given.premises)
    employees, turnover = (newest_amounts(given.accounts, amount) for amount in METRICS[1:])
    visited = dict(rows(given.sites, ("firm_id", "final_url")))
    firms: dict[str, Unshown] = {}
    for firm_id, name, website in rows(given.firms, ("firm_id", "name", "website")):
        place = where.get(firm_id, Place())
        area = given.area_names.get(place.lad_code or "", "")
        firms[firm_id] = Unshown(
            firm_id=firm_id,
            name=name,
            place=", ".join(part for part in (place.postcode, area) if part),
            website=None,
            visited=visited.get(firm_id),
            listed=website,
            employees=employees[firm_id].value if firm_id in employees else None,
            turnover_gbp=turnover[firm_id].value if firm_id in turnover else None,
        )
    return firms


def member(firm: Unshown, made: Mapping[str, Any]) -> Unshown:
    """The firm as a member of a cluster, by the assignment that brought it in."""
    return replace(firm, probability=made["probability"], sentence=made["evidence_sentence"], page=made["evidence_url"])


def noted(firm: Unshown, note: str) -> Unshown:
    """The firm with the reason why it is in no figure."""
    return replace(firm, note=note)


def first_of(found: list[Unshown], most: int = MAX_FIRMS) -> FirmList:
    """The most probable of some firms, by name where that is not known."""
    return FirmList(len(found), tuple(map(_safe, nsmallest(most, found, key=_order))))


def largest(members: list[Unshown], amount: str) -> tuple[Firm, ...]:
    """Members with most employees, or turnover, where that is known."""
    known = [firm for firm in members if getattr(firm, amount)]
    return tuple(map(_safe, nlargest(MAX_LARGEST, known, key=lambda firm: (getattr(firm, amount), firm.firm_id))))


def _order(firm: Firm) -> tuple[float, str, str]:
    return probability_order(firm.probability), firm.name.casefold(), firm.firm_id


def _safe(firm: Unshown) -> Firm:
    """The firm as a list shows it: no e-mail address in its words, no link that could do harm."""
    return Firm(
        firm_id=firm.firm_id,
        name=firm.name,
        place=firm.place,
        website=_link(firm.visited) or safe_link(firm.listed),
        employees=firm.employees,
        turnover_gbp=firm.turnover_gbp,
        probability=firm.probability,
        sentence=without_e_mail(firm.sentence) if firm.sentence else None,
        page=_link(firm.page),
        note=without_e_mail(firm.note),
    )


def _link(url: str | None) -> str | None:
    """An address that a website gave, unless it is unsafe or has an e-mail address in it."""
    return safe_link(url) if url and without_e_mail(url) == url else None
