"""Sentences of a cluster's page: what is said of a correction, a rank, a border, and what is not said."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from pipelines.reporting.cell_index import Cell
from pipelines.reporting.cluster_words import borders, flag_words, how_sure, place_among
from pipelines.rollup import FLAGS


def _cell(value: float | None, n: int = 0, *flags: str) -> Cell:
    return Cell(value, None, None, n, 0.9, flags, None, None)


@pytest.mark.parametrize(
    ("corrected", "measured", "codes", "said", "unsaid"),
    [
        (None, None, "none", ["92% of", "take the classifier's word"], ["F1"]),
        (_cell(7.2, 120, "corrected_by_audit"), None, "none",
         [FLAGS["corrected_by_audit"], "120 judged firms"], ["take the classifier's word"]),
        (_cell(7.2, 9, "from_training_errors", "giants_uncorrected"), {"f1": 0.55, "ece": 0.01}, "none",
         [FLAGS["from_training_errors"], FLAGS["giants_uncorrected"], "poorly (F1 0.55", "0.010"], []),
        (_cell(None, 0, "suppressed"), None, "none", ["take the classifier's word"], ["judged firms"]),
        (_cell(None), None, "none", ["too little to correct"], []),
        (None, {"f1": None}, "some", ["by SIC code alone"], ["F1"]),
        (_cell(7.2, 9, "corrected_by_audit"), {"f1": 0.9}, "all",
         ["No classifier looked"], ["92%", "F1", "judged firms"]),
    ],
    ids=["uncorrected", "audited", "training errors", "withheld", "nothing to go by", "some codes", "codes alone"],
)  # fmt: skip
def test_how_sure(
    corrected: Cell | None,
    measured: dict[str, Any] | None,
    codes: Literal["none", "some", "all"],
    said: list[str],
    unsaid: list[str],
) -> None:
    told = " ".join(how_sure(corrected, measured, codes, "92%"))
    assert [words for words in said if words not in told] == []
    assert [words for words in unsaid if words in told] == []


def test_no_coverage_is_stated_where_it_is_withheld() -> None:
    assert "were read" not in " ".join(how_sure(None, None, "none", ""))


@pytest.mark.parametrize(
    ("rank", "told"),
    [(1, "1st of 30"), (2, "2nd of 30"), (3, "3rd of 30"), (4, "4th of 30"), (11, "11th of 30"), (12, "12th of 30"),
     (13, "13th of 30"), (21, "21st of 30"), (22, "22nd of 30")],
    ids=str,
)  # fmt: skip
def test_ranks_in_words(rank: int, told: str) -> None:
    assert place_among(rank, 30) == told


@pytest.mark.parametrize(
    ("districts", "authorities", "told"),
    [
        ([], [], ""),
        (["Derby"], ["East Midlands"], "in Derby"),
        (["Derby", "Erewash"], ["East Midlands"], "crosses the border of Derby and Erewash"),
        (["Derby", "Lichfield"], ["East Midlands", "West Midlands"],
         "crosses the border of East Midlands and West Midlands: Derby and Lichfield"),
    ],
    ids=["no district", "one", "two districts", "two authorities"],
)  # fmt: skip
def test_borders(districts: list[str], authorities: list[str], told: str) -> None:
    assert borders(districts, authorities) == told


def test_flags_that_stand_in_a_sentence_are_no_marks() -> None:
    assert flag_words(["uncorrected", "low_coverage", "few_values"], ["low_coverage"]) == ["few values"]
