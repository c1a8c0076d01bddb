"""Keyword rules: what they find, what they do not, what is refused, and that no rule is slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.errors import LabelsError
from labels.keyword_matching import IndexedText
from labels.keywords import KeywordError, parse_rule
from labels.taxonomy import load_taxonomy, shipped_taxonomy

TEXT = "We build small satellites for Earth and ocean observation, with point-of-care labs. ISO 27001. No dishes."


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param("satellites", True, id="word"),
        pytest.param("satellite", False, id="a word is the whole word"),
        pytest.param("satellite*", True, id="prefix"),
        pytest.param("SATELLITES", True, id="case does not matter"),
        pytest.param("\N{FULLWIDTH LATIN SMALL LETTER S}atellites", True, id="full-width letter"),
        pytest.param("small satellites", True, id="bare words are a phrase"),
        pytest.param("satellites small", False, id="in their order"),
        pytest.param('"small satell*"', True, id="prefix in a phrase"),
        pytest.param("sma* satell*", True, id="two prefixes"),
        pytest.param("point-of-care", True, id="hyphens part words"),
        pytest.param("point of care", True, id="on both sides"),
        pytest.param("ISO 27001", True, id="digits"),
        pytest.param("No dishes we", False, id="phrase beyond the end"),
        pytest.param("satellites AND ocean", True, id="and"),
        pytest.param("satellites AND desert", False, id="and, one missing"),
        pytest.param("desert OR ocean", True, id="or"),
        pytest.param("satellites NOT dish*", False, id="not"),
        pytest.param("satellites AND NOT desert", True, id="and not"),
        pytest.param("desert AND ocean OR satellites", True, id="and binds more than or"),
        pytest.param("satellites AND (desert OR forest)", False, id="brackets"),
        pytest.param("NOT (desert OR forest) AND ocean", True, id="not of brackets"),
        pytest.param('NEAR("earth" "observation", 2)', True, id="near, two words between"),
        pytest.param('NEAR("earth" "observation", 1)', False, id="near, too far"),
        pytest.param('NEAR("observation" "earth", 2)', True, id="near, either order"),
        pytest.param('NEAR("small satell*" "ocean obs*", 3)', True, id="near, phrases and prefixes"),
        pytest.param('NEAR("small satell*" "ocean obs*", 2)', False, id="near, counted from the phrase's end"),
        pytest.param("NEAR(small earth observation, 5)", True, id="near of three"),
        pytest.param("NEAR(small earth observation, 4)", False, id="near of three, too far"),
        pytest.param("NEAR(we dishes)", False, id="near without a number: ten words"),
        pytest.param('NEAR("build small satellites" "small" "earth", 1)', False, id="near, from the first to end"),
        pytest.param('NEAR("build small satellites" "small" "earth", 2)', True, id="near, overlapping phrases"),
        pytest.param("NEAR(small small, 0)", True, id="near itself"),
        pytest.param('NEAR(earth ocean,0) OR "no  such"', False, id="near, one word between is too many"),
        pytest.param(
            "\N{LEFT DOUBLE QUOTATION MARK}small satell*\N{RIGHT DOUBLE QUOTATION MARK}", True, id="typed quotes"
        ),
        pytest.param("earth and ocean", True, id="lower-case and is a word"),
        pytest.param("satellites NOT dishes NOT desert", False, id="two nots"),
    ],
)
def test_what_a_rule_finds(rule: str, expected: bool) -> None:
    assert parse_rule(rule).matches(IndexedText(TEXT)) is expected


def test_near_goes_on_after_a_place_that_is_too_far() -> None:
    text = IndexedText("earth x x x x observation x x x x x earth observation")
    assert parse_rule("NEAR(earth observation, 0)").matches(text)
    assert not parse_rule("NEAR(earth observation, 0)").matches(IndexedText("earth x x observation x x earth"))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        pytest.param("", "expected a word, a phrase or a bracket, found the end", id="empty"),
        pytest.param("   ", "found the end", id="blank"),
        pytest.param("&", "has no word", id="no word"),
        pytest.param('""', "has no word", id="empty phrase"),
        pytest.param('"earth', "quotation mark has no partner", id="open quotation"),
        pytest.param("(earth", "expected AND, OR, NOT or .[)]., found the end", id="open bracket"),
        pytest.param("earth)", "[)]. was not expected", id="closing bracket"),
        pytest.param("earth AND", "found the end", id="and nothing"),
        pytest.param("OR earth", "found 'OR'", id="or first"),
        pytest.param("NOT earth", "for what they do not say", id="not alone"),
        pytest.param("earth OR NOT moon", "for what they do not say", id="or not"),
        pytest.param("*tech", "the star of '\\*tech'", id="star first"),
        pytest.param("sat*ite", "at the end of a word", id="star inside"),
        pytest.param("sat**", "must stand once", id="two stars"),
        pytest.param("earth *", "must stand once", id="star alone"),
        pytest.param("NEAR(earth, 3)", "two phrases or more", id="near of one"),
        pytest.param("NEAR(earth moon, many)", "is no number of words", id="near without a number"),
        pytest.param("NEAR earth moon", "expected .[(]., as in NEAR.*, found 'earth'", id="near without bracket"),
        pytest.param("NEAR(earth moon, 10000)", "is no number of words up to 9,999", id="near too far"),
        pytest.param("NEAR(earth moon, ²)", "is no number of words", id="near with a number that is no digit"),
        pytest.param('NEAR("earth", "moon", 8)', "one number behind them", id="near with commas between"),
        pytest.param(f"NEAR({'a ' * 21})", "21 phrases, expected 20 at most", id="near of many"),
        pytest.param("e-*", "at the end of a word", id="star behind a hyphen"),
        pytest.param("a" * 201, "more than 200 characters", id="long word"),
        pytest.param('"earth" "moon"', "join parts with AND, OR or NOT", id="two phrases side by side"),
        pytest.param("(" * 60 + "a" + ")" * 60, "brackets inside each other", id="deep"),
        pytest.param("NOT " * 300 + "a", "brackets inside each other", id="deep nots"),
        pytest.param("a" * 3000, "split it", id="long"),
    ],
)
def test_what_is_refused(rule: str, message: str) -> None:
    with pytest.raises(KeywordError, match=message):
        parse_rule(rule)
    assert issubclass(KeywordError, LabelsError)


@pytest.mark.parametrize(
    ("rule", "position"),
    [
        pytest.param("", 0, id="empty"),
        pytest.param("earth AND", 9, id="the end"),
        pytest.param("earth AND OR moon", 10, id="operator"),
        pytest.param('earth AND "moon', 10, id="quotation mark"),
        pytest.param("earth OR (moon AND sun", 22, id="bracket that is missing"),
        pytest.param("earth) OR moon", 5, id="bracket too many"),
        pytest.param('"earth sat*ite" OR moon', 10, id="star in quotation marks"),
        pytest.param("earth NEAR(moon, 3)", 6, id="near behind a phrase"),
        pytest.param("x OR NEAR(moon, 3)", 9, id="near of one"),
        pytest.param("NEAR(earth moon, 3x)", 17, id="number"),
        pytest.param("earth OR NOT moon", 9, id="not alone"),
        pytest.param("a AND & AND b", 6, id="no word"),
        pytest.param("x" * 2001, 2000, id="long"),
    ],
)
def test_the_character_is_pointed_at(rule: str, position: int) -> None:
    with pytest.raises(KeywordError) as refused:
        parse_rule(rule)
    assert refused.value.position == position
    first, shown, caret = str(refused.value).split("\n")
    assert first == refused.value.summary
    assert caret.strip() == "^"
    if 0 < position < len(rule) < 60:
        assert shown[caret.index("^")] == rule[position]
    assert len(shown) < 80


def test_the_caret_stands_under_wide_and_combining_characters() -> None:
    with pytest.raises(KeywordError) as refused:
        parse_rule("\N{CJK UNIFIED IDEOGRAPH-885B}e\N{COMBINING ACUTE ACCENT}x AND")
    assert str(refused.value).split("\n")[2] == "  " + " " * 8 + "^"


def test_every_shipped_rule_can_be_read() -> None:
    taxonomy = load_taxonomy(shipped_taxonomy("midlands"))
    rules = [parse_rule(rule) for sector in taxonomy.sectors for rule in sector.keywords]
    assert len(rules) > 200


@given(st.text(alphabet='ab*" ()ANDORTE,3', max_size=40))
def test_any_text_is_a_rule_or_a_named_error(rule: str) -> None:
    try:
        parsed = parse_rule(rule)
    except KeywordError:
        return
    assert not parsed.matches(IndexedText(""))


def test_time_grows_with_the_text_and_not_faster() -> None:
    rules = [parse_rule(rule) for rule in ("a* a* a* a* b", 'NEAR("a" "a a" "c*", 3)', '("a" OR b) AND NOT "a a c"')]

    def seconds(words: int) -> float:
        text, began = "a " * words, time.process_time()
        indexed = IndexedText(text)
        assert [rule.matches(indexed) for rule in rules] == [False, False, True]
        return time.process_time() - began

    short = min(seconds(20_000) for _ in range(3))
    assert seconds(160_000) < 8 * 4 * short  # linear is 8 times; quadratic would be 64
