"""Write a cluster's hexagons as columns that can be turned and tilted: one page that asks for nothing, by pydeck.

pydeck's own page names six other hosts. This one has none of its tags: only the script that pydeck's package ships, its
layers as data, no map underneath, and a policy that lets the page ask nobody for anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.errors import FirmscopeError, UsageError
from pipelines.geography.grid import to_degrees
from pipelines.geography.outlines import UNIT_M
from pipelines.maps.colours import DARK, rgb
from pipelines.maps.content import HexMap
from pipelines.maps.ground import Extent, Ground, districts_in, extent_of, hexagons_on

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

BUNDLE = Path("nbextension") / "static" / "index.js"
HIGHEST = 0.12  # the tallest column, of the map's width
UNSEEN = (120, 128, 132)  # withheld or not known: flat and grey
_BORDER = (120, 132, 136)
_WORLD_M = 78_271.5  # metres of a pixel on the equator at zoom 0, in the tiles of 512 pixels that deck.gl counts by
_PIXELS = 900


def write_3d(path: Path, hex_map: HexMap, ground: Ground, name: str, back: str | None = None) -> Path:
    """Write the page; the same map, the same bytes.

    Args:
        path: File to write, such as ``cluster-space_tech-3d.html``.
        hex_map: The flat map, whose hexagons, classes and words these are; it must have hexagons.
        ground: As for the flat map.
        name: What the cluster is called.
        back: File name of the page with the flat map and its table; beside ``path``.

    Raises:
        UsageError: pydeck is not installed, or the map has no hexagons.
        FirmscopeError: pydeck is not as expected.
    """
    from markupsafe import Markup

    from pipelines.reporting.html import write_page
    from pipelines.reporting.page import outside

    if not hex_map.hexagons:
        raise UsageError(f"{path}: the map has no hexagon to show: {' '.join(hex_map.notes)}")
    bundle = _bundle()
    return write_page(
        path,
        "map3d.html.j2",
        ["base.css", "map3d.css"],
        {"outside": outside},
        scripts=["map3d.js"],
        name=name,
        back=back,
        map=hex_map,
        layers=Markup(_in_script(deck_json(hex_map, ground))),  # noqa: S704 - JSON without a bracket that ends a script
        bundle=Markup(bundle),  # noqa: S704 - pydeck's own script
        bundle_hash=base64.b64encode(hashlib.sha256(bundle.encode()).digest()).decode(),
    )


def deck_json(hex_map: HexMap, ground: Ground) -> str:
    """The layers as deck.gl's JSON: borders of districts, and a column for each hexagon."""
    pydeck = _pydeck()
    placed = [found for found in hexagons_on(hexagon.code for hexagon in hex_map.hexagons) if found]
    extent = extent_of(placed, (), ground.outlines)
    top = max((hexagon.value or 0.0 for hexagon in hex_map.hexagons), default=0.0)
    columns = [
        {
            "hex": hexagon.code,
            "value": hexagon.value or 0.0,
            "color": list(UNSEEN if hexagon.value is None else rgb(DARK[int(hexagon.classes.split()[0][1:])])),
            "label": hexagon.label,
        }
        for hexagon in hex_map.hexagons
    ]
    seen = districts_in(extent, ground.outlines)
    borders = [{"path": line} for code in seen for line in _lines(ground.outlines.shape(code))]
    middle = to_degrees(np.array([[extent.west + extent.width / 2, extent.south + extent.height / 2]]) * UNIT_M)[0]
    view = pydeck.ViewState(
        longitude=round(float(middle[0]), 4), latitude=round(float(middle[1]), 4), zoom=_zoom(extent, middle[1]),
        pitch=45, bearing=-12, min_zoom=4, max_zoom=13,
    )  # fmt: skip
    layers = [
        pydeck.Layer("PathLayer", borders, id="borders", get_path="path", get_color=list(_BORDER), width_min_pixels=1),
        pydeck.Layer(
            "H3HexagonLayer", columns, id="hexagons", get_hexagon="hex", get_elevation="value", get_fill_color="color",
            elevation_scale=extent.width * UNIT_M * HIGHEST / (top or 1.0), extruded=True, pickable=True,
            auto_highlight=True, high_precision=True,
        ),
    ]  # fmt: skip
    deck = pydeck.Deck(layers=layers, initial_view_state=view, map_provider=None, map_style=None)
    return str(deck.to_json())


def _lines(shape: BaseGeometry) -> list[list[list[float]]]:
    """Rings of a district as closed lines in degrees, to about ten metres."""
    import shapely

    return [
        np.round(to_degrees(np.asarray(ring.coords) * UNIT_M), 4).tolist()
        for part in shapely.get_parts(shape)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]


def _zoom(extent: Extent, latitude: float) -> float:
    ground_m = max(extent.width, extent.height) * UNIT_M
    return round(math.log2(_WORLD_M * math.cos(math.radians(latitude)) * _PIXELS / ground_m), 2)


def _pydeck() -> Any:
    try:
        import pydeck
    except ImportError as error:
        raise UsageError("maps in 3-D need pydeck; install it with: pip install 'firmscope[maps3d]'") from error
    return pydeck


def _bundle() -> str:
    """The script that pydeck's package ships, which must not be able to end the element it stands in."""
    path = Path(_pydeck().__file__).parent / BUNDLE
    try:
        script = path.read_text(encoding="utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        raise FirmscopeError(
            f"pydeck has no {BUNDLE}, which the page in 3-D is made of; install pydeck 0.9 with: "
            "pip install 'firmscope[maps3d]'"
        ) from error
    if "</script" in script.lower() or "<!--" in script:
        raise FirmscopeError(f"{path} cannot stand in a page as it is; install pydeck 0.9.3")
    return script


def _in_script(text: str) -> str:
    """JSON as it may stand in a script element: whatever a label says, it cannot end it."""
    return json.dumps(json.loads(text), separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


__all__: Sequence[str] = ["deck_json", "write_3d"]
