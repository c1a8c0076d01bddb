"""Floors for recognising firms' own sites, on two sets of sites that were written without a look at the matcher.

The first set came out with a precision of 0.829 and a recall of 0.943 (198 right, 41 wrong, 12 missed of 387 decisions)
before anything was learnt from it. Since then rules were mended and points set by what kinds of evidence the errors had
in common, counted over all cases; so the 0.975 and 0.924 of today (194, 5, 16) flatter the matcher. The second set was
written after that and nothing was changed to suit it: 0.956 and 0.936 (131, 6, 9 of 234) is what new sites of this
kind may expect. Keep it so: look at its totals, mend by the first. Raise the floors freely; lowering one needs a reason
in the commit.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.site_cases import decide, load_cases

CASES = Path(__file__).parent / "match_cases"


@pytest.mark.parametrize(
    ("folder", "sites", "min_precision", "min_recall"),
    [
        pytest.param(CASES, 150, 0.97, 0.90, id="learnt from"),
        pytest.param(CASES / "second", 150, 0.95, 0.90, id="held out"),
    ],
)
def test_sites_are_given_to_the_firms_they_belong_to(
    folder: Path, sites: int, min_precision: float, min_recall: float
) -> None:
    cases = [case for path in sorted(folder.glob("*.yaml")) for case in load_cases(path)]
    assert len(cases) >= sites
    assert len({case.name for case in cases}) == len(cases)
    wrong, right, missed = [], 0, []
    for case in cases:
        for entry, belongs, found in decide(case):
            if found.matched and belongs:
                right += 1
            elif found.matched:
                wrong.append(f"{case.name}/{entry.firm_id}: {found.reasons[0]}")
            elif belongs:
                missed.append(f"{case.name}/{entry.firm_id}: {found.reasons[0]}")
    precision = right / (right + len(wrong))
    recall = right / (right + len(missed))
    assert precision >= min_precision, (precision, wrong)
    assert recall >= min_recall, (recall, missed)
