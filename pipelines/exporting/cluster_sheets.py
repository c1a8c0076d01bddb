"""The rows of each cluster's sheet: firms of the cluster with the evidence for this cluster, the most probable first.

A cluster that gathers others shows, of several sectors through which a firm is in it, the most probable one that has a
sentence; a firm that is in it by its SIC codes alone has no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.exporting.columns import CLUSTER_SHEET
from pipelines.exporting.made import MadeList
from pipelines.firm_facts import probability_order
from pipelines.frames import rows

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy

Facts = Mapping[str, Any]
_WHY = ("sector", "probability", "threshold", "since", "reason", "evidence_sentence", "evidence_url", "evidence_terms",
        "nearest_names")  # fmt: skip


def cluster_rows(made: MadeList, taxonomy: Taxonomy) -> Iterator[tuple[str, str, Iterator[tuple[Any, ...]]]]:
    """Key, name and rows (columns ``CLUSTER_SHEET``) of each cluster that has any, in taxonomy order.

    Filters of memberships have been applied to both frames: a firm stands on a sheet for the membership asked for.
    """
    if made.evidence is None:
        return
    columns = list(made.frame.columns)
    firms = {row[0]: row for row in rows(made.frame, columns)}
    at = {name: place for place, name in enumerate(columns)}
    held: dict[str, list[tuple[Any, ...]]] = {}
    for firm_id, *why in rows(made.evidence, ("firm_id", *_WHY)):
        if firm_id in firms:
            held.setdefault(why[0], []).append((firm_id, *why))
    gathered = {cluster.key: cluster for cluster in taxonomy.clusters}
    named = {one.key: one.name for one in taxonomy.sectors} | {one.key: one.name for one in taxonomy.clusters}
    asked = made.filters.clusters or taxonomy.counted
    by_codes_too = made.filters.min_probability is None and made.filters.entered_since is None
    for key in (one for one in taxonomy.counted if one in asked):
        members: dict[str, list[tuple[Any, ...]]] = {}
        for sector in gathered[key].sectors if key in gathered else (key,):
            for row in held.get(sector, ()):
                members.setdefault(row[0], []).append(row)
        if key in gathered and by_codes_too:
            for firm_id, firm in firms.items():
                if key in firm[at["clusters"]]:
                    members.setdefault(firm_id, [])
        if members:
            yield key, named[key], _sheet(key, members, firms, at)


def _sheet(
    key: str, members: Mapping[str, Sequence[tuple[Any, ...]]], firms: Mapping[str, tuple[Any, ...]],
    at: Mapping[str, int],
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    best = {firm_id: sorted(found, key=_rank) for firm_id, found in members.items()}
    order = sorted(best, key=lambda firm_id: (_rank(best[firm_id][0])[1:] if best[firm_id] else (2.0,), firm_id))
    for firm_id in order:
        row, found = firms[firm_id], best[firm_id]
        why = dict(zip(_WHY, found[0][1:], strict=True)) if found else dict.fromkeys(_WHY)
        through = [one[1] for one in found]
        more = {
            "cluster": key, "sectors": through,
            "other_sectors": [sector for sector in row[at["sectors"]] if sector not in through],
        }  # fmt: skip
        yield tuple(
            more[column.name] if column.name in more
            else why[column.name] if column.name in why
            else row[at[column.name]]
            for column in CLUSTER_SHEET
        )  # fmt: skip


def _rank(row: tuple[Any, ...]) -> tuple[bool, float]:
    why = dict(zip(_WHY, row[1:], strict=True))
    return not why["evidence_sentence"], probability_order(why["probability"])
