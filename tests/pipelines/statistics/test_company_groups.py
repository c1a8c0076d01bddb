"""Firms of one parent are one group, however long, or circular, the chain."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.statistics.company_groups import groups


@pytest.mark.parametrize(
    ("parent", "key", "expected"),
    [
        pytest.param([], None, [], id="no firms"),
        pytest.param([-1, -1], None, [0, 1], id="strangers"),
        pytest.param([1, 2, 3, -1, -1], None, [3, 3, 3, 3, 4], id="a chain"),
        pytest.param([2, 2, -1, 0], None, [2, 2, 2, 2], id="a tree"),
        pytest.param([0, -1], None, [0, 1], id="its own parent"),
        pytest.param([2, 0, 1, 1, -1], None, [0, 0, 0, 0, 4], id="a circle, and one that hangs on it"),
        pytest.param([3, -1, 1, 2, 3], None, [1, 1, 1, 1, 1], id="the top stands in the middle"),
        pytest.param([-1, -1, 1, -1], [7, 7, 9, -1], [0, 0, 0, 3], id="siblings whose parent is not in the list"),
    ],
)
def test_groups(parent: list[int], key: list[int] | None, expected: list[int]) -> None:
    keys = None if key is None else np.array(key, dtype=np.int32)
    assert groups(np.array(parent, dtype=np.int32), keys).tolist() == expected


def test_that_a_long_chain_is_one_group() -> None:
    parent = np.arange(1, 100_001, dtype=np.int32)
    parent[-1] = -1
    assert set(groups(parent).tolist()) == {99_999}
