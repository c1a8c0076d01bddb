"""Chunks lose no word, keep to their size, and cut where a reader would."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.chunking import chunk_text, distinct, split_sentences
from models.packaged import find_minilm
from models.tokens import token_counter

COUNT = token_counter(find_minilm().tokenizer_file)
WORDS = st.sampled_from(
    ["satellite", "we", "make", "GPS-guided", "ploughs.", "Call us!", "ISO 9001", "x" * 300, "卫星导航", "é́"]
)
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from([" ", "\n", "\n\n", "  ", ". "])), max_size=60).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)


def letters(text: str) -> str:
    """The text without any white space."""
    return "".join(text.split())


@settings(max_examples=150, deadline=None)
@given(text=TEXTS | st.text(max_size=400), max_tokens=st.integers(1, 40))
def test_no_character_is_lost_and_order_is_kept(text: str, max_tokens: int) -> None:
    chunks = chunk_text(text, COUNT, max_tokens)
    assert letters("".join(chunks)) == letters(text)
    assert all(chunk.strip() for chunk in chunks)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, max_tokens=st.integers(8, 40))
def test_words_that_fit_a_chunk_stay_whole(text: str, max_tokens: int) -> None:
    chunks = chunk_text(text, COUNT, max_tokens)
    if all(count <= max_tokens for count in COUNT(text.split())):
        assert " ".join(chunks).split() == text.split()


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, max_tokens=st.integers(1, 40))
def test_no_chunk_is_longer_than_asked(text: str, max_tokens: int) -> None:
    chunks = chunk_text(text, COUNT, max_tokens)
    assert all(count <= max_tokens or len(chunk) == 1 for chunk, count in zip(chunks, COUNT(chunks), strict=True))


@pytest.mark.parametrize(
    ("text", "max_tokens", "expected"),
    [
        pytest.param("", 10, [], id="empty"),
        pytest.param(" \n\t\n ", 10, [], id="white space only"),
        pytest.param(
            "About us\nWe make ploughs.", 20, ["About us\nWe make ploughs."], id="short blocks packed together"
        ),
        pytest.param(
            "We make ploughs.\nWe make drills.", 6, ["We make ploughs.", "We make drills."], id="cut between blocks"
        ),
        pytest.param(
            "We sell hay. We sell straw.", 5, ["We sell hay.", "We sell straw."], id="long block cut at a sentence"
        ),
        pytest.param("one two three four", 2, ["one two", "three four"], id="long sentence cut at a word"),
        pytest.param("卫星导航", 2, ["卫星", "导航"], id="no spaces, cut between characters"),
    ],
)
def test_where_it_cuts(text: str, max_tokens: int, expected: list[str]) -> None:
    assert chunk_text(text, COUNT, max_tokens) == expected


def test_chunking_a_chunk_changes_nothing() -> None:
    text = "\n".join(f"Block {number} says what the firm makes. It makes part {number}." for number in range(60))
    chunks = chunk_text(text, COUNT)
    assert len(chunks) > 1
    assert [chunk_text(chunk, COUNT) for chunk in chunks] == [[chunk] for chunk in chunks]


def test_zero_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 token"):
        chunk_text("words", COUNT, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One. Two! Three?", ["One.", "Two!", "Three?"], id="three ends"),
        pytest.param("He said “Stop.” Then left.", ["He said “Stop.”", "Then left."], id="closing quote stays"),
        pytest.param("Version 2.0 is out", ["Version 2.0 is out"], id="a point inside a number"),
        pytest.param("Home\nAbout", ["Home", "About"], id="a line break ends a sentence"),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split_sentences(text) == expected


def test_the_tokeniser_does_not_pad_or_cut() -> None:
    assert COUNT(["satellite", "satellite " * 500]) == [1, 500]


def test_distinct_keeps_first_occurrences() -> None:
    assert distinct(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]
