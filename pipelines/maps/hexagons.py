"""Make the hexagon map of one cluster out of its cells: what the page shows, in figures, paths and words.

A hexagon is drawn as it lies on the ground, never moved and never merged with its neighbours, because intervals and
withheld figures cannot be merged; where it becomes small, the page has buttons to come nearer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.geography.areas import UNKNOWN
from pipelines.maps.classes import METRICS, LegendClass, classed, count_text
from pipelines.maps.content import WIDTH, Hexagon, HexMap, MapDistrict, MapMetric, MapRow, PlaceName
from pipelines.maps.figures import Figures, hexagon_figures, place_figures, unknown_note
from pipelines.maps.ground import Extent, Ground, Placed, districts_in, extent_of, hexagons_on, path_of, shape_path

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

MAX_ROWS = 25
MAX_NAMES = 9
MAJOR_NAMES = 4
# Of the picture's 1,000 units, as in map.css: all names where there is room, and the major ones where there is little.
NAME_HEIGHT, MAJOR_HEIGHT = 20.0, 34.0
NAME_SPAN = 130.0
LETTER_WIDTH = 0.66  # of its height, in DejaVu Sans, the widest of the page's fonts
DISTRICT_SHARE = 50  # a district with fewer than one hexagon in so many may lie in part outside the map
NOWHERE = "outside the districts that are known"


def page_map(cells: pd.DataFrame, ground: Ground, within: Collection[str] = ()) -> HexMap | None:
    """The map of a cluster; None where it has no figures by hexagon at all.

    Args:
        cells: Rows of the table ``cells`` of one cluster.
        ground: Outlines of districts, and which district a hexagon lies in.
        within: Codes of districts: hexagons elsewhere are counted below the map and not drawn; empty: all.
    """
    figures = hexagon_figures(cells)
    unknown = figures.pop(UNKNOWN, None)
    # A hexagon with firms of the list, none of which is in the cluster, is no part of its map.
    figures = {code: found for code, found in figures.items() if found[0].value != 0}
    if not figures and unknown is None:
        return None
    placed = dict(zip(figures, hexagons_on(figures), strict=True))
    drawn = [found for found in placed.values() if found is not None]
    district = _districts(drawn, ground)
    notes = [
        unknown_note(unknown),
        _elsewhere([figures[code] for code, found in placed.items() if found is None], "outside the United Kingdom"),
    ]
    if within:
        outside = [found for found in drawn if district[found.code] not in within]
        drawn = [found for found in drawn if district[found.code] in within]
        notes.append(_elsewhere([figures[found.code] for found in outside], "outside the area of this map"))
    if drawn and all(figures[found.code][0].withheld for found in drawn):
        notes.insert(
            0, "There is no map: the figures of every hexagon are withheld, because too few firms are behind them."
        )
        drawn = []
    elif not drawn:
        notes.insert(0, "There is no map: no firm of the cluster has a place on it.")
    said = tuple(note for note in notes if note)
    if not drawn:
        return HexMap(0, 1, (), (), (), (), (), 0, said, ground.outlines.source)
    drawn.sort(
        key=lambda found: (figures[found.code][0].value or 0.0, found.code)
    )  # the most on top of their neighbours
    names = {code: ground.areas.name_of("lad", code) for code in ground.outlines.districts}
    extent = extent_of(drawn, within or _main_districts(drawn, district), ground.outlines)
    scale = WIDTH / extent.width
    seen = districts_in(extent, ground.outlines)
    metrics, colours = _metrics([figures[found.code] for found in drawn])
    return HexMap(
        height=round(extent.height * scale, 1),
        scale=round(scale, 7),
        metrics=metrics,
        hexagons=tuple(
            Hexagon(
                found.code,
                path_of([found.corners], extent),
                classes,
                _label(found, district[found.code], names, figures[found.code]),
                figures[found.code][0].value,
            )
            for found, classes in zip(drawn, colours, strict=True)
        ),
        districts=tuple(MapDistrict(names[code], shape_path(shape, extent)) for code, shape in seen.items()),
        names=_place_names(drawn, district, figures, names, seen, extent, scale),
        rows=_rows(drawn, district, figures, names),
        more_rows=max(0, len(drawn) - MAX_ROWS),
        notes=said,
        source=ground.outlines.source,
    )


def _districts(drawn: Sequence[Placed], ground: Ground) -> dict[str, str | None]:
    """District of each hexagon: that of most of its postcodes, or else the one whose outline holds its middle."""
    import shapely

    codes = ground.hexagons.districts_of(found.code for found in drawn)
    made = {found.code: code for found, code in zip(drawn, codes, strict=True)}
    missing = [found for found in drawn if made[found.code] is None]
    for lad_code in ground.outlines.districts if missing else ():
        shape = ground.outlines.shape(lad_code)
        for found in missing:
            if made[found.code] is None and shapely.contains_xy(shape, *found.middle):
                made[found.code] = lad_code
    return made


def _main_districts(drawn: Sequence[Placed], district: Mapping[str, str | None]) -> set[str]:
    times = Counter(district[found.code] for found in drawn)
    return {code for code, number in times.items() if code and number * DISTRICT_SHARE >= len(drawn)}


def _metrics(figures: Sequence[Figures]) -> tuple[tuple[MapMetric, ...], list[str]]:
    """Legends, and the classes of each hexagon for the page."""
    metrics, columns = [], []
    for place, metric in enumerate(METRICS):
        column = [found[place] for found in figures]
        known = [found.value for found in column if found.value is not None]
        classes, legend = classed(metric, known) if known else ((), tuple[LegendClass, ...]())
        each = iter(classes)
        columns.append(
            [
                f"{metric.letter}{next(each) if found.value is not None else 'w' if found.withheld else 'n'}"
                for found in column
            ]
        )
        withheld = sum(found.withheld and found.value is None for found in column)
        not_known = len(column) - len(known) - withheld
        metrics.append(MapMetric(metric.key, metric.name, metric.letter, legend, withheld, not_known))
    return tuple(metrics), [" ".join(row) for row in zip(*columns, strict=True)]


def _label(found: Placed, district: str | None, names: Mapping[str, str], figures: Figures) -> str:
    from pipelines.reporting.wording import FLAG_LABELS

    said = "; ".join(figure.in_words(FLAG_LABELS) for figure in figures)
    return f"{names.get(district or '', district or NOWHERE)}, {found.reference}: {said}"


def _rows(
    drawn: Sequence[Placed],
    district: Mapping[str, str | None],
    figures: Mapping[str, Figures],
    names: Mapping[str, str],
) -> tuple[MapRow, ...]:
    return tuple(
        MapRow(
            names.get(district[found.code] or "", district[found.code] or NOWHERE),
            found.reference,
            tuple(figure.in_table() for figure in figures[found.code]),
        )
        for found in reversed(drawn[-MAX_ROWS:])
    )


def _elsewhere(figures: Sequence[Figures], where: str) -> str | None:
    if not figures:
        return None
    hexagons = "1 hexagon" if len(figures) == 1 else f"{len(figures):,} hexagons"
    return f"{count_text(place_figures(figures))} businesses in {hexagons} lie {where}."


def _place_names(
    drawn: Sequence[Placed], district: Mapping[str, str | None], figures: Mapping[str, Figures],
    names: Mapping[str, str], seen: Mapping[str, BaseGeometry], extent: Extent, scale: float,
) -> tuple[PlaceName, ...]:  # fmt: skip
    """Names of the districts with the most businesses, where they are on none written before."""
    held: dict[str, float] = {}
    middles: dict[str, list[tuple[int, int]]] = {}
    for found in drawn:
        code = district[found.code]
        if code and code in seen:
            held[code] = held.get(code, 0.0) + (figures[found.code][0].value or 0.0)
            middles.setdefault(code, []).append(found.middle)
    written: list[PlaceName] = []
    for code in sorted(held, key=lambda code: (-held[code], code)):
        point = _name_point(middles[code], seen[code], scale)
        text = names[code].split(",")[0]
        height = MAJOR_HEIGHT if len(written) < MAJOR_NAMES else NAME_HEIGHT
        half = len(text) * height * LETTER_WIDTH / 2
        x = min(max((point[0] - extent.west) * scale, half), WIDTH - half)
        y = min(max((extent.north - point[1]) * scale, height), extent.height * scale - height)
        apart = all(
            abs(y - other.y) > height * 1.2 or abs(x - other.x) > half + len(other.text) * height * LETTER_WIDTH / 2
            for other in written
        )
        if apart:
            written.append(PlaceName(text, round(x, 1), round(y, 1), len(written) >= MAJOR_NAMES))
        if len(written) == MAX_NAMES:
            break
    return tuple(written)


def _name_point(middles: Sequence[tuple[int, int]], shape: BaseGeometry, scale: float) -> tuple[float, float]:
    """Just above a district's hexagons, or in its midst where they lie too far apart for that to be understood."""
    top = max(north for _, north in middles)
    if (top - min(north for _, north in middles)) * scale < NAME_SPAN:
        return sum(east for east, _ in middles) / len(middles), top + NAME_HEIGHT / scale
    point = shape.representative_point()
    return float(point.x), float(point.y)
