"""Company numbers in one form: eight characters, as Companies House prints them.

Spreadsheets eat the leading zeros of 00123456, which is then another company or none.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([A-Z]{0,2})([0-9]{1,8})([A-Z]?)")
LENGTH = 8


def normalised(text: str) -> str | None:
    """A company number of eight characters, or None where the text is none.

    Digits are padded with zeros behind their prefix: ``123456`` is ``00123456``, ``sc 1234`` is ``SC001234``. Some
    old Northern Irish and industrial society numbers end in a letter (``IP00123R``), which stays. Zeros alone are what
    filers write who have none.
    """
    found = _NUMBER.fullmatch("".join(text.split()).upper())
    if not found:
        return None
    prefix, digits, ending = found.groups()
    room = LENGTH - len(prefix) - len(ending)
    significant = digits.lstrip("0")
    if not 0 < len(significant) <= room:
        return None
    return f"{prefix}{significant.zfill(room)}{ending}"
