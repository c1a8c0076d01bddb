"""What a word is: the same in rules and texts, however it was typed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.words import word_spans, words_of

TEXTS = st.text(max_size=60) | st.text(
    alphabet="aBc é#+'-.\u0301\u00ad\u200b\u2122\ufb01\u0130\u00df\u4e2d\n\u00b4\u00bd", max_size=60
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("We build Satellites.", "we build satellites", id="case and full stops"),
        pytest.param("point-of-care e\u2011bike", "point of care e bike", id="hyphens part"),
        pytest.param("farmer's farmer\u2019s", "farmer s farmer s", id="apostrophes part, typed or straight"),
        pytest.param("R&D R & D", "r d r d", id="ampersand parts"),
        pytest.param("C++, C# and c", "c++ c# and c", id="marks behind one letter"),
        pytest.param("C++11 item#3 A+ abc++", "c++ 11 item 3 a abc", id="marks elsewhere"),
        pytest.param("5G 3D ISO-9001 1,000", "5g 3d iso 9001 1 000", id="digits"),
        pytest.param("Caf\u00e9 cafe\u0301 na\u00efve \u00c5ngstr\u00f6m", "cafe cafe naive angstrom", id="accents"),
        pytest.param("stra\u00dfe STRASSE", "strasse strasse", id="sharp s"),
        pytest.param("\ufb01ne \uff33atellite CO\u2082 m\u00b2", "fine satellite co2 m2", id="forms of letters"),
        pytest.param("Kevlar\u2122 Brand\u00ae Mark\u2120", "kevlar brand mark", id="signs are no letters"),
        pytest.param("sat\u00adel\u200blite", "satellite", id="soft hyphens and joiners"),
        pytest.param("snake_case *bold*", "snake case bold", id="underscores and stars part"),
        pytest.param("\u0420\u0430\u043a", "\u0440\u0430\u043a", id="other scripts"),
        pytest.param("\u00a310m \u20ac5 100% 10\u00bd", "10m 5 100 10", id="currencies, per cent, fractions"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_words_of_a_text(text: str, words: str) -> None:
    assert words_of(text) == tuple(words.split())


@given(TEXTS)
def test_words_are_words_of_themselves(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(word and not any(map(str.isspace, word)) for word in words)


@given(TEXTS, TEXTS, st.sampled_from(" \n\t"))
def test_words_of_a_text_do_not_depend_on_its_neighbours(first: str, second: str, between: str) -> None:
    assert words_of(first + between + second) == words_of(first) + words_of(second)


@given(TEXTS)
def test_places_are_those_of_the_words(text: str) -> None:
    spans = list(word_spans(text))
    assert tuple(word for word, _, _ in spans) == words_of(text)
    assert all(0 <= start < end <= len(text) for _, start, end in spans)
    assert all(one[1] <= other[1] and one[2] <= other[2] for one, other in pairwise(spans))


def test_a_word_is_found_where_it_stands() -> None:
    text = "Our Caf\u00e9s\u2019 C++ \ufb01lm, sat\u00adellite"
    assert [text[start:end] for _, start, end in word_spans(text)] == [
        "Our", "Caf\u00e9s", "C++", "\ufb01lm", "sat\u00adellite",
    ]  # fmt: skip
