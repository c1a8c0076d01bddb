"""Which firms the clusters of the taxonomy gather, by sector or by SIC code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pipelines.firm_facts import sic_codes

if TYPE_CHECKING:
    import pandas as pd

    from labels.taxonomy import Taxonomy


def codes_needed(taxonomy: Taxonomy, firms: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """SIC codes of every firm of the list, by firm_id; none where no cluster asks for codes."""
    return sic_codes(firms) if any(cluster.sic for cluster in taxonomy.clusters) else {}


def gather(
    taxonomy: Taxonomy, firms: pd.DataFrame, members: Mapping[str, set[str]], counted: Iterable[str]
) -> tuple[dict[str, set[str]], frozenset[str]]:
    """Members of sectors and clusters, and the firms that have a SIC code, as far as one is asked for.

    Args:
        taxonomy: Sectors, and the clusters that gather them.
        firms: Table ``firms``.
        members: Firms of each sector.
        counted: Firms that count.
    """
    if not taxonomy.clusters:
        return dict(members), frozenset()
    codes, listed = codes_needed(taxonomy, firms), frozenset(counted)
    sectors: dict[str, list[str]] = {}
    for key, firm_ids in members.items():
        for firm_id in firm_ids:
            sectors.setdefault(firm_id, []).append(key)
    gathered = {
        cluster.key: {firm_id for firm_id in listed if cluster.holds(sectors.get(firm_id, ()), codes.get(firm_id, ()))}
        for cluster in taxonomy.clusters
    }
    return {**members, **gathered}, frozenset(firm_id for firm_id in listed if codes.get(firm_id))
