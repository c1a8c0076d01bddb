"""Choose from a filing's figures one of each kind per accounting period, or say why there is none.

A large company prints its turnover twice, in millions and in full: both are right, and the finer one is taken. Figures
that contradict each other are both left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath

from pipelines.sources.accounts_xml import FilingError
from pipelines.sources.company_numbers import normalised
from pipelines.sources.ixbrl import EMPLOYEES, TURNOVER, Document, Fact, Fault

MAX_EMPLOYEES = 3_000_000  # no company has more: the largest employer on earth has 2.1 million people
MAX_TURNOVER_GBP = 1e12  # twice the turnover of the largest company on earth
MAX_PERIOD = timedelta(days=560)  # an accounting period has at most 18 months (Companies Act 2006, s. 392)
FIRST_PERIOD_END = date(1990, 1, 1)  # accounts are filed as data since 2005
_MEMBER = re.compile(r"Prod\d+_\d+_([A-Z0-9]{8})_\d{8}(_\w+)?\.(html|xhtml|htm|xml|zip)", re.IGNORECASE)


@dataclass(frozen=True)
class Period:
    """Figures of one accounting period; at least one of the two is there."""

    start: date | None
    end: date
    employees: float | None
    turnover_gbp: float | None


@dataclass(frozen=True)
class Filing:
    """What a filing gives: the number it stands under, its periods, the newest first, and what was left out of it."""

    company_number: str
    periods: tuple[Period, ...]
    faults: tuple[Fault, ...]
    mended: bool = False


def number_in(name: str) -> str | None:
    """Company number in the name of a member of a bulk file, such as ``Prod223_3384_09355500_20221231.html``."""
    found = _MEMBER.fullmatch(PurePosixPath(name).name)
    return normalised(found[1]) if found else None


def settle_filing(document: Document, named: str | None, known_by: date) -> Filing:
    """Figures of a document, per period.

    Args:
        document: What it says.
        named: Company number it was filed under, where that is known.
        known_by: Day on which the filing was there; a period that ends later is wrong.

    Raises:
        FilingError: ``other_company``, ``no_company_number``, or why there is no figure (``no_figures`` where the
            filing holds none).
    """
    number = _company(document.company_numbers, named)
    faults = list(document.faults)
    good: dict[date, dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for fact in document.facts:
        fault = _fault(fact, number, known_by)
        if fault:
            faults.append(fault)
        else:
            good[fact.end][fact.figure].append(fact)
    chosen = {end: _chosen(figures, faults) for end, figures in good.items()}
    periods = [_period(end, figures) for end, figures in sorted(chosen.items(), reverse=True) if figures]
    if not periods:
        if faults:
            raise FilingError(faults[0].reason, faults[0].detail)
        raise FilingError("no_figures", "neither employees nor turnover of the whole company")
    used = [fact for figures in chosen.values() for fact in figures.values()]
    return Filing(number, tuple(periods), tuple(faults), any(fact.mended for fact in used))


def _company(stated: Sequence[str], named: str | None) -> str:
    if named is None:
        if len(stated) != 1:
            seen = f"it names {', '.join(stated)}" if stated else "it names none"
            raise FilingError("no_company_number", f"neither file name nor document give one company number; {seen}")
        return stated[0]
    if stated and not any(_same(number, named) for number in stated):
        raise FilingError("other_company", f"filed under {named}, but the document is that of {', '.join(stated)}")
    return named


def _same(stated: str, named: str) -> bool:
    """Whether two numbers are one company's; filers leave out the letters of NI681295."""
    return stated == named or (stated.isdigit() and named[:2].isalpha() and int(stated) == _digits(named))


def _digits(number: str) -> int:
    return int("".join(filter(str.isdigit, number)) or 0)


def _fault(fact: Fact, number: str, known_by: date) -> Fault | None:
    """Why a figure cannot be right."""
    if fact.company is not None and not _same(fact.company, number):
        return Fault(fact.figure, "other_company", f"its context is that of {fact.company}, the filing of {number}")
    value, people = fact.value, fact.figure == EMPLOYEES
    reasons = (
        ("future_period", fact.end > known_by),
        ("absurd_period", fact.end < FIRST_PERIOD_END or (fact.start and fact.end - fact.start > MAX_PERIOD)),
        ("negative_employees", people and value < 0),
        ("fractional_employees", people and value != int(value)),
        ("absurd_employees", people and value > MAX_EMPLOYEES),
        ("negative_turnover", not people and value < 0),
        ("absurd_turnover", not people and value > MAX_TURNOVER_GBP),
    )
    reason = next((reason for reason, holds in reasons if holds), None)
    seen = f"{value:,.12g} for {fact.start or '?'} to {fact.end}, known by {known_by}"
    return Fault(fact.figure, reason, seen) if reason else None


def _chosen(figures: dict[str, list[Fact]], faults: list[Fault]) -> dict[str, Fact]:
    chosen = {}
    for figure, facts in figures.items():
        best = _longest(facts)
        rank = min(fact.rank for fact in best)
        fact = _finest([fact for fact in best if fact.rank == rank])
        if fact is None:
            values = ", ".join(f"{value:,.12g}" for value in sorted({fact.value for fact in best}))
            faults.append(Fault(figure, "contradicting_figures", f"{values} for the period to {best[0].end}"))
        else:
            chosen[figure] = fact
    return chosen


def _longest(facts: Iterable[Fact]) -> list[Fact]:
    """Those of the longest period: a quarter that ends with the year is not the year. An instant has no length."""
    lengths = [(fact.end - fact.start if fact.start else timedelta(-1), fact) for fact in facts]
    longest = max(length for length, _ in lengths)
    return [fact for length, fact in lengths if length == longest]


def _finest(facts: list[Fact]) -> Fact | None:
    """The most exact of figures that say the same; None where they do not. People are not rounded."""
    finest = max(facts, key=lambda fact: fact.decimals if fact.decimals is not None else 99)
    for fact in facts:
        rounded = fact.figure == TURNOVER and fact.decimals is not None and fact.decimals != finest.decimals
        slack = 0.5 * 10.0 ** -max(fact.decimals or 0, -12) if rounded else 0.0
        if abs(fact.value - finest.value) > slack:
            return None
    return finest


def _period(end: date, figures: dict[str, Fact]) -> Period:
    """The first day is that of the turnover: a sum grows with the length of its period, a mean does not."""
    employees, turnover = figures.get(EMPLOYEES), figures.get(TURNOVER)
    starts = [fact.start for fact in (turnover, employees) if fact and fact.start]
    return Period(
        start=starts[0] if starts else None,
        end=end,
        employees=employees.value if employees else None,
        turnover_gbp=turnover.value if turnover else None,
    )
