"""Bytes of a web page to text, by the web's own rules for encodings.

Only labels of the WHATWG standard are ever used: Python's codec names include ``punycode`` (26 s for a megabyte),
``idna``, ``unicode_escape`` and ``bz2``, and a stranger's header must not choose among those.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
META_BYTES = 4096  # the standard says 1,024; real pages put long scripts and links before it
MAX_LABEL = 40
META = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:()-]{1,60})", re.IGNORECASE)
XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-zA-Z0-9_.:-]{1,60})", re.IGNORECASE)
HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
# Python's tables are older or smaller than the standard's for these; the wider codec reads all of the narrower.
WIDER = {"gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs", "iso8859-11": "cp874"}
JAPANESE_ESCAPE = re.compile(rb"\x1b\$[@B]")  # ISO-2022-JP is all ASCII, so nothing else gives it away
HANGUL = re.compile("[\uac00-\ud7a3]")
MIN_HANGUL = 0.9  # of what is not ASCII; Chinese and Japanese bytes read as Korean give Hangul and Hanja mixed


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of a body, the Python codec that read it, and what named that codec."""

    text: str
    encoding: str
    source: str


def decode_html(body: bytes, content_type: str = "") -> Decoded:
    """Decode a page: byte order mark, then header, then the page's own declaration, then detection. Never raises."""
    for bom, encoding in BOMS:
        if body.startswith(bom):
            return Decoded(_decode(body[len(bom) :], encoding), encoding, "bom")
    header = HEADER.search(content_type[:1000])
    if header and (encoding := codec_of(header[1])) and not _contradicted(body, encoding):
        return Decoded(_decode(body, encoding), encoding, "header")
    head = body[:META_BYTES]
    meta = META.search(head) or XML.search(head)
    if meta and (encoding := codec_of(meta[1].decode("ascii"))):
        # A page that could be read as far as its meta tag is no UTF-16, whatever the tag says.
        encoding = "utf-8" if encoding.startswith("utf-16") else encoding
        if not _contradicted(body, encoding):
            return Decoded(_decode(body, encoding), encoding, "meta")
    encoding = _detected(body)
    return Decoded(_decode(body, encoding), encoding, "detected")


def codec_of(label: str) -> str:
    """The Python codec for a WHATWG label, or an empty string for anything that is not one."""
    label = label.strip().lower()
    if not label or len(label) > MAX_LABEL or not label.isascii() or "\x00" in label:
        return ""
    name = map_encoding_to_html5(label, fallback_utf8=False)
    if not name:
        return ""
    name = WIDER.get(name, name)
    try:
        return name if codecs.lookup(name)._is_text_encoding else ""
    except LookupError:
        return ""


def _contradicted(body: bytes, encoding: str) -> bool:
    """Whether the body is plainly UTF-8 or ASCII although it says otherwise, or plainly not although it says so."""
    sample = body[:200_000]
    if sample.isascii():
        return encoding.startswith("utf-16") and b"\x00" not in sample
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        is_utf8 = True
    except UnicodeDecodeError as error:
        # One broken byte in a long page is an accident; two percent of the odd bytes is another encoding.
        odd = sum(byte >= 0x80 for byte in sample)
        is_utf8 = sample.decode("utf-8", "replace").count("\ufffd") < 0.02 * odd and error.start > 0
    return is_utf8 != (encoding == "utf-8")


def _detected(body: bytes) -> str:
    sample = body[:200_000]
    if JAPANESE_ESCAPE.search(sample) and sample.isascii():
        return "iso2022_jp"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return "utf-8"
    except UnicodeDecodeError:
        pass
    try:
        found = codec_of(detect_encoding(body) or "")
    except Exception:  # the detector is native code fed by strangers
        found = ""
    if found and found != "utf-8":
        return found
    # Where the detector has no answer but UTF-8, a few broken bytes in a long page are an accident, many are not.
    if not _contradicted(body, "utf-8"):
        return "utf-8"
    korean = [letter for letter in sample.decode("cp949", "replace") if letter > "\x7f"]
    return "cp949" if len(HANGUL.findall("".join(korean))) >= MIN_HANGUL * len(korean) else "cp1252"


def _decode(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding, "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")
