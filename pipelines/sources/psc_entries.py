"""Read one line of a PSC snapshot: a company or other body that controls a company becomes a row, a person never does.

What is said of persons is looked at for its kind alone and let go: no name, birth date or address of one leaves this
module, neither in a row nor in the words of a refusal.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from typing import Any

from pipelines.reading import clean
from pipelines.sources.cells import day
from pipelines.sources.countries import UNCLEAR
from pipelines.sources.owners import country_registered

COMPANY = re.compile(rb'\s*\{\s*"company_number"\s*:\s*"([A-Za-z0-9 ]{1,12})"')  # how nearly every line begins
MAX_CHARS = 500  # of a name, a country, a number; the register's own forms take 160
MAX_NATURES = 30
_NATURE = re.compile(r"[a-z0-9-]{1,150}")
_KINDS = (("corporate-entity-", "corporate"), ("legal-person-", "legal_person"))
_NOBODY = "no-individual-or-entity"  # statement that nobody has control; all others say that it is not known who has
# Kinds of entries that are no owner we keep, and the word under which they are counted.
_OTHERS = (
    ("individual-", "person"),
    ("super-secure-", "person_protected"),
    ("persons-with-significant-control-statement", "statement"),
    ("exemption", "exemption"),  # of companies on a stock exchange, which need not say
    ("totals#", "totals"),
)


_PERSON = b'"kind":"individual-person-with-significant-control"'
_KEPT = tuple(start.encode() for start, _ in _KINDS)


class EntryError(Exception):
    """An entry that is not taken; ``reason`` is the word it is counted under, and all there is to say."""

    def __init__(self, reason: str) -> None:
        """Args: reason word; never anything of the entry itself."""
        super().__init__(reason)
        self.reason = reason


def is_plainly_person(raw: bytes) -> bool:
    """Whether a line is an individual's at a glance, which spares nine in ten lines their reading; False: not sure."""
    return _PERSON in raw and raw.rstrip().endswith(b"}}") and not any(start in raw for start in _KEPT)


def read_entry(raw: bytes) -> dict[str, Any]:
    """The JSON object of one line.

    Raises:
        EntryError: not_utf8, not_json (also NaN, and what is nested too deep), key_twice or not_an_object.
    """
    try:
        found = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise EntryError("not_utf8") from error
    except (ValueError, RecursionError) as error:
        raise EntryError("not_json") from error
    if not isinstance(found, dict):
        raise EntryError("not_an_object")
    return found


def company_of(entry: dict[str, Any]) -> str:
    """Company number as it stands in an entry; empty where it has none, as the line of totals."""
    number = entry.get("company_number")
    return str(number) if isinstance(number, str | int) and not isinstance(number, bool) else ""


def owner_row(entry: dict[str, Any], latest: date) -> dict[str, Any]:
    """Row of the table ``owners``, without its firm_id.

    Args:
        entry: As :func:`read_entry` gives it.
        latest: No date of the entry may be later than this.

    Raises:
        EntryError: person, person_protected, statement (nobody has control), not_identified (it is not known who has),
            exemption, totals, unknown_kind, or what is wrong with the entry of a company or other body.
    """
    data = entry.get("data")
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(kind, str):
        raise EntryError("no_kind")
    kept = next((word for start, word in _KINDS if kind.startswith(start)), None)
    if kept is None:
        reason = next((word for start, word in _OTHERS if kind.startswith(start)), "unknown_kind")
        nobody = str(data.get("statement", "")).startswith(_NOBODY)
        raise EntryError("not_identified" if reason == "statement" and not nobody else reason)
    identity = data.get("identification")
    identity = identity if isinstance(identity, dict) else {}
    given, register = _text(identity, "country_registered"), _text(identity, "place_registered")
    number = _text(identity, "registration_number")
    notified_on, ceased_on = _day(data, "notified_on", latest), _day(data, "ceased_on", latest)
    if data.get("ceased") is True and ceased_on is None:
        raise EntryError("ceased_without_date")
    natures = data.get("natures_of_control")
    words = [nature for nature in natures if isinstance(nature, str)] if isinstance(natures, list) else []
    return {
        "owner": _mark(data),
        "kind": kept,
        "name": _text(data, "name") or None,
        "number": number or None,
        "country_given": given or None,
        "country": country_registered(given, register, number) if given or register else UNCLEAR,
        "natures": sorted({word for word in words if _NATURE.fullmatch(word)})[:MAX_NATURES],
        "notified_on": notified_on,
        "ceased_on": ceased_on,
    }


def _mark(data: dict[str, Any]) -> str:
    """The register's mark of an entry: the end of its link, or else its etag, or else a digest of it."""
    links = data.get("links")
    link = links.get("self") if isinstance(links, dict) else None
    for text in (link.rstrip("/").rsplit("/", 1)[-1] if isinstance(link, str) else None, data.get("etag")):
        if isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_=-]{6,100}", text):
            return text
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:40]


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int):
        raise EntryError("not_a_text")
    text = clean(str(value))
    if len(text) > MAX_CHARS:
        raise EntryError("too_long")
    return text


def _day(values: dict[str, Any], name: str, latest: date) -> date | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    found = day(value) if isinstance(value, str) else None
    if found is None:
        raise EntryError("bad_date")
    if found > latest:
        raise EntryError("future_date")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise EntryError("key_twice")
    return found


def _refuse_constant(text: str) -> None:
    raise ValueError(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant)
