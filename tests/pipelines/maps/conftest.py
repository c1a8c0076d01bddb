"""Ground to draw maps on, and cells of a cluster as the roll-up would write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h3
import numpy as np
import pandas as pd
import pytest

from pipelines.geography.areas import shipped
from pipelines.geography.lookup import lookup_folder, open_lookup
from pipelines.geography.outlines_made import district_hexagons, shipped_outlines
from pipelines.maps.ground import Ground

COLUMNS = ("cluster", "area_kind", "area_code", "metric", "period", "value", "low", "high", "n", "coverage", "flags")
NOTTINGHAM = h3.latlng_to_cell(52.9536, -1.1505, 8)
DERBY = h3.latlng_to_cell(52.9228, -1.4766, 8)
BIRMINGHAM = h3.latlng_to_cell(52.4814, -1.8998, 8)
PARIS = h3.latlng_to_cell(48.8566, 2.3522, 8)
BELFAST = h3.latlng_to_cell(54.597, -5.93, 8)


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Shipped outlines and the real postcode directory."""
    folder: Path = lookup_folder(tmp_path_factory.getbasetemp() / "lookup")
    return Ground(shipped_outlines(), district_hexagons(open_lookup(folder), folder), shipped())


def rows(
    code: str, businesses: float | None = 1.0, employees: float | None = 10.0, turnover: float | None = 1e6,
    flags: Sequence[str] = (), corrected: tuple[float, float] | None = None,
) -> list[tuple[object, ...]]:  # fmt: skip
    """Rows of one hexagon."""
    values = {"businesses": businesses, "employees": employees, "turnover_gbp": turnover}
    made = [_row(code, metric, value, None, list(flags)) for metric, value in values.items()]
    if corrected:
        made += [_row(code, f"{metric}_corrected", 1.0, corrected, []) for metric in values]
    return made


def cells(*found: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    """The frame of a cluster's cells, with a district and a year beside, which are no part of a map."""
    others: list[tuple[object, ...]] = [
        ("air", "lad", "E06000018", "businesses", "latest", 9.0, np.nan, np.nan, 9, 1.0, []),
        ("air", "h3", NOTTINGHAM, "businesses", "2019", 7.0, np.nan, np.nan, 7, 1.0, []),
    ]
    return pd.DataFrame([*others, *(row for part in found for row in part)], columns=list(COLUMNS))


def many(number: int) -> pd.DataFrame:
    """So many hexagons around Birmingham, some withheld, with figures that differ."""
    disk: list[str] = sorted(h3.grid_disk(BIRMINGHAM, 40))
    random = np.random.default_rng(7)
    chosen = random.choice(disk, number, replace=False).tolist()
    counts, people = random.geometric(0.5, number), np.exp(random.normal(2, 1.3, number)).round()
    made = []
    for place, code in enumerate(chosen):
        if place % 25:
            firms, staff = float(counts[place]), float(people[place])
            made.append(rows(code, firms, staff, staff * 9e4, corrected=(0.5, 22.4)))
        else:
            made.append(rows(code, None, None, None, flags=("suppressed",)))
    return cells(*made)


def _row(
    code: str, metric: str, value: float | None, interval: tuple[float, float] | None, flags: list[str]
) -> tuple[object, ...]:
    low, high = interval or (np.nan, np.nan)
    return ("air", "h3", code, metric, "latest", np.nan if value is None else value, low, high, 1, 1.0, flags)
