"""A list as GeoJSON or KML: firms as points at the place at which they are counted, cells as hexagons.

What has no place on the map is counted and told, in the file and in the note beside it, never dropped in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from pipelines.exporting.made import Page, Told
from pipelines.exporting.plain import joined, plain
from pipelines.outside_text import encodable, printable
from pipelines.rollup import LATEST

DEGREES = 6  # decimals: a tenth of a metre
WITHOUT_PLACE = "rows_without_a_place"
_POINT = ("lat", "lon")
_BRACKETS = str.maketrans("<>", "\u2039\u203a")  # map programs show values as HTML: no tag can begin without one
_XSD = {"int": "int", "float": "double", "bool": "bool"}


def write_geojson(page: Page, stream: BinaryIO) -> Told:
    """A FeatureCollection (RFC 7946), a feature a line; what the list is about stands in its member ``about``."""
    told = Told(further={WITHOUT_PLACE: 0})
    stream.write(b'{"type":"FeatureCollection","features":[')
    separator = b"\n"
    for feature in (_hexagons if page.made.name == "cells" else _points)(page, told):
        stream.write(separator + _json(feature))
        separator = b",\n"
    stream.write(b'\n],"about":' + _json({**page.note(), **told.further}) + b"}\n")
    return told


def write_kml(page: Page, stream: BinaryIO) -> Told:
    """A KML 2.2 document of placemarks; ``<`` and ``>`` of outside words are written as single quotation marks."""
    told = Told(further={WITHOUT_PLACE: 0})
    fields = [column for column in page.columns if column.name not in _POINT]
    simple = "".join(f'<SimpleField name="{field.name}" type="{_XSD.get(field.kind, "string")}"/>' for field in fields)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f'<name>firmscope firms</name>\n<Schema name="firm" id="firm">{simple}</Schema>\n'
    )
    stream.write(head.encode())
    for feature in _points(page, told):
        facts: Mapping[str, Any] = feature["properties"]
        data = "".join(
            f"<SimpleData name={quoteattr(name)}>{_xml(value, told)}</SimpleData>"
            for name, value in facts.items() if value not in (None, [])
        )  # fmt: skip
        lon, lat = feature["geometry"]["coordinates"]
        mark = (
            f"<Placemark><name>{_xml(facts['name'], told)}</name>"
            f'<ExtendedData><SchemaData schemaUrl="#firm">{data}</SchemaData></ExtendedData>'
            f"<Point><coordinates>{lon!r},{lat!r}</coordinates></Point></Placemark>\n"
        )
        stream.write(mark.encode())
    about = "".join(
        f"<Data name={quoteattr(name)}><value>{_xml(json.dumps(value, ensure_ascii=False), told)}</value></Data>"
        for name, value in {**page.note(), **told.further}.items()
    )
    stream.write(f"<ExtendedData>{about}</ExtendedData></Document></kml>\n".encode())
    return told


def _points(page: Page, told: Told) -> Iterator[dict[str, Any]]:
    names = [column.name for column in page.columns]
    for row in page.listed:
        facts = dict(zip(names, row, strict=True))
        lat, lon = facts.pop("lat"), facts.pop("lon")
        if lat is None or lon is None:
            told.count(WITHOUT_PLACE)
            continue
        at = [round(lon, DEGREES), round(lat, DEGREES)]
        yield {
            "type": "Feature", "id": facts["firm_id"], "geometry": {"type": "Point", "coordinates": at},
            "properties": {name: _value(value) for name, value in facts.items()},
        }  # fmt: skip


def _hexagons(page: Page, told: Told) -> Iterator[dict[str, Any]]:
    """A feature per cluster and hexagon; its metrics are properties, those of a year with the year behind them."""
    from h3 import cell_to_boundary, is_valid_cell

    names = [column.name for column in page.columns]
    cells = [dict(zip(names, row, strict=True)) for row in page.listed]
    placed = [cell for cell in cells if cell["area_kind"] == "h3" and is_valid_cell(cell["area_code"])]
    told.count(WITHOUT_PLACE, len(cells) - len(placed))
    for (cluster, code), found in groupby(placed, key=lambda cell: (cell["cluster"], cell["area_code"])):
        facts: dict[str, Any] = {"cluster": cluster, "h3": code}
        flags: dict[str, None] = {}
        for cell in found:
            name = cell["metric"] if cell["period"] == LATEST else f"{cell['metric']}_{cell['period']}"
            facts[name] = cell["value"]
            facts |= {f"{name}_{end}": cell[end] for end in ("low", "high") if cell[end] is not None}
            flags |= dict.fromkeys(cell["flags"])
        ring = [[round(lon, DEGREES), round(lat, DEGREES)] for lat, lon in cell_to_boundary(code)]
        shape = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        yield {
            "type": "Feature",
            "id": f"{cluster}/{code}",
            "geometry": shape,
            "properties": {**facts, "flags": [*flags]},
        }


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [_value(member) for member in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _xml(value: object, told: Told) -> str:
    text, replaced = printable(joined(value) if isinstance(value, str | list) else plain(value))
    told.replaced += replaced
    return escape(text.translate(_BRACKETS))
