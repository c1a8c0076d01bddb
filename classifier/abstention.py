"""Decide what of a firm's words a model can judge, and say why where it cannot judge the firm at all.

An answer on three words, or on words in a language that no training text was in, is a guess that looks like an answer.
Pages in other languages are left out where enough remains: many firms have an English version of their site.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from classifier.features import FirmText, PageLike, speaking_pages

MIN_WORDS = 12
"""Words below which nothing is said. One sentence of what a firm does has about fifteen; a heading and a slogan have
less. A bound on what can be judged by a person, not a tuned figure."""

MIN_LANGUAGE_WORDS = 100
"""Words of a firm in a language before that language is believed: of 4,500 short English descriptions 42 were taken for
another language, the longest of which had 82 words."""

MIN_LANGUAGE_SHARE = 0.02
"""Share of the training texts from which a language counts as learnt: 20 texts of 1,000."""


@dataclass(frozen=True)
class Judgeable:
    """The part of a firm's words that a model can judge; ``reason`` says why there is none, and is empty otherwise."""

    firm: FirmText
    reason: str


def judgeable(firm: FirmText, languages: Sequence[str]) -> Judgeable:
    """Leave out pages in languages that the model has not learnt.

    Args:
        firm: A firm's pages; one whose language is not known (empty) or hardly spoken counts as learnt.
        languages: ISO 639-1 codes that the model has learnt; none: every language counts as learnt.
    """
    speaking = speaking_pages(firm)
    spoken = _spoken(speaking)
    foreign = {
        language: words
        for language, words in spoken.items()
        if languages and language and language not in languages and words >= MIN_LANGUAGE_WORDS
    }
    total = sum(spoken.values())
    words = total - sum(foreign.values())
    if words >= MIN_WORDS:
        read = tuple(page for page in speaking if page.language not in foreign)
        return Judgeable(FirmText(firm.firm_id, read) if foreign else firm, "")
    if foreign:
        most = max(foreign, key=lambda language: (foreign[language], language))
        reason = f"language not covered: {foreign[most]} of {total} words are in {most}; learnt: {', '.join(languages)}"
    else:
        reason = f"too little text: {total} words, {MIN_WORDS} are needed"
    return Judgeable(FirmText(firm.firm_id, ()), reason)


def learnt_languages(firms: Sequence[FirmText]) -> tuple[str, ...]:
    """Languages of the training texts, the most frequent first; each with ``MIN_LANGUAGE_SHARE`` of them or more."""
    counts = Counter(language for firm in firms if (language := _language(firm)))
    total = sum(counts.values())
    return tuple(language for language, count in counts.most_common() if count >= MIN_LANGUAGE_SHARE * total)


def _language(firm: FirmText) -> str:
    spoken = _spoken(speaking_pages(firm))
    return max(spoken, key=lambda language: (spoken[language], language), default="")


def _spoken(pages: Sequence[PageLike]) -> Counter[str]:
    """Words by language."""
    spoken = Counter[str]()
    for page in pages:
        spoken[page.language] += len(page.text.split())
    return spoken
