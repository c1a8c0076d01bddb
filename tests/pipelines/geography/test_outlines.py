"""Outlines of districts: neighbours keep one border, and what was kept is read back, or said to be damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from pipelines.geography.areas import shipped
from pipelines.geography.grid import to_degrees, to_grid
from pipelines.geography.lookup import Lookup, lookup_folder
from pipelines.geography.outlines import Outlines, OutlinesError, read_outlines, simplified, write_outlines
from pipelines.geography.outlines_made import (
    dissolved,
    district_hexagons,
    made_outlines,
    shipped_outlines,
    without_gaps,
)


def test_the_grid_against_a_published_point() -> None:
    """Caister water tower, the Ordnance Survey's worked example: WGS 84 by their seven parameters, to a few metres."""
    placed = to_grid(np.array([52.657976]), np.array([1.716052]))[0]
    assert placed == pytest.approx([651409.9, 313177.3], abs=5)
    assert to_degrees(placed[None])[0] == pytest.approx([1.716052, 52.657976], abs=1e-6)


def test_neighbours_keep_one_border() -> None:
    """Two districts on a wavy border are simplified, and touch along it without gap or overlap."""
    north = np.linspace(0, 50_000, 400)
    wave = 30_000 + 400 * np.sin(north / 700)
    border = list(zip(wave, north, strict=True))
    west = shapely.Polygon([(0, 0), *border, (0, 50_000)])
    east = shapely.Polygon([(60_000, 50_000), *reversed(border), (60_000, 0)])
    made = Outlines("", simplified({"W": west, "E": east}, 1_000.0))
    whole = shapely.union(made.shape("W"), made.shape("E"))
    assert sum(len(ring) for polygon in made.districts["W"] for ring in polygon) < 60
    assert whole.area == made.shape("W").area + made.shape("E").area
    assert not shapely.get_parts(whole)[0].interiors


def test_islets_go_and_the_largest_part_stays() -> None:
    def square(at: float, side: float) -> shapely.Polygon:
        return shapely.box(at, 0, at + side, side)

    made = simplified(
        {"A": shapely.MultiPolygon([square(0, 10_000), square(20_000, 500)]), "B": square(40_000, 500)}, 100.0
    )
    assert [len(polygons) for polygons in made.values()] == [1, 1]
    assert np.ptp(made["A"][0][0], axis=0).tolist() == [1000, 1000]


def test_written_and_read_back(tmp_path: Path) -> None:
    outlines = shipped_outlines()
    write_outlines(outlines, tmp_path / "o.json")
    again = read_outlines(tmp_path / "o.json")
    assert again is not None
    assert again.source == outlines.source
    assert again.districts.keys() == outlines.districts.keys()
    for code, polygons in outlines.districts.items():
        for one, other in zip(polygons, again.districts[code], strict=True):
            assert all(np.array_equal(ring, same) for ring, same in zip(one, other, strict=True))
    assert read_outlines(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"format":2,"source":"","digest":"","districts":{}}', b"\xff\xfe",
        b'{"format":1,"source":"","digest":"","districts":{"E06000018":[[[1,2,3]]]}}',
        b'{"format":1,"source":"","digest":"","districts":{"E06000018":[[[1,2,1e99,4,5,6]]]}}',
        b'{"format":1,"source":"","digest":"","districts":[]}',
    ],
    ids=["empty", "cut", "a list", "null", "newer", "no text", "two points", "far away", "no districts"],
)  # fmt: skip
def test_damage_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "outlines.json"
    path.write_bytes(content)
    with pytest.raises(OutlinesError, match=r"outlines\.json cannot be read .* import the boundaries again"):
        read_outlines(path)


def test_every_district_of_great_britain_has_an_outline() -> None:
    outlines = shipped_outlines()
    assert outlines.districts.keys() == {
        district.lad_code for district in shipped().districts if district.country_name != "Northern Ireland"
    }
    assert all(outlines.shape(code).is_valid or outlines.shape(code).area > 0 for code in outlines.districts)


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (52.9536, -1.1505, "E06000018"), (52.63, -1.13, "E06000016"), (52.4814, -1.8998, "E08000025"),
        (51.5074, -0.1278, "E09000033"), (55.95, -3.19, "S12000036"), (51.48, -3.18, "W06000015"),
    ],
    ids=["Nottingham", "Leicester", "Birmingham", "Westminster", "Edinburgh", "Cardiff"],
)  # fmt: skip
def test_towns_lie_in_their_districts(lat: float, lon: float, code: str) -> None:
    point = to_grid(np.array([lat]), np.array([lon]))[0] / 10
    outlines = shipped_outlines()
    assert [found for found in outlines.districts if shapely.contains_xy(outlines.shape(found), *point)] == [code]


def test_gaps_are_closed_and_the_open_sea_is_not() -> None:
    import h3.api.basic_int as h3

    middle = h3.latlng_to_cell(52.9536, -1.1505, 8)
    ring = {cell: 3 for cell in h3.grid_disk(middle, 9) if cell not in h3.grid_disk(middle, 5)}
    filled = without_gaps(ring)
    assert set(filled) == set(h3.grid_disk(middle, 9))  # the lake in the middle, and nothing outside
    assert set(filled.values()) == {3}


def test_dissolved_hexagons_share_their_borders() -> None:
    import h3.api.basic_int as h3

    cells = h3.grid_disk(h3.latlng_to_cell(52.9536, -1.1505, 8), 6)
    shapes = dissolved({cell: "AB"[h3.cell_to_latlng(cell)[1] > -1.15] for cell in cells})
    one, other = (shapes[code] for code in "AB")
    assert shapely.intersection(one, other).area == 0
    assert shapely.union(one, other).geom_type == "Polygon"


@pytest.mark.slow
def test_the_shipped_outlines_are_those_of_the_directory(lookup: Lookup, tmp_path: Path) -> None:
    shipped_ones = shipped_outlines()
    if lookup.directory not in shipped_ones.source:
        pytest.skip(
            "another postcode directory: make the outlines anew with python -m pipelines.geography.outlines_made"
        )
    made = made_outlines(district_hexagons(lookup, lookup_folder(tmp_path)), lookup.directory)
    write_outlines(made, tmp_path / "made.json")
    write_outlines(shipped_ones, tmp_path / "shipped.json")
    assert (tmp_path / "made.json").read_bytes() == (tmp_path / "shipped.json").read_bytes()
