"""What a firm list says of each firm beyond its sectors: place on the map, where its figures come from, and flags.

Everything here may be missing: a list without it has empty columns, never another order of columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.evidence_rows import neighbour_name
from pipelines.exporting.columns import FIRM_FLAGS, NEAR
from pipelines.firm_facts import Place
from pipelines.frames import rows
from pipelines.geography.areas import shipped

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    import pyarrow as pa

_SAME = 1e-9  # what is exactly NEAR away is not nearer


@dataclass(frozen=True)
class Source:
    """Where a firm's newest figure comes from."""

    on: date | None = None
    source: str | None = None
    estimated: bool | None = None


@dataclass(frozen=True)
class Beside:
    """Further tables of the same moment; what is None is not known, and flags that need it are not set."""

    settled: pa.Table | None = None  # accounts as of ``pipelines.sources.precedence.settle``
    near_misses: pd.DataFrame | None = None
    matches: pd.DataFrame | None = None
    distortions: pd.DataFrame | None = None
    classified: Collection[str] | None = None  # firms whose words, as they stand, were classified


@dataclass(frozen=True)
class FirmFacts:
    """Facts by firm_id, and how to make the columns of them."""

    points: Mapping[tuple[str, str | None, str | None], tuple[float | None, float | None, str | None]]
    employees: Mapping[str, Source]
    turnover: Mapping[str, Source]
    flags: Mapping[str, set[str]]
    remarks: Mapping[str, list[str]]
    names: Mapping[str, str]
    placed: frozenset[str]

    def place(self, firm_id: str, place: Place) -> tuple[Any, ...]:
        """Columns district, region_code, region, lat, lon, h3."""
        district = shipped().district(place.lad_code) if place.lad_code else None
        named = (district.lad_name, district.region_code, district.region_name) if district else (None, None, None)
        return (*named, *self.points.get((firm_id, place.postcode, place.lad_code), (None, None, None)))

    def amounts(self, firm_id: str) -> tuple[Any, ...]:
        """Columns on, source and estimated of employees, then of turnover."""
        one, other = self.employees.get(firm_id, Source()), self.turnover.get(firm_id, Source())
        return one.on, one.source, one.estimated, other.on, other.source, other.estimated

    def nearest(self, firm_ids: Sequence[str] | None) -> list[str] | None:
        """Names of labelled firms."""
        return None if firm_ids is None else [neighbour_name(firm_id, self.names) for firm_id in firm_ids]

    def flags_of(self, firm_id: str) -> list[str]:
        """Flags in the order in which they are listed."""
        mine = self.flags.get(firm_id, set())
        return [name for name in FIRM_FLAGS if name in mine or (name == "no_place" and firm_id not in self.placed)]

    def remarks_of(self, firm_id: str) -> str | None:
        """Sentences of the distortions in which the firm takes part."""
        return " ".join(self.remarks.get(firm_id, ())) or None


def firm_facts(
    firms: pd.DataFrame, premises: pd.DataFrame, sites: pd.DataFrame, assignments: pd.DataFrame, beside: Beside
) -> FirmFacts:
    """Facts of all firms of a list."""
    flags: dict[str, set[str]] = {}
    remarks: dict[str, list[str]] = {}

    def flag(firm_ids: Iterable[str], name: str) -> None:
        for firm_id in firm_ids:
            flags.setdefault(firm_id, set()).add(name)

    decided = list(lenient_rows(assignments, ("firm_id", "assigned", "probability", "threshold", "model_id")))
    flag((row[0] for row in decided if row[1] and _near(row[2], row[3])), "near_threshold")
    if beside.classified is not None:
        flag((row[0] for row in decided if row[4] is not None and row[0] not in beside.classified), "stale_words")
    if beside.near_misses is not None:
        model = {row[0]: row[4] for row in decided}
        for firm_id, chance, threshold, model_id in lenient_rows(
            beside.near_misses, ("firm_id", "probability", "threshold", "model_id")
        ):
            if model.get(firm_id) == model_id and _near(chance, threshold):
                flag([firm_id], "near_miss")
    visits = lenient_rows(sites, ("firm_id", "failures", "last_ok_at"))
    flag((firm_id for firm_id, failures, read in visits if failures and read is not None), "old_words")
    if beside.matches is not None:
        known: dict[str, bool] = {}
        for firm_id, matched in rows(beside.matches, ("firm_id", "matched")):
            known[firm_id] = known.get(firm_id, False) or bool(matched)
        flag((firm_id for firm_id, matched in known.items() if not matched), "site_not_recognised")
    if beside.distortions is not None:
        for kind, firm_ids, sentence in rows(beside.distortions, ("kind", "firm_ids", "sentence")):
            flag(firm_ids, kind)
            for firm_id in firm_ids:
                if sentence not in remarks.setdefault(firm_id, []):
                    remarks[firm_id].append(sentence)
    points, placed = _points(premises)
    return FirmFacts(
        points, newest_sources(beside.settled, "employees"), newest_sources(beside.settled, "turnover_gbp"), flags,
        remarks, dict(rows(firms, ("firm_id", "name"))), placed,
    )  # fmt: skip


def newest_sources(settled: pa.Table | None, amount: str) -> dict[str, Source]:
    """Where each firm's newest ``employees`` or ``turnover_gbp`` comes from, by firm_id."""
    if settled is None:
        return {}
    word = amount.removesuffix("_gbp")
    columns = ["firm_id", "period_end", amount, f"{word}_source", f"{word}_imputed"]
    newest: dict[str, Source] = {}
    for firm_id, period_end, value, source, imputed in zip(
        *(settled[name].to_pylist() for name in columns), strict=True
    ):
        before = newest.get(firm_id)
        if value is not None and (before is None or before.on is None or period_end > before.on):
            newest[firm_id] = Source(period_end, source, bool(imputed))
    return newest


def lenient_rows(frame: pd.DataFrame, columns: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    """Rows as :func:`pipelines.frames.rows` gives them; a column that the frame lacks is None throughout."""
    held = [name for name in columns if name in frame.columns]
    at = {name: place for place, name in enumerate(held)}
    for row in rows(frame, held):
        yield tuple(row[at[name]] if name in at else None for name in columns)


def _near(chance: float | None, threshold: float | None) -> bool:
    return chance is not None and threshold is not None and abs(chance - threshold) < NEAR - _SAME


def _points(
    premises: pd.DataFrame,
) -> tuple[dict[tuple[str, str | None, str | None], tuple[Any, Any, Any]], frozenset[str]]:
    """Coordinates and hexagon by firm, postcode and district, and the firms that have any."""
    points: dict[tuple[str, str | None, str | None], tuple[Any, Any, Any]] = {}
    found = lenient_rows(premises, ("firm_id", "postcode", "lad_code", "lat", "lon", "h3"))
    for firm_id, postcode, lad_code, lat, lon, h3 in sorted(found, key=repr):
        if lat is not None and lon is not None:
            points.setdefault((firm_id, postcode or None, lad_code or None), (lat, lon, h3))
    return points, frozenset(firm_id for firm_id, *_ in points)
