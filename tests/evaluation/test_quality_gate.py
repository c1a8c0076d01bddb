"""Quality gate: figures on the pinned corpus must not fall below their floors, which stand in ``floors.yaml``.

The split is ``train_test_split(indices, test_size=0.3, random_state=0)``; nothing was chosen by looking at its 30 %.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.floors import ceiling, document, floor

pytestmark = [pytest.mark.realdata, pytest.mark.slow]

FIGURES = [name.removeprefix("directory.") for name in document()["floors"] if name.startswith("directory.")]
RTIC_REFERENCE = {"macro_f1": 0.387, "micro_f1": 0.572, "mean_average_precision": 0.614}
BASELINES = {"rtic_ngrams_svm", "tfidf_logistic", "nearest_neighbours", "definitions_by_similarity", "keywords"}


def test_the_split_is_the_pinned_one(holdout: dict[str, Any]) -> None:
    assert (holdout["n_train"] + holdout["n_purged"], holdout["n_test"]) == (3150, 1350)
    assert holdout["n_purged"] <= 5
    assert (holdout["split"], holdout["evaluated_on"]) == ("holdout", "labelled firms")


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_hold_their_floors(holdout: dict[str, Any], figure: str) -> None:
    assert holdout["ours"][figure] >= floor(f"directory.{figure}")


def test_no_baseline_is_better_or_missing(holdout: dict[str, Any]) -> None:
    assert holdout["left_out"] == []
    assert {method["method"] for method in holdout["baselines"]} == BASELINES
    for method in holdout["baselines"]:
        for figure in ("macro_f1", "micro_f1", "mean_average_precision"):
            assert holdout["ours"][figure] > method[figure], (method["method"], figure)


@pytest.mark.parametrize("figure", sorted(RTIC_REFERENCE))
def test_the_rtic_baseline_is_the_published_one(holdout: dict[str, Any], figure: str) -> None:
    baseline = {method["method"]: method for method in holdout["baselines"]}["rtic_ngrams_svm"]
    assert baseline[figure] == pytest.approx(RTIC_REFERENCE[figure], abs=0.005)


def test_probabilities_mean_what_they_say(holdout: dict[str, Any]) -> None:
    assert holdout["ours"]["mean_ece"] <= ceiling("directory.mean_ece")
    most = ceiling("directory.worst_sector_ece")
    assert {row["sector"]: row["ece"] for row in holdout["ours"]["sectors"] if row["ece"] > most} == {}


def test_every_sector_is_trained_assigned_and_has_its_figures(holdout: dict[str, Any]) -> None:
    rows = holdout["ours"]["sectors"]
    assert len(rows) == 23
    assert [row["sector"] for row in rows if not row["trained"] or not row["assigned"]] == []
    for row in rows:
        assert row["support"] > 0
        assert all(0 <= row[name] <= 1 for name in ("precision", "recall", "f1", "average_precision", "brier"))


def test_the_page_was_written(holdout: dict[str, Any]) -> None:
    page = Path(holdout["page"]).read_text(encoding="utf-8")
    assert page.count("<svg") == 3 * 23 + 1 + 2  # plots, overview, legend
    assert f"{holdout['ours']['macro_f1']:.3f}" in page
