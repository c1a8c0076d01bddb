"""Read the shapes of a GeoJSON or TopoJSON file from strangers: polygons of numbers, and the texts that name them.

Nothing but polygons is taken, and no number that is no place: what cannot be used is left out with its reason, unless
the whole file cannot be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import UsageError
from pipelines.sources.csv_files import open_file
from pipelines.sources.file_kinds import HEAD_BYTES, other_kind

KIND = "boundaries of districts as GeoJSON or TopoJSON"
# The 361 districts have 2 MB at the ONS's coarsest (BUC), 8 MB at BSC, 35 MB at BGC; the full ones are for atlases.
MAX_BYTES = 2**27
MAX_POINTS = 4_000_000
CURE = "take the generalised boundaries (BUC, BSC or BGC) from geoportal.statistics.gov.uk as GeoJSON, EPSG:4326"

Coordinates = NDArray[np.float64]
Rings = list[Coordinates]


@dataclass(frozen=True)
class Shape:
    """One feature: the texts among its properties, its polygons as rings ``(n, 2)``, and how many were no shape."""

    texts: Mapping[str, str]
    polygons: tuple[Rings, ...]
    unusable: int = 0


@dataclass(frozen=True)
class BoundaryFile:
    """Shapes of a file as they stand; ``crs`` is what the file says of its coordinates, empty where nothing."""

    content: bytes
    form: str
    crs: str
    shapes: tuple[Shape, ...]


def read_boundary_file(path: Path) -> BoundaryFile:
    """Shapes of a file.

    Raises:
        UsageError: It is not there, too large, another kind of file, or holds no feature.
    """
    with open_file(path) as stream:
        content = stream.read(MAX_BYTES + 1)
    if not content.strip():
        raise UsageError(f"{path}: is empty; expected {KIND}")
    if len(content) > MAX_BYTES:
        raise UsageError(f"{path}: is larger than {MAX_BYTES >> 20} MB, too fine for a map on a page; {CURE}")
    if content.count(b"[") > MAX_POINTS:
        raise UsageError(f"{path}: has more than {MAX_POINTS:,} points, too fine for a map on a page; {CURE}")
    said = _parsed(path, content)
    kind = said.get("type") if isinstance(said, dict) else None
    if kind == "FeatureCollection" and isinstance(said.get("features"), list):
        shapes = tuple(_features(said["features"]))
        form = "GeoJSON"
    elif kind == "Topology" and isinstance(said.get("objects"), dict):
        shapes = tuple(_topology(path, said))
        form = "TopoJSON"
    else:
        seen = f"type {str(kind)[:40]!r}" if kind is not None else "no member 'type'"
        raise UsageError(f"{path}: JSON with {seen}, expected a FeatureCollection or a Topology: {KIND}; {CURE}")
    if not shapes:
        raise UsageError(f"{path}: a {form} file without a single feature; {CURE}")
    return BoundaryFile(content, form, _crs(said), shapes)


def _parsed(path: Path, content: bytes) -> Any:
    other = None if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in b"{[" else other_kind(content[:HEAD_BYTES])
    if content.startswith(b"\x00\x00\x27\x0a"):
        other = "a shapefile", "save it as GeoJSON"
    if other:
        raise UsageError(f"{path}: looks like {other[0]}, expected {KIND}; {CURE}")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_no_number)
    except RecursionError as error:
        raise UsageError(f"{path}: lists nested too deeply to be {KIND}; {CURE}") from error
    except ValueError as error:
        raise UsageError(f"{path}: cannot be read as JSON ({str(error)[:120]}), expected {KIND}; {CURE}") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} where a number should stand")


def _crs(said: Mapping[str, Any]) -> str:
    """Name of the coordinates' system, where the file has the member that GeoJSON had until 2016."""
    crs = said.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name[:100] if isinstance(name, str) else ""


def _texts(feature: Mapping[str, Any]) -> dict[str, str]:
    properties = feature.get("properties")
    texts = (
        {name: text for name, text in properties.items() if isinstance(text, str)}
        if isinstance(properties, dict)
        else {}
    )
    if isinstance(feature.get("id"), str):
        texts["id"] = feature["id"]
    return texts


def _features(features: list[Any]) -> Iterator[Shape]:
    for feature in features:
        if not isinstance(feature, dict):
            yield Shape({}, (), 1)
            continue
        good: list[Rings] = []
        bad = 0
        for polygon in _geojson_polygons(feature.get("geometry")):
            rings = _rings(polygon, lambda ring: ring)
            good, bad = ([*good, rings], bad) if rings else (good, bad + 1)
        yield Shape(_texts(feature), tuple(good), bad)


def _geojson_polygons(geometry: Any) -> Iterator[Any]:
    """Polygons of a geometry, also in collections; the depth of these is bounded by what JSON could be read."""
    if not isinstance(geometry, dict):
        return
    kind, coordinates = geometry.get("type"), geometry.get("coordinates", geometry.get("arcs"))
    if kind == "Polygon":
        yield coordinates
    elif kind == "MultiPolygon" and isinstance(coordinates, list):
        yield from coordinates
    elif kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
        for inner in geometry["geometries"]:
            yield from _geojson_polygons(inner)


def _rings(polygon: Any, points_of: Any) -> Rings:
    """A polygon's rings, or nothing where the outer one is none: fewer than four points, or what is no number."""
    rings = []
    for number, ring in enumerate(polygon if isinstance(polygon, list) else []):
        try:
            points = points_of(ring)
            pairs = np.array([point[:2] for point in points], dtype=np.float64)
            good = pairs.ndim == 2 and pairs.shape[1] == 2 and len(pairs) >= 4 and bool(np.isfinite(pairs).all())
        except (ValueError, TypeError, IndexError, KeyError, OverflowError):
            good = False
        if good:
            rings.append(pairs)
        elif number == 0:
            return []
    return rings


def _topology(path: Path, said: Mapping[str, Any]) -> Iterator[Shape]:
    try:
        arcs = _arcs(said)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError) as error:
        raise UsageError(f"{path}: a Topology whose arcs cannot be read ({str(error)[:80]}); {CURE}") from error

    def points_of(ring: Any) -> Coordinates:
        parts: list[Coordinates] = []
        for place in ring:
            arc = arcs[place] if place >= 0 else arcs[~place][::-1]
            if parts and not np.array_equal(parts[-1][-1], arc[0]):
                raise ValueError("arcs that do not meet")
            parts.append(arc)
        return np.concatenate(parts)

    for held in said["objects"].values():
        members = held.get("geometries", [held]) if isinstance(held, dict) else []
        for member in members if isinstance(members, list) else []:
            good: list[Rings] = []
            bad = 0
            for polygon in _geojson_polygons(member):
                rings = _rings(polygon, points_of)
                good, bad = ([*good, rings], bad) if rings else (good, bad + 1)
            yield Shape(_texts(member) if isinstance(member, dict) else {}, tuple(good), bad)


def _arcs(said: Mapping[str, Any]) -> list[Coordinates]:
    """Arcs in the file's coordinates; those of a quantised file are steps from point to point."""
    arcs = [np.array([point[:2] for point in arc], dtype=np.float64).reshape(-1, 2) for arc in said["arcs"]]
    if "transform" not in said:
        return arcs
    scale, move = (np.array(said["transform"][name], dtype=np.float64).reshape(2) for name in ("scale", "translate"))
    return [np.cumsum(arc, axis=0) * scale + move for arc in arcs]
