"""Read the numbers and dates that people write into spreadsheets; what could be read in two ways is not read.

``1,234`` is read as 1234, as it is written in the United Kingdom; ``1.234,5``, ``12,5`` and ``1,23`` are refused.
"""

from __future__ import annotations

import re
from datetime import date

# Digits, or digits in groups of three behind commas or spaces (plain, no-break, narrow no-break).
_NUMBER = re.compile(
    r"(?P<whole>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3})+)?"
    r"(?P<part>\.[0-9]+|\.(?<=[0-9]\.))?(?P<power>[eE][+-]?[0-9]{1,2})?"
)
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ][0-9:.]*Z?)?")
_UK_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?: [0-9:.]*)?")


def number(text: str) -> float | None:
    """A finite number, or None where the text is none or could be two.

    Read: ``1234.5``, ``1,234.5``, ``1 234``, ``£1,234``, ``-5``, ``1.2e6``, and ``(5)`` as -5, as accountants write it.
    A point is always the decimal point. An empty text is None as well: ask first where empty means something.
    """
    rest, sign = text.strip(), 1.0
    if rest.startswith("(") and rest.endswith(")"):
        rest, sign = rest[1:-1].strip(), -1.0
    elif rest[:1] in ("-", "+", "\u2212"):
        rest, sign = rest[1:].strip(), 1.0 if rest[0] == "+" else -1.0
    rest = rest.removeprefix("£").strip()
    if sign > 0 and rest[:1] in ("-", "\u2212"):  # £-5
        rest, sign = rest[1:], -1.0
    found = _NUMBER.fullmatch(rest)
    if not found or not (found["whole"] or (found["part"] or "")[1:]):
        return None
    digits = re.sub(r"[^0-9]", "", found["whole"] or "0")
    return sign * float(f"{digits}{found['part'] or ''}{found['power'] or ''}") + 0.0  # never -0.0


def day(text: str) -> date | None:
    """A date written ``2020-01-31`` or ``31/01/2020`` (a time behind it is dropped), or None; never month first."""
    stripped = text.strip()
    if found := _ISO_DAY.fullmatch(stripped):
        year, month, of_month = (int(part) for part in found.groups())
    elif found := _UK_DAY.fullmatch(stripped):
        of_month, month, year = (int(part) for part in found.groups())
    else:
        return None
    try:
        return date(year, month, of_month)
    except ValueError:
        return None
