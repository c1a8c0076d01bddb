"""All cells of one cluster: its members over every kind of area, what its figures are read against, their corrections,
and what of them is withheld.

A corrected figure never takes the place of the plain one: it is a metric of its own beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipelines.cell_columns import CellColumns
from pipelines.spreading import ALL, Ground
from pipelines.statistics.area_sums import AreaSums, Members, area_sums, members_over
from pipelines.statistics.figure_records import LATEST, Around, Figure, kept
from pipelines.statistics.figures import figures
from pipelines.statistics.flags import bits, where
from pipelines.statistics.measures import AMOUNTS, Counted, Definitions, Measures, measures
from pipelines.statistics.shares import owner_countries, share_of
from pipelines.withholding import FIRMS, hidden_of, withheld

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labels.taxonomy import Taxonomy
    from pipelines.counting import Corrected
    from pipelines.figure_settings import RollupConfig
    from pipelines.statistics.firm_columns import FirmColumns

METRICS = ("businesses", *AMOUNTS)
TOP_OWNERS = 5
AT_HOME = ("GB", "unclear")
_OF_THE_TABLES = bits(["low_coverage", "few_values", "imputed_values", "few_dates", "survivors_only", "distorted"])


class Corrector(Protocol):
    """What corrects the figures of a cluster; see ``pipelines.counting``."""

    def corrected(self, cluster: str) -> Corrected | None:
        """What corrects them; None where there is nothing to correct by."""


@dataclass(frozen=True)
class Whole:
    """What every cluster of a list is worked out from."""

    taxonomy: Taxonomy
    firms: FirmColumns
    ground: Ground
    definitions: Definitions
    rules: RollupConfig
    bases: Mapping[str, Mapping[str, AreaSums]]  # who could be found (read, codes, all): kind of area
    everybody: Mapping[str, AreaSums]  # by kind of area
    untrained: frozenset[str]
    dissolved_known: bool
    corrector: Corrector | None = field(repr=False, default=None)


def add_cluster(given: Whole, cluster: str, members: Counted, cells: CellColumns) -> bool:
    """Work out a cluster's cells. Returns whether the whole cluster is withheld.

    Args:
        given: The list.
        cluster: Key of a sector, or of a cluster that gathers sectors and SIC codes.
        members: Its members, and how they count.
        cells: Where the cells go.
    """
    container = next((found for found in given.taxonomy.clusters if found.key == cluster), None)
    blind = bool(given.untrained.intersection(container.sectors if container else (cluster,)))
    said = ["uncorrected", "no_interval"] + (["gathered"] if container else [])
    said += (["part_not_trained"] if container else ["not_trained"]) if blind else []
    basis = "read" if container is None or not container.sic else "codes" if not container.sectors else "all"
    corrected = given.corrector.corrected(cluster) if given.corrector and not container and not blind else None
    owners = _owners(given.firms, members)
    made = measures(
        given.firms, members, given.definitions, tuple(owners.values()), given.firms.years[-given.rules.years :]
    )
    over = {kind: members_over(spread, members.rows) for kind, spread in given.ground.spreads.items()}
    sums = {kind: _sums(given.ground, kind, entries, made, corrected) for kind, entries in over.items()}
    found_small = withheld(given.rules, given.ground, members.rows, over, sums, made)
    totals: dict[tuple[str, str], float] = {}
    ratios: dict[str, tuple[float, float, float]] = {}
    for kind, of_kind in sums.items():
        around = _around(given, of_kind, sums[ALL], basis, bits(said), blind, owners, corrected)
        if kind == ALL:
            ratios = _ratios(of_kind, around)
        found = list(_with_corrections(figures(of_kind, over[kind], made, around), of_kind, around, corrected, ratios))
        for figure in found:
            shown = _shown(figure, of_kind, hidden_of(figure.metric, kind, found_small))
            key = (figure.metric, figure.period)
            if kind == ALL and shown.additive and len(shown.value):
                totals[key] = float(shown.value[0])
            cells.add(cluster, kind, of_kind.codes, shown, totals.get(key))
    return bool(found_small and found_small[FIRMS][ALL][0])


def _sums(ground: Ground, kind: str, entries: Members, made: Measures, corrected: Corrected | None) -> AreaSums:
    """Sums where a firm of the cluster stands or stood; a corrected cluster may be anywhere, but for hexagons."""
    if kind == ALL or (corrected and corrected.parts and kind != "h3"):
        return area_sums(ground.spreads[kind], entries, made, everywhere=True)
    sums = area_sums(ground.spreads[kind], entries, made)
    some = np.flatnonzero((sums.sums > 0).any(axis=1))
    return replace(sums, area=sums.area[some], sums=sums.sums[some], firms=sums.firms[some])


def _shown(figure: Figure, sums: AreaSums, hidden: NDArray[np.bool_] | None) -> Figure:
    """The figure without the areas withheld: they have no value, and say why."""
    if hidden is None:
        return figure
    figure = replace(figure, without=None)  # the difference is what few firms have
    there = hidden[np.searchsorted(sums.area, figure.area)]
    if not there.any():
        return figure
    if figure.period.isdigit():  # of a past year nothing is said at all
        return kept(figure, ~there)

    def blank(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        return None if values is None else np.where(there, np.nan, values)

    return replace(
        figure, value=np.where(there, np.nan, figure.value), low=blank(figure.low), high=blank(figure.high),
        n=np.where(there, 0, figure.n), coverage=np.where(there, 0.0, figure.coverage),
        imputed_share=blank(figure.imputed_share), flags=np.where(there, bits(["suppressed"]), figure.flags),
    )  # fmt: skip


def _owners(firms: FirmColumns, members: Counted) -> dict[str, int]:
    """The countries from which most of a cluster's firms are owned: code in lower case, number."""
    home = [place for place, code in enumerate(firms.owner_countries) if code in AT_HOME]
    rows = members.rows[firms.counts[members.rows]]
    country = firms.owner_country[rows].astype(np.int64)
    country[np.isin(country, home)] = -1
    top = owner_countries(country, np.zeros(len(rows), dtype=np.int64), 1, TOP_OWNERS)
    return {firms.owner_countries[found.country].lower(): found.country for found in top}


def _around(
    given: Whole, sums: AreaSums, whole: AreaSums, basis: str, flags: int, blind: bool, owners: Mapping[str, int],
    corrected: Corrected | None,
) -> Around:  # fmt: skip
    everybody = given.everybody[sums.kind]
    listed = everybody["businesses"][sums.area]
    known = everybody["codes" if basis == "codes" else "read"][sums.area]
    coverage = np.nan_to_num(share_of(known, listed))
    made = corrected.ends(sums.kind, sums.area) if corrected and corrected.parts else {}
    ends = {name: (found.value, found.low, found.high) for name, found in made.items()}
    years = given.firms.years
    base = given.bases[basis]
    return Around(
        coverage=coverage, nought=np.full(len(sums.area), not blind) & ((coverage > 0) | (listed == 0)),
        base=base[sums.kind], whole_base=base[ALL], whole=whole, corrected=ends, flags=flags,
        base_year=given.definitions.base_year, newest_year=years[-1] if years else None, owners=owners,
        dissolved_known=given.dissolved_known, quotient_firms=given.rules.quotient_firms,
    )  # fmt: skip


def _with_corrections(
    found: Iterable[Figure], sums: AreaSums, around: Around, corrected: Corrected | None,
    ratios: Mapping[str, tuple[float, float, float]],
) -> Iterator[Figure]:  # fmt: skip
    """Figures, each of today followed by its corrected one; other counts and sums take the correction over."""
    if corrected is None:
        yield from found
        return
    for figure in found:
        yield figure
        if corrected.parts is None:
            if figure.metric in METRICS and figure.period == LATEST and sums.kind == ALL:
                nothing = np.full(len(figure.area), np.nan)
                yield _corrected(figure, nothing, nothing, nothing, corrected, 0)
        elif figure.metric in METRICS and figure.period == LATEST:
            at = np.searchsorted(sums.area, figure.area)
            value, low, high = (ends[at] for ends in around.corrected[figure.metric])
            yield _told(_corrected(figure, value, low, high, corrected, 0), around.coverage[at])
        elif figure.additive and sums.kind != "h3":
            yield from _carried_over(figure, ratios, corrected)


def _corrected(
    figure: Figure, value: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64],
    corrected: Corrected, more: int,
) -> Figure:  # fmt: skip
    flags = (figure.flags & _OF_THE_TABLES) | bits(corrected.flags) | more
    judged = np.full(len(value), corrected.judged, dtype=np.int64)
    return Figure(
        f"{figure.metric}_corrected", figure.period, figure.area, value, judged, figure.coverage, flags, low, high
    )


def _told(figure: Figure, coverage: NDArray[np.float64]) -> Figure:
    """Without a value where nobody was read: nobody could have been found."""
    unread = (coverage == 0) & ~(figure.flags & bits(["unread_like_read"])).astype(np.bool_) & (figure.value == 0)

    def said(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        return None if values is None else np.where(unread, np.nan, values)

    flags = figure.flags | where(unread, "no_value")
    value = np.where(unread, np.nan, figure.value)
    return replace(figure, value=value, low=said(figure.low), high=said(figure.high), flags=flags)


def _ratios(whole: AreaSums, around: Around) -> dict[str, tuple[float, float, float]]:
    """Corrected over plain, of the whole list: value and both ends, for firms, employees and turnover."""
    found = {}
    for name, ends in around.corrected.items():
        plain = float(whole[name][0])
        if plain > 0:
            found[name] = (float(ends[0][0]) / plain, float(ends[1][0]) / plain, float(ends[2][0]) / plain)
    return found


def _carried_over(
    figure: Figure, ratios: Mapping[str, tuple[float, float, float]], corrected: Corrected
) -> Iterator[Figure]:
    """The same count or sum, corrected as the cluster's firms, employees or turnover are over the whole list.

    One ratio for all areas: parts add up, and nothing comes of nothing. An area's own ratio would make hundreds of
    large firms out of one, where many others stand beside it.
    """
    base = next((name for name in AMOUNTS if figure.metric.startswith(name.removesuffix("_gbp"))), METRICS[0])
    if base in ratios and len(figure.value):
        value, low, high = (figure.value * ratio for ratio in ratios[base])
        yield _corrected(figure, value, low, high, corrected, bits(["carried_over"]))
