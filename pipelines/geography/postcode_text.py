"""Read a postcode as people write it: in its usual form, or not at all.

The letter O and the digit 0, and the letter I and the digit 1, are taken for each other where only one of the two can
stand; no other letter is guessed. The form is checked here, not whether such a postcode exists.
"""

from __future__ import annotations

import re

_BLANKS = re.compile(r"[\s\u200b\ufeff]+")
# No district ends in the letters I or O, and none of a one-letter area begins with 0. GIR 0AA was Girobank's; NPT was
# the Newport area's first form. Both are in the directory.
_FORM = re.compile(r"([A-Z][1-9][0-9A-HJ-NP-Z]?|[A-Z][A-HJ-Z][0-9][0-9A-HJ-NP-Z]?|NPT|GIR)([0-9][A-Z]{2})")
_AREA = re.compile(r"[A-Z]{1,2}(?=[0-9])|NPT|GIR")
_MAX_CHARS = 20  # longer text is no slip of the pen
_LETTER = str.maketrans("01", "OI")
_DIGIT = str.maketrans("OI", "01")
_AREAS_IN_O = "CPS"  # CO, PO and SO; no area has I as its second letter


def postcode_of(text: str | None) -> str | None:
    """A postcode in its usual form, ``NG7 2RD``, or None when the text is none.

    Case and blanks do not matter. ``BI IAA`` is read as B1 1AA, ``S014 3AB`` as SO14 3AB, ``0X1 2JD`` as OX1 2JD and
    ``BLO 9AA`` as BL0 9AA.
    """
    if not text or len(text) > _MAX_CHARS:
        return None
    compact = _BLANKS.sub("", text.upper())
    found = _FORM.fullmatch(compact) or _FORM.fullmatch(_mended(compact))
    return f"{found[1]} {found[2]}" if found else None


def postcode_area(postcode: str) -> str | None:
    """Letters that a postcode in its usual form begins with, e.g. ``NG``."""
    found = _AREA.match(postcode)
    return found[0] if found else None


def _mended(compact: str) -> str:
    """The text with O and 0, I and 1 put where they can stand; the rest as it is."""
    if not 5 <= len(compact) <= 7:
        return compact
    first, rest, inward = compact[0].translate(_LETTER), compact[1:-3], compact[-3:]
    in_o = rest[0] in "0O" and first in _AREAS_IN_O and len(rest) > 1
    rest = ("O" if in_o else rest[0].translate(_DIGIT)) + rest[1:].translate(_DIGIT)
    return first + rest + inward[0].translate(_DIGIT) + inward[1:]
