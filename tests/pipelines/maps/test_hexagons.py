"""The map of a cluster as values: every figure of the cells, and a sentence for every one that is not drawn."""

from __future__ import annotations

import h3
import pytest

from pipelines.maps.ground import Ground
from pipelines.maps.hexagons import MAX_ROWS, page_map
from tests.pipelines.maps.conftest import BELFAST, BIRMINGHAM, DERBY, NOTTINGHAM, PARIS, cells, many, rows

SEA = h3.latlng_to_cell(53.5, 1.5, 8)


def test_a_map(ground: Ground) -> None:
    made = page_map(
        cells(
            rows(NOTTINGHAM, 12, 340, 5_230_000, flags=("uncorrected", "low_coverage"), corrected=(4.0, 15.9)),
            rows(DERBY, 1, 1, None, flags=("no_value",)),
        ),
        ground,
    )
    assert made is not None
    assert [(found.code, found.classes, found.value) for found in made.hexagons] == [
        (DERBY, "a0 b0 cn", 1.0),
        (NOTTINGHAM, "a4 b4 c0", 12.0),
    ]
    assert made.hexagons[0].label == "Derby, SK 35 36: 1 business; 1 employee; turnover not known"
    assert made.hexagons[1].label == (
        "Nottingham, SK 57 40: 12 businesses (corrected 4 to 15.9; low coverage); "
        "340 employees (corrected 4 to 15.9; low coverage); turnover £5.23m (corrected £4 to £16; low coverage)"
    )
    assert [(metric.key, metric.withheld, metric.not_known) for metric in made.metrics] == [
        ("businesses", 0, 0), ("employees", 0, 0), ("turnover_gbp", 0, 1),
    ]  # fmt: skip
    assert [row.figures for row in made.rows] == [("12", "340", "£5.23m"), ("1", "1", "not known")]
    assert {"Nottingham", "Derby"} <= {name.text for name in made.names}
    assert {"Nottingham", "Derby", "Erewash"} <= {district.name for district in made.districts}
    assert made.notes == ()


def test_withheld_figures_are_hatched_and_said(ground: Ground) -> None:
    made = page_map(
        cells(rows(NOTTINGHAM, 12), rows(DERBY, None, None, None, flags=("suppressed",), corrected=(1.0, 2.0))), ground
    )
    assert made is not None
    hidden = next(found for found in made.hexagons if found.code == DERBY)
    assert hidden.classes == "aw bw cw"
    assert hidden.value is None
    assert hidden.label == "Derby, SK 35 36: businesses withheld; employees withheld; turnover withheld"
    assert made.metrics[0].withheld == 1
    assert [row.figures for row in made.rows][1] == ("withheld",) * 3


@pytest.mark.parametrize(
    ("found", "note"),
    [
        ([rows("unknown", 41.5)], "41.5 businesses have no place on this map"),
        ([rows("unknown", 1)], "1 business has no place on this map"),
        ([rows("unknown", None, flags=("suppressed",))], "Of the firms whose place is not known, businesses withheld."),
        ([rows(PARIS, 3)], "3 businesses in 1 hexagon lie outside the United Kingdom."),
        ([rows("nonsense", 2), rows("nothing", 2)], "4 businesses in 2 hexagons lie outside the United Kingdom."),
    ],
    ids=["no place", "one", "withheld", "Paris", "no hexagons"],
)
def test_what_is_not_drawn_is_said(ground: Ground, found: list[list[tuple[object, ...]]], note: str) -> None:
    made = page_map(cells(rows(NOTTINGHAM, 12), *found), ground)
    assert made is not None
    assert len(made.hexagons) == 1
    assert made.notes[0].startswith(note)
    alone = page_map(cells(*found), ground)
    assert alone is not None
    assert alone.hexagons == ()
    assert alone.notes[0] == "There is no map: no firm of the cluster has a place on it."
    assert alone.notes[1].startswith(note)


def test_a_cluster_without_hexagons_has_no_map(ground: Ground) -> None:
    assert page_map(cells(), ground) is None
    assert page_map(cells(rows(NOTTINGHAM, 0, 0, 0)), ground) is None


def test_a_cluster_that_is_withheld_has_a_sentence(ground: Ground) -> None:
    made = page_map(cells(rows(NOTTINGHAM, None, None, None, flags=("suppressed",))), ground)
    assert made is not None
    assert made.hexagons == ()
    assert made.districts == ()
    assert "withheld" in made.notes[0]


def test_a_chosen_area(ground: Ground) -> None:
    made = page_map(cells(rows(NOTTINGHAM, 12), rows(BIRMINGHAM, 5)), ground, within={"E06000018"})
    assert made is not None
    assert [found.code for found in made.hexagons] == [NOTTINGHAM]
    assert made.notes == ("5 businesses in 1 hexagon lie outside the area of this map.",)


def test_a_place_in_no_known_district(ground: Ground) -> None:
    """No postcode is there: rigs and boats, Northern Ireland without a boundary file."""
    made = page_map(cells(rows(SEA, 2), rows(BELFAST, 1)), ground)
    assert made is not None
    assert all(found.label.startswith("outside the districts that are known, ") for found in made.hexagons)


def test_every_figure_is_there_once(ground: Ground) -> None:
    frame = many(400)
    made = page_map(frame, ground)
    assert made is not None
    held = frame[(frame["area_kind"] == "h3") & (frame["metric"] == "businesses") & (frame["period"] == "latest")]
    assert {found.code: found.value for found in made.hexagons} == {
        code: None if value != value else value for code, value in zip(held["area_code"], held["value"], strict=True)
    }
    for metric in made.metrics:
        assert sum(each.hexagons for each in metric.legend) + metric.withheld + metric.not_known == 400
    assert len(made.rows) == MAX_ROWS
    assert made.more_rows == 400 - MAX_ROWS
    assert [found.value or 0 for found in made.hexagons] == sorted(found.value or 0 for found in made.hexagons)


def test_the_order_of_rows_does_not_matter(ground: Ground) -> None:
    frame = many(50)
    assert page_map(frame, ground) == page_map(frame.sample(frac=1, random_state=1), ground)
