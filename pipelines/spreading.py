"""Spread the firms of a list over their premises, and these over the areas of every kind that is wanted.

A postcode that the register and a website both name is one address. A firm without any stands at an unknown place, so
that areas add up to the whole list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.firm_facts import SOURCES
from pipelines.statistics.sites import UNKNOWN, Rule, Sites, Spread, atoms_of, spread, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray


ALL = "all"


@dataclass(frozen=True)
class Ground:
    """All firms over all places."""

    sites: Sites
    spreads: Mapping[str, Spread]  # by kind of area, 'all' the first
    atoms: Spread  # over the smallest places that no border divides
    atoms_in: Mapping[str, Any]  # kind: (n_areas, n_atoms) sparse matrix of noughts and ones
    hexagons: Spread
    registered_postcode: NDArray[np.int32]  # (n_firms,) place in postcodes, -1 none
    postcodes: pa.Array
    registered_district: NDArray[np.int32]  # (n_firms,) place in districts, -1 none
    districts: tuple[str, ...]
    at: pa.Table  # premises of the sites, in their order: postcode, lat, lon, lad_code, h3; null where unknown


def spread_firms(
    premises: pa.Table, firm_ids: pa.Array, rule: Rule, kinds: Sequence[str], custom: Mapping[str, Sequence[str]]
) -> Ground:
    """Firms of a list over the areas of each kind.

    Args:
        premises: Table ``premises``.
        firm_ids: Firms of the list, sorted.
        rule: How a firm is shared out over its addresses.
        kinds: Kinds of area beside the whole list.
        custom: Areas of the user's own, as lists of codes.
    """
    from pipelines.geography.area_columns import area_columns

    n_firms = len(firm_ids)
    firm, rows, registered, employed = _addresses(premises, firm_ids)
    at = premises.select(["postcode", "lat", "lon", "lad_code", "h3"]).take(pa.array(rows))
    share = weights(firm, registered, employed, n_firms, rule)
    kept = np.flatnonzero(share > 0)
    placed = np.bincount(firm[kept], weights=share[kept], minlength=n_firms) > 0
    homeless = np.flatnonzero(~placed).astype(np.int32)
    order = np.argsort(np.concatenate([firm[kept], homeless]), kind="stable")
    sites = Sites(
        np.concatenate([firm[kept], homeless])[order], np.concatenate([share[kept], np.ones(len(homeless))])[order]
    )
    nowhere = pa.nulls(len(homeless), pa.int64())
    at = at.take(pa.chunked_array([pa.array(kept), nowhere])).take(pa.array(order))
    letters = pc.utf8_upper(pc.utf8_trim_whitespace(at["postcode"]))
    found = area_columns(at["lad_code"], at["h3"], letters, [*kinds, "h3"], custom)
    every = {kind: _used(column.place, column.codes) for kind, column in found.kinds.items()}
    columns = {kind: every[kind] for kind in kinds if kind in every}
    own = {name: inside for name, inside in found.custom.items() if inside.any()}
    everywhere = np.zeros(len(sites.firm), dtype=np.int32)
    spreads = {ALL: spread(ALL, sites, n_firms, everywhere, [ALL])}
    for kind, (codes, names) in columns.items():
        spreads[kind] = spread(kind, sites, n_firms, codes, names)
    if own:
        pairs = [(np.flatnonzero(inside), place) for place, inside in enumerate(own.values())]
        site = np.concatenate([entries for entries, _ in pairs])
        area = np.concatenate([np.full(len(entries), place, dtype=np.int32) for entries, place in pairs])
        by_site = np.lexsort((area, site))
        spreads["custom"] = spread("custom", sites, n_firms, area[by_site], tuple(own), site[by_site])
    borders = {kind: codes for kind, (codes, _) in columns.items()}
    borders |= {f"custom {name}": inside.astype(np.int32) for name, inside in own.items()}
    atom, n_atoms = atoms_of(borders or {ALL: everywhere})
    postcodes, office = _of_offices(premises["postcode"], rows, firm, registered, n_firms)
    districts, district = _of_offices(premises["lad_code"], rows, firm, registered, n_firms)
    return Ground(
        sites, spreads, spread("atom", sites, n_firms, atom, tuple(map(str, range(n_atoms)))),
        _atoms_in(atom, n_atoms, columns, own), spread("h3", sites, n_firms, *every["h3"]), office, postcodes, district,
        tuple(districts.to_pylist()), at,
    )  # fmt: skip


def _of_offices(
    column: pa.ChunkedArray, rows: NDArray[np.int64], firm: NDArray[np.int32], registered: NDArray[np.bool_],
    n_firms: int,
) -> tuple[pa.Array, NDArray[np.int32]]:  # fmt: skip
    """The different texts of a column, and each firm's at its registered office, -1 where it has none."""
    encoded = pc.dictionary_encode(column.combine_chunks())
    found = np.full(n_firms, -1, dtype=np.int32)
    found[firm[registered]] = np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int32)[rows][registered]
    return encoded.dictionary, found


def _used(place: NDArray[np.int32], codes: Sequence[str]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Areas in which somebody stands."""
    used, again = np.unique(place, return_inverse=True)
    return again.astype(np.int32), tuple(codes[at] for at in used)


def _atoms_in(
    atom: NDArray[np.int32], n_atoms: int, columns: Mapping[str, tuple[NDArray[np.int32], Sequence[str]]],
    own: Mapping[str, NDArray[np.bool_]],
) -> dict[str, Any]:  # fmt: skip
    from scipy.sparse import csr_matrix

    _, first = np.unique(atom, return_index=True)  # a site of every atom
    made = {ALL: csr_matrix(np.ones((1, n_atoms)))}
    for kind, (codes, names) in columns.items():
        of_atom = codes[first]
        made[kind] = csr_matrix((np.ones(n_atoms), (of_atom, np.arange(n_atoms))), shape=(len(names), n_atoms))
    if own:
        made["custom"] = csr_matrix(np.stack([inside[first] for inside in own.values()]).astype(np.float64))
    return made


def _addresses(
    premises: pa.Table, firm_ids: pa.Array
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Each firm's addresses once, by firm: its place, row of the table, whether it is the registered office, and the
    people employed there.

    An address that is registered and trading is the registered office.
    """
    place = np.asarray(pc.fill_null(pc.index_in(premises["firm_id"], value_set=firm_ids), -1)).astype(np.int32)
    office = np.asarray(pc.equal(premises["kind"], "registered")).astype(np.bool_)
    jobs = np.asarray(pc.fill_null(premises["employees"], float("nan")), dtype=np.float64)
    rows = np.flatnonzero(place >= 0)
    several = np.bincount(place[rows], minlength=len(firm_ids))[place[rows]] > 1
    alone = rows[~several]
    some, registered, employed = _of_several(premises, rows[several], place, office)
    chosen = np.concatenate([alone, some])
    order = np.argsort(place[chosen], kind="stable")
    return (
        place[chosen][order], chosen[order], np.concatenate([office[alone], registered])[order],
        np.concatenate([jobs[alone], employed])[order],
    )  # fmt: skip


def _of_several(
    premises: pa.Table, rows: NDArray[np.int64], place: NDArray[np.int32], office: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]:
    """Addresses of firms with several rows: row, whether it is the registered office, people employed there.

    Of several registered offices the best known source's counts. Rows of one postcode are one address: the row that
    says most of its place stands for it, and of the employees the largest number.
    """
    some = premises.select(["postcode", "lad_code", "h3", "source", "employees"]).take(pa.array(rows))
    ranks = pc.index_in(some["source"], value_set=pa.array(SOURCES))
    rank = np.asarray(pc.fill_null(ranks, len(SOURCES))).astype(np.int64)
    text = pc.coalesce(some["postcode"], some["lad_code"], pa.scalar(""))
    where, lad, h3 = (_ranked(column) for column in (text, some["lad_code"], some["h3"]))
    jobs = np.asarray(pc.fill_null(some["employees"], float("nan")), dtype=np.float64)
    firm, registered = place[rows], office[rows]
    order = np.lexsort((h3, lad, where, rank, ~registered, firm))
    order = order[~registered[order] | _first(firm[order])]  # its first row is its best office, if it has one
    order = order[np.lexsort((~registered[order], h3[order], lad[order], where[order], firm[order]))]
    new = _first(firm[order]) | _first(where[order])
    starts = np.flatnonzero(new)
    return (
        rows[order[starts]], np.logical_or.reduceat(registered[order], starts),
        np.fmax.reduceat(jobs[order], starts),
    )  # fmt: skip


def _first(values: NDArray[np.int64] | NDArray[np.int32]) -> NDArray[np.bool_]:
    """Where a run of equal values begins."""
    found = np.ones(len(values), dtype=np.bool_)
    found[1:] = values[1:] != values[:-1]
    return found


def _ranked(texts: pa.ChunkedArray) -> NDArray[np.int64]:
    """Places of texts in their order, however they are spaced; those that are not there come last."""
    plain = pc.utf8_upper(pc.replace_substring(texts, " ", ""))
    return np.asarray(pc.rank(plain, tiebreaker="dense")).astype(np.int64)


__all__ = ["ALL", "UNKNOWN", "Ground", "spread_firms"]
