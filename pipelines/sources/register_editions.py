"""Tell a register file's date and whether all companies of that day are in hand, from names and from what was noted.

Only whole editions say that a company has gone: one part of seven is no sign that six sevenths of all firms dissolved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.errors import UsageError

NOTE = "firmscope.register-editions"  # with the table firms: parts imported, by date
_NAME = re.compile(
    r"BasicCompanyData(?P<one>AsOneFile)?-(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:-part(?P<part>[0-9]{1,3})_(?P<of>[0-9]{1,3}))?(?:\.|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Edition:
    """The day a file was made and its part of that day's companies, as its name says; ``of`` 0: it says no part."""

    day: date
    part: int = 0
    of: int = 0


@dataclass(frozen=True)
class Editions:
    """Parts imported, by day: numbers of the parts, and how many there are."""

    parts: Mapping[date, tuple[frozenset[int], int]]

    def complete(self) -> list[date]:
        """Days of which every part was imported, oldest first."""
        return sorted(day for day, (parts, of) in self.parts.items() if len(parts) == of)

    def with_parts(self, editions: Sequence[Edition]) -> Editions:
        """These and further parts; another number of parts for the same day begins that day anew."""
        made = dict(self.parts)
        for edition in editions:
            if edition.of:
                parts, of = made.get(edition.day, (frozenset[int](), edition.of))
                if len(parts) == of and edition.of != of:
                    continue  # the day is complete already, and stays so
                made[edition.day] = ((parts if of == edition.of else frozenset()) | {edition.part}, edition.of)
        return Editions(made)

    def note(self) -> str:
        """As it is noted with the table."""
        days = {day.isoformat(): [sorted(parts), of] for day, (parts, of) in sorted(self.parts.items())}
        return json.dumps(days)


def noted(notes: Mapping[str, str]) -> Editions:
    """What was noted with the table."""
    days = json.loads(notes.get(NOTE, "{}"))
    return Editions({date.fromisoformat(day): (frozenset(parts), of) for day, (parts, of) in days.items()})


def edition_of(name: str) -> Edition | None:
    """What a file's name says, such as ``BasicCompanyDataAsOneFile-2025-11-01.csv``; None where it says nothing."""
    found = _NAME.search(name)
    if not found:
        return None
    try:
        day = date.fromisoformat(found["day"])
    except ValueError:
        return None
    if found["part"]:
        part, of = int(found["part"]), int(found["of"])
        return Edition(day, part, of) if 1 <= part <= of else Edition(day)
    return Edition(day, 1, 1) if found["one"] else Edition(day)


def one_day(path: str, editions: Sequence[Edition | None], as_of: date | None) -> date | None:
    """The day of a file: as given, or as all its names say; None where none says it.

    Raises:
        UsageError: The names speak of different days, or of another day than was given.
    """
    days = sorted({edition.day for edition in editions if edition} | ({as_of} if as_of else set()))
    if len(days) > 1:
        raise UsageError(
            f"{path}: of {days[0]} or of {days[-1]}? The names and the date given do not agree; "
            "import the files of one day at a time"
        )
    return days[0] if days else None
