"""Say what an import of the register did, in sentences for the person who ran it.

Whether the file had all companies of its day is always said, for on that rests which companies are taken for gone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from pipelines.sources.register_editions import Editions
from pipelines.sources.register_gone import REMOVED
from pipelines.sources.text_lines import WINDOWS


@dataclass(frozen=True)
class RegisterReport:
    """What an import did; ``dropped`` and ``left_out`` count rows and cells by reason word."""

    file: str
    as_of: date
    rows: int
    companies: int
    listed: int
    added: int
    older: int
    gone: int
    complete: str
    encodings: tuple[str, ...]
    shared_numbers: int
    superseded: int
    guessed: bool = False  # the day, from the newest incorporation
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    unplaced: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> list[str]:
        """What a person is told, one line each."""
        taken = f"{self.rows:,} rows, {self.companies:,} companies taken"
        of = f"{self.file}: company data of {self.as_of}"
        if self.guessed:
            why = "its newest incorporation; say --as-of DAY if it was made on another day"
            over = self.as_of.year - ((self.as_of.month, self.as_of.day) != (12, 31))
            first = [f"{of} ({why}): past years end with {over}", taken]
        else:
            first = [f"{of}, {taken}"]
        said = [
            *first,
            f"{self.listed:,} listed firms brought up to date, {self.added:,} companies added under their number",
            self.complete,
        ]
        if self.gone:
            said.append(f"{self.gone:,} companies of older files are not in it: status {REMOVED!r}")
        if self.older:
            said.append(f"{self.older:,} firms left as they were: a newer file told of them before")
        if self.shared_numbers:
            said.append(
                f"{self.shared_numbers:,} company numbers are shared by several listed firms; each took the facts"
            )
        if self.superseded:
            said.append(
                f"{self.superseded:,} firms under their company number left the table: a firm list now names the "
                "company. Import accounts, grants and owners again, so that they stand with the listed firm"
            )
        said += [f"{number:,} rows dropped: {reason}" for reason, number in self.dropped.most_common()]
        said += [f"{number:,} cells left out: {reason}" for reason, number in self.left_out.most_common()]
        said += [
            f"{number:,} registered offices without a place: {reason}" for reason, number in self.unplaced.most_common()
        ]
        said += [f"Read as {name}, for it is not UTF-8" for name in self.encodings if name == WINDOWS]
        return said


def said_of_completeness(whole: bool, listed_only: bool, cut: bool, known: Editions, day: date) -> str:
    """Whether companies that the file lacks are taken for gone, and why.

    Args:
        whole: All companies of the day are in hand.
        listed_only: Other companies than listed ones were left out.
        cut: The file ends in the middle of a row.
        known: Parts imported so far.
        day: The file's day.
    """
    if cut:
        return "Its last row is cut off, so a company that is not in it is not taken for gone"
    if whole:
        firms = "listed firms" if listed_only else "companies"
        return f"It is the whole register of {day}: {firms} of older files that it lacks are taken for gone"
    parts, of = known.parts.get(day, (frozenset[int](), 0))
    if of:
        return (
            f"{len(parts)} of {of} parts of {day} are in hand: until all are, a company they lack is not taken for gone"
        )
    return "It does not call itself the whole register (AsOneFile), so a company that it lacks is not taken for gone"
