"""The town that is nearest to a place: names for hotspots, which have none of their own.

``towns.csv`` was written for the project: larger towns of Great Britain, and smaller ones where none is near, with the
middle of each to a hundredth of a degree. The nearest is not always the one that a place belongs to.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_EARTH_KM = 6371.0
_TABLE = Path(__file__).parent / "towns.csv"


@dataclass(frozen=True)
class Town:
    """A town and its middle, degrees WGS 84."""

    name: str
    lat: float
    lon: float


@cache
def towns() -> tuple[Town, ...]:
    """All towns, by name."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(Town(row["town"], float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file))


def nearest_town(lat: float, lon: float) -> str:
    """Name of the town nearest to a point in degrees."""
    return min(towns(), key=lambda town: (distance_km(lat, lon, town.lat, town.lon), town.name)).name


def distance_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance of two points in degrees (haversine formula)."""
    north, east = math.radians(other_lat - lat), math.radians(other_lon - lon)
    shrink = math.cos(math.radians(lat)) * math.cos(math.radians(other_lat))
    half_chord = math.sin(north / 2) ** 2 + shrink * math.sin(east / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(1.0, half_chord)))
