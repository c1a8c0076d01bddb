"""Shapes on the grid: true, seamless, where they belong, and small as paths."""

from __future__ import annotations

import re

import h3
import numpy as np
import pytest
import shapely

from pipelines.geography.outlines import UNIT_M
from pipelines.maps.ground import Extent, Ground, districts_in, extent_of, hexagons_on, path_of
from tests.pipelines.maps.conftest import BELFAST, BIRMINGHAM, DERBY, NOTTINGHAM, PARIS


@pytest.mark.parametrize(
    ("lat", "lon", "square"),
    [
        (52.9536, -1.1505, "SK"), (51.5074, -0.1278, "TQ"), (56.7969, -5.0036, "NN"), (60.155, -1.145, "HU"),
        (50.066, -5.714, "SW"), (55.95, -3.19, "NT"), (54.597, -5.93, "NW"),
    ],
    ids=["Nottingham", "London", "Ben Nevis", "Lerwick", "Land's End", "Edinburgh", "Belfast, on a grid not its own"],
)  # fmt: skip
def test_grid_references(lat: float, lon: float, square: str) -> None:
    found = hexagons_on([h3.latlng_to_cell(lat, lon, 8)])[0]
    assert found is not None
    assert re.fullmatch(rf"{square} \d\d \d\d", found.reference)


def test_a_grid_reference_worked_by_hand() -> None:
    """The hexagon of Nottingham's castle has its middle at 457 km east and 340 km north: square SK, 57 40."""
    found = hexagons_on([NOTTINGHAM])[0]
    assert found is not None
    assert [axis * UNIT_M // 1000 for axis in found.middle] == [457, 340]
    assert found.reference == "SK 57 40"


@pytest.mark.parametrize(
    "code",
    ["", "unknown", "zz", "8819", PARIS, f"{NOTTINGHAM}\n"],
    ids=["empty", "a word", "no number", "short", "Paris", "newline"],
)  # fmt: skip
def test_what_cannot_be_drawn(code: str) -> None:
    assert hexagons_on([code]) == [None]


@pytest.mark.parametrize("code", [NOTTINGHAM, BELFAST], ids=["Nottingham", "Belfast"])
def test_hexagons_are_as_large_as_on_the_ground_and_leave_no_gap(code: str) -> None:
    disk = hexagons_on(h3.grid_disk(code, 3))
    assert all(disk)
    shapes = [shapely.Polygon(found.corners) for found in disk if found]
    true_m2 = sum(h3.cell_area(found.code, "m^2") for found in disk if found)
    drawn_m2 = sum(shape.area for shape in shapes) * UNIT_M**2
    assert drawn_m2 == pytest.approx(true_m2, rel=0.01)
    whole = shapely.union_all(shapes)
    assert whole.area == pytest.approx(sum(shape.area for shape in shapes), rel=0.002)  # they hardly overlap
    assert sum(shapely.Polygon(hole).area for hole in whole.interiors) < 0.002 * whole.area


def test_paths_are_steps_from_the_upper_left_corner() -> None:
    ring = np.array([[110, 190], [130, 190], [130, 170]], dtype=np.int32)
    assert path_of([ring], Extent(100, 100, 300, 200)) == "M10 10l20 0 0 20z"
    assert path_of([ring[::-1]], Extent(100, 100, 300, 200)) == "M30 30l0-20-20 0z"


def test_the_extent_holds_hexagons_and_their_districts(ground: Ground) -> None:
    placed = [found for found in hexagons_on([NOTTINGHAM, DERBY]) if found]
    extent = extent_of(placed, ["E06000018"], ground.outlines)
    west, south, east, north = ground.outlines.shape("E06000018").bounds
    assert extent.west < west
    assert extent.south < south
    assert extent.east > east
    assert extent.north > north
    assert 0.74 < extent.height / extent.width < 1.61
    seen = districts_in(extent, ground.outlines)
    assert {"E06000018", "E06000015"} <= seen.keys()
    assert "E06000052" not in seen  # Cornwall


def test_one_hexagon_is_not_blown_up_to_a_page(ground: Ground) -> None:
    found = hexagons_on([BIRMINGHAM])[0]
    assert found is not None
    extent = extent_of([found], [], ground.outlines)
    assert extent.width * UNIT_M >= 20_000
