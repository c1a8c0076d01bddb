"""What lies beyond areas: hotspots that cross borders, clusters that go together, and what distorts figures, as rows.

They are worked out with the roll-up and kept in tables of their own; cells do not depend on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.geography.hotspot_rows import hotspot_rows
from pipelines.spreading import UNKNOWN
from pipelines.statistics.related import Spread, related

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.memberships import Membership
    from pipelines.rollup import Rollup


def distortion_rows(made: Rollup) -> list[dict[str, Any]]:
    """Rows of the table ``distortions``."""
    ids = made.listed.firm_ids
    return [
        {
            "cluster": cluster, "kind": one.kind, "subject": one.subject,
            "firm_ids": [ids[int(place)].as_py() for place in one.firms], "businesses": float(one.businesses),
            "employees": one.employees, "turnover_gbp": one.turnover_gbp, "share": one.share, "sentence": one.sentence,
        }
        for cluster, one in made.distortions
    ]  # fmt: skip


def related_rows(made: Rollup, least: int = 0) -> list[dict[str, Any]]:
    """Rows of the table ``related``: pairs of clusters by firms and places they share, dissolved firms left out.

    Clusters that are withheld altogether are in no pair, nor are pairs of fewer than ``least`` shared firms.
    """
    keys = list(made.members)
    today = [found.firms[made.listed.counts[found.firms]] for found in made.members.values()]
    firm = np.concatenate([*today, np.zeros(0, dtype=np.int64)]).astype(np.int64)
    cluster = np.repeat(np.arange(len(keys)), [len(found) for found in today])
    findable = made.listed.counts & made.listed.read
    findable[firm] = True
    places = _districts(made, np.flatnonzero(findable))
    found = related(keys, firm, cluster, len(made.listed), float(findable.sum()), places)
    return [
        row for row in found
        if not made.withheld & {row["cluster"], row["other"]} and not 0 < int(str(row["shared_firms"])) < least
    ]  # fmt: skip


def _districts(made: Rollup, firms: np.ndarray[Any, Any]) -> Spread | None:
    """Firms that could be found over known districts; None where there is none."""
    if "lad" not in made.ground.spreads:
        return None
    spread = made.ground.spreads["lad"]
    row, area, weight = spread.of(firms)
    known = np.array([code != UNKNOWN for code in spread.codes], dtype=np.bool_)[area]
    if not known.any():
        return None
    everybody = np.bincount(area[known], weights=weight[known], minlength=len(spread.codes))
    return Spread(firms[row[known]], area[known].astype(np.int64), weight[known], everybody.astype(np.float64))


def all_hotspots(made: Rollup, min_firms: int) -> list[dict[str, Any]]:
    """Rows of the table ``hotspots`` of every cluster.

    Args:
        made: The roll-up.
        min_firms: Firms of a hotspot, at least; more than the least that is published.
    """
    at = made.ground.at
    lat, lon = (_numbers(at[name]) for name in ("lat", "lon"))
    starts = np.searchsorted(made.ground.sites.firm, np.arange(len(made.listed) + 1))
    return [
        row
        for key, members in made.members.items()
        for row in _hotspots(made, key, members, starts, lat, lon, min_firms)
    ]


def _hotspots(
    made: Rollup, key: str, members: Membership, starts: np.ndarray[Any, Any], lat: np.ndarray[Any, Any],
    lon: np.ndarray[Any, Any], min_firms: int,
) -> list[dict[str, Any]]:  # fmt: skip
    import pyarrow as pa

    firms = members.firms[made.listed.counts[members.firms]]
    if len(firms) < min_firms:
        return []
    sites = np.concatenate([np.arange(starts[firm], starts[firm + 1]) for firm in firms])
    firm = np.repeat(np.arange(len(firms)), starts[firms + 1] - starts[firms])
    weight = made.ground.sites.weight[sites]
    some = made.ground.at.select(["h3", "lad_code"]).take(pa.array(sites))
    jobs = made.listed.employees.newest[firms][firm] * weight
    return hotspot_rows(
        key, lat[sites], lon[sites], some["h3"].to_pylist(), some["lad_code"].to_pylist(), weight, jobs, firm, min_firms
    )


def _numbers(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(column, float("nan")), dtype=np.float64)
