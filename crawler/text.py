"""Clean text, and its language.

Text of strangers carries marks that no reader sees: direction overrides, zero-width spaces, halves of characters.
"""

from __future__ import annotations

import re

MIN_LANGUAGE_CHARS = 40
LANGUAGE_MAX_SCORE = 1100  # out-of-place distance: sentences score 300 to 900, lists of names above
CLAIM_TOLERANCE = 1.25  # lists and addresses blur the scores; the page's own claim decides among near ones
ENGLISH_TOLERANCE = 1.03  # 16 of 360 English pages came out as Latin, Dutch or Romanian without it
_CODES = (
    "ar bg bn cs cy da de el en es et fa fi fr he hi hr hu id it ja ko lt lv nl no pl pt ro ru sk sl sr sv ta th tr uk"
)
LANGUAGES = (*_CODES.split(" "), "ur", "vi", "zh")
# Scripts that name their language, before any statistics: those know neither Chinese, Japanese nor Korean, and take
# Thai and Hindi for them. The first language is the likely one; others need the page's claim.
SCRIPTS = (
    (("ja",), re.compile("[\u3040-\u30ff]")),
    (("ko",), re.compile("[\uac00-\ud7a3]")),
    (("zh", "ja"), re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    (("th",), re.compile("[\u0e00-\u0e7f]")),
    (("hi", "mr", "ne"), re.compile("[\u0900-\u097f]")),
    (("he", "yi"), re.compile("[\u0590-\u05ff]")),
    (("el",), re.compile("[\u0370-\u03ff]")),
)
MIN_SCRIPT_LETTERS = 8
MIN_SCRIPT_SHARE = 0.2  # brand names and addresses are in Latin letters on most such pages
CONTROLS = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffd\ufffe\uffff\ud800-\udfff]"
)


def clean_text(text: str) -> str:
    """Normalise spaces, drop control and direction characters and lone surrogates; blocks stay apart by blank lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    if not is_plain(text):
        text = single_spaced(CONTROLS.sub("", text))
    return re.sub(r"\n\n\n+", "\n\n", text).strip()


def single_spaced(text: str) -> str:
    """Each line without spaces around it, and with single ones in it."""
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def is_plain(text: str) -> bool:
    """Whether ``single_spaced`` and ``CONTROLS`` leave a text as it is, which is told much sooner than done."""
    return (
        text.replace("\n", "").isprintable()  # no control, no space but the plain one
        and not any(untidy in text for untidy in ("  ", " \n", "\n ", "\ufffc", "\ufffd"))
        and text[:1] != " " != text[-1:]
    )


def language_of(text: str, declared: str = "") -> str:
    """ISO 639-1 code of a text, from its letters first; the page's own claim decides between near ones."""
    from resiliparse.parse.lang import detect_fast

    claim = re.match(r"[a-z]{2}(?![a-z])", declared.strip().lower())
    claimed = claim[0] if claim else ""
    by_script = _by_script(text[:5000], claimed)
    if by_script or len(text) < MIN_LANGUAGE_CHARS:
        return by_script or claimed
    found = detect_fast(text[:5000], cutoff=LANGUAGE_MAX_SCORE, n_results=5, langs=LANGUAGES)
    ranked = found if isinstance(found, list) else [found]
    ranked = [(language, score) for language, score in ranked if language != "unknown" and score <= LANGUAGE_MAX_SCORE]
    if not ranked:
        return claimed
    best = ranked[0][1]
    scores = dict(ranked)
    if claimed in scores and scores[claimed] <= CLAIM_TOLERANCE * best:
        return claimed
    if scores.get("en", best * 2) <= ENGLISH_TOLERANCE * best:
        return "en"
    return str(ranked[0][0])


def _by_script(text: str, claimed: str) -> str:
    if text.isascii():
        return ""
    letters = sum(map(str.isalpha, text))
    for languages, script in SCRIPTS:
        found = len(script.findall(text))
        if found >= max(MIN_SCRIPT_LETTERS, MIN_SCRIPT_SHARE * letters):
            return claimed if claimed in languages else languages[0]
    return ""
