"""Make text that strangers wrote fit to publish: in a spreadsheet, on a page, behind a link.

The prefix that stops a spreadsheet formula can be taken off again without loss: strip one leading ``'`` from a cell
whose rest would have needed it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_LINK_CHARS = 2_000  # longer addresses are cut by mail programs and some browsers
_URL_SAFE = "/?[]@!$&()*+,;=:%~-._"

# Controls but TAB, LF and CR, which a quoted cell may hold, and halves of surrogate pairs, which no file may.
# None of them is printable for Python either, so that most texts need no second look.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# A browser strips or reinterprets these before it reads the scheme and the host.
_UNLINKABLE = re.compile(r"[\s\\<>\"\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Overrides and embeddings turn the reading order of what stands beside them: one address can look like another.
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
# OWASP's list of characters that begin a formula, with the full-width forms that East Asian versions take as well.
# Spreadsheets trim spaces, quotes and invisible characters before they look, so those may stand in front.
_FORMULA = re.compile("[\\s'\"\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u2069]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def encodable(text: str) -> str:
    """``text`` with lone surrogates, which UTF-8 cannot hold, replaced by a visible mark."""
    return text if text.isprintable() else _SURROGATE.sub(REPLACEMENT, text)


def printable(text: str) -> tuple[str, int]:
    """``text`` with control characters and lone surrogates replaced by a visible mark, and how many there were."""
    return (text, 0) if text.isprintable() else _UNPRINTABLE.subn(REPLACEMENT, text)


def spreadsheet_text(text: str) -> tuple[str, int]:
    """``text`` as a cell that no spreadsheet takes for a formula, and the number of characters replaced."""
    clean, replaced = printable(text)
    return (f"'{clean}" if _FORMULA.match(clean) else clean), replaced


def page_text(text: str) -> str:
    """``text`` on one line, without characters that break or turn the line; the template still has to escape it."""
    return _DIRECTION.sub(REPLACEMENT, printable(" ".join(text.split()))[0])


def safe_link(url: str | None) -> str | None:
    """``url`` if a reader may be sent there: http or https, a host, no credentials; otherwise None."""
    if not url or len(url) > MAX_LINK_CHARS or _UNLINKABLE.search(url):
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or not parts.netloc.isascii():
        return None
    # What is not ASCII behind the host is written out, so that no character of it can turn the reading order.
    return urlunsplit((parts.scheme, parts.netloc, *(quote(part, safe=_URL_SAFE) for part in parts[2:])))
