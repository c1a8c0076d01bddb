"""Tables of sectors, clusters and their SIC codes for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from labels.taxonomy import Taxonomy
    from pipelines.sic_spread import SicRow


def taxonomy_table(taxonomy: Taxonomy) -> Table:
    """Sectors with parents and definitions."""
    table = Table(title=f"Taxonomy {taxonomy.id}, version {taxonomy.version}", title_justify="left", show_lines=True)
    for heading in ("Key", "Tier", "Parents", "Definition"):
        table.add_column(heading)
    for sector in taxonomy.sectors:
        table.add_row(sector.key, sector.tier, ", ".join(sector.parents), sector.definition)
    return table


def clusters_table(taxonomy: Taxonomy) -> Table:
    """Clusters with what they gather."""
    table = Table(title="Clusters: firms in one of the sectors, or with one of the SIC codes", title_justify="left")
    for heading in ("Key", "Name", "Tier", "Sectors", "SIC codes"):
        table.add_column(heading)
    for at in taxonomy.clusters:
        table.add_row(at.key, at.name, at.tier, ", ".join(at.sectors), ", ".join(at.sic))
    return table


def sic_table(found: Sequence[SicRow]) -> Table:
    """How sectors' firms spread over SIC codes."""
    table = Table(title="Firms by SIC 2007 code; a firm with several codes stands under each", title_justify="left")
    for heading in ("Sector", "SIC code", "Division"):
        table.add_column(heading)
    for heading in ("Firms", "Of the sector", "Of the code"):
        table.add_column(heading, justify="right")
    for row in found:
        of_code = "-" if row.share_of_code is None else f"{row.share_of_code:.0%}"
        shown = (row.sector, row.sic_code or "none given", row.division)
        table.add_row(*shown, f"{row.firms:,}", f"{row.share_of_sector:.0%}", of_code)
    return table
