"""Whether a body is an HTML page, judged by its bytes first and its label second."""

from __future__ import annotations

import re

MAGIC = (
    b"%PDF-",
    b"\x89PNG",
    b"GIF87a",
    b"GIF89a",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"RIFF",
    b"\x00\x00\x00\x18ftyp",
    b"\x00\x00\x00 ftyp",
    b"OggS",
    b"ID3",
    b"\xd0\xcf\x11\xe0",
    b"7z\xbc\xaf",
    b"Rar!",
    b"\x7fELF",
    b"MZ\x90",
    b"BM6",
    b"wOF",
    b"II*\x00",
    b"MM\x00*",
    b"FLV",
    b"\x00\x01\x00\x00\x00",
)
HTML_LABELS = {
    "text/html",
    "application/xhtml+xml",
    "application/vnd.wap.xhtml+xml",
    "",
    "text/plain",
    "application/xml",
    "text/xml",
    "application/octet-stream",
}
TAG = re.compile(
    rb"<(?:!doctype|html|head|body|title|meta|div|p|table|a|h[1-6]|span|frameset|script|center|font)\b", re.IGNORECASE
)
MAX_NUL_SHARE = 0.1
# No page has these in it, in whatever encoding but UTF-16: all control characters but white space and shifts.
CONTROLS = bytes(set(range(32)) - set(b"\t\n\f\r\x0e\x0f\x1b"))
MAX_CONTROL_SHARE = 0.05  # a tenth of random bytes; a stray one in a page costs nothing


def page_type(body: bytes, content_type: str) -> tuple[str, str]:
    """Outcome word and reason when a body is no HTML page; two empty strings when it is.

    ``not_html`` for honest other types, ``bad_response`` for binary data that says it is HTML, ``empty`` for nothing.
    """
    label = content_type.split(";")[0].strip().lower()
    if not body.strip():
        return "empty", "the page has no body"
    head = body[:1024]
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    controls = len(head) - len(head.translate(None, CONTROLS))
    odd = head.count(0) > MAX_NUL_SHARE * len(head) or controls - head.count(0) > MAX_CONTROL_SHARE * len(head)
    binary = head.startswith(MAGIC) or (not wide and odd)
    if binary:
        if label in {"text/html", "application/xhtml+xml"}:
            return "bad_response", f"binary data labelled {label}"
        return "not_html", f"the page is {label or 'binary data'}, not HTML"
    if label not in HTML_LABELS:
        return "not_html", f"the page is {label[:60]}, not HTML"
    if label not in {"text/html", "application/xhtml+xml"} and not wide and not TAG.search(body[:4096]):
        return "not_html", f"the page is {label or 'unlabelled text'}, not HTML"
    return "", ""
