"""Take e-mail addresses out of what is kept of a page: they can be a person's, and no figure needs them.

Runs over strangers' text of any length, so every repeat is possessive or starts at one place only: time is linear.
"""

from __future__ import annotations

import re

MASK = "[e-mail]"

_NAME = r"(?<![\w.+'-])[\w.+'-]++"
# Common ways of writing the sign for people but not for robots are undone as well.
_AT = r"(?:@|\uff20|%40|[^\S\n]@[^\S\n]|[^\S\n]?[\[({<][^\S\n]?(?:at|@)[^\S\n]?[\])}>][^\S\n]?)"
_DOT = r"(?:\.|[^\S\n]?[\[({<][^\S\n]?(?:dot|\.)[^\S\n]?[\])}>][^\S\n]?)"
# A top-level domain begins with a letter; without that, "20 @ 5.99" would be an address.
_HOST = rf"(?:[\w-]++{_DOT})+[^\W\d_][\w-]*"
_SPELT_OUT = re.compile(r"[\[({<][^\S\n]?[aA][tT]")
_E_MAIL = re.compile(f"{_NAME}{_AT}{_HOST}", re.IGNORECASE)


def without_e_mail(text: str) -> str:
    """``text`` with each e-mail address replaced by ``MASK``; idempotent."""
    if not ("@" in text or "%40" in text or "\uff20" in text or _SPELT_OUT.search(text)):  # as in most texts
        return text
    return _E_MAIL.sub(MASK, text)


def has_e_mail(text: str) -> bool:
    """Whether an e-mail address stands in ``text``."""
    return _E_MAIL.search(text) is not None
