"""The fault matrix: every case of spoilt workspaces and archives names the tests that hold it, and they are there."""

from __future__ import annotations

import pytest

from tests.fault_matrix import check_row, read_matrix

MATRIX = read_matrix(__file__)
CASES = [
    *("D08", "D09", "D10", "D11", "D12", "D13", "D19", "D20"),
    *("W01", "W02", "W03", "W04", "W05", "W07"),
]


def test_every_case_has_a_row() -> None:
    assert sorted(MATRIX) == CASES


@pytest.mark.parametrize("case", CASES)
def test_tests_of_a_case_are_there(case: str) -> None:
    check_row(MATRIX[case])
