"""Everything that the map of a cluster shows, as values; the templates add nothing but how it looks."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.maps.classes import LegendClass


@dataclass(frozen=True)
class Hexagon:
    """One hexagon: ``classes`` has a letter and a colour for each metric, ``w`` withheld, ``n`` not known.

    ``value`` is its businesses, None where they are withheld or not known.
    """

    code: str
    path: str
    classes: str
    label: str
    value: float | None


@dataclass(frozen=True)
class MapDistrict:
    """The outline of a district that can be seen."""

    name: str
    path: str


@dataclass(frozen=True)
class PlaceName:
    """A name written on the map, at a point of the picture; ``minor`` ones are left out where there is little room."""

    text: str
    x: float
    y: float
    minor: bool


@dataclass(frozen=True)
class MapMetric:
    """A figure to choose, with its legend."""

    key: str
    name: str
    letter: str
    legend: tuple[LegendClass, ...]
    withheld: int
    not_known: int


@dataclass(frozen=True)
class MapRow:
    """A row of the table below the map; ``figures`` in the order of the metrics."""

    place: str
    reference: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class HexMap:
    """A map, ``WIDTH`` wide and ``height`` high, whose paths are drawn at ``scale``.

    Without hexagons there is no picture, and ``notes`` say why. ``notes`` also say what is not on the map.
    """

    height: float
    scale: float
    metrics: tuple[MapMetric, ...]
    hexagons: tuple[Hexagon, ...]
    districts: tuple[MapDistrict, ...]
    names: tuple[PlaceName, ...]
    rows: tuple[MapRow, ...]
    more_rows: int
    notes: tuple[str, ...]
    source: str


WIDTH = 1000
