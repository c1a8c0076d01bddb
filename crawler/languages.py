"""Which language version of a site a URL belongs to, and where the version that is wanted begins.

A two-letter folder is not always a language: ``/it/`` is the computing department of many a British firm, and
``/uk/`` the United Kingdom, not Ukrainian.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from crawler.errors import BadUrlError
from crawler.links import Link
from crawler.topics import plain
from crawler.urls import canonical_url, page_key, registered_domain, same_site

# The codes and names by which links to a language version go, accents written off. Names in other languages are
# those that stand on European switchers.
NAMES: dict[str, tuple[str, ...]] = {
    "en": ("english", "eng", "englisch", "anglais", "ingles", "inglese", "engels", "angielski", "english version"),
    "de": ("deutsch", "german", "ger", "deu", "allemand", "tedesco", "duits"),
    "fr": ("francais", "french", "fra", "fre", "franzosisch", "frans"),
    "es": ("espanol", "spanish", "esp", "spa", "castellano", "spanisch"),
    "it": ("italiano", "italian", "ita", "italienisch"),
    "nl": ("nederlands", "dutch", "nld", "niederlandisch"),
    "pl": ("polski", "polish", "pol", "polnisch"),
    "pt": ("portugues", "portuguese", "por", "pt-br"),
    "ru": ("русскии", "russian", "rus"),
    "zh": ("中文", "简体中文", "繁體中文", "chinese", "chn", "zho"),
    "ja": ("日本語", "japanese", "jpn"),
    "ko": ("한국어", "korean", "kor"),
    "cs": ("cestina", "cesky", "czech"),
    "sv": ("svenska", "swedish", "swe"),
    "no": ("norsk", "norwegian"),
    "da": ("dansk", "danish"),
    "fi": ("suomi", "finnish"),
    "hu": ("magyar", "hungarian"),
    "tr": ("turkce", "turkish"),
    "ar": ("العربية", "arabic"),
    "ro": ("romana", "romanian"),
    "el": ("ελληνικα", "greek"),
    "bg": ("български", "bulgarian"),
    "sk": ("slovencina", "slovensky", "slovak"),
    "sl": ("slovenscina", "slovenian"),
    "hr": ("hrvatski", "croatian"),
    "uk": ("українська", "ukrainian"),
    "he": ("עברית", "hebrew"),
    "th": ("ไทย", "thai"),
    "vi": ("tieng viet", "vietnamese"),
    "id": ("bahasa indonesia", "indonesian"),
    "fa": ("فارسی", "persian", "farsi"),
    "cy": ("cymraeg", "welsh"),
}
ALIASES = {"uk": "en", "gb": "en", "cn": "zh", "jp": "ja", "kr": "ko", "cz": "cs", "ua": "uk", "dk": "da", "nb": "no"}
# Departments, countries and identifiers that a folder may as well mean.
AMBIGUOUS = frozenset({"it", "id", "no", "ar", "he", "hr", "th", "el", "vi", "da", "sl", "fa", "cy", "pt"})
PARAMETERS = frozenset({"lang", "language", "hl", "locale", "lng", "langue", "sprache", "idioma", "taal", "lingua"})
_NAMED = {plain(name): code for code, names in NAMES.items() for name in names}
_FILE = re.compile(r"(?:^|/)(?:[\w-]{1,40}[_-])?([a-z]{2})\.(?:html?|php\d?|aspx?|shtml)$")
_REGIONS = ("en-gb", "en-us", "en-ie", "de-de", "fr-fr", "es-es", "pt-pt", "nl-nl", "zh-cn")


def language_of_url(url: str) -> str:
    """ISO 639-1 code that a canonical URL states by folder, parameter, host or file name; empty when it states none."""
    return _stated(url)[0]


def language_named(anchor: str, *, codes: bool = True) -> str:
    """The language whose name, or with ``codes`` whose code, is all that a link says; empty when it says more."""
    words = plain(anchor).strip(" .|/[]()>»-")
    return _NAMED.get(words, "") or (_code(words) if codes else "")


def neutral_key(url: str) -> str:
    """``page_key`` of a canonical URL without its language, so that the versions of one page meet."""
    how = _stated(url)[1]
    parts = urlsplit(url)
    if how == "folder":
        parts = parts._replace(path="/" + parts.path.lstrip("/").partition("/")[2])
    elif how == "parameter":
        kept = [pair for pair in parts.query.split("&") if pair.partition("=")[0].lower() not in PARAMETERS]
        parts = parts._replace(query="&".join(kept))
    elif how == "host":
        parts = parts._replace(netloc=parts.netloc.partition(".")[2])
    elif how == "file":
        path = re.sub(r"[_-]?[a-zA-Z]{2}(?=\.\w+$)", "", parts.path)
        parts = parts._replace(path="/" if path.startswith("/.") else path)
    return page_key(parts.geturl())


def preferred_version(
    alternates: Sequence[tuple[str, str]], links: Iterable[Link], url: str, language: str, preferred: str
) -> str:
    """Where the wanted language version of a site begins.

    Args:
        alternates: ``(hreflang, href)`` of the home page, as they stand in it.
        links: Its links.
        url: Its canonical URL, the base of all of them.
        language: The language it is written in; empty when not known.
        preferred: ISO 639-1 code of the version wanted; empty for none.

    Returns:
        Canonical URL on the same site, by ``hreflang`` before address before a link's words. Empty when the home page
        is in that language already, none is wanted, or none is named. ``x-default`` counts as English, last of all.
    """
    preferred = preferred.lower()
    if not preferred or language.lower().partition("-")[0] == preferred:
        return ""
    tags = {tag.replace("_", "-").lower(): href for tag, href in reversed(alternates)}
    regions = [region for region in _REGIONS if region.startswith(f"{preferred}-")]
    regions += sorted(tag for tag in tags if tag.startswith(f"{preferred}-"))
    found = [tags[tag] for tag in (preferred, *regions) if tag in tags]
    listed = list(links)[:1_000]
    found += [link.href for link in listed if _begins(link.href, url, preferred)]
    found += [link.href for link in listed if language_named(link.anchor, codes=False) == preferred]
    found += [link.href for link in listed if language_named(link.anchor) == preferred]
    if preferred == "en" and "x-default" in tags:
        found.append(tags["x-default"])
    return next(filter(None, (_usable(href, url, preferred) for href in found)), "")


def _usable(href: str, url: str, preferred: str) -> str:
    try:
        target = canonical_url(href, url)
    except BadUrlError:
        return ""
    elsewhere = page_key(target) != page_key(url) and language_of_url(target) in {"", preferred}
    return target if same_site(target, url) and elsewhere else ""


def _begins(href: str, url: str, preferred: str) -> bool:
    """Whether a link's address is the first page of a version, not one deep inside it."""
    try:
        target = canonical_url(href, url)
    except BadUrlError:
        return False
    language, how = _stated(target)
    if language != preferred or not same_site(target, url):
        return False
    if how in {"folder", "host", "file"}:
        return neutral_key(target).partition("/")[2] in {"?", "index?", "home?", "start?"}
    return urlsplit(target).path == urlsplit(url).path


@lru_cache(2048)
def _stated(url: str) -> tuple[str, str]:
    """A URL's language and where it says so: ``folder``, ``parameter``, ``host`` or ``file``."""
    parts = urlsplit(url)
    path = parts.path.lower()
    first, _, rest = path.lstrip("/").partition("/")
    if code := _code(first) or (_NAMED.get(first, "") if first.isalpha() else ""):
        return code, "folder"
    for name, value in parse_qsl(parts.query)[:10]:
        if name.lower() in PARAMETERS and (code := _code(value.lower()) or _NAMED.get(value.lower(), "")):
            return code, "parameter"
    label, _, domain = (parts.hostname or "").partition(".")
    if (code := _code(label)) and registered_domain(domain) == registered_domain(parts.hostname or ""):
        return code, "host"
    if not rest and (match := _FILE.search(path)) and (code := _code(match[1])) and code not in AMBIGUOUS:
        return code, "file"
    return "", ""


def _code(text: str) -> str:
    match = re.fullmatch(r"([a-z]{2})(?:[-_][a-z]{2,4})?", text)
    if not match:
        return ""
    code = ALIASES.get(match[1], match[1])
    return code if code in NAMES else ""
