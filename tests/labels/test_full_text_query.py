"""A rule and its query agree on every text where the query says so; else it finds too many, never too few."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.full_text_query import TOKENIZER, full_text_query
from labels.keyword_matching import AllOf, AnyOf, IndexedText, Near, Not, Phrase, Rule
from labels.keywords import KeywordError, parse_rule
from labels.words import words_of

WORDS = ["a", "ab", "abc", "b", "c++", "caf\u00e9", "\u4e2d", "and", "near"]
SAID = st.lists(st.sampled_from([*WORDS, "abd", "bb", "C", "cafe", "AB"]), max_size=12).map(" ".join)
SOUGHT = st.sampled_from([words_of(word)[0] for word in WORDS])
STARRED = SOUGHT.map(lambda word: f"{word}*")
PHRASES = st.lists(SOUGHT | STARRED, min_size=1, max_size=3).map(lambda words: Phrase(tuple(words)))
NEARS = st.builds(Near, st.lists(PHRASES, min_size=2, max_size=3).map(tuple), st.integers(0, 4))


def _joined(parts: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(AllOf, several) | st.builds(AnyOf, several) | st.builds(Not, parts)


RULES: st.SearchStrategy[Rule] = st.recursive(PHRASES | NEARS, _joined, max_leaves=6).filter(
    lambda rule: not rule.matches(IndexedText(""))
)


def index_of(texts: list[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"""create virtual table words using fts5 (said, content = '', tokenize = "{TOKENIZER}")""")
    rows = [(row, " ".join(words_of(text))) for row, text in enumerate(texts)]
    connection.executemany("insert into words (rowid, said) values (?, ?)", rows)
    return connection


def found(connection: sqlite3.Connection, expression: str) -> set[int]:
    return {row for (row,) in connection.execute("select rowid from words where words match ?", (expression,))}


@settings(max_examples=50, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=8), st.lists(SAID, min_size=1, max_size=12))
def test_the_index_answers_as_reading_does(rules: list[Rule], texts: list[str]) -> None:
    connection, read = index_of(texts), [IndexedText(text) for text in texts]
    for rule in rules:
        query = full_text_query(rule)
        met = {row for row, text in enumerate(read) if rule.matches(text)}
        answered = found(connection, query.expression)
        assert answered == met if query.exact else answered >= met


CLOSE = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2).map(lambda words: Phrase(tuple(words)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.builds(Near, st.lists(CLOSE, min_size=2, max_size=3).map(tuple), st.integers(0, 3)), min_size=8),
    st.lists(st.lists(st.sampled_from("abcx"), min_size=3, max_size=9).map(" ".join), min_size=8),
)
def test_near_is_the_same_in_the_index_and_in_reading(rules: list[Near], texts: list[str]) -> None:
    connection, read = index_of(texts), [IndexedText(text) for text in texts]
    for rule in rules:
        met = {row for row, text in enumerate(read) if rule.matches(text)}
        assert found(connection, full_text_query(rule).expression) == met


@pytest.mark.parametrize(
    ("rule", "expression", "exact"),
    [
        pytest.param("small satellite*", '"small satellite"*', True, id="phrase"),
        pytest.param("a AND b NOT c", '(("a" AND "b") NOT "c")', True, id="not beside what is sought"),
        pytest.param("a AND (b OR NOT c)", '("a" NOT ("c" NOT "b"))', True, id="not in an alternative"),
        pytest.param("NOT (NOT a)", '"a"', True, id="not not"),
        pytest.param("NEAR(a b*, 3)", 'NEAR("a" "b"*, 3)', True, id="near"),
        pytest.param("smal* satell*", '("smal"* AND "satell"*)', False, id="beginning inside a phrase"),
        pytest.param("x AND NEAR(a* b c, 3)", '("x" AND NEAR("a"* "b" "c", 3))', True, id="beginning inside near"),
        pytest.param('x AND NEAR("a* b" c, 3)', '("x" AND ("a"* AND "b" AND "c"))', False, id="in near's phrase"),
        pytest.param("x NOT smal* satell*", '"x"', False, id="a bound cannot be taken away"),
    ],
)
def test_how_a_rule_is_asked(rule: str, expression: str, exact: bool) -> None:
    query = full_text_query(parse_rule(rule))
    assert query.expression == expression
    assert query.exact is exact


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param("(" * 40 + "a" + ")" * 40, id="brackets"),
        pytest.param("b AND (a NOT " * 38 + "a" + ")" * 38, id="nots in brackets"),
        pytest.param("NOT " * 40 + "a", id="nots"),
        pytest.param(" OR ".join(f"a{number}" for number in range(220)), id="many alternatives"),
        pytest.param(" AND ".join(["a"] * 285), id="the same again and again"),
        pytest.param(" ".join(["a"] * 1000), id="a long phrase"),
        pytest.param("x NOT (" + " OR ".join(f"(b{number} AND c)" for number in range(100)) + ")", id="wide"),
        pytest.param("NEAR(" + " ".join(["a"] * 20) + ", 9999)", id="near of many"),
    ],
)
def test_the_longest_and_deepest_rules_can_be_asked(rule: str) -> None:
    texts = ["a", "x", "b a", "a " * 1000, "a7"]
    parsed = parse_rule(rule)
    query = full_text_query(parsed)
    met = {row for row, text in enumerate(texts) if parsed.matches(IndexedText(text))}
    answered = found(index_of(texts), query.expression)
    assert answered == met if query.exact else answered >= met


@settings(deadline=None)
@given(st.text(alphabet='ab*" ()ANDORTE,3\u00e9+', max_size=40))
def test_whatever_can_be_typed_can_be_asked(rule: str) -> None:
    try:
        parsed = parse_rule(rule)
    except KeywordError:
        return
    texts = ["a b", "ab", "a3", "", "AND"]
    met = {row for row, text in enumerate(texts) if parsed.matches(IndexedText(text))}
    assert found(index_of(texts), full_text_query(parsed).expression) >= met


def test_a_rule_met_by_silence_has_no_query() -> None:
    with pytest.raises(ValueError, match="met by a text without words"):
        full_text_query(Not(Phrase(("a",))))
