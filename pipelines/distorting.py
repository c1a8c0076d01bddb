"""What distorts the figures of a list: found, named, and what a figure leaves out or counts as one for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.geography.areas import name_of
from pipelines.statistics.company_groups import groups
from pipelines.statistics.distortions import LEFT_OUT, Distortion, Facts, Members, Names, find, without
from pipelines.statistics.imputing import impute, size_bands
from pipelines.statistics.measures import AMOUNTS, Counted, amounts_of, counted

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from pipelines.figure_settings import RollupConfig
    from pipelines.memberships import Membership
    from pipelines.spreading import Ground
    from pipelines.statistics.firm_columns import FirmColumns

OTHER = {"employees": "turnover_gbp", "turnover_gbp": "employees"}  # by which the other figure's gaps are filled


class Texts(Sequence[str]):
    """A column of texts of which few are looked at."""

    def __init__(self, column: pa.Array) -> None:
        """Args: the column, without nulls."""
        self._column = column

    def __getitem__(self, place: Any) -> Any:
        return self._column[place].as_py()

    def __len__(self) -> int:
        return len(self._column)


@dataclass(frozen=True)
class Prepared:
    """Every cluster's members as they count, and what was found among them."""

    counted: Mapping[str, Counted]
    distortions: tuple[tuple[str, Distortion], ...]  # cluster, what was found


def prepared(
    firms: FirmColumns, ground: Ground, members: Mapping[str, Membership], rules: RollupConfig, names: pa.ChunkedArray
) -> Prepared:
    """Members of all clusters under the rules for distortions and missing amounts.

    Args:
        firms: All firms.
        ground: Where they are.
        members: Members of each cluster.
        rules: What to do about distortions, and about firms without employees or turnover.
        names: Names of the firms, in their order.
    """
    keys = tuple(members)
    today = {key: found.firms[firms.counts[found.firms]] for key, found in members.items()}
    pairs = _pairs([today[key] for key in keys])
    facts = _facts(firms, ground)
    found = find(facts, pairs, ground.hexagons, _names(firms, ground, names)) if len(pairs.firm) else []
    grouped = rules.distortions == "group_by_parent"  # then firms of one parent are one already
    keeps = {
        measure: without([one for one in found if not (grouped and one.kind == "one_parent")], pairs, facts, measure)
        for measure in LEFT_OUT
    }
    filled = _filled(firms, pairs) if rules.missing_amounts == "by_sector_and_size" else {}
    group = groups(firms.parent, firms.parent_key) if grouped else None
    made = {}
    for number, key in enumerate(keys):
        part = slice(int(pairs.starts[number]), int(pairs.starts[number + 1]))
        inside = np.flatnonzero(firms.counts[members[key].firms])
        made[key] = _counted(
            counted(firms, members[key].firms, members[key].weight), inside, rules,
            {measure: keep[part] for measure, keep in keeps.items()},
            {name: (values[part], estimated[part]) for name, (values, estimated) in filled.items()}, group,
        )  # fmt: skip
    return Prepared(made, tuple((keys[one.cluster], one) for one in found))


def _counted(
    plain: Counted, inside: NDArray[np.int64], rules: RollupConfig, keeps: Mapping[str, NDArray[np.bool_]],
    filled: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]], group: NDArray[np.int32] | None,
) -> Counted:  # fmt: skip
    weight, of_amount = plain.weight.copy(), {name: found.copy() for name, found in plain.of_amount.items()}
    newest = {name: found.copy() for name, found in plain.newest.items()}
    estimated = {name: found.copy() for name, found in plain.estimated.items()}
    for name, (values, guessed) in filled.items():
        newest[name][inside] = values
        estimated[name][inside] |= guessed
    said: dict[str, NDArray[np.bool_]] = {}
    for measure, keep in keeps.items():
        every = np.ones(len(plain.rows), dtype=np.bool_)
        every[inside] = keep
        if every.all():
            continue
        if rules.distortions == "trim":
            (weight if measure == "businesses" else of_amount[measure])[~every] = 0.0
        else:
            said[measure] = every
    of_owner = None if group is None else np.unique(group[plain.rows], return_inverse=True)[1].astype(np.int64)
    return Counted(plain.rows, weight, of_amount, plain.weight, newest, estimated, said, of_owner)


def _pairs(members: Sequence[NDArray[np.int64]]) -> Members:
    starts = np.concatenate([[0], np.cumsum([len(found) for found in members])]).astype(np.int64)
    return Members(starts, np.concatenate([*members, np.zeros(0, dtype=np.int64)]))


def _facts(firms: FirmColumns, ground: Ground) -> Facts:
    def at_year(place: int) -> NDArray[np.float64] | None:
        return firms.employees.by_year[:, place] if len(firms.years) >= -place else None

    return Facts(
        firms.counts, firms.parent_key, ground.registered_postcode, ground.registered_district, firms.employees.newest,
        firms.turnover_gbp.newest, at_year(-2),
    )  # fmt: skip


def _names(firms: FirmColumns, ground: Ground, names: pa.ChunkedArray) -> Names:
    def firm_id(place: int) -> str:
        return str(firms.firm_ids[place])

    def parent(key: int) -> str:
        return str(firms.firm_ids[key]) if key < len(firms) else str(firms.parents_outside[key - len(firms)])

    districts = [name_of("lad", code) for code in ground.districts]
    return Names(firm_id, lambda place: str(names[place]), parent, Texts(ground.postcodes), districts)


def _filled(firms: FirmColumns, pairs: Members) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Employees and turnover of all pairs with their gaps filled."""
    found = {}
    for name in AMOUNTS:
        values, other = amounts_of(firms, name).newest, OTHER[name]
        band = size_bands(amounts_of(firms, other).newest, "employees" if other == "employees" else "turnover_gbp")
        made = impute(values, np.isfinite(values) & (values >= 0) & firms.counts, band, pairs.starts, pairs.firm)
        found[name] = (made.values, made.estimated)
    return found
