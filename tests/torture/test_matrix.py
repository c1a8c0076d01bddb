"""The fault matrix of groups D, W, K and C: every case names the tests that hold it, and they are there."""

from __future__ import annotations

import pytest

from tests.fault_matrix import check_row, read_matrix

MATRIX = read_matrix(__file__)
CASES = [
    f"{group}{number:02}" for group, last in (("D", 20), ("W", 8), ("K", 21), ("C", 6)) for number in range(1, last + 1)
]


def test_every_case_has_a_row() -> None:
    assert sorted(MATRIX) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_tests_of_a_case_are_there(case: str) -> None:
    check_row(MATRIX[case])


@pytest.mark.parametrize("case", CASES)
def test_what_make_test_does_not_run_is_said(case: str) -> None:
    row = MATRIX[case]
    nowhere_else = all("::test_whole_form_has_the_case[" in node for node in row["tests"])
    assert row.get("note", "").startswith("Only in make torture.") == nowhere_else
