"""Find the country that somebody meant who filled in a form: ISO 3166 alpha-2, or ``unclear``.

Nothing is guessed: words that could mean two countries, such as Georgia, DE (Germany, Delaware) or Virgin Islands, and
words that name none, such as Companies House or West Yorkshire, are unclear. England, Scotland, Wales and Northern
Ireland are GB; Jersey, Guernsey, the Isle of Man, Gibraltar and the British Virgin Islands are countries of their own.
The words stand in ``countries.csv``: ``codes`` count only as a whole cell, ``names`` anywhere, and ``places`` (towns)
only where no name is found, so that Paris, Texas is in the US.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

UNCLEAR = "unclear"
UNITED_KINGDOM = "GB"

MAX_CHARS = 300  # the register's own form takes 160
# A slip such as "Untied Kingdon" is mended when one name alone is this near (difflib's ratio). Tried on the names of
# all British districts, upper tiers and historic counties: none of them becomes a country (tests).
NEAR = 0.9
NEARLY = 0.84  # a second country this near makes it unclear: "austrlia" is as near to Austria
SHORTEST_MENDED = 7

# What belongs to another state and yet is a country of its own: "Jersey, UK" is Jersey.
_WITHIN = {
    "GB": {"JE", "GG", "IM", "GI", "VG", "KY", "BM", "TC", "AI", "MS", "FK", "SH", "IO", "PN", "GS"},
    "US": {"PR", "VI", "GU", "AS", "MP", "UM", "MH", "FM"},
    "CN": {"HK", "MO", "TW"},
    "FR": {"GP", "MQ", "GF", "RE", "YT", "PF", "NC", "WF", "PM", "BL", "MF", "TF"},
    "NL": {"AW", "CW", "SX", "BQ"},
    "DK": {"FO", "GL"},
    "AU": {"NF", "CX", "CC", "HM"},
    "NZ": {"CK", "NU", "TK"},
    "NO": {"SJ", "BV"},
    "FI": {"AX"},
}
# Words that say nothing of the country, so that "Registered in England" is England and "Jersey Street" is nothing.
_FILLER = frozenset(  # a wall of quotes would be read by nobody
    """
    a act acts an and at authority body business center centre chamber ci city co commerce commercial commission
    companies company corporate corporation corporations country court de der des di division du entity entreprises
    et eu european federal for formed from government handelsregister handelsregisteramt home house hra hrb in inc
    incorporated incorporation indies jurisdiction kingdom la land law laws le limited llc llp local ltd mercantil
    ministry municipality nation national no number of office official on plc private public rcs register registered
    registrar registrars registration registre registro registry republic sar secretary societes state territory the
    trade under union west wi with within
    """.split()  # noqa: SIM905
)
# These turn what follows into its opposite.
_DENIALS = frozenset({"not", "non", "outside", "except", "other", "unknown", "none", "neither"})
# Behind a town that is not in the table: "Leeds England".
_ENDINGS = frozenset(
    {"united kingdom", "uk", "england", "scotland", "wales", "northern ireland", "usa", "united states"}
)
_FORMS = re.compile(
    r"(?:the )?(?:(?:federal |peoples |democratic |islamic )?republic|kingdom|principality|commonwealth|state|province|"
    r"territory|grand duchy|sultanate|emirate|dominion|islands?) of (?:the )?"
)
_BREAKS = re.compile(r"[,;:/\\|()\[\]\r\n\t]|\s[-\u2013\u2014]\s")
_LETTERS_APART = re.compile(r"\b(?:[a-z] ){1,}[a-z]\b")


@dataclass(frozen=True)
class _Words:
    codes: dict[str, str]
    names: dict[str, str]
    places: dict[str, str]
    longest: int  # words of the longest name or place


@lru_cache(maxsize=65_536)
def country_code(text: str) -> str:
    """ISO 3166 alpha-2 code (XK for Kosovo) of the country that ``text`` names, or ``UNCLEAR``.

    Case, accents, punctuation and common slips of the pen do not matter; texts longer than ``MAX_CHARS`` are unclear.
    """
    if len(text) > MAX_CHARS:
        return UNCLEAR
    words, whole = _words(), _plain(text)
    known = words.codes.get(whole) or _named(whole, words.names)
    if known:
        return known
    if not _DENIALS.isdisjoint(whole.split()):
        return UNCLEAR
    names, places = set[str](), set[str]()
    for part in map(_plain, _BREAKS.split(text)):
        code = words.codes.get(part) or _named(part, words.names)
        found, towns = ({code}, set[str]()) if code else _within(part, words)
        names |= found
        places |= towns
    return _one_of(names) or (_one_of(places) if not names else "") or (_mended(whole) if not names else "") or UNCLEAR


def _one_of(codes: set[str]) -> str:
    """The one country meant by several names; a dependency goes before the state it belongs to."""
    rest = {code for code in codes if not (_WITHIN.get(code, set()) & codes)}
    return rest.pop() if len(rest) == 1 else ""


def _named(words: str, names: dict[str, str]) -> str:
    """Country of a name, with or without the form of its state (``Republic of ...``)."""
    return names.get(words) or names.get(words.removeprefix("the ")) or names.get(_FORMS.sub("", words, count=1), "")


def _within(part: str, words: _Words) -> tuple[set[str], set[str]]:
    """Countries named, and those of towns named, in a part of which every other word says nothing."""
    tokens = part.split()
    names, places, strangers, ending, at = set[str](), set[str](), 0, "", 0
    while at < len(tokens):
        for size in range(min(words.longest, len(tokens) - at), 0, -1):
            phrase = " ".join(tokens[at : at + size])
            if phrase in words.names or phrase in words.places:
                names |= {words.names[phrase]} if phrase in words.names else set()
                places |= {words.places[phrase]} if phrase in words.places else set()
                ending = phrase
                at += size
                break
        else:
            token, ending = tokens[at], ""
            strangers += token not in _FILLER and not any(char.isdigit() for char in token)
            at += 1
    return (names, places) if not strangers or ending in _ENDINGS else (set(), set())


def _mended(words: str) -> str:
    """Country of the one name that ``words`` are a slip of, or an empty text."""
    if len(words) < SHORTEST_MENDED:
        return ""
    names = _words().names
    near = difflib.get_close_matches(words, names, n=5, cutoff=NEARLY)
    if not near or difflib.SequenceMatcher(None, near[0], words).ratio() < NEAR:
        return ""
    codes = {names[name] for name in near}
    return codes.pop() if len(codes) == 1 else ""


def _plain(text: str) -> str:
    """Lower case words without accents or punctuation; letters that stand apart (U. K.) are one word."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    bare = bare.casefold().replace("&", " and ").replace("+", " and ").replace("\u00f8", "o").replace("\u0131", "i")
    bare = " ".join(re.sub(r"[^\w]|_", " ", re.sub(r"['`\u2018\u2019]", "", bare)).split())
    return _LETTERS_APART.sub(lambda found: found[0].replace(" ", ""), bare)


@cache
def _words() -> _Words:
    table = (files("pipelines.sources") / "countries.csv").read_text(encoding="utf-8")
    found = _Words({}, {}, {}, 0)
    longest = 0
    for row in csv.DictReader(table.splitlines()):
        for column, kept in (("codes", found.codes), ("names", found.names), ("places", found.places)):
            for name in filter(None, row[column].split("|")):
                kept[name] = row["code"]
                longest = max(longest, len(name.split()))
    return _Words(found.codes, found.names, found.places, longest)
