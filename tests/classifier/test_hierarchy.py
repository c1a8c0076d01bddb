"""Child implies parent, in labels, probabilities and assignments."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classifier.errors import HierarchyError
from classifier.hierarchy import children_first, close_assignments, close_labels, parent_columns, raise_parents

CHAIN = ((), (0,), (1,), (0, 1))  # 2 in 1 in 0; 3 in both 0 and 1


@pytest.mark.parametrize(
    ("parents", "complaint"),
    [
        pytest.param(((1,), (0,)), "cycle among sectors \\[0, 1\\]", id="two in each other"),
        pytest.param(((0,),), "cycle", id="its own parent"),
        pytest.param(((), (2,)), "names parent 2", id="no such column"),
        pytest.param(((-1,), ()), "names parent -1", id="negative column"),
    ],
)
def test_a_hierarchy_that_is_none_is_refused(parents: tuple[tuple[int, ...], ...], complaint: str) -> None:
    with pytest.raises(HierarchyError, match=complaint):
        children_first(parents)


def test_children_come_before_parents() -> None:
    order = children_first(CHAIN)
    assert sorted(order) == [0, 1, 2, 3]
    assert all(order.index(child) < order.index(parent) for child in range(4) for parent in CHAIN[child])


@given(arrays(np.float64, (5, 4), elements=st.floats(0, 1)))
def test_no_child_exceeds_a_parent_and_nothing_falls(probabilities: np.ndarray) -> None:
    raised = raise_parents(probabilities, CHAIN)
    assert (raised >= probabilities).all()
    assert all((raised[:, child] <= raised[:, parent]).all() for child in range(4) for parent in CHAIN[child])
    np.testing.assert_array_equal(raise_parents(raised, CHAIN), raised)


def test_a_grandchild_brings_both_generations() -> None:
    assigned = np.array([[False, False, True, False]])
    np.testing.assert_array_equal(close_assignments(assigned, CHAIN), [[True, True, True, False]])


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param("??+?", "+++?", id="include of a child includes its parents"),
        pytest.param("-???", "----", id="exclude of a parent excludes its children"),
        pytest.param("-?+?", "+++?", id="contradiction: the narrower include wins"),
        pytest.param("?-??", "?---", id="what lies above an exclude stays open"),
        pytest.param("????", "????", id="nothing judged, nothing implied"),
    ],
)
def test_labels_are_completed(labels: str, expected: str) -> None:
    Y = np.array([[mark == "+" for mark in labels]])
    mask = np.array([[mark != "?" for mark in labels]])
    included, judged = close_labels(Y, mask, CHAIN)
    marks = zip(included[0], judged[0], strict=True)
    assert "".join("?" if not known else "+" if inside else "-" for inside, known in marks) == expected


def test_an_include_where_nothing_was_judged_is_not_read() -> None:
    included, judged = close_labels(np.array([[True, True]]), np.array([[False, False]]), ((), (0,)))
    assert not included.any()
    assert not judged.any()


def test_parents_by_name() -> None:
    assert parent_columns(["a", "b", "c"], {"c": ["a", "b"], "b": ["a"]}) == ((), (0,), (0, 1))
    with pytest.raises(HierarchyError, match=r"\['z'\], which are not in the taxonomy"):
        parent_columns(["a"], {"a": ["z"]})
