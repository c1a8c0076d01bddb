"""Describe hotspots as rows of the table ``hotspots``: how large, where, and which borders they lie across.

Sums are rounded once, at the end, so that the order of addresses does not show in the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.geography.areas import Areas, Kind, shipped
from pipelines.geography.hotspots import MIN_FIRMS, hotspots
from pipelines.geography.towns import nearest_town


def hotspot_rows(
    cluster: str,
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    h3: Sequence[str | None],
    lad_codes: Sequence[str | None],
    share: NDArray[np.float64],
    employees: NDArray[np.float64],
    firm: NDArray[np.int64] | None = None,
    min_firms: int = MIN_FIRMS,
    areas: Areas | None = None,
) -> list[dict[str, Any]]:
    """Find a cluster's hotspots and describe each, largest first.

    Args:
        cluster: Key of the cluster.
        lat: ``(n,)`` latitude of each address of the cluster's firms, degrees WGS 84; nan where not known.
        lon: ``(n,)`` longitude.
        h3: ``(n,)`` hexagons.
        lad_codes: ``(n,)`` districts.
        share: ``(n,)`` part of its firm that stands at the address, of which the firm's parts add up to 1.
        employees: ``(n,)`` people employed there; nan where not known.
        firm: ``(n,)`` number of the firm; None: every row is a firm of its own.
        min_firms: Different firms of a hotspot at least.
        areas: Table of areas; the shipped one when not given.

    Returns:
        Rows of ``pipelines.tables.HOTSPOTS`` without ``shard``.
    """
    labels = hotspots(lat, lon, employees, firm, min_firms)
    return describe(cluster, labels, lat, lon, h3, lad_codes, share, employees, areas)


def describe(
    cluster: str,
    labels: NDArray[np.int32],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    h3: Sequence[str | None],
    lad_codes: Sequence[str | None],
    share: NDArray[np.float64],
    employees: NDArray[np.float64],
    areas: Areas | None = None,
) -> list[dict[str, Any]]:
    """Rows of hotspots that have been found; ``labels`` as :func:`pipelines.geography.hotspots.hotspots` gives them."""
    table = areas or shipped()
    everybody = math.fsum(share)
    made = []
    for number in range(1, int(labels.max(initial=0)) + 1):
        rows = np.flatnonzero(labels == number)
        businesses = math.fsum(share[rows])
        known = employees[rows][np.isfinite(employees[rows])]
        # Firms without a share there (counted at their registered office only) still say where it is.
        weights = share[rows] if businesses > 0 else np.ones(len(rows))
        centre = [math.fsum(weights * degrees[rows]) / math.fsum(weights) for degrees in (lat, lon)]
        found = [(h3[row], lad_codes[row], weight) for row, weight in zip(rows.tolist(), weights.tolist(), strict=True)]
        made.append(
            {
                "cluster": cluster,
                "hotspot": number,
                "nearest_town": nearest_town(*centre),
                "lat": centre[0],
                "lon": centre[1],
                "h3_cells": sorted({cell for cell, _, _ in found if cell}),
                "businesses": businesses,
                "employees": math.fsum(known) if len(known) else None,
                "share": min(1.0, businesses / everybody) if everybody else 0.0,
                "lad_codes": _by_size(table, "lad", ((lad, weight) for _, lad, weight in found)),
                "cauth_codes": _by_size(table, "cauth", ((lad, weight) for _, lad, weight in found)),
            }
        )
    return made


def crosses(row: dict[str, Any]) -> str:
    """What borders a hotspot lies across, in words; empty when it lies in one district."""
    lads, cauths = len(row["lad_codes"]), len(row["cauth_codes"])
    if lads < 2:
        return ""
    return f"across {lads} districts" + (f" and {cauths} combined authorities" if cauths > 1 else "")


def _by_size(areas: Areas, kind: Kind, parts: Iterable[tuple[str | None, float]]) -> list[str]:
    """Codes of the areas of districts, the one with most firms first."""
    firms: dict[str, list[float]] = {}
    for lad, weight in parts:
        district = areas.district(lad) if lad else None
        if district is not None and district.code(kind):
            firms.setdefault(district.code(kind), []).append(weight)
    return sorted(firms, key=lambda code: (-math.fsum(firms[code]), code))
