"""A model that is worse than the one in use is held back, with the figures that say so."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.gate import worse


def metrics(f1: dict[str, float | None], includes: int = 50, ap: float = 0.8) -> dict[str, Any]:
    """A manifest's figures."""
    return {"sectors": {key: {"f1": value, "average_precision": ap, "includes": includes} for key, value in f1.items()}}


BEFORE = metrics({"air": 0.8, "space": 0.6})


@pytest.mark.parametrize(
    ("candidate", "complaints"),
    [
        pytest.param(BEFORE, [], id="the same"),
        pytest.param(metrics({"air": 0.9, "space": 0.7}), [], id="better"),
        pytest.param(metrics({"air": 0.79, "space": 0.58}), [], id="worse within the allowance"),
        pytest.param(metrics({"air": 0.77, "space": 0.57}), ["macro-F1 over 2"], id="all a little worse"),
        pytest.param(metrics({"air": 0.8, "space": 0.6}, ap=0.7), ["mean average precision"], id="ranks worse"),
        pytest.param(metrics({"air": 0.95, "space": 0.48}), ["F1 of space falls from 0.600 to 0.480"], id="one sector"),
        pytest.param(metrics({"air": 0.9, "space": None}), ["F1 of space falls from 0.600 to 0.000"], id="not trained"),
        pytest.param(metrics({"air": 0.95, "space": 0.48}, includes=9), [], id="a sector too small to tell"),
        pytest.param(metrics({"air": 0.8, "cyber": 0.1}), [], id="a new sector is not compared"),
        pytest.param({}, ["no figures"], id="no figures"),
        pytest.param({"sectors": 3}, ["no figures"], id="figures that are none"),
    ],
)
def test_what_is_held_back(candidate: dict[str, Any], complaints: list[str]) -> None:
    found = worse(candidate, BEFORE)
    assert len(found) == len(complaints)
    assert all(complaint in reason for complaint, reason in zip(complaints, found, strict=True))


@pytest.mark.parametrize("current", [{}, {"sectors": {}}, {"macro_f1": 0.9}])
def test_nothing_is_worse_than_a_model_without_figures(current: dict[str, Any]) -> None:
    assert worse(metrics({"air": 0.1}), current) == ()


@pytest.mark.parametrize(("includes", "held"), [(50, False), (100, True)])
def test_a_large_sector_may_fall_less_than_a_small_one(includes: int, held: bool) -> None:
    before, after = (metrics({"air": 0.8, "ai": f1}, includes) for f1 in (0.71, 0.65))
    after["sectors"]["air"]["f1"] = 0.9
    assert bool(worse(after, before)) is held
