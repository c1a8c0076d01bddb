"""Read a fault matrix: which tests hold each numbered case, and whether they are there.

A node is ``FOLDER/FILE.py::NAME`` below ``tests``; ``[ID]`` behind it has to stand in the file word for word.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import yaml

TESTS = Path(__file__).resolve().parent


def read_matrix(test_file: str) -> dict[str, dict[str, Any]]:
    """The ``matrix.yaml`` beside a test file, by case."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(
        Path(test_file).with_name("matrix.yaml").read_text(encoding="utf-8")
    )
    return found


def check_row(row: dict[str, Any]) -> None:
    """Assert that a case names at least one test, and that each of them exists."""
    assert set(row) <= {"what", "tests", "note"}
    assert row["tests"]
    for node in row["tests"]:
        place, _, name = node.partition("::")
        name, _, identifier = name.rstrip("]").partition("[")
        path = TESTS / place
        assert path.is_file(), node
        assert name in _functions(path), node
        assert not identifier or identifier in path.read_text(encoding="utf-8"), node


@functools.cache
def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
