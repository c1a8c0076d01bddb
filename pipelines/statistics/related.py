"""How near clusters are to each other: firms they share, and places they share beyond where all firms are.

Places compare different firms only. Two clusters that share firms stand in the same places wherever these are, and a
cluster is where it is by chance too: both would look like a likeness of place, and neither is one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

Array = NDArray[np.float64]
Integers = NDArray[np.integer]

# Spread further from that of all firms than chance: its index above three times the standard error that it would have
# if there were no pattern. With less, a likeness of two patterns has an error above 0.25 of its own.
CLEAR = 3.0


@dataclass(frozen=True)
class Spread:
    """Firms over places: one entry per firm and place, and all firms of the list per place.

    Attributes:
        firm: ``(n_entries,)`` firm, from 0.
        place: ``(n_entries,)`` place (district), from 0; negative: not known, left out.
        weight: ``(n_entries,)`` part of the firm that is there.
        all_firms: ``(n_places,)`` firms of the whole list that could have been found, whatever their cluster.
    """

    firm: Integers
    place: Integers
    weight: Array
    all_firms: Array


@dataclass(frozen=True)
class Neighbour:
    """A cluster near another one; ``proximity`` is the smaller of the two shares of common firms."""

    cluster: str
    proximity: float
    shared_firms: int
    lift: float | None
    places: float | None


def related(
    clusters: Sequence[str],
    firm: Integers,
    cluster: Integers,
    n_firms: int,
    n_listed: float,
    spread: Spread | None = None,
) -> list[dict[str, object]]:
    """Rows of the table ``related``, without ``shard``: pairs that share a firm, or whose places are alike.

    - ``share``: firms in both / firms of the cluster.
    - ``lift``: firms in both * firms / (firms of one * firms of the other), 1 where the two have nothing to do with
      each other. Source: association rules, Brin et al. 1997.
    - ``places``: see ``likeness_of_places``.

    Firms that the classifier put in a cluster wrongly make small clusters look related; the figures are plain counts.

    Args:
        clusters: Names of the clusters.
        firm: ``(n_pairs,)`` firm of each membership, from 0; each firm and cluster once.
        cluster: ``(n_pairs,)`` cluster of each membership, place in ``clusters``.
        n_firms: Firms that are numbered.
        n_listed: Firms that could have been put in a cluster (those read and classified); more make lift too large.
        spread: Firms over districts. None: ``places`` is null throughout.
    """  # fmt: skip
    members = csr_matrix((np.ones(len(firm)), (firm, cluster)), shape=(n_firms, len(clusters)))
    shared = np.asarray((members.T @ members).toarray())
    size = shared.diagonal()
    alike = np.full(shared.shape, np.nan) if spread is None else likeness_of_places(members, spread)
    found: list[dict[str, object]] = []
    for one, other in zip(*np.nonzero((shared > 0) | (alike > 0)), strict=True):
        if one != other:
            by_chance = size[one] * size[other] / n_listed if n_listed > 0 else 0.0
            found.append({
                "cluster": clusters[one],
                "other": clusters[other],
                "shared_firms": int(shared[one, other]),
                "share": float(shared[one, other] / size[one]),
                "lift": float(shared[one, other] / by_chance) if by_chance else None,
                "places": None if np.isnan(alike[one, other]) else float(alike[one, other]),
            })  # fmt: skip
    return found


def likeness_of_places(members: csr_matrix, spread: Spread) -> Array:
    """Likeness ``(n_clusters, n_clusters)`` of clusters' spread over places beyond that of all firms, -1 to 1.

    The correlation of the clusters' location quotients over places, each place weighted by its share p of all firms::

        m_ij = mean over pairs of different firms, f of cluster i and g of j, of (1 / p where both are in one place,
               else 0) - 1
        likeness = m_ij / sqrt(m_ii * m_jj)

    ``m_ij`` estimates ``sum of p * (LQ_i - 1) * (LQ_j - 1)``, and leaves out each firm's meeting with itself. After the
    co-agglomeration index of Ellison and Glaeser (1997, JPE 105) and the locational correlation of Delgado, Porter and
    Stern (2016, J. Economic Geography 16); of these it differs by the weights, so that a likeness in small districts
    counts as their firms do, and by the pairs, so that few firms make it no smaller.

    nan where one of the two spreads like all firms, as far as its number of firms can tell: there is no pattern to
    compare. See ``CLEAR``.

    Args:
        members: ``(n_firms, n_clusters)`` 1 where the firm is in the cluster.
        spread: Firms over places.
    """
    total = spread.all_firms.sum()
    if not total > 0:
        return np.full((members.shape[1],) * 2, np.nan)
    p = spread.all_firms / total
    usable = (spread.place >= 0) & (spread.weight > 0)
    usable[usable] = p[spread.place[usable]] > 0
    shape = (members.shape[0], len(p))
    over = csr_matrix((spread.weight[usable], (spread.firm[usable], spread.place[usable])), shape=shape)
    there = np.asarray(over.sum(axis=1)).ravel()
    by_place = np.asarray((members.T @ over).toarray())
    placed = by_place.sum(axis=1)
    scaled = np.divide(by_place, np.sqrt(p), out=np.zeros_like(by_place), where=p > 0)
    itself = over.multiply(over) @ np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
    met = scaled @ scaled.T - _common(members, itself)
    pairs = np.outer(placed, placed) - _common(members, there**2)
    index = np.divide(met, pairs, out=np.full(met.shape, np.nan), where=pairs > 1e-9) - 1.0
    own, places = index.diagonal(), int((p > 0).sum())
    error = np.sqrt(2.0 * max(places - 1, 0) / np.maximum(pairs.diagonal(), 1e-9))
    spread_out = np.where(own > CLEAR * error, own, np.nan)
    return np.asarray(np.clip(index / np.sqrt(np.outer(spread_out, spread_out)), -1.0, 1.0))


def neighbours(
    rows: Iterable[Mapping[str, Any]],
    cluster: str,
    k: int = 5,
    by: Literal["firms", "places"] = "firms",
    leave_out: Collection[str] = (),
) -> list[Neighbour]:
    """The k clusters nearest to one, nearest first, names in order where they are as near.

    By firms: the smaller of the two shares of common firms, after the proximity of Hidalgo et al. (2007, Science 317),
    which keeps a large cluster from being everybody's neighbour; only where they share more firms than by chance. By
    places: their likeness, where it is above 0.

    Args:
        rows: Rows of the table ``related``.
        cluster: The cluster.
        k: How many, at most.
        by: What nearness is measured in.
        leave_out: Clusters not to name, such as its parents and children, which share their firms by definition.
    """
    pairs = {(row["cluster"], row["other"]): row for row in rows}
    found = []
    for (one, other), row in pairs.items():
        if one != cluster or other in leave_out:
            continue
        back = pairs.get((other, one), row)
        proximity = float(min(row["share"], back["share"]))
        found.append(
            Neighbour(other, proximity, int(row["shared_firms"]), _number(row["lift"]), _number(row["places"]))
        )
    if by == "places":
        near = sorted((n for n in found if (n.places or 0.0) > 0), key=lambda n: (-(n.places or 0.0), n.cluster))
    else:
        near = sorted((n for n in found if (n.lift or 0.0) > 1), key=lambda n: (-n.proximity, n.cluster))
    return near[:k]


def _common(members: csr_matrix, of_firm: Array) -> Array:
    """Sum ``(n_clusters, n_clusters)`` of a number per firm over the firms that two clusters share."""
    return np.asarray((members.T @ diags(of_firm) @ members).toarray(), dtype=np.float64)


def _number(value: object) -> float | None:
    return None if value is None or value != value else float(str(value))  # pandas reads null as nan
