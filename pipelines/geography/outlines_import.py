"""``import boundaries``: outlines of districts from a file, for the maps of the report.

A district is known by any property that holds codes of districts, whatever its name: ``LAD25CD``, ``areacd``, ``id``.
Codes that are no more stand for what they became, so that shapes of old districts are put together.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.errors import UsageError
from pipelines.geography.areas import Areas, shipped
from pipelines.geography.grid import GRID_BOX, to_grid
from pipelines.geography.outlines import FILE, Outlines, simplified, write_outlines
from pipelines.geography.outlines_file import CURE, BoundaryFile, Coordinates, Rings, Shape, read_boundary_file
from pipelines.outside_text import page_text
from pipelines.runs import Run
from pipelines.sources.dropping import Drop, drop_rows

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

# A third of a pixel on a map of the Midlands, a pixel on one of a city; at 250 the 361 districts take 390 kB.
TOLERANCE_M = 250.0
MOST_NAMED = 5  # missing districts named on the screen
_LONGEST_NAME = 80
NO_DISTRICT, NO_SHAPE = "no property is the code of a district", "no polygon that can be used"


@dataclass(frozen=True)
class BoundariesReport:
    """What came of an import; ``renewed``: codes that are no more; ``missing``: names of districts not in the file."""

    features: int
    districts: int
    prop: str
    bytes_in: int
    bytes_out: int
    renewed: Sequence[str] = ()
    missing: Sequence[str] = ()
    unusable: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """The report in words, for the screen."""
        said = [
            f"{self.features:,} features read: outlines of {self.districts:,} districts, known by the property "
            f"{self.prop!r}, kept in {max(1, self.bytes_out // 1000):,} kB of {max(1, self.bytes_in // 1000):,} kB"
        ]
        if self.renewed:
            said.append(
                f"{len(self.renewed):,} codes that are no more stand for what they became: {_some(self.renewed)}"
            )
        if self.missing:
            said.append(f"{len(self.missing):,} districts are not in the file: {_some(self.missing)}")
        if self.unusable:
            said.append(f"{self.unusable:,} polygons could not be used; the rest of their features was")
        return said + [f"Not taken: {number:,} features, {reason}" for reason, number in sorted(self.dropped.items())]


def import_boundaries(run: Run, path: Path) -> BoundariesReport:
    """Read a boundary file, simplify it, and keep it in the workspace; it takes the place of the one before.

    Raises:
        UsageError: The file is none of boundaries, or no district is known in it; nothing was written.
    """
    areas = shipped()
    with run.stage("import") as counts:
        file = read_boundary_file(path)
        counts.rows_in = len(file.shapes)
        prop = district_property(path, file.shapes, areas)
        parts, drops, renewed = defaultdict[str, list[Shape]](list), list[Drop](), set[str]()
        for number, shape in enumerate(file.shapes, 1):
            code = shape.texts.get(prop, "").strip()
            district = areas.district(code)
            if district is None:
                drops.append((f"feature {number}", NO_DISTRICT, code[:_LONGEST_NAME]))
            elif not shape.polygons:
                drops.append((f"feature {number}", NO_SHAPE, code))
            else:
                parts[district.lad_code].append(shape)
                renewed |= {code} - {district.lad_code}
        if not parts:
            raise UsageError(f"{path}: none of the {len(file.shapes):,} features is a polygon of a district; {CURE}")
        shapes = _on_the_grid(path, file, parts)
        digest = hashlib.sha256(file.content).hexdigest()
        source = f"boundary file {page_text(path.name)[:_LONGEST_NAME]} (SHA-256 {digest[:12]}…), simplified"
        outlines = Outlines(source, simplified(shapes, TOLERANCE_M), digest)
        kept = run.workspace.folder / FILE
        write_outlines(outlines, kept)
        run.notes["boundaries"] = {"file": path.name[:_LONGEST_NAME], "sha256": digest, "districts": len(shapes)}
        counts.rows_out = counts.rows_in - len(drops)
        dropped = drop_rows(run, counts, drops)
    return BoundariesReport(
        features=len(file.shapes),
        districts=len(outlines.districts),
        prop=prop[:_LONGEST_NAME],
        bytes_in=len(file.content),
        bytes_out=kept.stat().st_size,
        renewed=sorted(renewed),
        missing=[district.lad_name for district in areas.districts if district.lad_code not in outlines.districts],
        unusable=sum(shape.unusable for found in parts.values() for shape in found),
        dropped=dropped,
    )


def district_property(path: Path, shapes: Sequence[Shape], areas: Areas) -> str:
    """The property that names the district of most features.

    Raises:
        UsageError: No property holds a code of a district.
    """
    times = Counter(
        name for shape in shapes for name, text in shape.texts.items() if areas.district(text.strip()) is not None
    )
    if not times:
        seen = sorted({name[:_LONGEST_NAME] for shape in shapes[:100] for name in shape.texts})
        held = f"the properties {', '.join(map(repr, seen[:8]))}" if seen else "no property that is a text"
        raise UsageError(f"{path}: no code of a district, such as E06000018, in {held}; {CURE}")
    most = max(times.values())
    return min(name for name, number in times.items() if number == most)


def _on_the_grid(path: Path, file: BoundaryFile, parts: Mapping[str, Sequence[Shape]]) -> dict[str, BaseGeometry]:
    """Shape of each district, metres, whether the file has degrees or metres."""
    rings = {code: [polygon for shape in found for polygon in shape.polygons] for code, found in parts.items()}
    low, high = _corners([ring for polygons in rings.values() for polygon in polygons for ring in polygon])
    degrees = bool(max(abs(low[0]), abs(high[0])) <= 180 and max(abs(low[1]), abs(high[1])) <= 90)
    made: dict[str, BaseGeometry] = {}
    for code, polygons in rings.items():
        if degrees:
            polygons = [[to_grid(ring[:, 1], ring[:, 0]) for ring in polygon] for polygon in polygons]
        lowest, highest = _corners([polygon[0] for polygon in polygons])
        if not (np.all(lowest >= GRID_BOX[:2]) and np.all(highest <= GRID_BOX[2:])):
            said = f", as {page_text(file.crs)}" if file.crs else ""
            raise UsageError(
                f"{path}: {code} is not in the United Kingdom by its coordinates (the file's run from "
                f"{low[0]:g} {low[1]:g} to {high[0]:g} {high[1]:g}{said}); expected longitude and latitude in degrees, "
                f"in this order, or metres of the British National Grid (EPSG:27700); {CURE}"
            )
        made[code] = _valid([[np.rint(ring) for ring in polygon] for polygon in polygons])
        if made[code].is_empty:
            raise UsageError(f"{path}: the outline of {code} has no area; {CURE}")
    return made


def _corners(rings: Sequence[Coordinates]) -> tuple[Coordinates, Coordinates]:
    low = np.min([ring.min(axis=0) for ring in rings], axis=0)
    return low, np.max([ring.max(axis=0) for ring in rings], axis=0)


def _valid(polygons: Sequence[Rings]) -> BaseGeometry:
    """Polygons as one geometry whose points are those of the file wherever they make sense as they stand."""
    import shapely

    whole = shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in polygons])
    return whole if whole.is_valid else shapely.make_valid(whole, method="structure", keep_collapsed=False)


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
