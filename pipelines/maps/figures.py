"""The figures of a cluster's hexagons out of the table ``cells``, and how each is said in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.geography.areas import UNKNOWN
from pipelines.maps.classes import METRICS, Metric

if TYPE_CHECKING:
    import pandas as pd

SUPPRESSED = "suppressed"
H3, LATEST, CORRECTED = "h3", "latest", "_corrected"
# Said of the whole cluster, or by the figure itself.
_UNSAID = {
    "uncorrected", "no_interval", "no_value", "not_trained", "gathered", "part_not_trained", "few_firms", SUPPRESSED,
}  # fmt: skip
_UNITS = {"businesses": ("business", "businesses"), "employees": ("employee", "employees")}
NOT_KNOWN, WITHHELD = "not known", "withheld"


@dataclass(frozen=True)
class Figure:
    """A figure of a hexagon; ``value`` is None where it is withheld or not known."""

    metric: Metric
    value: float | None
    withheld: bool
    flags: tuple[str, ...] = ()
    corrected: tuple[float, float] | None = None  # ends of the interval

    def in_table(self) -> str:
        """The figure alone."""
        return self.metric.text(self.value) if self.value is not None else WITHHELD if self.withheld else NOT_KNOWN

    def in_words(self, labels: dict[str, str]) -> str:
        """The figure with its unit, the interval after correction, and what it cannot say."""
        text, one, many = self.in_table(), *_UNITS.get(self.metric.key, ("", ""))
        if self.value is None:
            said = f"{self.metric.name.lower()} {text}"
        else:
            said = f"{text} {one if text == '1' else many}" if one else f"{self.metric.name.lower()} {text}"
        added = []
        if self.corrected and self.value is not None:
            low, high = map(self.metric.text, self.corrected)
            added.append(f"corrected {low} to {high}")
        added += [labels.get(flag, flag) for flag in self.flags if flag not in _UNSAID]
        return f"{said} ({'; '.join(added)})" if added else said


Figures = tuple[Figure, ...]


def hexagon_figures(cells: pd.DataFrame) -> dict[str, Figures]:
    """Figures of each hexagon of a cluster, in the order of ``METRICS``; ``unknown`` is among them.

    Args:
        cells: Rows of the table ``cells`` of one cluster; other areas, metrics and periods are passed over.
    """
    wanted = {metric.key for metric in METRICS} | {metric.key + CORRECTED for metric in METRICS}
    mine = cells[(cells["area_kind"] == H3) & (cells["period"] == LATEST) & cells["metric"].isin(wanted)]
    columns = (mine[name].tolist() for name in ("area_code", "metric", "value", "low", "high", "flags"))
    found: dict[str, dict[str, Any]] = {}
    for code, metric, value, low, high, flags in zip(*columns, strict=True):
        found.setdefault(code, {})[metric] = (_number(value), _number(low), _number(high), tuple(flags))
    return {code: tuple(_figure(metric, held) for metric in METRICS) for code, held in sorted(found.items())}


def place_figures(figures: Sequence[Figures]) -> float:
    """Businesses of hexagons together, without those withheld."""
    return sum(found[0].value or 0.0 for found in figures)


def unknown_note(figures: Figures | None) -> str | None:
    """What to say of the firms that are on no map."""
    if figures is None or (figures[0].value == 0 and not figures[0].withheld):
        return None
    said = figures[0].in_words({}) if figures[0].value is None else figures[0].in_table()
    if figures[0].value is None:
        return f"Of the firms whose place is not known, {said}."
    verb = "business has" if said == "1" else "businesses have"
    return f"{said} {verb} no place on this map: no address with a postcode of Great Britain is known of them."


def _figure(metric: Metric, held: dict[str, Any]) -> Figure:
    value, _, _, flags = held.get(metric.key, (None, None, None, ()))
    corrected = held.get(metric.key + CORRECTED)
    interval = corrected[1:3] if corrected and None not in corrected[1:3] else None
    return Figure(metric, value, SUPPRESSED in flags, flags, interval)


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


__all__ = ["UNKNOWN", "Figure", "Figures", "hexagon_figures", "place_figures", "unknown_note"]
