"""The figures above the lists at two moments, as the table ``cells`` had them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.rollup import ALL, LATEST, METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.moments import PastMoment


@dataclass(frozen=True)
class Headline:
    """One figure of one list, for the whole firm list; None where it was not known."""

    key: str
    metric: str
    before: float | None
    after: float | None


def headlines(before: PastMoment, after: PastMoment, keys: Sequence[str]) -> tuple[Headline, ...]:
    """Businesses, employees and turnover of these lists that are not the same at both moments."""
    was, now = _figures(before), _figures(after)
    pairs = ((key, metric) for key in keys for metric in METRICS)
    return tuple(
        Headline(key, metric, was.get((key, metric)), now.get((key, metric)))
        for key, metric in pairs
        if was.get((key, metric)) != now.get((key, metric))
    )


def _figures(moment: PastMoment) -> dict[tuple[str, str], float | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = moment.read_arrow("cells", ["cluster", "area_kind", "metric", "period", "value"])
    of_all = pc.and_(pc.equal(cells["area_kind"], ALL), pc.equal(cells["period"], LATEST))
    asked = pc.is_in(cells["metric"], value_set=pa.array(list(METRICS), pa.string()))
    rows = cells.filter(pc.and_(of_all, asked)).to_pylist()
    return {(row["cluster"], row["metric"]): row["value"] for row in rows}
