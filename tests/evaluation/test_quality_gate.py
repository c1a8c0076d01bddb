"""Quality gate: figures on the pinned corpus must not fall below their floors.

Raise a floor freely when a change earns it; lowering one needs a reason in the changelog under "Figures". The split is
``train_test_split(indices, test_size=0.3, random_state=0)``; nothing was ever chosen by looking at its 30 %.
"""

from typing import Any

import pytest

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

FLOORS = {"macro_f1": 0.655, "micro_f1": 0.705, "mean_average_precision": 0.695}
"""Measured when set: 0.665, 0.711, 0.703. A hundredth is left for processors without bfloat16."""

MAX_MEAN_ECE = 0.02  # measured 0.009
MAX_SECTOR_ECE = 0.05
RTIC_REFERENCE = {"macro_f1": 0.387, "micro_f1": 0.572, "mean_average_precision": 0.614}


def test_the_split_is_the_pinned_one(holdout: dict[str, Any]) -> None:
    assert (holdout["n_train"] + holdout["n_purged"], holdout["n_test"]) == (3150, 1350)
    assert holdout["n_purged"] <= 5
    assert holdout["evaluated_on"] == "labelled firms"


@pytest.mark.parametrize("figure", sorted(FLOORS))
def test_figures_hold_their_floors(holdout: dict[str, Any], figure: str) -> None:
    assert holdout["ours"][figure] >= FLOORS[figure]


@pytest.mark.parametrize("figure", sorted(RTIC_REFERENCE))
def test_the_rtic_baseline_is_the_published_one(holdout: dict[str, Any], figure: str) -> None:
    baseline = {method["method"]: method for method in holdout["baselines"]}["rtic_ngrams_svm"]
    assert baseline[figure] == pytest.approx(RTIC_REFERENCE[figure], abs=0.005)
    assert holdout["ours"][figure] > baseline[figure]


def test_probabilities_mean_what_they_say(holdout: dict[str, Any]) -> None:
    assert holdout["ours"]["mean_ece"] <= MAX_MEAN_ECE
    assert {row["sector"]: row["ece"] for row in holdout["ours"]["sectors"] if row["ece"] > MAX_SECTOR_ECE} == {}


def test_every_sector_is_trained_assigned_and_has_its_figures(holdout: dict[str, Any]) -> None:
    rows = holdout["ours"]["sectors"]
    assert len(rows) == 23
    assert [row["sector"] for row in rows if not row["trained"] or not row["assigned"]] == []
    for row in rows:
        assert row["support"] > 0
        assert all(0 <= row[name] <= 1 for name in ("precision", "recall", "f1", "average_precision"))
