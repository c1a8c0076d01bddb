"""Count the firms of every cluster, and add up their employees and turnover, for the whole list and by area.

Every sector is a cluster of its key; those that ``taxonomy.yaml`` gathers of sectors and SIC codes are counted beside
them. Parts add up: the areas of a kind, the area ``unknown`` among them, hold exactly the firms of ``all``. Clusters do
not: a firm in two clusters is counted in both. A count of nobody is null, not 0, where nobody could have been found.
A corrected figure never takes the place of the plain one: it is a metric of its own beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

from pipelines.containers import gather
from pipelines.errors import TableError
from pipelines.firm_facts import AMOUNTS, Amount, Place, left_out, newest_amounts, places
from pipelines.frames import rows

if TYPE_CHECKING:
    import pandas as pd

    from labels.taxonomy import Taxonomy

ALL = "all"
UNKNOWN = "unknown"
AREA_KINDS = (ALL, "lad", "postcode_area")
METRICS = ("businesses", *AMOUNTS)
CORRECTED = {metric: f"{metric}_corrected" for metric in METRICS}
PERIOD = "latest"

# Conventions, not measurements: under four fifths read, the unread firms can outweigh most differences between areas;
# under half known, a sum says more about who files accounts than about the cluster. Look again with the error bars.
LOW_COVERAGE = 0.8
FEW_VALUES = 0.5
MIN_TWICE = 0.8

FLAGS: dict[str, str] = {
    "uncorrected": "The count takes the classifier's word for every firm; its errors have not been corrected for.",
    "no_interval": "The plain figure has no error bar; a corrected one, where there is one, has its own.",
    "low_coverage": f"Fewer than {LOW_COVERAGE:.0%} of the area's firms in the list were read and classified.",
    "few_values": f"Fewer than {FEW_VALUES:.0%} of the firms counted have a known value; the sum leaves out the rest.",
    "no_value": "Nothing is known: no firm was read and classified, or none that is counted here has a known value.",
    "not_trained": "The model had too few examples of this sector to find firms; those counted came through its parts.",
    "gathered": (
        "A cluster that gathers sectors and SIC codes: a firm counts once, in however many of them it is. No corrected "
        "figure is made of it."
    ),
    "part_not_trained": (
        "The model had too few examples of some of the sectors gathered here: their firms are missing, unless a SIC "
        "code or a part brings them in."
    ),
    "imputed_values": "Part of the sum was estimated, not reported.",
    "corrected_by_audit": "Corrected by an audit sample of these firms (calibration estimator).",
    "corrected_by_error_rates": (
        "Corrected by error rates of an audit of other firms (misclassification estimator): right as long as members "
        "and others look here as they did there."
    ),
    "from_training_errors": (
        "Corrected by the errors on the training firms, which nobody drew at random; an audit sample would be a "
        "measurement, this is a guess with a formula."
    ),
    "single_coder": f"Fewer than {MIN_TWICE:.0%} of the firms judged in the audit were judged by two coders.",
    "giants_uncorrected": "A firm so large that it moves the total has not been judged, and counts as classified.",
    "unread_like_read": (
        "Firms that could not be read were taken to be like those of their size and age that could: an assumption, not "
        "a finding."
    ),
}

_OF_THE_TABLES = ("low_coverage", "few_values", "imputed_values")  # hold for a corrected figure as for the plain one

AreaKey = tuple[str, str]  # area_kind, area_code


@dataclass(frozen=True)
class Corrected:
    """A corrected figure with its 95 % interval, and the number of judged firms that it rests on; null: nothing can
    be said."""

    value: float | None
    low: float | None
    high: float | None
    judged: int
    flags: tuple[str, ...]


class Corrector(Protocol):
    """What corrects the figures of a cluster; see ``pipelines.counting``."""

    def corrected(self, cluster: str) -> Mapping[AreaKey, Mapping[str, Corrected]]:
        """Corrected figures by area and plain metric; empty where there is nothing to correct by."""


@dataclass(frozen=True, order=True)
class Drop:
    """A row that no figure counts: the reason as a word to count by, the detail as a sentence part to read."""

    firm_id: str
    reason: Literal["dissolved", "not_in_firm_list"]
    detail: str


@dataclass(frozen=True)
class Ledger:
    """What became of the rows of one table: ``rows_in == counted + len(dropped)``."""

    rows_in: int
    counted: int
    dropped: tuple[Drop, ...]  # sorted


@dataclass(frozen=True)
class Rollup:
    """Rows of the table ``cells`` without ``shard``, in a fixed order, and what was left out of them."""

    cells: list[dict[str, object]]
    firms: Ledger
    assignments: Ledger


def rollup(
    taxonomy: Taxonomy,
    firms: pd.DataFrame,
    premises: pd.DataFrame,
    accounts: pd.DataFrame,
    readable: Iterable[str],
    assignments: pd.DataFrame,
    untrained: Iterable[str] = (),
    correct: Callable[[Mapping[str, tuple[AreaKey, ...]], Mapping[str, Mapping[str, Amount]]], Corrector] | None = None,
) -> Rollup:
    """Cells of every cluster: businesses, employees, turnover_gbp; for the whole list and by area.

    Every cluster has its three cells for the area ``all``; other areas have cells only where a firm was counted. Where
    a cluster can be corrected, every area with a firm has six: the corrected figures stand beside the plain ones.

    Args:
        taxonomy: Sectors to count, and clusters that gather them; these are never corrected.
        firms: Table ``firms``; dissolved firms are dropped, with the reason.
        premises: Table ``premises``.
        accounts: Table ``accounts``.
        readable: firm_id of each firm whose words, as they stand, have been classified.
        assignments: Table ``assignments``.
        untrained: Sectors that the model cannot find; their count of nobody is null, and they are not corrected.
        correct: Makes the corrector out of the areas of each firm that counts and the amounts known. None: no figure
            is corrected.

    Raises:
        TableError: A firm stands twice, a sector is not in the taxonomy, or a firm is in a sector without its parent.
    """
    gone = left_out(firms)
    listed = [firm_id for (firm_id,) in rows(firms, ("firm_id",))]
    where = places(premises)
    areas = {firm_id: _areas(where.get(firm_id, Place())) for firm_id in listed if firm_id not in gone}
    in_list = Counter(area for of_firm in areas.values() for area in of_firm)
    read = Counter(area for firm_id in set(readable) & areas.keys() for area in areas[firm_id])
    members, ledger = _members(taxonomy, assignments, areas, gone)
    amounts = {amount: newest_amounts(accounts, amount) for amount in AMOUNTS}
    unseen = set(untrained)
    gathered = {cluster.key: cluster for cluster in taxonomy.clusters}
    members, coded = gather(taxonomy, firms, members, areas)
    with_codes = Counter(area for firm_id in coded for area in areas[firm_id])
    corrector = correct(areas, amounts) if correct else None

    cells: list[dict[str, object]] = []
    for cluster in taxonomy.counted:
        by_area: dict[AreaKey, list[str]] = {(ALL, ALL): []}
        for firm_id in members[cluster]:
            for area in areas[firm_id]:
                by_area.setdefault(area, []).append(firm_id)
        container = gathered.get(cluster)
        beside = corrector.corrected(cluster) if corrector and not container and cluster not in unseen else {}
        known = with_codes if container and not container.sectors else read
        blind = bool(unseen.intersection(container.sectors)) if container else cluster in unseen
        flags = ["gathered"] if container else []
        flags += (["part_not_trained"] if container else ["not_trained"]) if blind else []
        for area in beside:
            by_area.setdefault(area, [])
        for area in sorted(by_area, key=lambda key: (AREA_KINDS.index(key[0]), key[1])):
            read_share = known[area] / in_list[area] if in_list[area] else 0.0
            nought = not blind and (read_share > 0 or not in_list[area])
            plain = _cells(cluster, area, by_area[area], read_share, amounts, nought, flags)
            cells.extend(plain)
            cells.extend(_beside(cell, beside[area], read_share) for cell in plain if area in beside)
    left = tuple(sorted(_drop(firm_id, gone) for firm_id in gone))
    return Rollup(cells, Ledger(len(listed), len(areas), left), ledger)


def _areas(place: Place) -> tuple[AreaKey, ...]:
    return (ALL, ALL), ("lad", place.lad_code or UNKNOWN), ("postcode_area", place.postcode_area or UNKNOWN)


def _drop(firm_id: str, gone: Mapping[str, str]) -> Drop:
    if firm_id in gone:
        return Drop(firm_id, "dissolved", gone[firm_id])
    return Drop(firm_id, "not_in_firm_list", "removed from the firm list since it was classified")


def _members(
    taxonomy: Taxonomy, assignments: pd.DataFrame, counted: Mapping[str, object], gone: Mapping[str, str]
) -> tuple[dict[str, set[str]], Ledger]:
    members: dict[str, set[str]] = {key: set() for key in taxonomy.keys}
    dropped: list[Drop] = []
    rows_in = 0
    for firm_id, sector, assigned in rows(assignments, ("firm_id", "sector", "assigned")):
        rows_in += 1
        if firm_id not in counted:
            dropped.append(_drop(firm_id, gone))
        elif assigned and sector not in members:
            raise TableError(
                f"firm {firm_id!r} is assigned to {sector!r}, which taxonomy {taxonomy.id} version {taxonomy.version} "
                "does not have; train and classify with this taxonomy, then roll up again"
            )
        elif assigned:
            members[sector].add(firm_id)
    for sector in taxonomy.sectors:
        for parent in sector.parents:
            astray = min(members[sector.key] - members[parent], default=None)
            if astray is not None:
                raise TableError(
                    f"firm {astray!r} is assigned to {sector.key} but not to its parent {parent}; classify again"
                )
    return members, Ledger(rows_in, rows_in - len(dropped), tuple(sorted(dropped)))


def _cells(
    cluster: str, area: AreaKey, firm_ids: list[str], read_share: float, amounts: Mapping[str, Mapping[str, Amount]],
    nought: bool, flags: list[str],
) -> list[dict[str, object]]:  # fmt: skip
    """``nought``: to have found nobody means that there is nobody to be found, as far as the classifier can tell."""
    common = ["uncorrected", "no_interval", *flags] + (["low_coverage"] if read_share < LOW_COVERAGE else [])
    businesses = float(len(firm_ids)) if firm_ids or nought else None
    counting = common if businesses is not None else [*common, "no_value"]
    cells = [_cell(cluster, area, "businesses", businesses, len(firm_ids), read_share, counting)]
    for metric, by_firm in amounts.items():
        known = [by_firm[firm_id] for firm_id in firm_ids if firm_id in by_firm]
        # fsum rounds once, so that the order of rows cannot show in the last digit.
        value = math.fsum(amount.value for amount in known) if known else None
        share = len(known) / len(firm_ids) if firm_ids else 0.0
        flags = list(common)
        if not known:
            flags.append("no_value")
        elif share < FEW_VALUES:
            flags.append("few_values")
        if any(amount.imputed for amount in known):
            flags.append("imputed_values")
        cells.append(_cell(cluster, area, metric, value, len(known), share, flags))
    return cells


def _beside(plain: Mapping[str, object], found: Mapping[str, Corrected], read_share: float) -> dict[str, object]:
    """The corrected cell of a plain one: same coverage, its own value, interval, firms judged and flags."""
    metric, said = str(plain["metric"]), plain["flags"]
    made = found[metric]
    flags = [*made.flags, *(flag for flag in _OF_THE_TABLES if flag in cast("list[str]", said))]
    value, low, high = made.value, made.low, made.high
    if not read_share and "unread_like_read" not in made.flags and not value:
        value = low = high = None  # nobody was read: nobody could have been found
        flags = [*dict.fromkeys([*flags, "no_value"])]
    return dict(plain) | {
        "metric": CORRECTED[metric], "value": value, "low": low, "high": high, "n": made.judged, "flags": flags,
    }  # fmt: skip


def _cell(
    cluster: str, area: AreaKey, metric: str, value: float | None, n: int, coverage: float, flags: list[str]
) -> dict[str, object]:
    return {
        "cluster": cluster,
        "area_kind": area[0],
        "area_code": area[1],
        "metric": metric,
        "period": PERIOD,
        "value": value,
        "low": None,
        "high": None,
        "n": n,
        "coverage": coverage,
        "flags": list(flags),
    }
