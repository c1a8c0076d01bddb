"""Outlines without a boundary file: hexagons, each given to the district of most of its postcodes, and dissolved.

Ground without postcodes goes to the nearest hexagon that has some, where it is narrow or all round enclosed; what is
left is the sea. Northern Ireland is not there, because its postcodes are not looked up. Working them out takes ten
seconds, so the outlines are shipped: ``python -m pipelines.geography.outlines_made`` makes ``outlines_made.json`` anew.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.atomic import replacing
from pipelines.geography.areas import Areas, shipped
from pipelines.geography.grid import to_grid
from pipelines.geography.hexagons import RESOLUTION
from pipelines.geography.lookup import DEGREE, NO_DISTRICT, NOWHERE, Lookup, lookup_folder, open_lookup
from pipelines.geography.outlines import Outlines, OutlinesError, read_outlines, simplified, write_outlines

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

# Steps of a kilometre that ground without postcodes is grown over and cut back again: closes moors and farmland up to
# five kilometres wide, and leaves the Humber, the Severn and the Thames below Gravesend open. Chosen by eye.
CLOSED_STEPS = 2
# The Highlands have glens with postcodes and tens of kilometres without: there the land is closed as far as the Minch.
CLOSED_STEPS_HIGHLANDS, HIGHLANDS_NORTH_OF = 7, 56.0
# Three hexagons: what a single postcode across a border makes of it is no part of a district.
SMALLEST_M2 = 2_500_000.0
# The teeth of hexagons go and the lie of a border stays; at 400 teeth are left, at 1,500 the Black Country is boxes.
TOLERANCE_M = 900.0
_SHIPPED = Path(__file__).parent / "outlines_made.json"
_FORMAT = 1  # raise it when the way of working out changes

Cells = dict[int, int]


@dataclass(frozen=True)
class DistrictHexagons:
    """Hexagons that have postcodes: ``cell`` ``(n,)`` uint64, sorted, and of each the place of its district."""

    cell: NDArray[np.uint64]
    district: NDArray[np.uint16]
    codes: tuple[str, ...]

    def districts_of(self, cells: Iterable[str]) -> list[str | None]:
        """District code of hexagons as texts; None for one without postcodes, or that is no hexagon."""
        wanted = np.array([_number(cell) for cell in cells], dtype=np.uint64)
        place = np.minimum(np.searchsorted(self.cell, wanted), max(len(self.cell) - 1, 0))
        there = self.cell[place] == wanted if len(self.cell) else np.zeros(len(wanted), dtype=bool)
        return [self.codes[self.district[at]] if found else None for at, found in zip(place, there, strict=True)]


def district_hexagons(lookup: Lookup, folder: Path, areas: Areas | None = None) -> DistrictHexagons:
    """Which district each hexagon mostly lies in; kept in ``folder``, where it is made in some seconds once."""
    path = folder / f"hexagons-{lookup.directory}-{_FORMAT}.npz"
    with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), np.load(path, allow_pickle=False) as held:
        return DistrictHexagons(held["cell"], held["district"], tuple(held["codes"].tolist()))
    made = _by_majority(lookup, areas or shipped())
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        np.savez_compressed(stream, cell=made.cell, district=made.district, codes=np.array(made.codes))
    return made


@cache
def shipped_outlines() -> Outlines:
    """Outlines of the districts of Great Britain, as shipped."""
    found = read_outlines(_SHIPPED)
    if found is None:
        raise OutlinesError(f"{_SHIPPED} is missing; install firmscope anew")
    return found


def made_outlines(hexagons: DistrictHexagons, directory: str) -> Outlines:
    """Outlines of the districts of hexagons; ``directory``: version of the postcode directory."""
    cells = dict(zip(hexagons.cell.tolist(), hexagons.district.tolist(), strict=True))
    filled = without_gaps(cells)
    return Outlines(
        "made of hexagons of about one kilometre, each given to the district of most of its postcodes (ONS postcode "
        f"directory, version {directory} of its package); they show roughly where districts lie, and no border runs "
        "exactly there",
        simplified(
            dissolved({cell: hexagons.codes[place] for cell, place in filled.items()}), TOLERANCE_M, SMALLEST_M2
        ),
    )


def without_gaps(cells: Cells) -> Cells:
    """Hexagons with the gaps between them closed, each by the district that reaches it first."""
    import h3.api.basic_int as h3

    northern = {cell: place for cell, place in cells.items() if h3.cell_to_latlng(cell)[0] > HIGHLANDS_NORTH_OF}
    closed = _closed(northern, CLOSED_STEPS_HIGHLANDS) | _closed(cells, CLOSED_STEPS)
    holes = [hole for polygon in h3.cells_to_h3shape(list(closed), tight=False) for hole in polygon.holes]
    enclosed = {cell for hole in holes for cell in h3.polygon_to_cells(h3.LatLngPoly(hole), RESOLUTION)}
    enclosed -= closed.keys()
    while enclosed:
        reached: Cells = {}
        for cell in sorted(enclosed):
            beside = sorted(near for near in h3.grid_disk(cell, 1) if near in closed)
            if beside:
                reached[cell] = closed[beside[0]]
        if not reached:
            break
        closed |= reached
        enclosed -= reached.keys()
    return closed


def dissolved(cells: Mapping[int, str]) -> dict[str, BaseGeometry]:
    """The shape of each district's hexagons, metres on the grid, rounded so that neighbours share their points."""
    import h3.api.basic_int as h3
    from shapely import MultiPolygon, Polygon

    members: dict[str, list[int]] = {}
    for cell, code in cells.items():
        members.setdefault(code, []).append(cell)

    def ring(points: Iterable[tuple[float, float]]) -> NDArray[np.float64]:
        lat, lon = np.array(list(points)).T
        return np.rint(to_grid(lat, lon))

    shapes: dict[str, BaseGeometry] = {}
    for code, held in members.items():
        polygons = h3.cells_to_h3shape(held, tight=False)
        shapes[code] = MultiPolygon(
            [Polygon(ring(part.outer), [ring(hole) for hole in part.holes]) for part in polygons]
        )
    return shapes


def _by_majority(lookup: Lookup, areas: Areas) -> DistrictHexagons:
    from h3.api.numpy_int import latlng_to_cell

    there = (lookup.lat != NOWHERE) & (lookup.district != NO_DISTRICT)
    lat, lon = (column[there] / DEGREE for column in (lookup.lat, lookup.lon))
    points = zip(lat.tolist(), lon.tolist(), strict=True)
    cells = np.array([latlng_to_cell(north, east, RESOLUTION) for north, east in points], np.uint64)
    found = [areas.district(code) for code in lookup.districts]
    codes = tuple(sorted({district.lad_code for district in found if district}))
    known = np.array([codes.index(district.lad_code) if district else -1 for district in found])
    place = known[lookup.district[there]]
    cells, place = cells[place >= 0], place[place >= 0]
    names, cell = np.unique(cells, return_inverse=True)
    pairs, times = np.unique(cell * len(codes) + place, return_counts=True)
    # Most postcodes first, and of as many the district with the smaller code.
    order = np.lexsort((pairs % len(codes), -times, pairs // len(codes)))
    _, first = np.unique((pairs // len(codes))[order], return_index=True)
    return DistrictHexagons(names, (pairs % len(codes))[order][first].astype(np.uint16), codes)


def _closed(cells: Cells, steps: int) -> Cells:
    """Hexagons and the gaps between them that are narrower than twice so many steps: grown, then cut back."""
    import h3.api.basic_int as h3

    grown, edge = dict(cells), sorted(cells)
    for _ in range(steps):
        reached: Cells = {}
        for cell in edge:
            for near in h3.grid_disk(cell, 1):
                if near not in grown:
                    reached.setdefault(near, grown[cell])
        grown |= reached
        edge = sorted(reached)
    outer = {cell for cell in edge if not all(near in grown for near in h3.grid_disk(cell, 1))}
    cut = set(outer)
    for _ in range(steps - 1):
        outer = {near for cell in outer for near in h3.grid_disk(cell, 1) if near in grown and near not in cut}
        cut |= outer
    return {cell: place for cell, place in grown.items() if cell in cells or cell not in cut}


def _number(cell: str) -> int:
    try:
        number = int(cell, 16)
    except ValueError:
        return 0
    return number if 0 <= number < 1 << 64 else 0


def _main() -> None:
    folder = lookup_folder(Path(gettempdir()))
    lookup = open_lookup(folder)
    write_outlines(made_outlines(district_hexagons(lookup, folder), lookup.directory), _SHIPPED)


if __name__ == "__main__":
    _main()
