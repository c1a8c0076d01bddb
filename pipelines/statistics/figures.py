"""A cluster's figures in the areas of one kind, out of sums over its firms.

The plain figures of today always stand there, null where nothing is known; the others only where they can be said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.area_sums import AreaSums, Members
from pipelines.statistics.classes import classes
from pipelines.statistics.concentration import TOP_FIRMS, concentration
from pipelines.statistics.figure_records import LATEST, Around, Figure, Floats, kept
from pipelines.statistics.flags import FEW_VALUES, LOW_COVERAGE, bits, where
from pipelines.statistics.growth import growth
from pipelines.statistics.measures import AMOUNTS, Measures
from pipelines.statistics.quotients import Squares, location_quotient, relative_variance
from pipelines.statistics.shares import share_of

FEW_DATES = 0.8  # a convention, as LOW_COVERAGE: under four fifths dated, growth says more about dates than about firms
CLASSES = 3
STARRED = frozenset({"region", "cauth", "utla", "lad"})


def figures(sums: AreaSums, members: Members, measures: Measures, around: Around) -> Iterator[Figure]:
    """Every figure of the cluster in the areas of ``sums``."""
    yield from _of_today(sums, around)
    if sums.kind != "h3":
        yield from _of_years(sums, around)
    grown = dict(_growth(sums, around))
    yield from grown.values()
    yield from _sizes_and_owners(sums, around)
    quotients = list(_quotients(sums, around))
    yield from quotients
    if sums.kind != "h3":
        yield from _concentration(sums, members, measures, around)
    if sums.kind in STARRED:
        yield from _stars(sums, quotients, grown, around)


def _of_today(sums: AreaSums, around: Around) -> Iterator[Figure]:
    found = sums["businesses"]
    flags = around.flags | where(around.coverage < LOW_COVERAGE, "low_coverage")
    nobody = (found == 0) & ~around.nought
    without, distorted = _without(sums, "businesses")
    yield Figure(
        "businesses", LATEST, sums.area, np.where(nobody, np.nan, found), sums.n("businesses"), around.coverage,
        flags | where(nobody, "no_value") | distorted, without=without,
    )  # fmt: skip
    for name in AMOUNTS:
        known = sums[f"{name}_known"]
        share = np.minimum(np.nan_to_num(share_of(known, sums["firms"])), 1.0)
        none, imputed = known == 0, sums[f"{name}_imputed"]
        said = flags | where(none, "no_value") | where(~none & (share < FEW_VALUES), "few_values")
        said |= where(sums.n(f"{name}_estimated") > 0, "imputed_values")
        total = np.where(none, np.nan, sums[name])
        without, distorted = _without(sums, name)
        yield Figure(
            name, LATEST, sums.area, total, sums.n(f"{name}_known"), share, said | distorted, without=without,
            imputed_share=np.where(none, np.nan, np.nan_to_num(share_of(imputed, sums[name]))),
        )  # fmt: skip


def _without(sums: AreaSums, name: str) -> tuple[Floats | None, NDArray[np.int64]]:
    """The figure without what distorts it, and its flag, where that makes a difference."""
    if f"{name}_without" not in sums:
        return None, np.zeros(len(sums.area), dtype=np.int64)
    other = ~np.isclose(sums[name], sums[f"{name}_without"], rtol=1e-12, atol=0)
    return np.where(other, sums[f"{name}_without"], np.nan), where(other, "distorted")


def _of_years(sums: AreaSums, around: Around) -> Iterator[Figure]:
    flags = _dated(sums, around)
    dated = np.nan_to_num(share_of(sums["dated"], sums["firms"]))
    for name in sums.names:
        metric, _, year = name.partition(" ")
        if not year or metric == "owner":
            continue
        total = sums[name]
        if metric in ("businesses", "incorporations"):
            if around.whole[name][0] or metric == "businesses":
                yield kept(Figure(metric, year, sums.area, total, sums.n(name), dated, flags), total > 0)
        elif metric in AMOUNTS:
            known, stock = sums[f"{metric}_known {year}"], sums[f"firms {year}"]
            share = np.minimum(np.nan_to_num(share_of(known, stock)), 1.0)
            said = around.flags | where(share < FEW_VALUES, "few_values")
            made = Figure(metric, year, sums.area, total, sums.n(f"{metric}_known {year}"), share, said)
            yield kept(made, known > 0)


def _growth(sums: AreaSums, around: Around) -> Iterator[tuple[str, Figure]]:
    if "stock_base" not in sums or around.base_year is None or around.newest_year is None:
        return
    years = around.newest_year - around.base_year
    period = f"{around.base_year}-{around.newest_year}"
    flags = _dated(sums, around)
    dated = np.nan_to_num(share_of(sums["dated"], sums["firms"]))
    firms = growth(sums["stock_base"], sums["stock_newest"], years).share
    yield (
        "businesses",
        kept(
            Figure("businesses_growth", period, sums.area, firms, sums.n("stock_base"), dated, flags, additive=False),
            np.isfinite(firms),
        ),
    )
    for name in AMOUNTS:
        grown = growth(sums[f"{name}_at_base"], sums[f"{name}_at_newest"], years).share
        share = np.minimum(np.nan_to_num(share_of(sums[f"{name}_at_both"], sums["firms"])), 1.0)
        said = around.flags | bits(["same_firms"]) | where(share < FEW_VALUES, "few_values")
        made = Figure(
            f"{name}_growth", period, sums.area, grown, sums.n(f"{name}_at_both"), share, said, additive=False
        )
        yield name, kept(made, np.isfinite(grown))
    begun = sums["incorporated"]
    window = f"{around.base_year + 1}-{around.newest_year}"
    yield (
        "incorporations",
        kept(Figure("incorporations", window, sums.area, begun, sums.n("incorporated"), dated, flags), begun > 0),
    )


def _sizes_and_owners(sums: AreaSums, around: Around) -> Iterator[Figure]:
    found = sums["firms"]

    def count(metric: str, name: str, known: str, few: str = "few_values") -> Figure:
        share = np.minimum(np.nan_to_num(share_of(sums[known], found)), 1.0)
        said = around.flags | where(share < FEW_VALUES, few)
        some = sums[name] > 0 if name.startswith("owner ") else _said(sums, known, name)
        return kept(Figure(metric, LATEST, sums.area, sums[name], sums.n(name), share, said), some)

    yield count("large_turnover_businesses", "large_turnover", "turnover_gbp_reported_known")
    yield count("high_growth_businesses", "high_growth", "high_growth_known")
    for metric, name in (("grants", "high_growth_grants"), ("foreign_owned", "high_growth_foreign")):
        if around.whole[name][0]:
            yield count(f"high_growth_{metric}_businesses", name, "high_growth_known")
    yield count("foreign_owned_businesses", "foreign", "owner_known", "few_owners_known")
    for code, number in around.owners.items():
        yield count(f"owners_{code}", f"owner {number}", "owner_known", "few_owners_known")
    everybody = np.ones(len(found))
    said = np.full(len(found), around.flags)
    for metric in ("grants_gbp", "grants_businesses"):
        if around.whole["grants_businesses"][0]:
            made = Figure(metric, LATEST, sums.area, sums[metric], sums.n("grants_businesses"), everybody, said)
            yield kept(made, sums[metric] > 0 if sums.kind == "h3" else found > 0)
    owned = share_of(sums["foreign"], sums["owner_known"])
    share = np.nan_to_num(share_of(sums["owner_known"], found))
    few = around.flags | where(share < FEW_VALUES, "few_owners_known")
    yield kept(
        Figure("foreign_owned_share", LATEST, sums.area, owned, sums.n("owner_known"), share, few, additive=False),
        np.isfinite(owned),
    )
    each = share_of(sums["turnover_of_both"], sums["employees_of_both"])
    both = np.nan_to_num(share_of(sums["firms_of_both"], found))
    few = around.flags | where(both < FEW_VALUES, "few_values")
    yield kept(
        Figure(
            "turnover_per_employee_gbp", LATEST, sums.area, each, sums.n("firms_of_both"), both, few, additive=False
        ),
        np.isfinite(each),
    )


def _quotients(sums: AreaSums, around: Around) -> Iterator[Figure]:
    base = np.searchsorted(around.base.area, sums.area)
    for metric, name in (("location_quotient", "businesses"), ("location_quotient_employees", "employees")):
        # Only reported employees of untrimmed firms are compared: so is the base.
        x, X = sums[f"quotient_{name}"], around.whole[f"quotient_{name}"][0]
        n, N = around.base[name][base], around.whole_base[name][0]
        firms = sums.n("quotient_businesses" if name == "businesses" else "quotient_known")
        if not X or not N:
            continue
        squares = None
        if name == "employees":
            squares = Squares(
                sums["quotient_squared"], around.base["employees_squared"][base],
                around.whole["quotient_squared"][0], around.whole_base["employees_squared"][0],
            )  # fmt: skip
        extra = relative_variance(*around.corrected[name]) if name in around.corrected else 0.0
        found = location_quotient(
            np.minimum(x, n), n, X, N, squares=squares, firms=firms, minimum=around.quotient_firms,
            extra_variance=extra,
        )  # fmt: skip
        few = found.reason == "too_few_firms"
        said = (around.flags & ~bits(["no_interval"])) | where(few, "few_firms")
        yield kept(
            Figure(
                metric, LATEST, sums.area, found.value, firms, around.coverage, said, found.low, found.high,
                additive=False,
            ),
            np.isfinite(found.value) | (few & (firms > 0) & (sums.kind != "h3")),
        )  # fmt: skip


def _concentration(sums: AreaSums, members: Members, measures: Measures, around: Around) -> Iterator[Figure]:
    place = np.full(len(sums.codes), -1, dtype=np.int64)
    place[sums.area] = np.arange(len(sums.area))
    for name in AMOUNTS:
        known = measures.matrix[members.row, measures.place[f"{name}_reported_known"]] > 0
        value = measures.matrix[members.row, measures.place[f"{name}_reported"]] * members.weight
        value = np.where(known, value, np.nan)
        made = concentration(value, place[members.area], len(sums.area))
        share = np.minimum(np.nan_to_num(share_of(sums[f"{name}_reported_known"], sums["firms"])), 1.0)
        said = around.flags | where(share < FEW_VALUES, "few_values")
        measure = name.removesuffix("_gbp")
        for metric, found in (
            (f"top_{TOP_FIRMS}_{measure}_share", made.top),
            (f"herfindahl_{measure}", made.herfindahl),
        ):
            yield kept(
                Figure(metric, LATEST, sums.area, found, made.firms, share, said, additive=False), np.isfinite(found)
            )


def _stars(sums: AreaSums, quotients: list[Figure], grown: Mapping[str, Figure], around: Around) -> Iterator[Figure]:
    """Stars of the European Cluster Observatory: for size, specialisation and growth, of the cluster's areas."""
    placed = np.array([sums.codes[area] != "unknown" for area in sums.area], dtype=np.bool_)
    by_jobs = around.whole["quotient_known"][0] > 0 and any(at.metric.endswith("_employees") for at in quotients)
    name = "employees" if by_jobs else "businesses"
    quotient = next((at for at in quotients if at.metric.endswith("_employees") == by_jobs), None)
    value, low = (_aligned(sums.area, quotient, found) for found in ("value", "low"))
    growing = _aligned(sums.area, grown.get(name) or grown.get("businesses"), "value")
    if "stock_base" in sums:  # from one firm to three is no star
        growing[sums["stock_base"] < around.quotient_firms] = np.nan
    at = np.flatnonzero(placed)
    made = classes(sums[name][at], value[at], growing[at], quotient_low=low[at])
    said = around.flags | where(made.judged < CLASSES, "not_all_classes")
    for metric, found in (
        ("size_class", made.size), ("specialisation_class", made.specialisation), ("growth_class", made.growth),
        ("stars", made.stars),
    ):  # fmt: skip
        figure = Figure(
            metric, LATEST, sums.area[at], found, sums.n("businesses")[at], around.coverage[at], said, additive=False
        )
        yield kept(figure, np.isfinite(found))


def _aligned(area: NDArray[np.int64], figure: Figure | None, column: str) -> Floats:
    found = np.full(len(area), np.nan)
    values = None if figure is None else getattr(figure, column)
    if figure is not None and values is not None:
        found[np.searchsorted(area, figure.area)] = values
    return found


def _dated(sums: AreaSums, around: Around) -> NDArray[np.int64]:
    dated = np.nan_to_num(share_of(sums["dated"], sums["firms"]), nan=1.0)
    flags = around.flags | where(dated < FEW_DATES, "few_dates")
    return flags if around.dissolved_known else flags | bits(["survivors_only"])


def _said(sums: AreaSums, known: str, name: str) -> NDArray[np.bool_]:
    """Where a count can be said: something is known of the firms; hexagons are spared their noughts."""
    return np.asarray(sums[name] > 0 if sums.kind == "h3" else sums[known] > 0)
