"""Folds keep groups whole, spread includes, and do not depend on the order of rows."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import LeakError
from classifier.folds import check_no_leak, group_folds, merge_groups, stratified_group_folds

ROWS = st.lists(st.tuples(st.integers(0, 12).map(str), st.booleans()), min_size=4, max_size=40)


@given(ROWS, st.randoms())
def test_groups_stay_whole_and_row_order_does_not_matter(rows: list[tuple[str, bool]], random: object) -> None:
    groups, y = [group for group, _ in rows], np.array([include for _, include in rows])
    fold = stratified_group_folds(y, groups)
    if fold is None:
        return
    of_group = dict(zip(groups, fold.tolist(), strict=True))
    assert [of_group[group] for group in groups] == fold.tolist()
    again = stratified_group_folds(y[::-1], groups[::-1])
    assert again is not None
    assert again[::-1].tolist() == fold.tolist()


@given(ROWS)
def test_both_classes_remain_outside_every_fold(rows: list[tuple[str, bool]]) -> None:
    groups, y = [group for group, _ in rows], np.array([include for _, include in rows])
    fold = stratified_group_folds(y, groups)
    if fold is None:
        return
    for held_out in range(int(fold.max()) + 1):
        assert y[fold != held_out].any()
        assert not y[fold != held_out].all()


def test_includes_are_spread_evenly() -> None:
    y = np.array([True] * 10 + [False] * 90)
    fold = stratified_group_folds(y, list(range(100)))
    assert fold is not None
    assert np.bincount(fold[y]).tolist() == [2] * 5
    assert np.bincount(fold[~y]).tolist() == [18] * 5


@pytest.mark.parametrize(
    ("y", "groups"),
    [
        pytest.param([True, True, False, False], ["a", "a", "b", "c"], id="all includes share a domain"),
        pytest.param([True, False, True, False], ["a", "a", "b", "b"], id="no group without an include"),
    ],
)
def test_no_folds_where_one_group_holds_a_whole_class(y: list[bool], groups: list[str]) -> None:
    assert stratified_group_folds(np.array(y), groups) is None


def test_evaluation_folds_keep_groups_whole() -> None:
    groups = [str(number // 3) for number in range(60)]
    fold = group_folds(groups, 5)
    assert np.bincount(fold).tolist() == [12] * 5
    for held_out in range(5):
        check_no_leak(groups, np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out))


@pytest.mark.parametrize(
    ("groups", "texts", "expected"),
    [
        pytest.param("abc", ["x", "y", "z"], "abc", id="nothing shared"),
        pytest.param("bac", ["Same words", "same  WORDS", "z"], "aac", id="same words"),
        pytest.param("abcd", ["x", "x", "y", "z"], "aacd", id="a pair"),
        pytest.param("abbc", ["x", "x", "y", "y"], "aaaa", id="a chain through a domain"),
        pytest.param("abc", ["", "", " "], "abc", id="firms without words stay apart"),
    ],
)
def test_firms_with_the_same_words_are_one_group(groups: str, texts: list[str], expected: str) -> None:
    assert merge_groups(list(groups), texts) == list(expected)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("stuvwxyz")), max_size=30), st.randoms())
def test_merged_groups_do_not_depend_on_the_order_of_rows(rows: list[tuple[str, str]], random: Any) -> None:
    merged = merge_groups([row[0] for row in rows], [row[1] for row in rows])
    of = dict(zip(rows, merged, strict=True))
    random.shuffle(rows)
    assert merge_groups([row[0] for row in rows], [row[1] for row in rows]) == [of[row] for row in rows]
    for text in {row[1] for row in rows}:
        assert len({of[row] for row in rows if row[1] == text}) == 1
    for group in {row[0] for row in rows}:
        assert len({of[row] for row in rows if row[0] == group}) == 1


def test_a_domain_on_both_sides_is_refused() -> None:
    with pytest.raises(LeakError, match=r"1 groups are in train and test both, such as \['a\.uk'\]"):
        check_no_leak(["a.uk", "b.uk", "a.uk"], np.array([0, 1]), np.array([2]))
