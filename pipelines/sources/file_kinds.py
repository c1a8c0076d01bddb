"""Tell from its first bytes or its header what a file is, so that a wrong file is refused by its name.

People import the workbook beside the CSV, the web page that said "log in", and one list in the place of another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

HEAD_BYTES = 4096  # enough to know a file by

_MAGIC = (
    (b"PK\x03\x04", "a zip file or an Excel workbook", "take the CSV file out of it, or save the sheet as 'CSV UTF-8'"),
    (b"PK\x05\x06", "an empty zip file", "download it again"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as 'CSV UTF-8'"),
    (b"%PDF", "a PDF document", "look for the same table as CSV"),
    (b"PAR1", "a Parquet file", "save it as CSV"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip file", "unpack it first"),
    (b"SQLite format 3", "an SQLite database", "save the table as CSV"),
)
# Columns by which a table is known, and the command that takes it.
_TABLES = (
    ({"companynumber", "companyname", "companystatus"}, "Companies House company data", "firmscope import register"),
    ({"companynumber", "periodend"}, "a table of accounts", "firmscope import accounts"),
    ({"metric", "cluster", "area", "value"}, "a table of metrics", "firmscope import metrics"),
    ({"firmid", "sector", "label"}, "a table of labels", "firmscope labels import"),
    ({"firmid", "name", "website"}, "a firm list", "firmscope import firms"),
    ({"firmid", "postcode"}, "a table of premises", "firmscope import premises"),
)


def folded(name: str) -> str:
    """A column's name as it is compared: without case, spaces and underscores."""
    return name.strip().lower().replace(" ", "").replace("_", "")


def other_kind(head: bytes) -> tuple[str, str] | None:
    """What a file is that is no CSV, and the cure; None for what may be one.

    Args:
        head: The first ``HEAD_BYTES`` bytes.
    """
    for magic, what, cure in _MAGIC:
        if head.startswith(magic):
            if magic == b"PK\x03\x04" and (b"[Content_Types].xml" in head or b"xl/" in head):
                return "an Excel workbook", "save the sheet as 'CSV UTF-8'"
            return what, cure
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page", "the download may have ended on a log-in or error page: download it again"
    if text.startswith(b"<"):
        return "an XML file", "look for the same table as CSV"
    if text.startswith((b"{", b"[")):
        return "a JSON file", "look for the same table as CSV"
    return None


def known_table(columns: Sequence[str], but: Collection[str] = ()) -> str | None:
    """Which table a header belongs to, in words with the command that takes it; None where it is not known.

    Args:
        columns: Names in the header.
        but: Columns that were asked for: the table they belong to is not offered.
    """
    here, asked = {folded(name) for name in columns}, {folded(name) for name in but}
    for signature, what, command in _TABLES:
        if signature <= here and not signature <= asked:
            return f"it looks like {what}, which is for: {command}"
    return None
