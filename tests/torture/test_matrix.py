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
