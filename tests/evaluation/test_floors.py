"""Floors rise freely and fall only by an explicit entry, which the history of the repository bears out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evaluation.floors import committed, document, problems

WHY = "the corpus lost its duplicate descriptions"


def version(floors: Any, ceilings: Any = (0.02,), corpus: Any = ("aa",)) -> Any:
    return {"corpora": {"c": list(corpus)}, "floors": {"f": list(floors)}, "ceilings": {"e": list(ceilings)}}


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(version([0.6]), id="as it was"),
        pytest.param(version([0.6, 0.65]), id="raised"),
        pytest.param(version([0.6], [0.02, 0.01]), id="ceiling lowered"),
        pytest.param(version([0.6, {"eased_to": 0.58, "because": WHY}]), id="eased by its entry"),
        pytest.param(version([0.6, {"eased_to": 0.58, "because": WHY}, 0.7]), id="eased, then raised"),
        pytest.param(version([0.6], corpus=["aa", "bb"]), id="another corpus"),
        pytest.param({**version([0.6]), "floors": {"f": [0.6], "g": [0.1]}}, id="a further figure"),
    ],
)
def test_what_may_follow(now: Any) -> None:
    assert list(problems(now, version([0.6]))) == []


@pytest.mark.parametrize(
    ("now", "message"),
    [
        pytest.param(version([0.5]), "was committed", id="edited downwards"),
        pytest.param(version([0.7]), "was committed", id="edited upwards: the history is lost"),
        pytest.param(version([0.6, 0.5]), "without saying so", id="lowered without the flag"),
        pytest.param(version([0.6], [0.02, 0.03]), "without saying so", id="ceiling raised without the flag"),
        pytest.param(version([0.6], [0.03]), "was committed", id="ceiling edited"),
        pytest.param(version([0.6, {"eased_to": 0.5, "because": "it fell"}]), "say why", id="no reason"),
        pytest.param(version([0.6, {"eased_to": 0.7, "because": WHY}]), "must ease", id="flag on what is no easing"),
        pytest.param(version([]), "no value", id="emptied"),
        pytest.param({**version([0.6]), "floors": {}}, "was committed", id="figure removed"),
        pytest.param(version([0.6], corpus=["bb"]), "was committed", id="corpus replaced"),
        pytest.param(version([0.6, float("nan")]), "between 0 and 1", id="not a number"),
        pytest.param(version([0]), "between 0 and 1", id="a floor of nothing"),
    ],
)
def test_what_may_not_follow(now: Any, message: str) -> None:
    assert any(message in problem for problem in problems(now, version([0.6])))


def test_the_floors_in_force_follow_from_all_that_were_committed() -> None:
    now = document()
    assert list(problems(now)) == []
    versions = committed()
    if versions is None:
        pytest.skip("no git repository here: that no floor was edited can only be checked in one")
    assert [problem for earlier in versions for problem in problems(now, earlier)] == []
