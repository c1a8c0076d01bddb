"""Read employees, turnover and company number out of one filing: inline XBRL, or the older plain XBRL.

lxml walks the document, and ixbrlparse turns a figure's words, format, scale and sign into a number: with ixbrlparse
for the walk too a filing takes 100 ms in the place of 3, and a month has 300,000. Figures of a part of the company (a
context with dimensions) are never taken for the whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from pipelines.sources.accounts_xml import FilingError, parsed
from pipelines.sources.company_numbers import normalised

if TYPE_CHECKING:
    from lxml.etree import _Element

EMPLOYEES, TURNOVER = "employees", "turnover_gbp"
# Local names, the one to prefer first: of the FRC's taxonomies, of IFRS, and of the UK GAAP ones until 2015.
CONCEPTS = {
    EMPLOYEES: ("AverageNumberEmployeesDuringPeriod", "EmployeesTotal"),
    TURNOVER: ("TurnoverRevenue", "Revenue", "TurnoverGrossOperatingRevenue"),
}
NUMBER_CONCEPTS = ("UKCompaniesHouseRegisteredNumber", "CompaniesHouseRegisteredNumber")
# A filer's own taxonomy may call anything Revenue.
_TAXONOMY = re.compile(r"https?://([^/]*\.)?(frc\.org\.uk|ifrs\.org|companieshouse\.gov\.uk|xbrl\.org/uk)/")
_FIGURE_OF = {name: (figure, rank) for figure, names in CONCEPTS.items() for rank, name in enumerate(names)}
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_INLINE = re.compile(r"http://www\.xbrl\.org/20(08|13)/inlineXBRL")
MAX_FIGURES = 10_000  # of the two kinds, parts of the company included; the largest groups have some hundred
MAX_NODES = 1_000  # looked at inside one figure, unit or context
MAX_FIGURE_CHARS = 100
MAX_SCALE = 12  # 10 to the power of it; a scale of a billion would keep Python busy for hours


@dataclass(frozen=True)
class Fact:
    """One figure as it stands in a document, in units: ``end`` is the last day of its period, or the day of an instant.

    ``rank`` orders the concepts of a figure, the preferred one 0. ``decimals`` is None where the figure is exact.
    ``mended`` when a scale that cannot be meant was left out. ``company`` is the company number that its context names.
    """

    figure: str
    rank: int
    start: date | None
    end: date
    value: float
    decimals: int | None
    mended: bool = False
    company: str | None = None


@dataclass(frozen=True)
class Fault:
    """A figure that could not be taken; ``reason`` is a word."""

    figure: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Document:
    """What one document says: company numbers as normalised, figures of the whole company, and what was wrong."""

    company_numbers: tuple[str, ...]
    facts: tuple[Fact, ...]
    faults: tuple[Fault, ...]


def read_document(content: bytes) -> Document:
    """Figures of a filing.

    Args:
        content: The file's bytes, in any encoding that XML allows.

    Raises:
        FilingError: ``too_large``, ``not_xml``, ``entities``, ``not_accounts`` for XML of another kind, or
            ``too_many_figures``.
    """
    root = parsed(content)
    kind = _local(root)
    if kind not in ("html", "xbrl"):
        raise FilingError("not_accounts", f"an XML document of the kind {kind[:40]!r}, expected html or xbrl")
    contexts = _Contexts(root)
    units = {str(found.get("id")): found for found in root.iter("{*}unit")}
    facts: list[Fact] = []
    faults: list[Fault] = []
    for count, (element, name) in enumerate(_figures(root, kind)):
        if count >= MAX_FIGURES:
            raise FilingError("too_many_figures", f"more than {MAX_FIGURES:,} of employees and turnover")
        figure, rank = _FIGURE_OF[name]
        try:
            fact = _fact(element, figure, rank, contexts, units)
        except FilingError as error:
            faults.append(Fault(figure, error.reason, f"{name}: {error.detail}"))
        else:
            facts += [fact] if fact else []
    return Document(_numbers(root, kind, contexts), tuple(facts), tuple(faults))


class _Contexts:
    """Contexts of a document by id, each looked through once."""

    def __init__(self, root: _Element) -> None:
        self._found = {str(found.get("id")): found for found in root.iter("{*}context")}
        self._parts: dict[str, bool] = {}
        self._companies: dict[str, str | None] = {}

    def get(self, name: str) -> _Element | None:
        return self._found.get(name)

    def is_part(self, name: str) -> bool:
        """Whether a context is about a part of the company, such as a segment or a director."""
        if name not in self._parts:
            context = self._found.get(name)
            parts = [] if context is None else _within(context, "segment", "scenario")
            self._parts[name] = any(len(part) > 0 for part in parts)
        return self._parts[name]

    def company(self, name: str) -> str | None:
        """The company number that a context names, where it is one."""
        if name not in self._companies:
            context = self._found.get(name)
            named = [] if context is None else _within(context, "identifier")
            self._companies[name] = next(filter(None, map(_identified, named)), None)
        return self._companies[name]


def _figures(root: _Element, kind: str) -> Iterator[tuple[_Element, str]]:
    """Elements that hold one of the figures, with the concept's local name."""
    if kind == "html":
        for element in root.iter("{*}nonFraction"):
            prefix, _, name = (element.get("name") or "").strip().rpartition(":")
            inline = name in _FIGURE_OF and _INLINE.match(_namespace(element))
            if inline and _TAXONOMY.match(element.nsmap.get(prefix or None) or ""):
                yield element, name
        return
    for element in root.iter(*(f"{{*}}{name}" for name in _FIGURE_OF)):
        if element.get("contextRef") and _TAXONOMY.match(_namespace(element)):
            yield element, _local(element)


def _fact(element: _Element, figure: str, rank: int, contexts: _Contexts, units: dict[str, _Element]) -> Fact | None:
    """One figure of the whole company; None where the element says nothing or speaks of a part."""
    name = element.get("contextRef") or ""
    context = contexts.get(name)
    if context is None:
        raise FilingError("unknown_period", f"no context {name[:40]!r} in the document")
    if contexts.is_part(name) or (element.get(_NIL) or "") in ("true", "1"):
        return None
    start, end = _period(context)
    if figure == TURNOVER:
        _refuse_other_currency(units.get(element.get("unitRef") or ""))
    value, mended = _value(element, figure)
    if value is None:
        return None
    return Fact(figure, rank, start, end, value, _decimals(element), mended, contexts.company(name))


def _value(element: _Element, figure: str) -> tuple[float | None, bool]:
    from ixbrlparse.components import ixbrlNumeric

    attributes = {name: element.get(name) for name in ("format", "scale", "sign")}
    given = {name: value.strip() for name, value in attributes.items() if value is not None}
    text = _words(element).replace("\u00a0", "").replace("\u202f", "").strip()
    if not text and "format" not in given:
        return None, False
    if len(text) > MAX_FIGURE_CHARS or (text in ("", "-") and "format" not in given):
        raise FilingError("unreadable_figure", f"{text[:MAX_FIGURE_CHARS]!r}")
    # Prod223_3384_09355500_20221231.html prints 3 employees and scales them by -2, to 0.03: its software takes every
    # plain number for a percentage. Nobody prints people in hundredths.
    mended = figure == EMPLOYEES and given.get("scale", "").startswith("-")
    if mended:
        del given["scale"]
    try:
        if abs(int(given.get("scale") or 0)) > MAX_SCALE:
            raise FilingError("unreadable_figure", f"{text!r} with a scale of {given['scale'][:20]}")
        value = ixbrlNumeric(name=figure, text=text, decimals="INF", **given).value
    except (ValueError, TypeError, ArithmeticError, NotImplementedError) as error:
        raise FilingError("unreadable_figure", f"{text!r}: {error}") from error
    if value is None:
        return None, False
    if not math.isfinite(value):
        raise FilingError("unreadable_figure", f"{text!r}")
    return round(float(value), 2), mended  # 1.1 times a million is 1100000.0000000002


def _decimals(element: _Element) -> int | None:
    try:
        return int(element.get("decimals") or "INF")
    except ValueError:
        return None


def _period(context: _Element) -> tuple[date | None, date]:
    days = {_local(found): (found.text or "").strip() for found in _within(context, "startDate", "endDate", "instant")}
    try:
        start = date.fromisoformat(days["startDate"]) if "endDate" in days and "startDate" in days else None
        end = date.fromisoformat(days.get("endDate") or days["instant"])
    except (KeyError, ValueError) as error:
        raise FilingError("unreadable_period", f"context {context.get('id')!r}: {days}") from error
    if start and start > end:
        raise FilingError("unreadable_period", f"context {context.get('id')!r}: from {start} to {end}")
    return start, end


def _refuse_other_currency(unit: _Element | None) -> None:
    measures = [] if unit is None else [(found.text or "").strip() for found in _within(unit, "measure")]
    if len(measures) != 1:
        raise FilingError("unknown_unit", f"measures {measures}, expected one currency")
    if measures[0].rpartition(":")[2] != "GBP":
        raise FilingError("other_currency", f"{measures[0][:40]}, expected pounds sterling")


def _numbers(root: _Element, kind: str, contexts: _Contexts) -> tuple[str, ...]:
    """Company numbers that the document gives for itself: as a fact, or else as the entity of its contexts."""
    names = [f"{{*}}{name}" for name in NUMBER_CONCEPTS] if kind == "xbrl" else ["{*}nonNumeric"]
    found = (
        _words(element)
        for element in root.iter(*names)
        if (kind == "xbrl" or (element.get("name") or "").rpartition(":")[2] in NUMBER_CONCEPTS)
        and not contexts.is_part(element.get("contextRef") or "")
    )
    facts = (normalised(text[:MAX_FIGURE_CHARS]) for text in found)
    entities = (_identified(identifier) for identifier in root.iter("{*}identifier"))
    for numbers in (facts, entities):
        if given := tuple(dict.fromkeys(number for number in numbers if number)):
            return given
    return ()


def _identified(identifier: _Element) -> str | None:
    """The company number of an entity."""
    if "companieshouse" not in (identifier.get("scheme") or "").lower():
        return None
    return normalised((identifier.text or "")[:MAX_FIGURE_CHARS])


def _within(element: _Element, *names: str) -> list[_Element]:
    """Elements of these local names among the first inside an element: contexts nested in contexts would cost hours."""
    return [found for found in islice(element.iter(), MAX_NODES) if _local(found) in names]


def _words(element: _Element) -> str:
    """Text of an element, without what it excludes."""
    from lxml import etree

    if not len(element):
        return element.text or ""
    words: list[str] = []
    excluded = 0
    walk = etree.iterwalk(element, events=("start", "end", "comment", "pi"))
    for event, found in islice(walk, MAX_NODES):
        inner = event in ("start", "end") and _local(found) == "exclude"
        excluded += inner * (1 if event == "start" else -1)
        if not excluded and not (inner and event == "start"):
            words.append((found.text if event == "start" else "" if found is element else found.tail) or "")
    return "".join(words)


def _local(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _namespace(element: _Element) -> str:
    return str(element.tag).rpartition("}")[0].lstrip("{")
