"""Which firms are in which cluster, as columns, and with what weight each counts there.

Counted in fractions, a firm is split over its most specific sectors; a parent receives what its parts received.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import TableError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from labels.taxonomy import Taxonomy

Counting = Literal["whole", "fractional"]


@dataclass(frozen=True)
class Membership:
    """Members of one cluster: places in the list, ascending, and how much of each counts."""

    firms: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class Assigned:
    """Rows of ``assignments`` by firm and sector: those of firms of the list, and which rows are not."""

    in_sector: dict[str, NDArray[np.int64]]  # places of the sector's firms, ascending
    strangers: NDArray[np.int64]  # rows of firms that are not in the list
    place: NDArray[np.int64]  # (n_rows,) place of each row's firm, -1 for strangers


def assigned_firms(taxonomy: Taxonomy, assignments: pa.Table, firm_ids: pa.Array, known_only: bool = True) -> Assigned:
    """Members of every sector.

    Raises:
        TableError: A sector is not in the taxonomy, or a firm is in a sector but not in its parent.
    """
    place = np.asarray(pc.fill_null(pc.index_in(assignments["firm_id"], value_set=firm_ids), -1)).astype(np.int64)
    assigned = np.asarray(pc.fill_null(assignments["assigned"], False)).astype(np.bool_) & (place >= 0)
    sectors = pc.index_in(assignments["sector"], value_set=pa.array(taxonomy.keys, pa.string()))
    sector = np.asarray(pc.fill_null(sectors, -1)).astype(np.int64)
    if known_only and (assigned & (sector < 0)).any():
        row = int(np.flatnonzero(assigned & (sector < 0))[0])
        firm_id, key = assignments["firm_id"][row].as_py(), assignments["sector"][row].as_py()
        raise TableError(
            f"firm {firm_id!r} is assigned to {key!r}, which taxonomy {taxonomy.id} version {taxonomy.version} "
            "does not have; train and classify with this taxonomy, then roll up again"
        )
    order = np.flatnonzero(assigned & (sector >= 0))
    order = order[np.lexsort((place[order], sector[order]))]
    bounds = np.searchsorted(sector[order], np.arange(len(taxonomy.keys) + 1))
    found = {key: np.unique(place[order[bounds[at] : bounds[at + 1]]]) for at, key in enumerate(taxonomy.keys)}
    for one in taxonomy.sectors:
        for parent in one.parents:
            astray = np.setdiff1d(found[one.key], found[parent], assume_unique=True)
            if len(astray):
                firm_id = firm_ids[int(astray[0])].as_py()
                raise TableError(
                    f"firm {firm_id!r} is assigned to {one.key} but not to its parent {parent}; classify again"
                )
    return Assigned(found, np.flatnonzero(place < 0), place)


def memberships(
    taxonomy: Taxonomy, assigned: Assigned, sic_codes: pa.ChunkedArray, counting: Counting
) -> dict[str, Membership]:
    """Members of every sector and of every cluster that gathers sectors or SIC codes.

    Args:
        taxonomy: Sectors and clusters.
        assigned: Members of sectors.
        sic_codes: SIC codes of each firm, in the order of the list; looked at only where a cluster asks for codes.
        counting: ``fractional``: a firm counts in parts that add up to 1 over its most specific sectors. A firm that
            only a SIC code brings into a cluster counts there in full.
    """
    shares = _fractions(taxonomy, assigned, len(sic_codes)) if counting == "fractional" else {}
    found = {}
    for key, firms in assigned.in_sector.items():
        weight = np.ones(len(firms)) if counting == "whole" else _through_parts(taxonomy, key, firms, shares)
        found[key] = Membership(firms, weight)
    for cluster in taxonomy.clusters:
        parts = [assigned.in_sector[key] for key in cluster.sectors]
        by_code = _with_codes(sic_codes, cluster.sic) if cluster.sic else np.zeros(0, dtype=np.int64)
        firms = np.unique(np.concatenate([*parts, by_code])) if parts or len(by_code) else by_code
        weight = np.ones(len(firms))
        if counting == "fractional":
            within = {key for sector in cluster.sectors for key in _and_parts(taxonomy, sector)}
            weight = np.minimum(sum((_share_of(key, firms, shares) for key in within), np.zeros(len(firms))), 1.0)
            weight = np.where(weight > 0, weight, 1.0)
        found[cluster.key] = Membership(firms, weight)
    return found


def _fractions(
    taxonomy: Taxonomy, assigned: Assigned, n_firms: int
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Firms of each sector that are in none of its parts, and the share of each that falls to it."""
    specific = {}
    for key, firms in assigned.in_sector.items():
        parts = [assigned.in_sector[one.key] for one in taxonomy.sectors if key in one.parents]
        specific[key] = np.setdiff1d(firms, np.concatenate(parts)) if parts else firms
    number = np.zeros(n_firms, dtype=np.int64)
    for firms in specific.values():
        number[firms] += 1
    return {key: (firms, 1.0 / number[firms]) for key, firms in specific.items()}


def _through_parts(
    taxonomy: Taxonomy,
    key: str,
    firms: NDArray[np.int64],
    shares: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    return np.asarray(sum((_share_of(part, firms, shares) for part in _and_parts(taxonomy, key)), np.zeros(len(firms))))


def _share_of(
    key: str, firms: NDArray[np.int64], shares: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]
) -> NDArray[np.float64]:
    among, share = shares[key]
    found = np.zeros(len(firms))
    at = np.searchsorted(among, firms)
    inside = at < len(among)
    inside[inside] = among[at[inside]] == firms[inside]
    found[inside] = share[at[inside]]
    return found


def _and_parts(taxonomy: Taxonomy, key: str) -> list[str]:
    return [one.key for one in taxonomy.sectors if one.key == key or key in taxonomy.ancestors(one.key)]


def _with_codes(sic_codes: pa.ChunkedArray, beginnings: tuple[str, ...]) -> NDArray[np.int64]:
    """Firms one of whose codes begins with one of the given digits."""
    codes = sic_codes.combine_chunks() if isinstance(sic_codes, pa.ChunkedArray) else sic_codes
    values = pc.list_flatten(codes)
    hit = np.zeros(len(values), dtype=np.bool_)
    for beginning in beginnings:
        hit |= np.asarray(pc.fill_null(pc.starts_with(values, beginning), False)).astype(np.bool_)
    return np.unique(np.asarray(pc.list_parent_indices(codes)).astype(np.int64)[hit])
