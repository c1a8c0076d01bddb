"""Read one row of the Innovate UK table as a grant, and make one grant of several rows on the same firm and project.

The table has a row for every participant of a project. A firm that stands there twice with the same award and start was
written down twice; with different awards it was given both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pipelines.sources.cells import day, number
from pipelines.sources.company_numbers import normalised
from pipelines.sources.csv_files import BadRow, Row

CRN, PROJECT, COMPETITION = "CRN", "Project Number", "Competition Title"
YEAR, STARTED, ENDED = "Competition Year", "Project Start Date", "Project End Date"
OFFERED, SPENT, WITHDRAWN = "Award Offered (£)", "Actual Spend to Date (£)", "Participant Withdrawn From Project"
MOST_GBP = 2e9  # the largest awards (batteries, vaccines) are some 100 million; more is a slip of the pen
FIRST_YEAR = 1980  # the oldest schemes of which the department kept records
AHEAD = timedelta(days=730)  # projects are listed before they start
LONGEST = timedelta(days=365 * 30)
MAX_CHARS = 500
_YEAR = re.compile(r"(?:FY\s?)?((?:19|20)[0-9]{2})(?:\s*[/\u2013-]\s*(?:[0-9]{2}|[0-9]{4}))?")
_FLAGS = {
    "": None,
    "yes": True,
    "y": True,
    "true": True,
    "1": True,
    "no": False,
    "n": False,
    "false": False,
    "0": False,
}


@dataclass(frozen=True)
class Grant:
    """An award; ``company`` is the normalised company number, ``row`` the row of the file."""

    company: str
    project: str
    row: int
    year: int | None = None
    offered_gbp: float | None = None
    spent_gbp: float | None = None
    started_on: date | None = None
    ended_on: date | None = None
    competition: str | None = None
    withdrawn: bool | None = None


class GrantError(Exception):
    """A row that is no grant; reason word and detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """Args: the word it is counted under; what was seen."""
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read_grant(row: Row | BadRow, today: date) -> Grant:
    """The grant of a row.

    The year is that in which the competition's financial year began (``2014/15`` is 2014), or else that of the
    project's start.

    Raises:
        GrantError: no_company_number, no_project, bad_amount, negative_amount, absurd_amount, bad_year, bad_date,
            future_date, bad_withdrawn, too_long, or the reason of a bad row.
    """
    if isinstance(row, BadRow):
        raise GrantError(row.reason, row.detail)
    cells = {name: row.cells.get(name, "") for name in (CRN, PROJECT, COMPETITION, YEAR, STARTED, ENDED, WITHDRAWN)}
    company = normalised(cells[CRN])
    if company is None or not company.strip("0"):
        raise GrantError("no_company_number", repr(cells[CRN][:50]))
    if not cells[PROJECT]:
        raise GrantError("no_project")
    if max(len(cells[PROJECT]), len(cells[COMPETITION])) > MAX_CHARS:
        raise GrantError("too_long", f"more than {MAX_CHARS} characters")
    started_on, ended_on = _day(cells, STARTED, today + AHEAD), _day(cells, ENDED, today + LONGEST)
    if cells[WITHDRAWN].lower() not in _FLAGS:
        raise GrantError("bad_withdrawn", f"{cells[WITHDRAWN][:50]!r}, expected Yes or No")
    return Grant(
        company=company,
        project=cells[PROJECT],
        row=row.number,
        year=_year(cells[YEAR], started_on, today),
        offered_gbp=_amount(row, OFFERED),
        spent_gbp=_amount(row, SPENT),
        started_on=started_on,
        ended_on=ended_on,
        competition=cells[COMPETITION] or None,
        withdrawn=_FLAGS[cells[WITHDRAWN].lower()],
    )


def distinct(awards: Sequence[Grant]) -> list[Grant]:
    """Of a firm's rows on one project those that are awards of their own; of the same award the last row stands."""
    return list({(award.offered_gbp, award.started_on): award for award in awards}.values())


def together(awards: Sequence[Grant]) -> Grant:
    """One grant of several awards to a firm in one project, in any order of them.

    Offers are added up; those of withdrawn awards only where all are withdrawn.
    """
    if len(awards) == 1:
        return awards[0]
    stayed = [award for award in awards if not award.withdrawn] or list(awards)
    first = min(stayed, key=lambda award: (award.started_on or date.max, award.row))
    return replace(
        first,
        year=min((award.year for award in stayed if award.year is not None), default=None),
        offered_gbp=_sum([award.offered_gbp for award in stayed]),
        spent_gbp=_sum([award.spent_gbp for award in awards]),
        ended_on=max((award.ended_on for award in stayed if award.ended_on), default=None),
    )


def _sum(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if known else None


def _year(cell: str, started_on: date | None, today: date) -> int | None:
    if not cell:
        return started_on.year if started_on else None
    found = _YEAR.fullmatch(cell)
    if not found or int(found[1]) < FIRST_YEAR:
        raise GrantError("bad_year", f"{cell[:50]!r}, expected e.g. 2014/15")
    if int(found[1]) > (today + AHEAD).year:
        raise GrantError("future_date", f"{YEAR} {cell[:50]!r}")
    return int(found[1])


def _day(cells: dict[str, str], name: str, latest: date) -> date | None:
    if not cells[name]:
        return None
    found = day(cells[name])
    if found is None:
        raise GrantError("bad_date", f"{name} {cells[name][:50]!r}, expected e.g. 2024-03-31 or 31/03/2024")
    if found > latest:
        raise GrantError("future_date", f"{name} {found}")
    return found


def _amount(row: Row, name: str) -> float | None:
    cell = row.cells.get(name, "")
    if not cell:
        return None
    value = number(cell)
    if value is None:
        raise GrantError("bad_amount", f"{name} {cell[:50]!r}, expected a number such as 1200 or 1,200.50")
    if value < 0:
        raise GrantError("negative_amount", f"{name} {cell[:50]}")
    if value > MOST_GBP:
        raise GrantError("absurd_amount", f"{name} {cell[:50]}")
    return value
