"""Find the firm of a company number among the firms of the workspace.

Where two listed firms claim one number, its figures are given to neither: given to both, every sum would hold them
twice. A firm that is only there because the register was imported makes way for the listed one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.errors import UsageError
from pipelines.sources.company_numbers import normalised
from pipelines.sources.listed import NOT_LISTED
from pipelines.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

CLAIMED_TWICE = "number_of_several_firms"
_USUAL = "^([A-Z]{2}[0-9]{6}|[0-9]{8})$"  # a number as :func:`normalised` gives it, but for rare old ones


@dataclass(frozen=True)
class Firms:
    """Firms by company number, for the numbers that were asked for; ``claimed`` are those of several listed firms."""

    firm_of: dict[str, str]
    claimed: dict[str, tuple[str, ...]]

    def __contains__(self, number: str) -> bool:
        return number in self.firm_of

    def absence(self, number: str) -> tuple[str, str]:
        """Why a number has no firm here: reason and detail."""
        if number in self.claimed:
            claimants = ", ".join(self.claimed[number][:5])
            return CLAIMED_TWICE, f"{number} stands at the firms {claimants}; keep it at one of them in the firm list"
        return NOT_LISTED, number


def firms_of(lake: Lake, numbers: Collection[str]) -> Firms:
    """Firms of these company numbers (normalised); one block of the table firms after the other.

    Raises:
        UsageError: There are no firms at all yet.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(numbers), pa.string())
    found: dict[str, set[str]] = defaultdict(set)
    rows = 0
    for shard in range(lake.shards):
        firms = lake.read_arrow("firms", ["firm_id", "company_number"], [shard])
        rows += firms.num_rows
        usual = pc.fill_null(pc.match_substring_regex(firms["company_number"], _USUAL), False)
        plain = firms.filter(pc.and_(usual, pc.is_in(firms["company_number"], value_set=wanted)))
        odd = firms.filter(pc.and_(pc.is_valid(firms["company_number"]), pc.invert(usual)))
        for firm_id, number in _pairs(plain):
            found[number].add(firm_id)
        for firm_id, text in _pairs(odd):
            meant = normalised(text)
            if meant is not None and meant in numbers:
                found[meant].add(firm_id)
    if not rows:
        raise UsageError(
            "no firms in this workspace yet, so that accounts have nobody to belong to: run firmscope import firms or "
            "firmscope import register first"
        )
    listed = {number: tuple(sorted(ids - {number} or ids)) for number, ids in found.items()}
    return Firms(
        firm_of={number: ids[0] for number, ids in listed.items() if len(ids) == 1},
        claimed={number: ids for number, ids in listed.items() if len(ids) > 1},
    )


def _pairs(firms: pa.Table) -> Iterable[tuple[str, str]]:
    return zip(firms["firm_id"].to_pylist(), firms["company_number"].to_pylist(), strict=True)
