"""Find where a cluster's firms stand close together, whatever borders run between them.

HDBSCAN always finds something, also in firms strewn at random; so only firms are shown to it whose surroundings are
nine times as dense as if all were spread evenly over the ground that they cover. It knows no weights either: a firm
stands as one mark, and as one more for every doubling of its employees from ten on, so that a plant of thousands weighs
more than a shop and yet makes no hotspot alone.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pipelines.geography.lookup import GRID_TO_WGS84

MIN_FIRMS = 10  # different firms of a hotspot; a choice: fewer are soon one family of firms at one office
NEIGHBOURS = 5  # marks up to which density is measured
# Of firms strewn evenly, 1 in 3,500 has five neighbours within a third of the distance expected: in 80 draws of 40 to
# 5,000 firms no hotspot was found, where HDBSCAN alone finds 8 among 300 and 56 among 2,000.
CLOSER = 1 / 3
MAX_LINK_M = 3_000  # with 300 firms in the country a third is 13 km; no more than this counts as close
MIN_GROUND_M2 = 2.5e9  # 50 by 50 km: a list of firms of one park is not its own yardstick
JOIN_M = 1_000  # what stands within a hexagon's width of a hotspot is part of it
SIDE_M = 100  # firms on one square of this side count as one place: postcodes of one park share a point or nearly so
MAX_MARKS_PER_PLACE = 32  # an address of thousands of registrations is dense enough with this
MAX_MARKS = 10_000  # HDBSCAN's time grows with the square: of more that hang together it is shown every second, ...
WHOLE_M = 10_000  # what hangs together, is no wider and has one kernel is one hotspot, with its fringe
_MAX_MARKS_PER_FIRM = 8
_GREAT_BRITAIN = (49.0, 61.5, -9.5, 2.5)  # south, north, west, east: the grid is of no use elsewhere


def hotspots(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    employees: NDArray[np.float64],
    firm: NDArray[np.int64] | None = None,
    min_firms: int = MIN_FIRMS,
) -> NDArray[np.int32]:
    """Hotspot of each address of a cluster's firms: 1, 2, ... and 0 for none.

    Number 1 has most employees; among equals, most firms. The answer does not depend on the order of rows.

    Args:
        lat: ``(n,)`` latitude, degrees WGS 84; nan where not known.
        lon: ``(n,)`` longitude.
        employees: ``(n,)`` people employed at the address; nan where not known, which weighs as fewer than ten.
        firm: ``(n,)`` number of the firm, for firms of several addresses; None: every row is a firm of its own.
        min_firms: Different firms of a hotspot at least.
    """
    labels = np.zeros(len(lat), dtype=np.int32)
    firms = np.arange(len(lat)) if firm is None else firm
    metres = _metres(lat, lon)
    known = np.flatnonzero(np.isfinite(metres).all(axis=1))
    if len(np.unique(firms[known])) < min_firms:
        return labels
    place, points, marks = _places(metres[known], firms[known], _marks(employees[known]))
    found = _joined(points, _dense(points, marks, min_firms))[place]
    sizes = []
    for number in range(1, int(found.max(initial=0)) + 1):
        rows = known[found == number]
        count = len(np.unique(firms[rows]))
        if count >= min_firms:
            people = math.fsum(np.nan_to_num(employees[rows]))
            sizes.append((-people, -count, number))
    for rank, (_, _, number) in enumerate(sorted(sizes), start=1):
        labels[known[found == number]] = rank
    return labels


def _metres(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eastings and northings of the British National Grid, ``(n, 2)``; nan outside Great Britain."""
    from pyproj import Transformer

    south, north, west, east = _GREAT_BRITAIN
    inside = (lat > south) & (lat < north) & (lon > west) & (lon < east)
    metres = np.full((len(lat), 2), np.nan)
    grid = Transformer.from_pipeline(GRID_TO_WGS84).transform(lon[inside], lat[inside], direction="INVERSE")
    metres[inside] = np.column_stack(grid)
    return metres


def _marks(employees: NDArray[np.float64]) -> NDArray[np.int64]:
    """Marks of a firm: 1 below ten employees, 2 below twenty, 3 below forty, and so on."""
    doublings = np.floor(np.log2(np.maximum(np.nan_to_num(employees), 5.0) / 5.0))
    marks: NDArray[np.int64] = np.clip(1 + doublings, 1, _MAX_MARKS_PER_FIRM).astype(np.int64)
    return marks


def _places(
    metres: NDArray[np.float64], firm: NDArray[np.int64], marks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Squares in order: the square of each row, centres ``(m, 2)``, and marks; a firm counts in a square once."""
    squares, place = np.unique(np.floor(metres / SIDE_M), axis=0, return_inverse=True)
    order = np.lexsort((-marks, firm, place))
    first = np.append(True, (np.diff(place[order]) != 0) | (np.diff(firm[order]) != 0))
    total = np.bincount(place[order][first], weights=marks[order][first]).astype(np.int64)
    return place, (squares + 0.5) * SIDE_M, np.minimum(total, MAX_MARKS_PER_PLACE)


def _dense(points: NDArray[np.float64], marks: NDArray[np.int64], min_firms: int) -> NDArray[np.int64]:
    """Label of each place, from 1 on; 0 where firms are no denser than elsewhere."""
    from scipy.spatial import KDTree

    labels = np.zeros(len(points), dtype=np.int64)
    spread, owner = _spread_out(points, marks)
    if len(spread) <= NEIGHBOURS:
        return labels
    expected = math.sqrt(NEIGHBOURS * _ground(points) / (math.pi * len(spread)))
    reach = min(expected * CLOSER, MAX_LINK_M)
    near = KDTree(spread).query(spread, NEIGHBOURS + 1)[0][:, NEIGHBOURS] <= reach
    spread, owner = spread[near], owner[near]
    for places, rows in _parts(points, owner, reach):
        if len(rows) < min_firms:
            continue
        narrow = np.linalg.norm(np.ptp(points[places], axis=0)) <= WHOLE_M
        shown = rows[:: math.ceil(len(rows) / MAX_MARKS)]
        # Fewer than twice the least cannot be two hotspots: HDBSCAN need not be asked.
        found = None if narrow and len(rows) < 2 * min_firms else _hdbscan(spread[shown], min_firms)
        if found is None or (narrow and found.max() < 1):
            labels[places] = labels.max() + 1
        else:
            _label(labels, owner[shown], found)
    return labels


def _parts(
    points: NDArray[np.float64], owner: NDArray[np.int64], reach: float
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places that hang together, and the rows of ``owner``, which is in order, that belong to them."""
    places, starts = np.unique(owner, return_index=True)
    counts = np.diff(np.append(starts, len(owner)))
    parts = []
    for part in _linked(points[places], places, reach):
        rows = [np.arange(starts[at], starts[at] + counts[at]) for at in part]
        parts.append((places[part], np.concatenate(rows)))
    return parts


def _hdbscan(points: NDArray[np.float64], min_firms: int) -> NDArray[np.int64]:
    from sklearn import config_context
    from sklearn.cluster import HDBSCAN

    # Not its cluster_selection_epsilon, which fails under numpy 2.4 (scikit-learn 1.9); see _joined.
    model = HDBSCAN(min_cluster_size=min_firms, min_samples=NEIGHBOURS, allow_single_cluster=True, copy=True)
    with config_context(assume_finite=True, skip_parameter_validation=True):  # hundreds of small parts
        found: NDArray[np.int64] = model.fit(points).labels_.astype(np.int64)
    return found


def _label(labels: NDArray[np.int64], owner: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Give each place the label that most of its marks have, numbered on from those that are taken."""
    held = found >= 0
    if not held.any():
        return
    votes, times = np.unique(np.column_stack([owner[held], found[held]]), axis=0, return_counts=True)
    order = np.lexsort((votes[:, 1], -times, votes[:, 0]))
    places, first = np.unique(votes[order, 0], return_index=True)
    labels[places] = int(labels.max()) + 1 + votes[order][first, 1]


def _joined(points: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels after groups within ``JOIN_M`` of each other, and places that near to one, have been joined."""
    from scipy.spatial import KDTree

    inside = np.flatnonzero(labels)
    if not len(inside):
        return labels
    joined = np.zeros_like(labels)
    for number, part in enumerate(_linked(points[inside], labels[inside], JOIN_M), start=1):
        joined[inside[part]] = number
    outside = np.flatnonzero(labels == 0)
    if len(outside):
        distance, nearest = KDTree(points[inside]).query(points[outside])
        joined[outside] = np.where(distance <= JOIN_M, joined[inside[nearest]], 0)
    return joined


def _linked(points: NDArray[np.float64], groups: NDArray[np.int64], reach: float) -> list[NDArray[np.int64]]:
    """Rows of each set of groups that hang together over no gap wider than ``reach``, in order."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import KDTree

    if not len(points):
        return []
    names, group = np.unique(groups, return_inverse=True)
    pairs = group[KDTree(points).query_pairs(reach, output_type="ndarray")]
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(names), len(names)))
    component = connected_components(links, directed=False)[1][group]
    order = np.argsort(component, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(component[order])) + 1)


def _spread_out(points: NDArray[np.float64], marks: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Marks of each place strewn over its square, always in the same way, and the place of each mark.

    HDBSCAN divides by distances, and many firms have one postcode.
    """
    owner = np.repeat(np.arange(len(points)), marks)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(marks) - marks, marks)
    radius = SIDE_M / 2 * np.sqrt((within + 0.5) / np.repeat(marks, marks))
    angle = within * (math.pi * (3 - math.sqrt(5)))  # the golden angle: as even as seeds in a sunflower
    return points[owner] + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), owner


def _ground(points: NDArray[np.float64]) -> float:
    """Square metres that the firms cover: the hull of their places, but at least ``MIN_GROUND_M2``."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        area = float(ConvexHull(points).volume)  # of two dimensions, the volume is the area
    except (QhullError, ValueError):  # fewer than three places, or all in a line
        area = 0.0
    return max(area, MIN_GROUND_M2)
