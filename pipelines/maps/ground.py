"""The ground that a map stands on: its extent, districts cut to it, and everything as paths in steps of ten metres.

Paths are whole numbers, each point a step from the one before: a map of two thousand hexagons stays small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.geography.areas import Areas, shipped
from pipelines.geography.grid import in_the_uk, to_grid
from pipelines.geography.lookup import lookup_folder, open_lookup
from pipelines.geography.outlines import FILE, UNIT_M, Outlines, read_outlines
from pipelines.geography.outlines_made import DistrictHexagons, district_hexagons, shipped_outlines

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

LEAST_STEPS = 2_000  # 20 km: a map of one hexagon still shows where it is
MARGIN = 0.02
SHAPES = (0.75, 1.6)  # height over width of a map; a narrower extent is filled up with the neighbours
_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # of the grid's squares, without I

Points = NDArray[np.int32]


@dataclass(frozen=True)
class Ground:
    """What maps of all clusters share."""

    outlines: Outlines
    hexagons: DistrictHexagons
    areas: Areas

    @classmethod
    def of(cls, workspace: Path) -> Ground:
        """Outlines that the user imported, or else the shipped ones, made of hexagons.

        Raises:
            OutlinesError: The imported outlines are damaged.
            DirectoryError: The postcode directory is missing.
        """
        folder = lookup_folder(workspace)
        lookup = open_lookup(folder)
        outlines = read_outlines(workspace / FILE) or shipped_outlines()
        return cls(outlines, district_hexagons(lookup, folder), shipped())


@dataclass(frozen=True)
class Extent:
    """West, south, east and north of a map, in steps."""

    west: int
    south: int
    east: int
    north: int

    @property
    def width(self) -> int:
        """Steps from west to east."""
        return self.east - self.west

    @property
    def height(self) -> int:
        """Steps from south to north."""
        return self.north - self.south


@dataclass(frozen=True)
class Placed:
    """A hexagon on the grid: its corners ``(n, 2)`` and its middle, in steps."""

    code: str
    corners: Points
    middle: tuple[int, int]

    @property
    def reference(self) -> str:
        """The kilometre of the national grid that its middle lies in, such as ``SK 57 39``."""
        east, north = (axis * UNIT_M for axis in self.middle)
        first = _LETTERS[_square(east // 500_000 + 2, north // 500_000 + 1)]
        second = _LETTERS[_square(east % 500_000 // 100_000, north % 500_000 // 100_000)]
        return f"{first}{second} {east % 100_000 // 1000:02d} {north % 100_000 // 1000:02d}"


def hexagons_on(codes: Iterable[str]) -> list[Placed | None]:
    """Hexagons on the grid; None for a text that is no H3 cell, and for one outside the United Kingdom."""
    import h3.api.basic_str as h3

    made: list[Placed | None] = []
    for code in codes:
        if not code.isalnum() or not h3.is_valid_cell(code):
            made.append(None)
            continue
        lat, lon = np.array([*h3.cell_to_boundary(code), h3.cell_to_latlng(code)]).T
        if not bool(in_the_uk(lat, lon).all()):
            made.append(None)
            continue
        points = np.rint(to_grid(lat, lon) / UNIT_M).astype(np.int32)
        made.append(Placed(code, points[:-1], (int(points[-1, 0]), int(points[-1, 1]))))
    return made


def extent_of(hexagons: Sequence[Placed], districts: Iterable[str], outlines: Outlines) -> Extent:
    """What holds the hexagons and the districts, with a margin, neither too narrow nor too flat."""
    boxes = [(*found.corners.min(axis=0), *found.corners.max(axis=0)) for found in hexagons]
    boxes += [outlines.shape(code).bounds for code in districts if code in outlines.districts]
    held = np.array(boxes, dtype=np.float64)
    low, high = held[:, :2].min(axis=0), held[:, 2:].max(axis=0)
    middle, size = (low + high) / 2, np.maximum(high - low, LEAST_STEPS) * (1 + 2 * MARGIN)
    size[1] = max(size[1], size[0] * SHAPES[0])
    size[0] = max(size[0], size[1] / SHAPES[1])
    west, south = np.floor(middle - size / 2).astype(int).tolist()
    east, north = np.ceil(middle + size / 2).astype(int).tolist()
    return Extent(west, south, east, north)


def districts_in(extent: Extent, outlines: Outlines) -> dict[str, BaseGeometry]:
    """Districts that can be seen, cut well outside the extent, so that no cut is seen."""
    import shapely

    beyond = max(extent.width, extent.height) // 20
    box = (extent.west - beyond, extent.south - beyond, extent.east + beyond, extent.north + beyond)
    seen = {}
    for code in sorted(outlines.districts):
        west, south, east, north = outlines.shape(code).bounds
        if west < extent.east and east > extent.west and south < extent.north and north > extent.south:
            cut = shapely.clip_by_rect(outlines.shape(code), *box)
            if not cut.is_empty:
                seen[code] = cut
    return seen


def path_of(rings: Iterable[Points], extent: Extent) -> str:
    """Rings as an SVG path, north up, from the extent's upper left corner."""
    parts = []
    for ring in rings:
        points = np.column_stack([ring[:, 0] - extent.west, extent.north - ring[:, 1]])
        steps = np.diff(points, axis=0).ravel().tolist()
        numbers = "".join(f"{step}" if step < 0 or not place else f" {step}" for place, step in enumerate(steps))
        parts.append(f"M{points[0, 0]} {points[0, 1]}l{numbers}z")
    return "".join(parts)


def shape_path(shape: BaseGeometry, extent: Extent) -> str:
    """A district's shape as an SVG path."""
    import shapely

    rings = [
        np.rint(np.asarray(ring.coords)[:-1]).astype(np.int32)
        for part in shapely.get_parts(shape)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]
    return path_of(rings, extent)


def _square(east: int, north: int) -> int:
    """Place of a square among the letters, which run from the north-west, five in a row."""
    return (4 - north) * 5 + east
