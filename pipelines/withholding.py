"""What of a cluster is withheld: small numbers, sums that one firm dominates, and what would give these away.

Each metric is a table of its own: an area may have firms enough and one of them with a grant. A metric of an area is
withheld in every period, and all metrics are where the firms themselves are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pipelines.statistics.suppression import Rules, suppress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipelines.figure_settings import RollupConfig
    from pipelines.spreading import Ground
    from pipelines.statistics.area_sums import AreaSums, Members
    from pipelines.statistics.measures import Measures

FIRMS = "businesses"
# Table: measures whose firms are counted, by the first word of their names; measures that one firm may dominate.
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    FIRMS: (("businesses", "stock_base", "stock_newest"), ()),
    "employees": (("employees_known", "employees_at_both"), ("employees",)),
    "turnover_gbp": (("turnover_gbp_known", "turnover_gbp_at_both"), ("turnover_gbp",)),
    "incorporations": (("incorporations", "incorporated"), ()),
    "large_turnover": (("large_turnover",), ()),
    "high_growth": (("high_growth", "high_growth_foreign", "high_growth_grants"), ()),
    "foreign": (("foreign", "owner"), ()),
    "grants": (("grants_businesses",), ("grants_gbp",)),
}
# Metrics by their beginning, the longer first, and the tables that they are made of.
_MADE_OF: dict[str, tuple[str, ...]] = {
    "location_quotient_employees": ("employees",), "turnover_per_employee": ("employees", "turnover_gbp"),
    "top_5_employees": ("employees",), "top_5_turnover": ("turnover_gbp",),
    "herfindahl_employees": ("employees",), "herfindahl_turnover": ("turnover_gbp",),
    "high_growth_grants": ("high_growth", "grants"), "high_growth_foreign": ("high_growth", "foreign"),
    "high_growth": ("high_growth",), "large_turnover": ("large_turnover", "turnover_gbp"),
    "size_class": ("employees",), "specialisation_class": ("employees",), "growth_class": ("employees",),
    "stars": ("employees",), "employees": ("employees",), "turnover_gbp": ("turnover_gbp",),
    "incorporations": ("incorporations",), "foreign_owned": ("foreign",), "owners_": ("foreign",),
    "grants": ("grants",),
}  # fmt: skip
Withheld = Mapping[str, Mapping[str, "NDArray[np.bool_]"]]  # table, kind of area: in the order of its sums


def withheld(
    rules: RollupConfig, ground: Ground, rows: NDArray[np.int64], over: Mapping[str, Members],
    sums: Mapping[str, AreaSums], made: Measures,
) -> Withheld:  # fmt: skip
    """Areas withheld of each table; nothing where no rule asks for it.

    Args:
        rules: ``suppress_below`` and ``dominance``.
        ground: Where firms are.
        rows: The cluster's firms.
        over: Its members over each kind of area.
        sums: Its sums; the first kind is the whole list.
        made: Its measures.
    """
    from scipy.sparse import vstack

    limits = Rules(rules.suppress_below, rules.dominance)
    if not limits.min_firms and not limits.dominance:
        return {}
    atoms = np.unique(ground.atoms.of(rows)[1])
    areas = vstack([ground.atoms_in[kind][found.area][:, atoms] for kind, found in sums.items()], format="csr")
    kinds = np.repeat(np.arange(len(sums)), [len(found.area) for found in sums.values()])
    bounds = np.cumsum([0, *(len(one.area) for one in sums.values())])
    found = {}
    for table, (counts, amounts) in TABLES.items():
        firms = np.concatenate([_fewest(one, counts) for one in sums.values()])
        largest = np.concatenate([_largest_share(over[kind], one, made, amounts) for kind, one in sums.items()])
        hidden = suppress(areas, firms, limits.primary(firms, largest), 0, kinds, limits.min_firms).withheld
        found[table] = {kind: hidden[bounds[at] : bounds[at + 1]] for at, kind in enumerate(sums)}
    return found


def hidden_of(metric: str, kind: str, found: Withheld) -> NDArray[np.bool_] | None:
    """Areas of a kind in which a metric is withheld, in the order of its sums; None where no rule is on."""
    if not found:
        return None
    base = metric.removesuffix("_corrected")
    made_of = next((of for name, of in _MADE_OF.items() if base.startswith(name)), ())
    hidden = found[FIRMS][kind]
    for table in made_of:
        hidden = hidden | found[table][kind]
    return hidden


def _fewest(sums: AreaSums, counts: tuple[str, ...]) -> NDArray[np.int64]:
    """The smallest number of firms behind any of the measures, in any period, where there are any."""
    names = [name for name in sums.names if name.partition(" ")[0] in counts]
    if not names:
        return np.zeros(len(sums.area), dtype=np.int64)
    found = np.stack([sums.n(name) for name in names])
    none = np.iinfo(np.int64).max
    least = np.where(found > 0, found, none).min(axis=0)
    return np.where(least == none, 0, least)


def _largest_share(members: Members, sums: AreaSums, made: Measures, amounts: tuple[str, ...]) -> NDArray[np.float64]:
    """Largest firm's share of an area's amount, in the period in which it is largest; nan where there is none."""
    place = np.full(len(sums.codes), -1, dtype=np.int64)
    place[sums.area] = np.arange(len(sums.area))
    at = place[members.area]
    most = np.full(len(sums.area), np.nan)
    for name in (name for name in made.names if name.partition(" ")[0] in amounts):
        values = np.abs(made.matrix[members.row, made.place[name]] * members.weight)
        largest, total = np.zeros(len(sums.area)), np.bincount(at, weights=values, minlength=len(sums.area))
        np.maximum.at(largest, at, values)
        most = np.fmax(most, np.divide(largest, total, out=np.full(len(total), np.nan), where=total > 0))
    return most
