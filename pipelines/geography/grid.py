"""Degrees to the British National Grid and back, by the transformation that the postcode lookup uses.

Northern Ireland has a grid of its own; on this one it lies two to four degrees west of where it is true, which turns
its shapes by as much and stretches them by under one part in a thousand: nothing that a map of districts shows.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.geography.lookup import GRID_TO_WGS84

if TYPE_CHECKING:
    from pyproj import Transformer

# The United Kingdom with room to spare, in degrees and in metres.
SOUTH, NORTH, WEST, EAST = 49.0, 61.5, -9.0, 2.5
GRID_BOX = (-200_000.0, -100_000.0, 800_000.0, 1_400_000.0)
"""West, south, east and north of what may stand on the grid, metres."""


def to_grid(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eastings and northings, metres ``(n, 2)``, of degrees (WGS 84); infinite for what is far off the grid."""
    from pyproj.enums import TransformDirection

    placed: Any = _transformer().transform(lon, lat, direction=TransformDirection.INVERSE)
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in placed])


def to_degrees(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitudes and latitudes (WGS 84) ``(n, 2)``, in this order, of eastings and northings in metres."""
    placed: Any = _transformer().transform(points[:, 0], points[:, 1])
    return np.column_stack([np.asarray(part, dtype=np.float64) for part in placed])


def in_the_uk(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points lie in the box of degrees around the United Kingdom."""
    return (lat >= SOUTH) & (lat <= NORTH) & (lon >= WEST) & (lon <= EAST)


@cache
def _transformer() -> Transformer:
    from pyproj import Transformer

    return Transformer.from_pipeline(GRID_TO_WGS84)
