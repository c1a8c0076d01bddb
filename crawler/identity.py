"""Marks by which a page says whose site it is: registration numbers, firms' names and postcodes, each with its owner.

A page names many firms besides its own (its parent, its web designer, its customers), so every mark carries in
``label`` what the words around it say. No person's name, e-mail address or telephone number becomes a mark.

Labels of numbers and names: ``owner`` (the words say so), ``stated`` (as firms state their own), ``parent``, ``third
party``, ``former``, ``mentioned`` (spoken of, nothing says whose); of names also ``structured data``. Of postcodes:
``registered``, ``trading``.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from crawler.company_numbers import Registration, normalise_vat_number, registrations
from crawler.firm_names import FirmName, firm_names
from crawler.postcodes import OWN_PAGES, normalise_postcode, postcodes_of
from crawler.records import Mark
from crawler.relations import (
    FORMER,
    MENTIONED,
    OWNER,
    PARENT,
    STATED,
    THIRD_PARTY,
    is_register_page,
    relation,
    unlabelled,
)
from crawler.structured import Organization
from crawler.text import is_plain, single_spaced
from crawler.urls import registered_domain

MAX_TEXT = 200_000
MAX_PAGE_MARKS = 120
MAX_SITE_MARKS = 200
ADDRESS_CHARS = 140  # from a name to the postcode of the address below it
MAX_URLS = 3  # pages kept per value: enough to show where it stands, and footers repeat on all
STRUCTURED = "structured data"
STATING_PAGES = frozenset({"legal", "contact"})  # here a firm's number is its own unless the words say otherwise

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_LETTER_NOUGHT = re.compile(r"[O\u041e\u039f](?<!\w\w)(?=\d{7}(?!\w))")  # "O1234567"; not the prefixes
_PLAIN = (
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u2018\u2019\u201b\u02bc", "'")
    | dict.fromkeys("\u201c\u201d", '"')
)
# What a label yields to when a value stands twice: one statement of ownership outweighs any mention.
_RANK = {
    OWNER: 0, STRUCTURED: 1, "registered": 1, STATED: 2, "trading": 2, FORMER: 3, PARENT: 4, THIRD_PARTY: 5,
    MENTIONED: 6,
}  # fmt: skip
_KIND_RANK = {"company_number": 0, "vat_number": 1, "charity_number": 2, "foreign_number": 3, "postcode": 4, "name": 5}
_PAGE_RANK = {"legal": 0, "home": 1, "contact": 2, "about": 3}
_INTRODUCED = re.compile(r"(?:©|\(c\)|\bcopyright)[^\n©]{0,30}$", re.IGNORECASE)
_SPEAKS_OF_ITSELF = re.compile(
    r"[\s,.\-|)]{0,4}(?:\(?(?:is|are|a|an|the|which|registered|incorporated|private|public|limited|company|reg|"
    r"co)\b ?){0,6}"
    r"(?:registered (?:in|office|number|no|at|address)|company (?:number|no|reg)|reg(?:istration)?\.? ?(?:no|"
    r"number)|co\.? (?:no|reg)|crn|"
    r"trading as|t/a|all rights reserved|vat (?:no|reg|number)|[(\"]{0,2}(?:we|us|our)\b)"
    r"|[\s,(]{0,3}(?:['\"]{0,2}(?:we|us|our|the company)\b|t/a\b)",
    re.IGNORECASE,
)


def marks_of(full_text: str, organizations: Sequence[Organization], url: str, page_kind: str) -> tuple[Mark, ...]:
    """Marks of one page, most telling first; at most one for each kind and value.

    Args:
        full_text: All visible text of the page, footer and menus too; what is beyond ``MAX_TEXT`` is not read.
        organizations: Organisations of its JSON-LD.
        url: Address of the page.
        page_kind: As ``Page.kind``.
    """
    text = tidy(full_text)
    found = list(registrations(text))
    doubtful = is_register_page(text)
    marks = [
        Mark(one.kind.replace("_id", "_number"), one.value, _whose(text, one, page_kind, doubtful), url, page_kind)
        for one in found
    ]
    places = list(postcodes_of(text, page_kind))
    marks += [Mark("postcode", one.value, one.label, url, page_kind) for one in places]
    names = list(firm_names(text))
    addressed = _addressed(names, [one.start for one in places]) if page_kind in OWN_PAGES else set()
    for name in names:
        said = _names(text, name, doubtful)
        if said == MENTIONED and name.start in addressed and not doubtful:
            said = STATED
        marks.append(Mark("name", name.value[:120], said, url, page_kind))
    domain = registered_domain(urlsplit(url).hostname or "")
    for organization in organizations:
        marks += _structured(organization, domain, url, page_kind)
    best: dict[tuple[str, str], Mark] = {}
    for mark in sorted(marks, key=lambda mark: (_RANK[mark.label], _KIND_RANK[mark.kind])):
        best.setdefault((mark.kind, mark.value), mark)
    return tuple(best.values())[:MAX_PAGE_MARKS]


def merge_marks(marks: Iterable[Mark], limit: int = MAX_SITE_MARKS) -> tuple[Mark, ...]:
    """Marks of a site: for each kind, value and label the ``MAX_URLS`` most telling pages, ``limit`` in all."""
    ordered = sorted(
        {(mark.kind, mark.value, mark.url): mark for mark in marks}.values(),
        key=lambda mark: (_PAGE_RANK.get(mark.page_kind, 9), mark.url),
    )
    seen: Counter[tuple[str, str, str]] = Counter()
    kept: list[tuple[int, Mark]] = []
    for mark in ordered:
        key = (mark.kind, mark.value, mark.label)
        if seen[key] < MAX_URLS:
            kept.append((seen[key], mark))
            seen[key] += 1
    kept.sort(key=lambda pair: (pair[0], _RANK[pair[1].label] > _RANK[FORMER], _KIND_RANK[pair[1].kind]))
    return tuple(mark for _, mark in kept[:limit])


def tidy(text: str) -> str:
    """Text as the patterns take it: plain digits and hyphens, single spaces, single line breaks."""
    plain = text[:MAX_TEXT]
    if not plain.isascii():
        plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", plain)[:MAX_TEXT])
        for char, plain_char in _PLAIN.items():
            plain = plain.replace(char, plain_char)
    if not is_plain(plain):
        plain = single_spaced(plain)
    return _LETTER_NOUGHT.sub("0", re.sub(r"\n\n+", "\n", plain).strip("\n"))


def _whose(text: str, one: Registration, page_kind: str, doubtful: bool) -> str:
    if one.kind == "foreign_id":
        return MENTIONED
    said = relation(text, one.start, one.end)
    if said or doubtful:
        return said or MENTIONED
    return unlabelled(text, one.start, one.end, page_kind in STATING_PAGES)


def _names(text: str, name: FirmName, doubtful: bool) -> str:
    said = relation(text, name.start, name.end)
    if said:
        return said
    if doubtful:
        return MENTIONED
    if _INTRODUCED.search(text, max(0, name.start - 50), name.start):
        return OWNER
    return STATED if _SPEAKS_OF_ITSELF.match(text, name.end) else MENTIONED


def _addressed(names: Sequence[FirmName], postcodes: Sequence[int]) -> set[int]:
    """Starts of the names that head an address: each postcode's is the last name before it."""
    ends = [name.end for name in names]
    found = set()
    for postcode in postcodes:
        place = bisect.bisect_right(ends, postcode) - 1
        if place >= 0 and postcode - ends[place] <= ADDRESS_CHARS:
            found.add(names[place].start)
    return found


def _structured(organization: Organization, domain: str, url: str, page_kind: str) -> Iterable[Mark]:
    elsewhere = organization.url.startswith("http") and registered_domain(
        (urlsplit(organization.url).hostname or "").lower()
    )
    if elsewhere and elsewhere != domain:
        return
    for name in {organization.legal_name, organization.name} - {""}:
        yield Mark("name", name[:120], STRUCTURED, url, page_kind)
    if vat := normalise_vat_number(organization.vat_id):
        yield Mark("vat_number", vat, OWNER, url, page_kind)
    if postcode := normalise_postcode(organization.postcode):
        yield Mark("postcode", postcode, "trading", url, page_kind)
