"""Outlines of districts: a few hundred kilobytes of borders on the British National Grid, in steps of ten metres.

Neighbours hold the same points along the border they share, so that no sliver of ground is left between them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.atomic import replacing
from pipelines.errors import FirmscopeError

if TYPE_CHECKING:
    from shapely.geometry import MultiPolygon
    from shapely.geometry.base import BaseGeometry

UNIT_M = 10
FILE = "outlines.json"
_FORMAT = 1
# Islets under a square kilometre are a dot of two pixels on a map of a region; a district's largest part always stays.
SMALLEST_M2 = 1_000_000.0

Ring = NDArray[np.int32]
Polygon = tuple[Ring, ...]


class OutlinesError(FirmscopeError):
    """A file of outlines that firmscope wrote can no longer be read."""


@dataclass(frozen=True)
class Outlines:
    """Borders of districts of 2025.

    ``source`` says in words what they were made of. A polygon is its outer ring and its holes; a ring is ``(n, 2)``
    eastings and northings in steps of ``UNIT_M`` metres, closed without repeating its first point.
    """

    source: str
    districts: Mapping[str, tuple[Polygon, ...]]
    digest: str = ""
    _shapes: dict[str, MultiPolygon] = field(default_factory=dict, repr=False, compare=False)

    def shape(self, lad_code: str) -> MultiPolygon:
        """A district as a geometry, in the same steps."""
        from shapely import MultiPolygon, Polygon

        if lad_code not in self._shapes:
            parts = [Polygon(rings[0], rings[1:]) for rings in self.districts[lad_code]]
            self._shapes[lad_code] = MultiPolygon(parts)
        return self._shapes[lad_code]


def simplified(
    shapes: Mapping[str, BaseGeometry], tolerance_m: float, smallest_m2: float = SMALLEST_M2
) -> dict[str, tuple[Polygon, ...]]:
    """Districts with fewer points, shared borders staying shared (Visvalingam-Whyatt over the whole coverage).

    Args:
        shapes: Shape of each district, metres; polygons of any winding.
        tolerance_m: Root of the area of the triangles that may go: at 250, a bulge of 250 by 500 metres.
        smallest_m2: Area under which holes go, and parts that are not a district's largest.
    """
    import shapely

    codes = sorted(shapes)
    fewer = shapely.coverage_simplify(np.array([shapes[code] for code in codes], dtype=object), tolerance_m)
    made = {}
    for code, shape in zip(codes, fewer, strict=True):
        parts = sorted(_polygons(shape), key=lambda part: -part.area)
        kept = [part for number, part in enumerate(parts) if number == 0 or part.area >= smallest_m2]
        polygons = (_polygon(part, smallest_m2) for part in kept)
        if whole := tuple(polygon for polygon in polygons if polygon):
            made[code] = whole
    return made


def write_outlines(outlines: Outlines, path: Path) -> None:
    """Write outlines as a small JSON file, in one step; points stand as steps from the one before."""
    held = {
        code: [[_steps(ring) for ring in polygon] for polygon in polygons]
        for code, polygons in sorted(outlines.districts.items())
    }
    said = {"format": _FORMAT, "source": outlines.source, "digest": outlines.digest, "districts": held}
    with replacing(path) as stream:
        stream.write(json.dumps(said, separators=(",", ":")).encode())


def read_outlines(path: Path) -> Outlines | None:
    """Outlines of a file that :func:`write_outlines` wrote; None where there is none.

    Raises:
        OutlinesError: The file is damaged, or of another version of firmscope.
    """
    try:
        said = json.loads(path.read_bytes())
        if said["format"] != _FORMAT:
            raise ValueError(f"format {said['format']}")
        districts = {
            str(code): tuple(tuple(_points(ring) for ring in polygon) for polygon in polygons)
            for code, polygons in said["districts"].items()
        }
        return Outlines(str(said["source"]), districts, str(said["digest"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise OutlinesError(
            f"{path} cannot be read ({error}); delete it, and import the boundaries again where you had a file of them"
        ) from error


def _polygons(shape: BaseGeometry) -> Iterable[Any]:
    import shapely

    return (part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty)


def _polygon(part: Any, smallest_m2: float) -> Polygon:
    """Rings in whole steps; a ring that shrinks to nothing is left out, and with its outer ring the polygon."""
    from shapely import Polygon

    holes = [hole for hole in part.interiors if Polygon(hole).area >= smallest_m2]
    rings = [_rounded(ring) for ring in (part.exterior, *holes)]
    return () if len(rings[0]) < 3 else tuple(ring for ring in rings if len(ring) >= 3)


def _rounded(ring: Any) -> Ring:
    points = np.rint(np.asarray(ring.coords)[:-1, :2] / UNIT_M).astype(np.int32)
    return points[np.any(points != np.roll(points, 1, axis=0), axis=1)]


def _steps(ring: Ring) -> list[int]:
    steps: list[int] = np.diff(ring, axis=0, prepend=np.zeros((1, 2), dtype=np.int32)).ravel().tolist()
    return steps


def _points(steps: Any) -> Ring:
    ring = np.cumsum(np.array(steps, dtype=np.int32).reshape(-1, 2), axis=0, dtype=np.int32)
    if len(ring) < 3:
        raise ValueError("a ring of fewer than three points")
    return ring
