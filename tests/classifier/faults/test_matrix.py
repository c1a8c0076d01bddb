"""The fault matrix of models: every case names the tests that hold it, and they are there."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
MATRIX: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("matrix.yaml").read_text(encoding="utf-8"))
CASES = [f"M{number}" for number in range(12, 21)]


@functools.cache
def functions(path: Path) -> set[str]:
    """Names of the functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_case_has_a_row() -> None:
    assert sorted(MATRIX) == sorted(CASES)


@pytest.mark.parametrize("case", CASES)
def test_tests_of_a_case_are_there(case: str) -> None:
    row = MATRIX[case]
    assert set(row) <= {"what", "tests", "note"}
    assert row["tests"]
    for node in row["tests"]:
        place, _, name = node.partition("::")
        name, _, identifier = name.rstrip("]").partition("[")
        path = ROOT / "tests" / place
        assert path.is_file(), node
        assert name in functions(path), node
        assert not identifier or identifier in path.read_text(encoding="utf-8"), node
