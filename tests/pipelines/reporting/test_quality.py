"""The page on quality: coverage agrees with the cells, audits and calibration are shown as found, a card stays text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from classifier.curves import ReliabilityBin, SectorCurves
from pipelines.errors import UsageError
from pipelines.figure_settings import AreaKind, AreasConfig, RollupConfig
from pipelines.reporting.content import PublicationNote
from pipelines.reporting.quality_content import (
    Audited,
    Calibrated,
    Calibration,
    CardBlock,
    CardPart,
    Measure,
    QualityInput,
    Reach,
    card_parts,
)
from pipelines.reporting.quality_sources import (
    CALIBRATION,
    coverage_by_area,
    coverage_by_size,
    read_calibration,
    write_calibration,
)
from tests.pipelines.figures.rolling import roll
from tests.pipelines.reporting.listing import AREAS, TAXONOMY, listing
from tests.pipelines.reporting.reading import Page, pages_of

if TYPE_CHECKING:
    from classifier.evaluation import Evaluation
    from pipelines.reporting import ReportInput
    from pipelines.rollup import Rollup

EVIL = "<img src=x onerror=alert(1)>[link](javascript:alert(1))\N{RIGHT-TO-LEFT OVERRIDE}"
CARD = f"""# Sector model

Assigns firms to 3 sectors,
one threshold each. {EVIL}

| | |
|---|---|
| n-grams | 64 |

## What it cannot say

- It reads English.
- {EVIL}
"""


def _made(rules: RollupConfig | None = None, areas: AreasConfig = AREAS) -> tuple[ReportInput, Rollup]:
    given = listing(rules, areas)
    return given, roll(
        TAXONOMY, given.firms, given.premises, given.accounts, given.readable, given.assignments,
        rules=rules or RollupConfig(), kinds=areas,
    )  # fmt: skip


def _text(html: str) -> str:
    return " ".join("".join(Page(html).text).split())


def test_coverage_by_area_is_that_of_the_cells() -> None:
    given, made = _made()
    kind, found = coverage_by_area(made)
    assert kind == "region"
    cells = given.cells
    mine = cells[(cells["cluster"] == "mobility") & (cells["metric"] == "businesses") & (cells["period"] == "latest")]
    regions = mine[mine["area_kind"] == "region"]
    assert sorted(share for reach in found if (share := reach.share) is not None) == pytest.approx(
        sorted(regions["coverage"])
    )
    assert sum(reach.firms for reach in found) == 57
    assert [reach.firms for reach in found] == sorted((reach.firms for reach in found), reverse=True)


@pytest.mark.parametrize(
    ("areas", "kind"),
    [(["lad"], "lad"), (["postcode_area", "lad"], "lad"), (["custom"], "")],
    ids=["districts", "districts before letters", "none"],
)
def test_coverage_is_by_the_kind_of_area_that_there_is(areas: list[AreaKind], kind: str) -> None:
    _, made = _made(areas=AreasConfig(kinds=areas, custom={}))
    assert coverage_by_area(made)[0] == kind


def test_coverage_by_size_loses_no_firm() -> None:
    given, made = _made()
    found = coverage_by_size(made)
    assert [reach.name for reach in found] == ["fewer than 10", "10 to 49", "50 to 249", "250 and more", "not known"]
    assert sum(reach.firms for reach in found) == 57
    counted = given.firms[given.firms["status"] == "Active"]["firm_id"]
    assert sum(reach.read for reach in found) == counted.isin(given.readable).sum()
    newest = given.accounts.sort_values("period_end").groupby("firm_id")["employees"].last()
    of_them = newest[newest.index.isin(counted)]
    assert [reach.firms for reach in found[:2]] == [(of_them < 10).sum(), ((of_them >= 10) & (of_them < 50)).sum()]
    assert found[-1].firms == (~counted.isin(of_them.index)).sum()


def test_a_card_is_taken_apart_and_stays_text() -> None:
    assert card_parts(CARD) == (
        CardPart(
            "Sector model",
            (
                CardBlock(text=f"Assigns firms to 3 sectors, one threshold each. {EVIL}"),
                CardBlock(rows=(("n-grams", "64"),)),
            ),
        ),
        CardPart("What it cannot say", (CardBlock(items=("It reads English.", EVIL)),)),
    )
    assert card_parts("") == ()


@pytest.mark.parametrize("card", ["|", "# ", "- ", "|||\n|-|", "\n\n", "#" * 9, "| a\n- b"])
def test_an_odd_card_does_no_harm(card: str, tmp_path: Path) -> None:
    given = replace(listing(), quality=QualityInput(card=card_parts(card)))
    assert "quality.html" in pages_of(given, tmp_path)


def test_audits_calibration_and_card_are_shown(tmp_path: Path) -> None:
    audits = (
        Audited("rail", "a1", "2026-04-02", 100, 90, 80, (85, 81), Measure(0.9, 0.81, 0.96), None, this_model=False),
        Audited("cyber", "a1", "2026-04-02", 50, 0, 0, (), None, None),
    )
    bins = ((90, 0.1, 0.08, 0.04, 0.15), (10, 0.9, 0.8, 0.5, 0.95))
    calibrated = Calibrated("labelled firms", "run-7", (Calibration("rail", bins), Calibration("gone", bins)))
    given = replace(
        listing(),
        measured={"rail": {"judged": 100, "includes": 12, "precision": 0.75, "recall": None, "f1": float("nan")}},
        quality=QualityInput(audits=audits, calibrated=calibrated, card=card_parts(CARD), trained_on=(0, 1033)),
    )
    html = pages_of(given, tmp_path)["quality.html"]
    page, text = Page(html), _text(html)
    assert page.row("Rail")[1:] == [
        "0.90 0.81 to 0.96", "not known", "90 of 100", "2 coders: 85, 81 80 by two, or settled",
        "2 April 2026 of another model than the one in use",
    ]  # fmt: skip
    assert "nobody yet" in page.row("Cyber <i>& co")[4]
    assert "2 sectors were never audited" in text
    assert text.count("stated 0.10, observed 0.08 of 90") == 1  # one plot: a sector that is gone has none
    assert "learnt from 0 labelled firms and 1,033 seed examples" in text
    assert "<img src=x onerror=alert(1)>[link](javascript:alert(1))" in text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html
    assert "img" not in {tag for tag, _ in page.elements}
    rough = [row for row in page.rows if row and row[0].startswith("Rail") and len(row) == 7]
    assert [cell.strip() for cell in rough[0][1:]] == ["100", "12", "0.75", "–", "–", "–"]  # noqa: RUF001


def test_what_was_never_measured_is_said_to_be_not_known(tmp_path: Path) -> None:
    text = _text(pages_of(listing(), tmp_path)["quality.html"])
    for sentence in (
        "No sector was audited.",
        "No model has classified these firms yet, or what it was measured at is not known.",
        "No evaluation is at hand",
        "Coverage by area and size is not known",
    ):
        assert sentence in text


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (PublicationNote("The gate let it pass.", None, None), ["The gate let it pass."]),
        (PublicationNote("Held.", "we <looked>", "Coverage fell."), ["Held.", "we <looked>", "Coverage fell."]),
    ],
    ids=["passed", "released"],
)
def test_the_publication_is_told(note: PublicationNote, said: list[str], tmp_path: Path) -> None:
    pages = pages_of(replace(listing(), publication=note), tmp_path)
    for name in ("index.html", "quality.html"):
        text = _text(pages[name])
        assert all(words in text for words in said), name


def test_pages_that_are_not_there_are_not_linked_to(tmp_path: Path) -> None:
    pages = pages_of(listing(), tmp_path)
    assert not any("night.html" in html or "evaluation.html" in html for html in pages.values())
    pages = pages_of(replace(listing(), night_page=True, evaluation_page=True), tmp_path / "more")
    assert all('href="night.html"' in html and 'href="evaluation.html"' in html for html in pages.values())


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    bins = (ReliabilityBin(90, 0.125, 1 / 12, 0.04, 0.15), ReliabilityBin(10, 1.0, 0.0, 0.0, 0.3))
    curves = SectorCurves("rail", bins, (), (), (), (), ())
    nothing = SectorCurves("cyber", (), (), (), (), (), ())
    evaluation = cast("Evaluation", SimpleNamespace(curves=(curves, nothing)))
    found = read_calibration(write_calibration(tmp_path, evaluation, "labelled firms", "run-7"))
    assert found == Calibrated(
        "labelled firms",
        "run-7",
        (
            Calibration("rail", ((90, 0.125, 1 / 12, 0.04, 0.15), (10, 1.0, 0.0, 0.0, 0.3))),
            Calibration("cyber", ()),
        ),
    )


@pytest.mark.parametrize(
    "held",
    [
        "{", "[]", "{}", '{"evaluated_on": "x", "run_id": "y", "sectors": {"a": [[1, 2, 0, 0, 0]]}}',
        '{"evaluated_on": "x", "run_id": "y", "sectors": {"a": [["1", 0, 0, 0, 0]]}}',
        '{"evaluated_on": "x", "run_id": "y", "sectors": {"a": [[1, 0]]}}',
    ],
    ids=["broken", "a list", "empty", "a share of 2", "a word", "too short"],
)  # fmt: skip
def test_a_calibration_that_was_changed_is_refused(held: str, tmp_path: Path) -> None:
    assert read_calibration(tmp_path / CALIBRATION) is None
    (tmp_path / CALIBRATION).write_text(held, encoding="utf-8")
    with pytest.raises(UsageError, match="run firmscope evaluate"):
        read_calibration(tmp_path / CALIBRATION)


def test_an_area_of_nobody_has_no_share() -> None:
    assert Reach("x", 0, 0).share is None
