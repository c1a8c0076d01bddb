"""Read one sitemap file: the pages and further files that it lists.

A file is scanned for tags rather than parsed as XML: wrong namespaces, a missing end or a stray ``&`` cost nothing, and
there is nothing that could expand an entity or open a file. Whatever declares entities is refused all the same.
"""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from crawler.urls import MAX_URL_CHARS

MAX_URLS = 5_000
MAX_MAPS = 500
MAX_DECOMPRESSED = 8 * 1024 * 1024
MAX_TAGS = 100_000  # 5,000 entries with ten language versions each need half of it
MAX_ALTERNATES = 50
MAX_MEMBERS = 20  # of one gzip file; each costs a copy of what follows
CHUNK = 64 * 1024
GZIP = b"\x1f\x8b"
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
ENTITIES = re.compile(r"<!(?:ENTITY|DOCTYPE[^<>]{0,1000}\[)", re.IGNORECASE)
ROOT = re.compile(r"<(?![!?])(?:[\w-]{1,40}:)?([\w-]{1,40})")
TAG = re.compile(r"<(?:(!--)|(/?)(?:[\w-]{1,40}:)?(loc|url|sitemap|link)(?=[\s/>])([^<>]{0,4000})>)", re.IGNORECASE)
ATTRIBUTE = re.compile(r"(hreflang|href)\s{0,9}=\s{0,9}[\"']([^\"'<>]{0,2000})[\"']", re.IGNORECASE)
FEEDS = frozenset({"rss", "feed", "rdf"})
ROOTS = frozenset({"urlset", "sitemapindex", "url", "sitemap", "loc", "urlsets"})


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one sitemap file lists: page URLs, further sitemap files, and what was odd about it.

    ``flags``: ``cut`` (longer than is read), ``broken`` (compressed data that ends early), ``entities``, ``feed`` and
    ``not a sitemap``, of which the last three mean that nothing was taken from it.
    """

    pages: tuple[str, ...] = ()
    maps: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    is_map: bool = False
    loc: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def parse_sitemap(body: bytes, url: str, language: str = "") -> Sitemap:
    """Read a sitemap or sitemap index: XML or plain text, gzipped or not. Never raises.

    Args:
        body: The file's bytes.
        url: Where it came from; entries equal to it are dropped.
        language: ISO 639-1 code. Where an entry lists language versions (``xhtml:link``) and one is in this language,
            that one stands for all.

    Returns:
        At most ``MAX_URLS`` pages and ``MAX_MAPS`` files, in the order of the file and once each, as they stand there.
    """
    flags: list[str] = []
    text = _decoded(_inflated(body, flags))
    start = text[:CHUNK].lstrip("\ufeff \t\r\n\x00")
    if ENTITIES.search(text[: 4 * CHUNK]):
        return Sitemap(flags=("entities",))
    if not start.startswith("<"):
        lines = _lines(text)
        return Sitemap(lines, flags=(*flags, *_full(lines))) if lines else Sitemap(flags=("not a sitemap",))
    root = _root(start)
    if root not in ROOTS:
        return Sitemap(flags=("feed" if root in FEEDS else "not a sitemap",))
    pages: dict[str, None] = {}
    maps: dict[str, None] = {}
    for entry in _entries(text, is_index=root == "sitemapindex", flags=flags):
        if entry.is_map:
            maps[entry.loc] = None
        else:
            pages[_version(entry, language.lower())] = None
        if len(pages) >= MAX_URLS or len(maps) >= MAX_MAPS:
            flags.append("cut")
            break
    maps.pop(url, None)
    pages.pop(url, None)
    return Sitemap(tuple(pages), tuple(maps), tuple(dict.fromkeys(flags)))


def _inflated(body: bytes, flags: list[str]) -> bytes:
    """The first ``MAX_DECOMPRESSED`` bytes; some servers compress a file that is compressed already."""
    for _ in range(2):
        if not body.startswith(GZIP):
            break
        body = _gunzipped(body, flags)
    if len(body) > MAX_DECOMPRESSED:
        flags.append("cut")
    return body[:MAX_DECOMPRESSED]


def _gunzipped(body: bytes, flags: list[str]) -> bytes:
    out = bytearray()
    for _ in range(MAX_MEMBERS):
        if not body.startswith(GZIP) or len(out) > MAX_DECOMPRESSED:
            break
        inflate = zlib.decompressobj(wbits=31)
        at = 0
        try:
            while at < len(body) and not inflate.eof and len(out) <= MAX_DECOMPRESSED:
                out += inflate.decompress(
                    inflate.unconsumed_tail + body[at : at + CHUNK], MAX_DECOMPRESSED + 1 - len(out)
                )
                at += CHUNK
        except zlib.error:
            flags.append("broken")
            break
        if not inflate.eof:
            flags.append("broken" if len(out) <= MAX_DECOMPRESSED else "cut")
            break
        body = inflate.unused_data + body[at:]
    return bytes(out)


def _decoded(body: bytes) -> str:
    for mark, encoding in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    declared = DECLARED.search(body[:400])
    try:
        return body.decode(declared[1].decode("ascii") if declared else "utf-8", errors="replace")
    except (LookupError, ValueError):  # a name Python does not know, or of a codec that is none of text
        return body.decode("utf-8", errors="replace")


def _root(start: str) -> str:
    """Name of the first element, without its prefix; comments may stand before it."""
    prologue = start.split("<!--")
    bare = prologue[0] + "".join(part.partition("-->")[2] for part in prologue[1:])
    match = ROOT.search(bare)
    return match[1].lower() if match else ""


def _lines(text: str) -> tuple[str, ...]:
    """Pages of a plain-text sitemap, one URL a line; none where the first line is something else."""
    lines = [line.strip() for line in text.lstrip().splitlines()[: 2 * MAX_URLS] if line.strip()]
    if not lines or not _is_url(lines[0]):
        return ()
    return tuple(dict.fromkeys(line for line in lines if _is_url(line)))[:MAX_URLS]


def _full(lines: tuple[str, ...]) -> tuple[str, ...]:
    return ("cut",) if len(lines) >= MAX_URLS else ()


def _entries(text: str, *, is_index: bool, flags: list[str]) -> Iterator[_Entry]:
    entry = _Entry(is_index)
    at = tags = 0
    while match := TAG.search(text, at):
        at = match.end()
        tags += 1
        if tags > MAX_TAGS:
            flags.append("cut")
            break
        comment, closing, name, attributes = match.groups()
        if comment:
            at = text.find("-->", at)
            if at < 0:
                break
            continue
        name = name.lower()
        if name == "loc" and not closing:
            if entry.loc:
                yield entry
                entry = _Entry(entry.is_map)
            entry.loc = _value(text, at)
        elif name == "link":
            _add_version(entry, attributes)
        elif name in {"url", "sitemap"}:
            if entry.loc:
                yield entry
            entry = _Entry(is_index if closing else name == "sitemap")
    if entry.loc:
        yield entry


def _value(text: str, at: int) -> str:
    """The URL that begins here, out of ``CDATA`` and escapes; empty when it is none."""
    chunk = text[at : at + 2 * MAX_URL_CHARS].lstrip()
    quoted = chunk.startswith("<![CDATA[")
    value = chunk[9:].partition("]]>")[0] if quoted else html.unescape(chunk.partition("<")[0])
    return value.strip() if _is_url(value.strip()) else ""


def _is_url(text: str) -> bool:
    return (
        text[:8].lower().startswith(("http://", "https://"))
        and len(text) <= MAX_URL_CHARS
        and not re.search(r"\s", text)
    )


def _add_version(entry: _Entry, attributes: str) -> None:
    found = {name.lower(): html.unescape(value).strip() for name, value in ATTRIBUTE.findall(attributes)}
    if len(entry.versions) < MAX_ALTERNATES and _is_url(found.get("href", "")):
        entry.versions.setdefault(found.get("hreflang", "").replace("_", "-").lower(), found["href"])


def _version(entry: _Entry, language: str) -> str:
    """The entry's URL, or that of its version in the language."""
    tags = [tag for tag, href in entry.versions.items() if tag.partition("-")[0] == language]
    if not language or not tags or entry.loc in {entry.versions[tag] for tag in tags}:
        return entry.loc
    return entry.versions[language if language in tags else sorted(tags)[0]]
