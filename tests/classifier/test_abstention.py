"""What is judged and what is not: too few words, words in a language that no training text was in."""

import pytest

from classifier.abstention import MIN_LANGUAGE_WORDS, MIN_WORDS, judgeable, learnt_languages
from classifier.features import FirmPage, FirmText

LONG = "press " * MIN_LANGUAGE_WORDS
HALF = "press " * (MIN_LANGUAGE_WORDS // 2)


def firm(*pages: tuple[str, str]) -> FirmText:
    return FirmText("f", tuple(FirmPage(f"/{n}", "about", text, language) for n, (language, text) in enumerate(pages)))


@pytest.mark.parametrize(
    ("pages", "read", "reason"),
    [
        ([("en", LONG)], 1, ""),
        ([("en", "press " * MIN_WORDS)], 1, ""),
        ([("en", "press " * (MIN_WORDS - 1))], 0, "too little text: 11 words, 12 are needed"),
        ([("en", " \n ")], 0, "too little text: 0 words, 12 are needed"),
        ([], 0, "too little text: 0 words, 12 are needed"),
        ([("fa", LONG)], 0, "language not covered: 100 of 100 words are in fa; learnt: en, cy"),
        ([("fa", LONG), ("en", "Contact us")], 0, "language not covered: 100 of 102 words are in fa; learnt: en, cy"),
        ([("fa", LONG), ("de", f"{LONG} x")], 0, "language not covered: 101 of 201 words are in de; learnt: en, cy"),
        ([("fa", LONG), ("en", LONG)], 1, ""),
        ([("cy", LONG)], 1, ""),
        ([("", LONG)], 1, ""),
        ([("sv", "press " * (MIN_LANGUAGE_WORDS - 1))], 1, ""),  # too little to believe the language
        ([("sv", HALF), ("sv", HALF)], 0, "language not covered: 100 of 100 words are in sv; learnt: en, cy"),
    ],
)  # fmt: skip
def test_judgeable(pages: list[tuple[str, str]], read: int, reason: str) -> None:
    found = judgeable(firm(*pages), ("en", "cy"))
    assert (len(found.firm.pages), found.reason) == (read, reason)


def test_a_model_that_knows_no_language_takes_all() -> None:
    assert judgeable(firm(("fa", LONG)), ()).reason == ""


def test_learnt_languages_are_those_of_a_fair_share_of_the_firms() -> None:
    firms = [firm(("en", LONG), ("de", "presse"))] * 97 + [firm(("cy", LONG))] * 2 + [firm(("fa", LONG))]
    assert learnt_languages(firms) == ("en", "cy")
    assert learnt_languages([firm(("", LONG))]) == ()
