"""GeoJSON and KML: every firm is on the map or counted as not, and words from outside stay words."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipelines.export_files import write_list
from pipelines.exporting.columns import FIRMS_EXPORT
from pipelines.provenance import Provenance
from tests.pipelines.exports.conftest import RUN, Make

KML = "{http://www.opengis.net/kml/2.2}"


def test_firms_are_points_where_they_are_counted(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    written = write_list(make("firms"), tmp_path / "f.geojson", "geojson", provenance)
    found = json.loads((tmp_path / "f.geojson").read_text(encoding="utf-8"))
    assert [(one["id"], one["geometry"]["coordinates"]) for one in found["features"]] == [
        ("00123", [-1.15, 52.95]), ("F2", [-1.88, 52.48]),
    ]  # fmt: skip
    names = {column.name for column in FIRMS_EXPORT} - {"lat", "lon"}
    assert all(set(one["properties"]) == names for one in found["features"])
    assert found["features"][0]["properties"]["name"] == "=1+1"  # exact: this is no spreadsheet
    assert found["features"][0]["properties"]["incorporated_on"] == "1899-05-06"
    assert written.further == {"rows_without_a_place": 3}
    assert (found["about"]["run_id"], found["about"]["rows_without_a_place"]) == (RUN, 3)
    note = json.loads((tmp_path / "f.geojson.meta.json").read_text(encoding="utf-8"))
    assert (note["rows"], note["rows_without_a_place"]) == (5, 3)


def test_cells_are_hexagons_with_a_property_for_each_metric(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    from h3 import cell_to_latlng

    write_list(make("cells"), tmp_path / "c.geojson", "geojson", provenance)
    found = json.loads((tmp_path / "c.geojson").read_text(encoding="utf-8"))
    air, secure = found["features"]
    assert air["properties"] == {
        "cluster": "air", "h3": "88195c059dfffff", "businesses": 0.5, "businesses_low": 0.1, "businesses_high": 0.9,
        "employees": 600.0, "flags": ["uncorrected", "suppressed"],
    }  # fmt: skip
    assert secure["properties"]["businesses_2024"] == 0.5
    (ring,) = air["geometry"]["coordinates"]
    lat, lon = cell_to_latlng("88195c059dfffff")
    assert (len(ring), ring[0]) == (7, ring[-1])
    turning = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    assert turning > 0  # counter-clockwise, as RFC 7946 wants an outer ring
    assert abs(sum(x for x, _ in ring[1:]) / 6 - lon) < 1e-3
    assert abs(sum(y for _, y in ring[1:]) / 6 - lat) < 1e-3
    assert found["about"]["rows_without_a_place"] == 4


def test_kml_holds_no_tag_of_outside_words(make: Make, provenance: Provenance, tmp_path: Path) -> None:
    written = write_list(make("firms"), tmp_path / "f.kml", "kml", provenance)
    root = ElementTree.fromstring((tmp_path / "f.kml").read_bytes())
    marks = root.findall(f".//{KML}Placemark")
    assert [mark.findtext(f"{KML}name") for mark in marks] == ["=1+1", "+44 \u2039b\u203a&\"'\u2039/b\u203a"]
    assert [mark.findtext(f"{KML}Point/{KML}coordinates") for mark in marks] == ["-1.15,52.95", "-1.88,52.48"]
    told = {one.get("name"): one.text for one in marks[1].iter(f"{KML}SimpleData")}
    assert (told["employees"], told["sectors"]) == ("-5", "cyber_two;cyber")
    declared = {one.get("name") for one in root.iter(f"{KML}SimpleField")}
    assert set(told) <= declared
    assert all("<" not in (text or "") for text in root.itertext())
    assert not list(root.iter(f"{KML}description"))
    assert written.further == {"rows_without_a_place": 3}


@pytest.mark.parametrize("file_format", ["geojson", "kml"])
def test_an_empty_list_is_an_empty_map(make: Make, provenance: Provenance, tmp_path: Path, file_format: str) -> None:
    made = make("firms")
    write_list(replace(made, frame=made.frame[:0]), tmp_path / "f", file_format, provenance)
    text = (tmp_path / "f").read_text(encoding="utf-8")
    if file_format == "geojson":
        assert json.loads(text)["features"] == []
    else:
        assert not ElementTree.fromstring(text).findall(f".//{KML}Placemark")
