"""Stars for size, specialisation and growth: who is in the top tenth, and what cannot be said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics.classes import classes, top_class

nan = float("nan")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([*range(1, 11)], [0] * 9 + [1], id="one of ten"),
        pytest.param([*range(1, 20)], [0] * 18 + [1], id="one of nineteen: 1.9 is not two"),
        pytest.param([*range(1, 21)], [0] * 18 + [1, 1], id="two of twenty"),
        pytest.param([*range(1, 10)], [nan] * 9, id="of nine nobody can be"),
        pytest.param([*range(1, 10), nan], [nan] * 10, id="the unknown do not make ten"),
        pytest.param([*range(1, 11), nan], [0] * 9 + [1, nan], id="the unknown stay unknown"),
        pytest.param([1] * 8 + [5, 5], [0] * 10, id="two cannot share the place of one"),
        pytest.param([1] * 18 + [5, 5], [0] * 18 + [1, 1], id="two share the places of two"),
    ],
)
def test_the_top_tenth(values: list[float], expected: list[float]) -> None:
    assert top_class(values) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.one_of(st.just(nan), st.integers(0, 30).map(float)), max_size=80), st.floats(0.05, 0.5))
def test_never_more_than_the_share(values: list[float], share: float) -> None:
    found = top_class(values, share)
    known = [value for value in values if not np.isnan(value)]
    assert np.nansum(found) <= share * len(known) + 1e-6
    inside = [v for v, c in zip(values, found, strict=True) if c == 1]
    outside = [v for v, c in zip(values, found, strict=True) if c == 0]
    assert not inside or not outside or min(inside) > max(outside)


def test_three_stars_worked_by_hand() -> None:
    # Ten areas. The first is the largest, has a quotient of 2 and grows most: three stars. The second has a quotient of
    # 2.5 whose interval holds 1: a star only where the interval is not looked at. The third's quotient is not known.
    size = [100, *range(90, 81, -1)]
    quotient = [2.0, 2.5, nan, 1.99, *[0.5] * 6]
    grown = [0.9, 0.1, 0.2, 0.3, *[0.0] * 6]
    plain = classes(size, quotient, grown)
    assert plain.stars.tolist() == [3, 1, 0, 0, *[0] * 6]
    assert plain.judged.tolist() == [3, 3, 2, 3, *[3] * 6]
    sure = classes(size, quotient, grown, quotient_low=[1.2, 0.8, nan, 0.9, *[0.1] * 6])
    assert sure.stars.tolist() == [3, 0, 0, 0, *[0] * 6]
    assert np.isnan(sure.specialisation[2])


def test_shrinking_least_is_no_star() -> None:
    found = classes([nan] * 10, [nan] * 10, [-0.1, *[-0.5] * 9])
    assert found.growth.tolist() == [0.0] * 10
    assert found.judged.tolist() == [1] * 10


def test_where_nothing_is_known_there_is_no_number_of_stars() -> None:
    found = classes([0.0] * 3, [nan] * 3, [nan] * 3)
    assert np.isnan(found.stars).all()
    assert found.judged.tolist() == [0, 0, 0]
