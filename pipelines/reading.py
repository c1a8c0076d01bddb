"""Read a file from outside as text, and make what stands in it fit to keep."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from pipelines.errors import UsageError


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
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, row {line}: not UTF-8 text; save the file as 'CSV UTF-8' and try again") from error


def clean(text: str, keep_lines: bool = False) -> str:
    """NFC text without control characters; names come from anywhere."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    allowed = "\n" if keep_lines else ""
    kept = "".join(char if char in allowed or unicodedata.category(char) not in ("Cc", "Cs") else " " for char in text)
    return kept.strip()
