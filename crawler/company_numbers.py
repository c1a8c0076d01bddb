"""Find registration numbers by the words that introduce them: company, charity and VAT numbers, each for what it is.

A number counts only where a label leads up to it, and the most telling label that reaches it decides: in "registered
charity in England and Wales 1123456" the charity does, not the country. Repeats are possessive and bounded, so that
time is linear in a stranger's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from crawler.registration_labels import AFTERWARDS, FILLER, FILLERS, LABELS, NEXT, STRENGTH, WIDE

MAX_LABELS = 3_000  # per page; a directory page of 100 firms has some 500
MAX_LISTED = 40  # numbers after one label
LABEL_REACH = 300  # characters before a number in which its label can begin
REGISTER_REACH = 60  # characters around a number of six digits in which the register is named that it lacks a prefix of

# Register prefixes in use at Companies House, R0 apart, which is followed by six digits like the others.
PREFIXES = tuple(
    """
    AC BR CE CS EN ES FC FE GE GN GS IC IP LP NA NC NF NI NL NO NP NR NV NZ OC OE PC RC RS SA SC SE SF SG SI SL SO
    SP SR SZ ZC R0
    """.split()  # noqa: SIM905
)
_PREFIX = "|".join(PREFIXES) + "|0C|S0|N0"  # a nought typed for the letter
CHARITIES_TOO = frozenset({"SC", "NI"})  # Scottish charity numbers look like Scottish company numbers
_TYPED_WRONG = {"0C": "OC", "S0": "SO", "N0": "NO"}
_NUMBER = re.compile(
    rf"(?<![^\W_])(?:(?P<prefix>{_PREFIX})(?P<apart>[\s.\-:]?))?(?P<digits>\d(?:[ ]?\d){{3,13}}+)(?P<tail>R)?"
    r"(?![^\W_])(?!\.\d|,\d{3})",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d(?:[ .,\-]?\d){4,}+")
_VAT_NUMBER = re.compile(
    r"(?<![^\W_])(?:GB|XI)?[\s:.\-]?(\d(?:[ .\-]?\d){8}(?:[ .\-]?\d{3})?+)(?![^\W_])", re.IGNORECASE
)
_WHOLE = re.compile(r"\d\d{5}(?:\d{2})?+(?![^\W_])")
_SPLIT = re.compile(r"\d{1,4}(?:[.,\-]\d{2,4}){1,3}(?![\w.,\-/]*\d)")
_WELL_FORMED = re.compile(rf"(?:{'|'.join(PREFIXES)})\d{{6}}|(?:IP|SP|NP|NO)\d{{5}}R|[01]\d{{7}}")

_SCOTLAND = re.compile(r"\bscot(?:land|tish)\b", re.IGNORECASE)
_NORTHERN = re.compile(r"\b(?:northern ireland|n\.? ?i\.?|belfast)\b", re.IGNORECASE)
_ENGLAND = re.compile(r"\b(?:england|wales|lloegr|nghymru)\b", re.IGNORECASE)
_SCOTTISH_CHARITY = re.compile(r"SC\d{6}|NIC?\d{6}|\d{6,7}")


@dataclass(frozen=True, slots=True)
class Registration:
    """One number on a page; ``start`` and ``end`` are those of its label and of the number.

    ``kind`` is company_number, charity_number, vat_number, foreign_number (its firm is registered abroad) or foreign_id
    (a number such as firms abroad have, and some British ones too).
    """

    kind: str
    value: str
    start: int
    end: int


def normalise_company_number(text: str) -> str:
    """A Companies House number in its eight characters, or an empty text when it cannot be one.

    Takes what registers, spreadsheets and pages make of it: lost leading zeros, spaces, hyphens, lower case.
    """
    packed = re.sub(r"[\s.\-/:]", "", text.strip().removesuffix(".0")).upper()
    packed = _TYPED_WRONG.get(packed[:2], packed[:2]) + packed[2:] if len(packed) == 8 else packed
    parts = re.fullmatch(rf"({'|'.join(PREFIXES)})?(\d{{1,8}})(R?)", packed)
    if not parts:
        return ""
    prefix, digits, tail = parts[1] or "", parts[2], parts[3]
    value = prefix + digits.zfill(8 - len(prefix) - len(tail)) + tail
    return value if _WELL_FORMED.fullmatch(value) else ""


def valid_vat_number(digits: str) -> bool:
    """Whether nine digits pass HMRC's check, in its old form (modulo 97) or the one with 55 added ("9755")."""
    if len(digits) != 9 or not digits.isdecimal() or not int(digits[:7]):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(8, 1, -1), strict=False)) + int(digits[7:])
    return total % 97 == 0 or (total + 55) % 97 == 0


def normalise_vat_number(text: str) -> str:
    """The nine digits of a British VAT number whose check digits are right, or an empty text."""
    digits = re.sub(r"[\s.\-]", "", text).upper().removeprefix("GB").removeprefix("XI")
    return digits[:9] if len(digits) in {9, 12} and valid_vat_number(digits[:9]) else ""


def registrations(text: str) -> tuple[Registration, ...]:
    """Every registration number of a text, in the order in which they stand.

    Args:
        text: NFKC-normalised text, spaces single.
    """
    claims: dict[int, tuple[tuple[int, int], Registration | None]] = {}
    for name, strength, begin, end in _labels(text):
        if name == "vat":
            claims |= {at: ((9, 0), one) for at, one in _vat_numbers(text, begin, end)}
        for at, found in _claimed(text, name, begin, end):
            rank = (strength, begin)
            if at not in claims or rank > claims[at][0]:
                claims[at] = (rank, found)
    for at, found in _stated_afterwards(text):
        claims.setdefault(at, ((0, 0), found))
    return tuple(found for _, (_, found) in sorted(claims.items()) if found is not None)


def _labels(text: str) -> Iterator[tuple[str, int, int, int]]:
    spans = list(_around_numbers(text))
    for name, pattern in LABELS.items():
        matches = (match for begin, end in spans for match in pattern.finditer(text, begin, end))
        for match in islice(matches, MAX_LABELS):
            yield name, STRENGTH[name], match.start(), match.end()


def _around_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Stretches in which a label could lead to a number; most of a page is none."""
    begin, end = 0, 0
    for number in _DIGITS.finditer(text):
        if number.start() - LABEL_REACH > end:
            if end:
                yield begin, end
            begin = number.start() - LABEL_REACH
        end = number.end() + 1
    if end:
        yield max(0, begin), end


def _claimed(text: str, name: str, begin: int, end: int) -> Iterator[tuple[int, Registration | None]]:
    """Numbers to which a label leads, by place; None where it says that the number is none of ours."""
    filler = FILLERS.get(name, FILLER)
    after = filler.match(text, end)
    if after is None:
        return
    if name == "company" and (split := _SPLIT.match(text, after.end())):
        digits = re.sub(r"\D", "", split[0])
        if len(digits) in {7, 8}:
            yield split.start(), Registration("company_number", digits.zfill(8), begin, split.end())
            return
    number = _NUMBER.match(text, after.end())
    if number is None and name == "place":
        wide = WIDE.match(text, end)
        number = _NUMBER.match(text, wide.end()) if wide else None
        name = "wide" if number else name
    for _ in range(MAX_LISTED):
        if number is None:
            return
        introduction = text[begin : number.start()]
        around = text[max(0, begin - REGISTER_REACH) : number.end() + REGISTER_REACH]
        if name in {"company", "place", "wide", "generic", "form", "society", "bare"}:
            value, length = _company_number(number, name, introduction, around)
            kind = "company_number"
        elif name == "charity":
            value, length = _charity_number(number)
            kind = "charity_number"
        else:
            kind = {"abroad": "foreign_number", "foreign": "foreign_id"}.get(name, "")
            value, length = (number["digits"].replace(" ", "") if kind else ""), len(number["digits"])
            if not kind:
                yield number.start("digits"), None
        stop = number.start("digits") + length
        if value:
            yield number.start("digits"), Registration(kind, value, begin, stop)
        if name == "form":
            return
        following = NEXT.match(text, stop)
        number = _NUMBER.match(text, following.end()) if following else None


def _company_number(number: re.Match[str], name: str, introduction: str, around: str) -> tuple[str, int]:
    """The number's eight characters and how many characters of the digits it takes; empty where it cannot be one."""
    prefix, tail = (number["prefix"] or "").upper(), (number["tail"] or "").upper()
    if prefix == "NO" and (number["apart"] or number["prefix"] != "NO" or not _says_number(introduction)):
        prefix = ""
    prefix = _TYPED_WRONG.get(prefix, prefix)
    if not prefix and tail and name in {"society", "company"}:
        prefix = "SP" if _SCOTLAND.search(around) else "IP"
    if name == "bare" and (not prefix or prefix in CHARITIES_TOO or len(number["digits"]) != 6 - len(tail)):
        return "", len(number["digits"])
    groups = number["digits"].split(" ")
    whole = "".join(groups)
    if prefix:
        digits = groups[0] if len(groups[0]) >= 5 else whole
        if tail:
            good = len(digits) in {4, 5}
        else:
            good = len(digits) == 6 or (len(digits) in {4, 5} and name in {"company", "place"})
    else:
        digits = groups[0] if len(groups[0]) in {7, 8} else whole
        shortest = {"company": 5, "place": 6}.get(name, 7)
        if name == "form":
            shortest = 7 if _says_number(introduction) else 8
        good = shortest <= len(digits) <= 8 and not (name == "form" and " " in digits)
    if not good:
        return "", len(number["digits"])
    if not prefix and len(digits) == 6 and not _ENGLAND.search(around):
        prefix = "SC" if _SCOTLAND.search(around) else "NI" if _NORTHERN.search(around) else ""
    length = len(groups[0]) if digits == groups[0] else len(number["digits"])
    return normalise_company_number(prefix + digits + tail), length


def _charity_number(number: re.Match[str]) -> tuple[str, int]:
    prefix = (number["prefix"] or "").upper()
    groups = number["digits"].split(" ")
    digits = groups[0] if len(groups[0]) in {6, 7} else "".join(groups)
    value = (prefix if prefix in {"SC", "NI"} else "") + digits
    length = len(groups[0]) if digits == groups[0] else len(number["digits"])
    return (value if _SCOTTISH_CHARITY.fullmatch(value) else ""), length


def _vat_numbers(text: str, begin: int, end: int) -> Iterator[tuple[int, Registration]]:
    after = FILLER.match(text, end)
    number = _VAT_NUMBER.match(text, after.end()) if after else None
    if number is not None and (value := normalise_vat_number(number[1])):
        yield number.start(1), Registration("vat_number", value, begin, number.end())


def _stated_afterwards(text: str) -> Iterator[tuple[int, Registration]]:
    """Numbers before their label: "01234567, registered in England"."""
    for number in _WHOLE.finditer(text):
        place = number.start()
        begin = place if len(number[0]) == 8 else place - 2
        if begin < 0 or text[max(0, begin - 1) : begin].isalnum():
            continue
        label, value = AFTERWARDS.match(text, number.end()), normalise_company_number(text[begin : number.end()])
        if label and value and not text[begin:place].isdecimal():
            # Claims are kept by the place of the first digit after a prefix.
            yield place, Registration("company_number", value, begin, label.end())


def _says_number(introduction: str) -> bool:
    return re.search(r"\b(?:number|no|nr|num|rhif|crn)\b\.?[\s:#(]*$", introduction.rstrip(), re.IGNORECASE) is not None
