"""Clusters without borders: a park is one hotspot, chance is none, and rows may come in any order."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.geography.hotspot_rows import crosses, describe, hotspot_rows
from pipelines.geography.hotspots import MIN_FIRMS, hotspots
from pipelines.geography.lookup import GRID_TO_WGS84, NOWHERE, Lookup
from pipelines.geography.towns import distance_km, nearest_town, towns
from pipelines.tables import HOTSPOTS

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
PARK = (451_000.0, 328_000.0)  # between Nottingham, Broxtowe and Charnwood


def _degrees(east: NDArray[np.float64], north: NDArray[np.float64]) -> Points:
    from pyproj import Transformer

    lon, lat = Transformer.from_pipeline(GRID_TO_WGS84).transform(east, north)
    return lat, lon


def _park_and_noise(seed: int, firms: int, noise: int, width_m: float = 400) -> Points:
    """The park's firms first, then others anywhere in 200 by 200 kilometres around it."""
    draw = np.random.default_rng(seed)
    east = np.concatenate([draw.normal(PARK[0], width_m, firms), draw.uniform(350_000, 550_000, noise)])
    north = np.concatenate([draw.normal(PARK[1], width_m, firms), draw.uniform(230_000, 430_000, noise)])
    return _degrees(east, north)


def _unknown(rows: int) -> NDArray[np.float64]:
    return np.full(rows, np.nan)


@pytest.mark.parametrize("noise", [0, 30, 300, 3_000])
@pytest.mark.parametrize("width_m", [100, 400, 800])
def test_a_park_is_one_hotspot(noise: int, width_m: float) -> None:
    """Forty firms side by side come out as one, alone in the country or among thousands."""
    for seed in range(5):
        lat, lon = _park_and_noise(seed, 40, noise, width_m)
        found = hotspots(lat, lon, _unknown(len(lat)))
        assert found.max() == 1
        assert (found[:40] == 1).sum() >= 38
        assert (found[40:] > 0).sum() <= 5


@pytest.mark.parametrize("firms", [0, 1, 9, 40, 300, 2_000, 5_000])
def test_chance_is_no_hotspot(firms: int) -> None:
    """Firms strewn evenly make none, large or small."""
    for seed in range(8):
        lat, lon = _park_and_noise(seed, 0, firms)
        employees = np.random.default_rng(seed).lognormal(2, 1.5, firms)
        assert hotspots(lat, lon, employees).max(initial=0) == 0


def test_two_parks_are_two() -> None:
    """Parks thirty kilometres apart stay apart; the one with more employees is the first."""
    lat, lon = _park_and_noise(1, 40, 200)
    other_lat, other_lon = _degrees(np.full(25, PARK[0] + 30_000) + np.arange(25) * 20, np.full(25, PARK[1]))
    employees = np.concatenate([np.full(240, 5.0), np.full(25, 100.0)])
    found = hotspots(np.concatenate([lat, other_lat]), np.concatenate([lon, other_lon]), employees)
    assert found.max() == 2
    assert set(found[:40]) == {2}
    assert set(found[240:]) == {1}


def test_order_of_rows_does_not_matter() -> None:
    """Shuffled rows get the same hotspots."""
    lat, lon = _park_and_noise(3, 60, 2_000)
    more_lat, more_lon = _degrees(*np.random.default_rng(4).normal(400_000, 900, (2, 300)).astype(np.float64))
    lat, lon = np.concatenate([lat, more_lat]), np.concatenate([lon, more_lon])
    employees = np.random.default_rng(5).lognormal(2, 1.5, len(lat))
    found = hotspots(lat, lon, employees)
    assert found.max() == 2
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(lat))
        assert np.array_equal(hotspots(lat[order], lon[order], employees[order]), found[order])


def test_one_giant_is_no_hotspot() -> None:
    """A firm of a hundred thousand people, and even nine of them at one door, are too few firms."""
    lat, lon = _park_and_noise(1, 0, 300)
    lat[:9], lon[:9] = 52.0, -1.0
    employees = np.full(300, 3.0)
    employees[:9] = 100_000.0
    assert hotspots(lat, lon, employees).max() == 0
    lat[9], lon[9] = 52.0, -1.0
    assert np.flatnonzero(hotspots(lat, lon, employees)).tolist() == list(range(MIN_FIRMS))


def test_one_firm_of_many_addresses_is_one_firm() -> None:
    """Ten shops of one chain in a street are no hotspot; ten firms are."""
    lat, lon = _park_and_noise(1, 0, 310)
    lat[:10], lon[:10] = 52.0 + np.arange(10) * 1e-4, -1.0
    chain = np.arange(310)
    chain[:10] = 0
    assert hotspots(lat, lon, _unknown(310), chain).max() == 0
    assert hotspots(lat, lon, _unknown(310)).max() == 1


def test_employees_weigh() -> None:
    """Sixteen firms a kilometre or so apart are a hotspot when they are large, and none when they are small."""
    draw = np.random.default_rng(2)
    east = np.concatenate([PARK[0] + 1_300 * (np.arange(16) % 4), draw.uniform(350_000, 550_000, 2_500)])
    north = np.concatenate([PARK[1] + 1_300 * (np.arange(16) // 4), draw.uniform(230_000, 430_000, 2_500)])
    lat, lon = _degrees(east, north)
    small = np.full(len(lat), 5.0)
    large = np.concatenate([np.full(16, 500.0), small[16:]])
    assert (hotspots(lat, lon, small)[:16] > 0).sum() == 0
    assert (hotspots(lat, lon, large)[:16] == 1).sum() == 16


def test_a_thousand_registrations_at_one_door() -> None:
    """Points that coincide are one place, and do not stop the others from being found."""
    lat, lon = _park_and_noise(1, 40, 300)
    lat, lon = np.concatenate([lat, np.full(1_000, 51.5)]), np.concatenate([lon, np.full(1_000, -0.1)])
    found = hotspots(lat, lon, _unknown(len(lat)))
    assert set(found[-1_000:]) == {1}
    assert (found[:40] == 2).all()


def test_places_that_are_none() -> None:
    """Unknown places and places abroad are in no hotspot, and do no harm."""
    lat, lon = _park_and_noise(1, 40, 100)
    lat[100:110], lon[110:120] = np.nan, np.nan
    lat[120:130], lon[120:130] = 40.7, -74.0
    lat[130], lon[131] = np.inf, -np.inf
    found = hotspots(lat, lon, _unknown(len(lat)))
    assert found.max() == 1
    assert not found[100:132].any()
    assert hotspots(_unknown(30), _unknown(30), _unknown(30)).max() == 0


def test_firms_in_a_line() -> None:
    """Firms that all stand along one road have no hull, and are judged all the same."""
    lat, lon = _degrees(np.linspace(400_000, 401_500, 50).astype(np.float64), np.full(50, 300_000.0))
    assert set(hotspots(lat, lon, _unknown(50))) == {1}


def test_twenty_thousand_firms(lookup: Lookup) -> None:
    """Firms at 20,000 real postcodes take under 20 seconds of processor time."""
    draw = np.random.default_rng(1)
    rows = draw.choice(np.flatnonzero(lookup.lat != NOWHERE), 20_000)
    employees = draw.lognormal(2, 1.5, 20_000)
    start = time.process_time()
    found = hotspots(lookup.lat[rows] / 1e6, lookup.lon[rows] / 1e6, employees)
    assert time.process_time() - start < 20
    assert np.bincount(found)[1:].min() >= MIN_FIRMS


def _described(**other: Any) -> list[dict[str, Any]]:
    """A park of forty firms in three districts of two combined authorities, and noise elsewhere."""
    lat, lon = _park_and_noise(1, 40, 200)
    lads: list[str | None] = ["E06000018"] * 20 + ["E06000016"] * 6 + ["E08000019"] * 14 + [None] * 200
    cells: list[str | None] = [f"cell{row % 3}" for row in range(240)]
    share = np.where(np.arange(240) < 10, 0.5, 1.0)
    employees = np.concatenate([np.full(30, 10.0), _unknown(210)])
    given: dict[str, Any] = {"h3": cells, "lad_codes": lads, "share": share, "employees": employees} | other
    labels = np.array([1] * 40 + [0] * 200, dtype=np.int32)
    return describe("air", labels, lat, lon, **given)


def test_description() -> None:
    """One row: sums worked by hand, borders by size, and the columns of the table."""
    (row,) = _described()
    assert set(row) == set(HOTSPOTS.names) - {"shard"}
    assert row["cluster"] == "air"
    assert row["hotspot"] == 1
    assert row["businesses"] == 35.0  # ten halves and thirty
    assert row["employees"] == 300.0
    assert row["share"] == pytest.approx(35 / 235)
    assert row["h3_cells"] == ["cell0", "cell1", "cell2"]
    # Twenty firms of which ten count half; fourteen, under an old code; six.
    assert row["lad_codes"] == ["E06000018", "E08000039", "E06000016"]
    assert row["cauth_codes"] == ["E47000013", "E47000002"]
    assert crosses(row) == "across 3 districts and 2 combined authorities"
    centre = _degrees(np.array([PARK[0]]), np.array([PARK[1]]))
    assert distance_km(row["lat"], row["lon"], centre[0][0], centre[1][0]) < 0.3


def test_found_and_described() -> None:
    """Finding and describing in one go."""
    lat, lon = _park_and_noise(2, 40, 200)
    rows = hotspot_rows("air", lat, lon, [None] * 240, [None] * 240, np.ones(240), _unknown(240))
    assert [(row["hotspot"], row["businesses"], row["h3_cells"], row["lad_codes"]) for row in rows] == [
        (1, 40.0, [], [])
    ]


def test_description_without_figures() -> None:
    """No employees known is null, not nought; a hotspot of one district crosses nothing."""
    (row,) = _described(employees=_unknown(240), lad_codes=["E06000018"] * 240)
    assert row["employees"] is None
    assert (row["lad_codes"], crosses(row)) == (["E06000018"], "")


def test_description_where_nobody_counts() -> None:
    """Addresses that carry no share of their firms are counted as nought, at the place where they are."""
    (row,) = _described(share=np.zeros(240))
    assert (row["businesses"], row["share"]) == (0.0, 0.0)
    assert math.isfinite(row["lat"])


def test_description_of_nothing() -> None:
    """No hotspot, no row."""
    lat, lon = _unknown(3), _unknown(3)
    assert describe("air", np.zeros(3, np.int32), lat, lon, [None] * 3, [None] * 3, np.ones(3), _unknown(3)) == []


NEAREST = {
    "Silverstone": (52.07, -1.02, "Milton Keynes"),
    "Harwell": (51.57, -1.31, "Abingdon"),
    "Aberdeen harbour": (57.14, -2.08, "Aberdeen"),
    "Ansty, between Coventry and Nuneaton": (52.44, -1.41, "Coventry"),
}


@pytest.mark.parametrize(("lat", "lon", "town"), NEAREST.values(), ids=NEAREST)
def test_nearest_town(lat: float, lon: float, town: str) -> None:
    """The town on the map that is nearest."""
    assert nearest_town(lat, lon) == town


def test_towns_stand_where_people_do(lookup: Lookup) -> None:
    """Every town of the table has hundreds of postcodes within a mile, and no town stands twice."""
    from scipy.spatial import KDTree

    there = lookup.lat != NOWHERE
    tree = KDTree(_flat(lookup.lat[there] / 1e6, lookup.lon[there] / 1e6))
    table = towns()
    centres = _flat(np.array([town.lat for town in table]), np.array([town.lon for town in table]))
    around = tree.query_ball_point(centres, 1.609, return_length=True)
    assert [town.name for town, count in zip(table, around, strict=True) if count < 250] == []
    assert len({town.name for town in table}) == len(table) > 250
    assert len({(town.lat, town.lon) for town in table}) == len(table)


def _flat(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the sphere in kilometres, ``(n, 3)``."""
    north, east = np.radians(lat), np.radians(lon)
    return 6371 * np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
