"""``import boundaries``: files as the ONS publishes them, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from pipelines.errors import UsageError
from pipelines.geography import outlines_file
from pipelines.geography.grid import to_degrees
from pipelines.geography.outlines import FILE, Outlines, read_outlines
from pipelines.geography.outlines_import import BoundariesReport, import_boundaries
from pipelines.runs import start_run
from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command

Corners = tuple[float, float, float, float]
NOTTINGHAM: Corners = (450_000, 335_000, 460_000, 345_000)
DERBY: Corners = (430_000, 330_000, 445_000, 340_000)
BESIDE: Corners = (460_000, 335_000, 470_000, 345_000)
WITHIN: Corners = (452_000, 337_000, 457_000, 342_000)
GLASGOW: Corners = (250_000, 660_000, 260_000, 670_000)
BOW_TIE = [[450_000, 335_000], [460_000, 345_000], [460_000, 335_000], [450_000, 345_000], [450_000, 335_000]]
MERCATOR = [[-130_000, 6_990_000], [-120_000, 6_990_000], [-120_000, 7_000_000], [-130_000, 6_990_000]]
POINT = {"type": "Point", "coordinates": [1, 52]}
LARGE = [[1, 52], [777, 53], [2, 52], [1, 52]]
CRS = {"type": "name", "properties": {"name": "EPSG:3857"}}


def ring(box: Corners, metres: bool = False, clockwise: bool = False) -> list[list[float]]:
    """A closed ring around a box on the grid, in degrees or metres."""
    west, south, east, north = box
    points = np.array([[west, south], [east, south], [east, north], [west, north], [west, south]], dtype=float)
    found: list[list[float]] = (points if metres else np.round(to_degrees(points), 6)).tolist()
    return found[::-1] if clockwise else found


def feature(code: object, *rings: object, **more: Any) -> dict[str, Any]:
    """A feature of one polygon."""
    properties = {"LAD25NM": "A name", "LAD25CD": code, "OBJECTID": 3}
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": list(rings)},
    } | more


def collection(*features: object, **more: Any) -> dict[str, Any]:
    """A GeoJSON file."""
    return {"type": "FeatureCollection", "features": list(features)} | more


def written(folder: Path, content: object) -> Path:
    """A file with this content."""
    path = folder / "districts.geojson"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def imported(workspace: Workspace, path: Path) -> tuple[BoundariesReport, Outlines]:
    """What came of an import."""
    with start_run(workspace, "import boundaries") as run:
        report = import_boundaries(run, path)
    outlines = read_outlines(workspace.folder / FILE)
    assert outlines is not None
    return report, outlines


def area_km2(outlines: Outlines, code: str) -> float:
    """Area of an outline."""
    return float(outlines.shape(code).area) * 1e-4


SWAPPED = [[north, east] for east, north in ring(NOTTINGHAM)]
TOPOLOGY = {
    "type": "Topology",
    "transform": {"scale": [10.0, 10.0], "translate": [430_000.0, 330_000.0]},
    "arcs": [
        [[1500, 0], [0, 1000]],  # the border of the two, from south to north
        [[1500, 1000], [-1500, 0], [0, -1000], [1500, 0]],
        [[1500, 1000], [1500, 0], [0, -1000], [-1500, 0]],
    ],
    "objects": {
        "lad": {
            "type": "GeometryCollection",
            "geometries": [
                {"type": "Polygon", "arcs": [[0, 1]], "properties": {"areacd": "E06000015"}},
                {"type": "MultiPolygon", "arcs": [[[2, 0]]], "properties": {"areacd": "E06000018"}},
                {"type": "Polygon", "arcs": [[~0, 2]], "properties": {"areacd": "E07000036"}},
            ],
        }
    },
}


@pytest.mark.parametrize(
    ("content", "code", "km2"),
    [
        (collection(feature("E06000018", ring(NOTTINGHAM))), "E06000018", 100),
        (collection(feature("E06000018", ring(NOTTINGHAM, clockwise=True))), "E06000018", 100),
        (collection(feature("E06000018", ring(NOTTINGHAM, metres=True))), "E06000018", 100),
        (collection(feature(" E06000018 ", ring(NOTTINGHAM))), "E06000018", 100),
        (collection(feature(None, ring(NOTTINGHAM), id="E06000018")), "E06000018", 100),
        (collection(feature("E06000018", ring(NOTTINGHAM), ring(WITHIN))), "E06000018", 75),
        (collection(feature("E06000018", [[*point, 12.5] for point in ring(NOTTINGHAM)])), "E06000018", 100),
        (collection(feature("E06000018", ring(NOTTINGHAM)), feature("E06000018", ring(DERBY))), "E06000018", 250),
        (collection(feature("S12000046", ring(GLASGOW))), "S12000049", 100),
        (collection(feature("E07000150", ring(NOTTINGHAM)), feature("E07000153", ring(BESIDE))), "E06000061", 200),
        (b"\xef\xbb\xbf" + json.dumps(collection(feature("E06000018", ring(NOTTINGHAM)))).encode(), "E06000018", 100),
        (collection(feature("E06000018", BOW_TIE)), "E06000018", 50),
        (TOPOLOGY, "E06000015", 150),
        (TOPOLOGY, "E06000018", 150),
    ],
    ids=[
        "degrees", "wound the other way", "metres", "blanks", "id", "a hole", "heights", "two features",
        "Glasgow's old code",
        "two old districts made one", "byte order mark", "bow tie", "TopoJSON", "TopoJSON, another",
    ],
)  # fmt: skip
def test_what_is_read(workspace: Workspace, tmp_path: Path, content: object, code: str, km2: float) -> None:
    report, outlines = imported(workspace, written(tmp_path, content))
    assert code in outlines.districts
    assert report.districts == len(outlines.districts)
    assert area_km2(outlines, code) == pytest.approx(km2, rel=0.02)
    assert len(outlines.digest) == 64
    assert outlines.digest[:12] in outlines.source
    assert "districts.geojson" in outlines.source


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"PK\x03\x04....", "looks like a zip file"),
        (b"\x00\x00\x27\x0a\x00\x00", "looks like a shapefile"),
        (b"SQLite format 3\x00", "looks like an SQLite database"),
        (b"<!DOCTYPE html><html>", "looks like a web page"),
        (b"LAD25CD,LAD25NM\nE06000018,Nottingham\n", "cannot be read as JSON"),
        (b'{"type": "FeatureCollection", "features": [', "cannot be read as JSON"),
        (b"\xff\xfe{\x00", "cannot be read as JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"features": [' + b'{"geometries": [' * 100_000, "nested too deeply"),
        (b'{"type": "Topology", "arcs": NaN}', "NaN where a number should stand"),
        (b"[1, 2]", "no member 'type'"),
        (b"17", "no member 'type'"),
        ({"type": "Feature", "geometry": None}, "with type 'Feature', expected a FeatureCollection or a Topology"),
        ({"type": ["x"], "features": []}, "expected a FeatureCollection"),
        (collection(), "without a single feature"),
        ({"type": "Topology", "arcs": [], "objects": {}}, "without a single feature"),
        ({"type": "Topology", "arcs": [[["x"]]], "objects": {"a": {}}}, "arcs cannot be read"),
        (collection(feature("E12000004", ring(NOTTINGHAM))), "no code of a district, .* 'LAD25CD', 'LAD25NM'"),
        (collection(17, None), "in no property that is a text"),
        (collection(feature("E06000018", geometry=POINT)), "none of the 1 features is a polygon of a district"),
        (collection(feature("E06000018", [[1, 52], [1, 53], [2, "x"], [1, 52]])), "none of the 1 features"),
        (json.dumps(collection(feature("E06000018", LARGE))).replace("777", "1e999").encode(), "none of the 1 feat"),
        (collection(feature("E06000018", SWAPPED)), "E06000018 is not in the United Kingdom by its .* in this order"),
        (collection(feature("E06000018", MERCATOR), crs=CRS), "as EPSG:3857.*expected longitude and latitude"),
        (collection(feature("E06000018", [[1, 52], [1, 52], [1, 52], [1, 52]])), "has no area"),
    ],
    ids=[
        "empty", "blank", "zip", "shapefile", "geopackage", "web page", "CSV", "cut off", "UTF-16", "deep lists",
        "deep collections", "NaN", "a list", "a number", "one feature", "odd type", "no feature", "no object",
        "odd arcs",
        "regions", "no features at all", "points", "a word for a number", "infinite", "latitude first", "web Mercator",
        "no area",
    ],
)  # fmt: skip
def test_what_is_refused(workspace: Workspace, tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused, start_run(workspace, "import boundaries") as run:
        import_boundaries(run, written(tmp_path, content))
    assert len(str(refused.value)) < 900
    assert not (workspace.folder / FILE).exists()


def test_files_that_are_too_large(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, collection(feature("E06000018", ring(NOTTINGHAM))))
    for limit, message in (("MAX_BYTES", "is larger than"), ("MAX_POINTS", "has more than")):
        monkeypatch.setattr(outlines_file, limit, 5)
        with pytest.raises(UsageError, match=f"{message}.*BUC, BSC or BGC"), start_run(workspace, "x") as run:
            import_boundaries(run, path)
        monkeypatch.undo()


def test_arcs_that_do_not_meet_are_no_outline(workspace: Workspace, tmp_path: Path) -> None:
    report, outlines = imported(workspace, written(tmp_path, TOPOLOGY))
    assert set(outlines.districts) == {"E06000015", "E06000018"}
    assert report.dropped == {"no polygon that can be used": 1}


def test_every_feature_is_taken_or_named(workspace: Workspace, tmp_path: Path) -> None:
    content = collection(
        feature("E06000018", ring(NOTTINGHAM)),
        feature("E92000001", ring(DERBY)),
        feature("E06000015"),
        "nonsense",
    )
    report, outlines = imported(workspace, written(tmp_path, content))
    assert set(outlines.districts) == {"E06000018"}
    assert report.dropped == {
        "no property is the code of a district": 2,
        "no polygon that can be used": 1,
    }
    said = report.sentences()
    assert said[0].startswith("4 features read: outlines of 1 districts, known by the property 'LAD25CD'")
    assert any(line.startswith("360 districts are not in the file: Hartlepool") for line in said)


def test_a_second_file_takes_the_place_of_the_first(workspace: Workspace, tmp_path: Path) -> None:
    imported(workspace, written(tmp_path, collection(feature("E06000018", ring(NOTTINGHAM)))))
    _, outlines = imported(workspace, written(tmp_path, collection(feature("E06000015", ring(DERBY)))))
    assert set(outlines.districts) == {"E06000015"}


def test_the_property_with_the_most_codes_is_taken(workspace: Workspace, tmp_path: Path) -> None:
    one, other = feature("E06000018", ring(NOTTINGHAM)), feature("E06000015", ring(DERBY))
    one["properties"]["note"] = "E06000015"  # a code in a free text is no key
    report, outlines = imported(workspace, written(tmp_path, collection(one, other)))
    assert report.prop == "LAD25CD"
    assert set(outlines.districts) == {"E06000018", "E06000015"}


def test_the_command(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    path = written(tmp_path, collection(feature("E06000018", ring(NOTTINGHAM))))
    answer = firmscope("--workspace", workspace.folder, "import", "boundaries", path)
    assert answer.code == 0
    assert "outlines of 1 districts" in answer.out
    refused = firmscope("--workspace", workspace.folder, "import", "boundaries", tmp_path / "none.json")
    assert refused.code == 2
    assert "no such file" in refused.err


@pytest.mark.realdata
def test_a_real_file(workspace: Workspace, shared: Path) -> None:
    """All districts, with two codes of Scotland that are no more; neighbours still touch, and nothing overlaps."""
    report, outlines = imported(workspace, shared / "geo" / "ltla_2025.geojson")
    assert report.districts == report.features == 361
    assert report.renewed == ["S12000044", "S12000046"]
    assert report.missing == []
    assert (workspace.folder / FILE).stat().st_size < 450_000
    around = ("E06000018", "E07000172", "E07000173", "E07000176", "E07000170")
    shapes = [outlines.shape(code) for code in around]
    assert all(shape.is_valid for shape in shapes)
    together = shapely.union_all(shapes)
    assert together.area == pytest.approx(sum(shape.area for shape in shapes), rel=1e-4)
    assert area_km2(outlines, "E06000018") == pytest.approx(74.6, rel=0.03)  # the ONS's figure
