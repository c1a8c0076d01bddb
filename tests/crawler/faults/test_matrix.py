"""The fault matrix: every case of the groups H, N, R and S names the tests that hold it, and they are there."""

from __future__ import annotations

import pytest

from tests.fault_matrix import check_row, read_matrix

MATRIX = read_matrix(__file__)
CASES = [
    *(f"H{number:02}" for number in range(26)),
    *(f"N{number:02}" for number in range(1, 15)),
    *(f"R{number:02}" for number in range(1, 19)),
    *(f"S{number:02}" for number in range(1, 17)),
]


def test_every_case_has_a_row() -> None:
    assert sorted(MATRIX) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_tests_of_a_case_are_there(case: str) -> None:
    check_row(MATRIX[case])
