"""The stretch of a text that is shown, and the words marked in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.keywords import parse_rule
from labels.snippets import SNIPPET_WORDS, best_snippet
from labels.words import words_of

LONG = "one two three four five six seven eight nine ten " * 12


def shown(texts: list[str], rule: str) -> tuple[int, str]:
    page, parts = best_snippet(texts, parse_rule(rule).sought())
    return page, "".join(f"[{text}]" if marked else text for text, marked in parts)


@pytest.mark.parametrize(
    ("texts", "rule", "page", "expected"),
    [
        pytest.param(["We build Satellites."], "satellite*", 0, "We build [Satellites].", id="word"),
        pytest.param(["small satellites, small"], "small satell*", 0, "[small satellites], small", id="phrase"),
        pytest.param(["Our Caf\u00e9\u2019s R&D"], "cafe OR R&D", 0, "Our [Caf\u00e9]\u2019s [R&D]", id="as written"),
        pytest.param(["a\n\nb"], "b", 0, "a [b]", id="lines"),
        pytest.param(["nothing", "heat", "heat pump"], "heat OR pump", 2, "[heat] [pump]", id="page with most"),
        pytest.param(["heat", "heat heat"], "heat", 0, "[heat]", id="first of equals"),
        pytest.param(["dish", "satellite"], "satellite NOT dish", 1, "[satellite]", id="nothing behind not"),
        pytest.param(["made of earth", "observation"], "earth observation", 0, "made of [earth]", id="across pages"),
        pytest.param(["  "], "earth", 0, "", id="no words"),
    ],
)
def test_snippets(texts: list[str], rule: str, page: int, expected: str) -> None:
    assert shown(texts, rule) == (page, expected)


def test_a_long_text_is_cut_around_the_words_that_stand_together() -> None:
    text = f"{LONG} heat {LONG} heat pump installers {LONG}"
    _, found = shown([text], "heat AND pump*")
    assert found.startswith("\u2026 ")
    assert found.endswith(" \u2026")
    assert "[heat] [pump] installers" in found
    assert len(words_of(found)) == SNIPPET_WORDS


def test_the_end_of_a_text_is_shown_whole() -> None:
    _, found = shown([f"{LONG} the heat pump!"], "heat pump")
    assert found.endswith("the [heat pump]!")
    assert len(words_of(found)) == SNIPPET_WORDS


def test_what_is_no_prose_is_cut() -> None:
    _, found = shown(["*" * 5000 + " heat " + "=" * 5000 + " k" + "9" * 5000 + " pump" + "!" * 5000], "heat OR pump")
    assert found.startswith("[heat] ===")
    assert "\u2026 k" not in found
    assert "[pump]!!!" in found
    assert len(found) < 250


@given(st.lists(st.text(max_size=200), min_size=1, max_size=3), st.sampled_from(["a", "a*", "a b", "NEAR(a b, 2)"]))
def test_what_is_shown_stands_in_the_text(texts: list[str], rule: str) -> None:
    page, parts = best_snippet(texts, parse_rule(rule).sought())
    said = words_of(texts[page])
    words = words_of("".join(text for text, _ in parts))
    assert len(words) <= SNIPPET_WORDS + 2  # one sign may make several words
    if max(map(len, [*said, ""])) < 40:
        assert set(words) <= set(said)
    assert all(text for text, _ in parts)
