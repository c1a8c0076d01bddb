"""Scorecards, comparisons and lists beyond areas as rows for a person, out of the tables of one moment.

An area is asked for by its code, or by the name of an area of the user's own; which kind it is, the cells say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labels.taxonomy import load_taxonomy
from labels.taxonomy_file import unknown
from pipelines.errors import UsageError
from pipelines.figures import Moment, refuse_other_rules
from pipelines.geography.areas import KINDS, UNKNOWN, Areas
from pipelines.geography.hotspot_rows import crosses
from pipelines.statistics.scorecard import scorecard
from pipelines.statistics.side_by_side import side_by_side

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.workspace import Workspace

HIDDEN = ("shard",)
ALL = "all"


def scorecard_rows(workspace: Workspace, cluster: str, area: str) -> list[dict[str, Any]]:
    """A cluster's scorecard in an area.

    Raises:
        UsageError: There is no such cluster, or no figure of such an area.
    """
    _known(workspace, [cluster])
    moment = Moment.now(workspace.lake)
    cells = _cells(workspace, moment)
    kind, code = _area(cells, area)
    found = scorecard(cells, moment.read("published_metrics"), cluster, kind, code)
    return [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(row).items()}
        for row in found
    ]


def comparison_rows(workspace: Workspace, clusters: Sequence[str], area: str) -> list[dict[str, Any]]:
    """Clusters side by side: an area's proportion of each one's total, as texts.

    Raises:
        UsageError: There is no such cluster, or no figure of such an area.
    """
    _known(workspace, clusters)
    cells = _cells(workspace, Moment.now(workspace.lake))
    heading, *lines = side_by_side(cells, clusters, *_area(cells, area)).texts()
    return [dict(zip(heading, line, strict=True)) for line in lines]


def hotspot_list(workspace: Workspace, clusters: Sequence[str]) -> list[dict[str, Any]]:
    """Hotspots, largest first in each cluster, with the names of the districts they lie in."""
    areas = Areas.load()
    return [
        {
            "cluster": row["cluster"], "hotspot": row["hotspot"], "near": row["nearest_town"] or "",
            "businesses": round(row["businesses"], 1),
            "employees": None if row["employees"] is None else round(row["employees"]),
            "share": round(row["share"], 3), "hexagons": len(row["h3_cells"]),
            "districts": [areas.name_of("lad", code) for code in row["lad_codes"]], "borders": crosses(row),
            "lat": round(row["lat"], 3), "lon": round(row["lon"], 3),
        }
        for row in _rows(workspace, "hotspots", clusters, ("cluster", "hotspot"))
    ]  # fmt: skip


def related_list(workspace: Workspace, clusters: Sequence[str]) -> list[dict[str, Any]]:
    """Pairs of clusters, those with most firms in common first."""
    found = _rows(workspace, "related", clusters, ("cluster", "other"))
    found.sort(key=lambda row: (row["cluster"], -row["share"], row["other"]))
    numbers = ("share", "lift", "places")
    return [row | {name: None if row[name] is None else round(row[name], 3) for name in numbers} for row in found]


def distortion_list(workspace: Workspace, clusters: Sequence[str]) -> list[dict[str, Any]]:
    """What distorts figures, as sentences."""
    found = _rows(workspace, "distortions", clusters, ("cluster", "kind", "subject"))
    return [
        {"cluster": row["cluster"], "kind": row["kind"], "firms": len(row["firm_ids"]), "what": row["sentence"],
         "firm_ids": row["firm_ids"]} for row in found
    ]  # fmt: skip


def _cells(workspace: Workspace, moment: Moment) -> pd.DataFrame:
    held = moment.read_arrow("cells")
    refuse_other_rules(held, workspace)
    frame: pd.DataFrame = held.to_pandas()
    return frame


def _rows(workspace: Workspace, table: str, clusters: Sequence[str], by: tuple[str, ...]) -> list[dict[str, Any]]:
    _known(workspace, clusters)
    found = Moment.now(workspace.lake).read_arrow(table).to_pylist()
    kept = [
        {name: value for name, value in row.items() if name not in HIDDEN}
        for row in found if not clusters or row["cluster"] in clusters
    ]  # fmt: skip
    return sorted(kept, key=lambda row: tuple(row[name] for name in by))


def _known(workspace: Workspace, clusters: Sequence[str]) -> None:
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    for key in clusters:
        if key not in taxonomy.counted:
            known = f"known: {', '.join(taxonomy.counted)}"
            raise UsageError(f"cluster {key!r} is not in taxonomy.yaml{unknown(key, taxonomy.counted, known)}")


def area_title(area: str) -> str:
    """An area as a heading names it."""
    if area == ALL:
        return "the whole list"
    areas = Areas.load()
    named = next((areas.name_of(kind, area) for kind in KINDS if area in areas.codes(kind)), "")
    return f"{named} ({area})" if named else area


def _area(cells: pd.DataFrame, area: str) -> tuple[str, str]:
    """Kind and code of an area for which there are figures, asked for by its code or its name."""
    if not len(cells):
        raise UsageError("there are no figures yet; run firmscope rollup first")
    if area == UNKNOWN:
        raise UsageError("'unknown' stands for firms without a place, of every kind of area; give the code of an area")
    areas = Areas.load()
    wanted = {area}
    for kind in KINDS:
        wanted |= {code for code in areas.codes(kind) if areas.name_of(kind, code).casefold() == area.casefold()}
    found = cells.loc[cells["area_code"].isin(sorted(wanted)), ["area_kind", "area_code"]].drop_duplicates()
    if not len(found):
        kinds = ", ".join(sorted(set(cells["area_kind"])))
        raise UsageError(
            f"there is no figure of an area {area!r}: give the code or the name of one in which a firm of a cluster "
            f"stands; figures are by {kinds}"
        )
    codes = sorted(set(found["area_code"]))
    if len(codes) > 1:
        raise UsageError(f"{area!r} is the name of several areas ({', '.join(codes)}): give a code")
    return str(found.iloc[0]["area_kind"]), str(found.iloc[0]["area_code"])
