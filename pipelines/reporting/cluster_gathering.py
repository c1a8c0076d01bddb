"""Gather what the pages of clusters show, a cluster at a time, out of tables that are told apart once.

Firms of a shown list are marked here with what is to be known of them: that a SIC code alone brought them in, that a
rule found them out of line, that their site can no longer be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pipelines.frames import rows
from pipelines.reporting.cell_index import GROWTH, Cell, ClusterCells
from pipelines.reporting.cluster_areas import QUOTIENT, area_table, quotients
from pipelines.reporting.cluster_charts import charts
from pipelines.reporting.cluster_content import ClusterPage, Growth, Hotspot, Related
from pipelines.reporting.cluster_source import ClusterSource
from pipelines.reporting.cluster_words import (
    BY_CODE_NOTE,
    DISTORTION_NOTES,
    GROWTH_NAMES,
    NOT_READ_NOTE,
    SAID,
    borders,
    how_sure,
)
from pipelines.reporting.formats import share
from pipelines.reporting.scorecard_part import ecosystems
from pipelines.rollup import ALL, CORRECTED, FLAGS, METRICS

if TYPE_CHECKING:
    from labels.taxonomy import Cluster as Gathering
    from pipelines.maps.content import HexMap
    from pipelines.reporting.content import Cluster, Firm, FirmList, Report, ReportInput

MAX_RELATED = 10
MAX_CODES = 10
OTHER_KINDS = ("custom", "region", "cauth")


def cluster_contents(given: ReportInput, report: Report) -> Iterator[ClusterPage]:
    """What each cluster's page shows, in the report's order, one at a time."""
    source = ClusterSource(given, report)
    for tier in report.tiers:
        peers = [cluster.sector.key for cluster in tier.clusters]
        for cluster in tier.clusters:
            yield _content(source, cluster, peers)


def _content(source: ClusterSource, cluster: Cluster, peers: Sequence[str]) -> ClusterPage:
    given, key = source.given, cluster.sector.key
    cells, chosen = source.index.of(key), source.chosen
    gathers = source.gathered.get(key)
    by_code = gathers is not None and bool(gathers.sic) and not gathers.sectors
    main = area_table(cells, source.report.area_kind, source.name)
    others = [found for kind in OTHER_KINDS if (found := area_table(cells, kind, source.name)) is not None]
    headline = _figures(cells, ALL, ALL)
    in_chosen = _figures(cells, chosen.kind, chosen.code) if chosen else {}
    growth, drawn = _growth(cells), charts(cells)
    told = source.distortions.get(key, [])
    related, more_related = _related(source, key)
    sic = source.sic.get(key, [])
    of_areas = [cell for table in (main, *others) if table for row in table.rows for cell in row.figures.values()]
    of_years = [row.cell for chart in drawn for row in chart.rows]
    every = [*headline.values(), *in_chosen.values(), *(found.cell for found in growth), *of_years, *of_areas]
    return ClusterPage(
        cluster=_noted(source, cluster),
        by_code=by_code,
        chosen=chosen,
        headline=headline,
        in_chosen=in_chosen,
        quotient=None if _is_all_of_it(in_chosen) else in_chosen.get(QUOTIENT),
        growth=growth,
        provisos=tuple(sentence for *_, sentence in told),
        sure=_sure(given, key, headline, gathers),
        scorecard=ecosystems(cells, source.published, key, chosen, source.everywhere, peers),
        charts=drawn,
        quotients=quotients(main),
        areas=main,
        other_areas=tuple(others),
        hotspots=_hotspots(source, key),
        related=related,
        more_related=more_related,
        sic=tuple(sic[:MAX_CODES]),
        more_sic=max(0, len(sic) - MAX_CODES),
        parents=_parents(source, key),
        parts=_parts(source, key),
        flags=tuple(flag for flag in FLAGS if flag not in SAID and any(flag in cell.flags for cell in every)),
        hexagons=_map(given, cells),
    )


def _is_all_of_it(figures: Mapping[str, Cell]) -> bool:
    """Whether an area holds every firm of the cluster, so that a quotient of it says nothing."""
    return METRICS[0] in figures and figures[METRICS[0]].share == 1


def _sure(given: ReportInput, key: str, figures: Mapping[str, Cell], gathers: Gathering | None) -> tuple[str, ...]:
    businesses = figures[METRICS[0]]
    if key in given.untrained and not businesses.n:
        return ()
    codes: Literal["none", "some", "all"] = (
        "none" if gathers is None or not gathers.sic else "some" if gathers.sectors else "all"
    )
    corrected = figures.get(CORRECTED[METRICS[0]])
    return tuple(
        how_sure(corrected, given.measured.get(key), codes, "" if businesses.withheld else share(businesses.coverage))
    )


def _map(given: ReportInput, cells: ClusterCells) -> HexMap | None:
    if given.ground is None or not len(cells.hexagons):
        return None
    from pipelines.maps.hexagons import page_map

    return page_map(cells.hexagons, given.ground)


def _figures(cells: ClusterCells, kind: str, code: str) -> dict[str, Cell]:
    shown = (*METRICS, *CORRECTED.values(), QUOTIENT)
    return {name: found for name in shown if (found := cells.find(name, kind, code)) is not None}


def _growth(cells: ClusterCells) -> tuple[Growth, ...]:
    newest = ((metric, cells.spans(metric)) for metric in GROWTH if metric in GROWTH_NAMES)
    return tuple(Growth(metric, *found[-1]) for metric, found in newest if found)


def _noted(source: ClusterSource, cluster: Cluster) -> Cluster:
    """The cluster with notes at the firms of its lists."""
    notes: dict[str, list[str]] = {}
    for kind, firms, *_ in source.distortions.get(cluster.sector.key, []):
        for firm_id in firms:
            notes.setdefault(firm_id, []).append(DISTORTION_NOTES.get(kind, kind))
    gathers = source.gathered.get(cluster.sector.key)
    coded = gathers is not None and bool(gathers.sic)

    def note(firm: Firm) -> Firm:
        found = [BY_CODE_NOTE] if coded and firm.probability is None else []
        if firm.firm_id not in source.given.readable and not found:
            found.append(NOT_READ_NOTE)
        found += dict.fromkeys(notes.get(firm.firm_id, []))
        return replace(firm, note=", ".join(found)) if found else firm

    listed: FirmList = replace(cluster.firms, shown=tuple(map(note, cluster.firms.shown)))
    largest = {amount: tuple(map(note, firms)) for amount, firms in cluster.largest.items()}
    return replace(cluster, firms=listed, largest=largest)


def _hotspots(source: ClusterSource, key: str) -> tuple[Hotspot, ...]:
    frame = source.given.hotspots
    if frame is None:
        return ()
    columns = ("hotspot", "nearest_town", "businesses", "employees", "share", "lad_codes", "cauth_codes")
    found = sorted(rows(frame[frame["cluster"] == key], columns), key=lambda row: row[0])
    return tuple(
        Hotspot(
            near, businesses, employees, share,
            borders([source.name("lad", code) for code in lads], [source.name("cauth", code) for code in cauths]),
        )
        for _, near, businesses, employees, share, lads, cauths in found
    )  # fmt: skip


def _related(source: ClusterSource, key: str) -> tuple[tuple[Related, ...], int]:
    """Other clusters by shared firms, without those that contain it or are part of it, of which that is no news."""
    frame = source.given.related
    if frame is None:
        return (), 0
    kin = _kin(source, key)
    columns = ("other", "shared_firms", "share", "lift", "places")
    found = [
        Related(other, source.clusters[other].sector.name, int(shared), share, lift, places)
        for other, shared, share, lift, places in rows(frame[frame["cluster"] == key], columns)
        if other in source.clusters and other not in kin
    ]
    found.sort(key=lambda row: (-row.share, -(row.places or 0.0), row.name))
    return tuple(found[:MAX_RELATED]), max(0, len(found) - MAX_RELATED)


def _kin(source: ClusterSource, key: str) -> set[str]:
    taxonomy = source.given.taxonomy
    if key in source.gathered:
        return set(source.gathered[key].sectors)
    below = {sector.key for sector in taxonomy.sectors if key in taxonomy.ancestors(sector.key)}
    return below | taxonomy.ancestors(key) | {found.key for found in taxonomy.clusters if key in found.sectors}


def _parents(source: ClusterSource, key: str) -> tuple[Cluster, ...]:
    """Clusters that contain this one: the parents of a sector, and what gathers it."""
    parents = source.given.taxonomy.by_key[key].parents if key in source.given.taxonomy.by_key else ()
    gathering = [found.key for found in source.given.taxonomy.clusters if key in found.sectors]
    return tuple(source.clusters[found] for found in (*parents, *gathering) if found in source.clusters)


def _parts(source: ClusterSource, key: str) -> tuple[Cluster, ...]:
    """Sectors that this one is a parent of, or that this cluster gathers."""
    if key in source.gathered:
        keys: Sequence[str] = source.gathered[key].sectors
    else:
        keys = [sector.key for sector in source.given.taxonomy.sectors if key in sector.parents]
    return tuple(source.clusters[found] for found in keys if found in source.clusters)
