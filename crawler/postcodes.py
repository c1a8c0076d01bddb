"""British postcodes in running text, with what the words before them say of the address.

The shape alone is not enough: part numbers look like postcodes, so the area must be one that Royal Mail uses, and on
pages that are not about the firm itself a postcode only counts after words that introduce an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_POSTCODES = 60  # per page; chains list their branches, directories everybody's
ADDRESS_CHARS = 120  # of an address, before its postcode
REACH = 220  # characters before a postcode in which its address and the words that introduce it stand

AREAS = frozenset(
    """
    AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX
    FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN
    NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB
    W WA WC WD WF WN WR WS WV YO ZE
    """.split()  # noqa: SIM905
)
_POSTCODE = re.compile(
    r"(?<![A-Z0-9])(?:(GIR) ?(0AA)|([A-Z]{1,2}\d[A-Z\d]?)[ \n]?(\d[ABD-HJLNP-UW-Z]{2}))(?![A-Z0-9])", re.IGNORECASE
)
_INWARD = re.compile(r"\d[ABD-HJLNP-UW-Zabd-hjlnp-uw-z]{2}(?![A-Za-z0-9])")  # sooner looked for than the whole
_WHOLE = re.compile(r"(?:GIR0AA|([A-Z]{1,2})(\d[A-Z\d]?)(\d[ABD-HJLNP-UW-Z]{2}))")
_REGISTERED = re.compile(
    r"\b(?:registered (?:head )?(?:office|address|at|business address)|reg(?:'?d|\.)? office|swyddfa gofrestredig|"
    r"registered in [^\n\d]{2,60} at|principal place of business|place of registration)",
    re.IGNORECASE,
)
_TRADING = re.compile(
    r"\b(?:head office|headquarters|hq|offices?|address(?:es)?|visit|find us|contact us|write to|depot|warehouse|"
    r"showroom|workshop|"
    r"factory|studio|premises|branch|stores?|shop|clinic|surgery|located|based (?:at|in)|locations?|call in|postal|"
    r"trading address|come and see|where we are|cyfeiriad|swyddfa|unit \w+|directions|sat ?nav)\b",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:road|rd|street|st|lane|ln|house|park|way|avenue|ave|close|court|drive|square|floor|suite|centre|estate|"
    r"yard|"
    r"mill|works|hill|place|row|terrace|gardens|building|buildings|box|quay|wharf|farm|crescent|gate|walk|heol|"
    r"ffordd|stryd|"
    r"parade|grove|mews|green|lodge|barn|chambers|arcade|campus)\b",
    re.IGNORECASE,
)
# Addresses that stand on everybody's legal pages, and those of people and of other firms.
_ANOTHERS = re.compile(
    r"information commissioner|\bico\b|wycliffe house|ombudsman|regulation authority|companies house|"
    r"citizens advice|hmrc|"
    r"trading standards|health and safety executive|ofcom|advertising standards|financial conduct|charity commission|"
    r"home address|resid(?:es|ing|ent)|\bclients?\b|\bcustomers?\b|\bsuppliers?\b|\blandlord|\bwebsite by|"
    r"web ?design|hosted by|case study|\bvenue\b|\bproperty\b|\bfor sale\b|\bto let\b|\bvacancy\b",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"[\n.;|](?:[^\n.;|]{0,40}) ?(?:head office|showroom|warehouse|visit|trading|workshop|shop)\b", re.IGNORECASE
)
OWN_PAGES = frozenset({"home", "contact", "about", "legal"})


@dataclass(frozen=True, slots=True)
class FoundPostcode:
    """A postcode of the firm's: ``label`` is registered or trading."""

    value: str
    label: str
    start: int


def normalise_postcode(text: str) -> str:
    """A postcode in its usual form, ``NG7 2RD``, or an empty text when it cannot be one."""
    packed = re.sub(r"\s", "", text).upper()
    parts = _WHOLE.fullmatch(packed)
    if not parts or (parts[1] and parts[1] not in AREAS):
        return ""
    return f"{packed[:-3]} {packed[-3:]}"


def postcodes_of(text: str, page_kind: str) -> Iterator[FoundPostcode]:
    """Postcodes of a text that belong to addresses of the site's owner.

    Args:
        text: Text with single spaces and line breaks.
        page_kind: As ``Page.kind``; an address without introduction counts on pages about the firm itself.
    """
    if not _INWARD.search(text):
        return
    before = 0
    for count, match in enumerate(_POSTCODE.finditer(text)):
        if count >= MAX_POSTCODES:
            return
        value = normalise_postcode(match[0])
        # The outward part must stand as a word of its own or the whole be in capitals: "a1 1st" is a ranking.
        if not value or (match[0] != match[0].upper() and " " not in match[0]):
            continue
        leading = text[max(before, match.start() - REACH) : match.start()]
        before = match.end()
        label = _label(leading, page_kind)
        if label:
            yield FoundPostcode(value, label, match.start())


def _label(leading: str, page_kind: str) -> str:
    if _ANOTHERS.search(leading):
        return ""
    registered = [match.end() for match in _REGISTERED.finditer(leading)]
    if registered:
        # "Registered office: as above. Showroom: 8 Bell Street" is the showroom's address.
        return "trading" if _ELSEWHERE.search(leading, registered[-1]) else "registered"
    in_street = _STREET.search(leading[-ADDRESS_CHARS:]) is not None
    if page_kind in OWN_PAGES:
        return "trading" if in_street or _TRADING.search(leading) else ""
    return "trading" if in_street and _TRADING.search(leading) else ""
