"""Read a file from outside as text, and make what stands in it fit to keep."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator
from pathlib import Path

from pipelines.errors import UsageError

MAX_LINE_CHARS = 1_000_000  # of a table: a row of forty cells of 500 characters has 20,000

_USER = re.compile(r"^([^/]*//)[^/?#]*@")  # what stands before the host of an address
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def file_text(path: Path) -> str:
    """Content of a UTF-8 file, a byte-order mark taken off.

    Raises:
        UsageError: No such file, or not UTF-8; names the line.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path}: is a folder, expected a file") from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path, path.read_bytes()[: error.start].count(b"\n") + 1) from error


def file_lines(path: Path) -> Generator[str, None, None]:
    """Lines of a UTF-8 file with their ends (LF, CR LF or CR), one at a time, a byte-order mark taken off.

    Whoever may stop before the last line closes it: a file that waits for the garbage collector stays open.

    Raises:
        UsageError: While reading: as :func:`file_text`, or a line of more than ``MAX_LINE_CHARS``; names the line.
    """
    try:
        # Bytes that are no UTF-8 come as halves of surrogate pairs, so that the line they stand in is known.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            number = 0
            while line := file.readline(MAX_LINE_CHARS + 1):
                number += 1
                if len(line) > MAX_LINE_CHARS:
                    raise UsageError(
                        f"{path}, row {number}: a line of more than {MAX_LINE_CHARS:,} characters; look for an "
                        "unclosed quote or a missing line end"
                    )
                if not line.isascii():
                    line.encode("utf-8")
                yield line
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path}: is a folder, expected a file") from error
    except UnicodeEncodeError as error:
        raise _not_utf8(path, number) from error


def without_credentials(address: str) -> str:
    """A web address without the user name and password before its host."""
    return _USER.sub(r"\1", address.strip())


def hidden_credentials(cell: str) -> str:
    """A cell that is no web address, fit for messages and logs: what may be a user name and password is ``***``."""
    before, at, behind = cell.rpartition("@")
    scheme = _SCHEME.match(cell)
    told = scheme[0] if scheme else ""
    if not at or (":" not in before and not told) or before.lower().startswith("mailto:"):
        return cell
    return f"{told}***@{behind}"


def clean(text: str, keep_lines: bool = False) -> str:
    """NFC text without control characters; names come from anywhere."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    allowed = "\n" if keep_lines else ""
    kept = "".join(char if char in allowed or unicodedata.category(char) not in ("Cc", "Cs") else " " for char in text)
    return kept.strip()


def _not_utf8(path: Path, line: int) -> UsageError:
    return UsageError(f"{path}, row {line}: not UTF-8 text; save the file as 'CSV UTF-8' and try again")
