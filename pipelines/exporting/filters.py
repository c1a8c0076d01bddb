"""Restrict a list to clusters, areas, probabilities and days of entry, and say how.

What is asked has to hold of one and the same membership: ``--cluster cyber --min-probability 0.9`` keeps firms that are
in cyber with 0.9, not firms in cyber that are in something else with 0.9.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.errors import UsageError
from pipelines.frames import as_frame, rows
from pipelines.geography.areas import NORTHERN_IRELAND, shipped
from pipelines.geography.hexagons import RESOLUTION

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    import pyarrow as pa

    from labels.taxonomy import Taxonomy

Keep = Callable[[Mapping[str, Any]], bool]
_H3 = re.compile(r"[0-9a-f]{15}")
_LETTERS = re.compile(r"([A-Z]{1,2})[0-9]")


@dataclass(frozen=True)
class Filters:
    """What a list is restricted to; nothing: it is not."""

    clusters: tuple[str, ...] = ()  # sectors, and clusters that gather them
    areas: tuple[str, ...] = ()  # codes of any kind of area
    min_probability: float | None = None
    entered_since: date | None = None

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.clusters or self.areas or self._of_membership)

    @property
    def _of_membership(self) -> bool:
        return self.min_probability is not None or self.entered_since is not None

    def check(self, name: str, taxonomy: Taxonomy) -> None:
        """Raise a UsageError for a cluster that is not known, and for what this export cannot be restricted to."""
        for key in self.clusters:
            if key not in taxonomy.counted:
                near = difflib.get_close_matches(key, taxonomy.counted, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(taxonomy.counted)}"
                raise UsageError(f"cluster {key!r} is not in taxonomy.yaml; {hint}")
        if self.min_probability is not None and not 0 <= self.min_probability <= 1:
            raise UsageError(f"--min-probability {self.min_probability:g}; expected a number from 0 to 1")
        if name == "cells" and self._of_membership:
            raise UsageError(
                "cells are figures of areas: they can be restricted by --cluster and --area; --min-probability and "
                "--entered-since are for lists of firms"
            )

    def as_note(self) -> dict[str, Any]:
        """What was asked, for the note beside the file."""
        asked = {
            "clusters": list(self.clusters), "areas": list(self.areas), "min_probability": self.min_probability,
            "entered_since": self.entered_since.isoformat() if self.entered_since else None,
        }  # fmt: skip
        return {name: value for name, value in asked.items() if value not in (None, [])}

    def member(self, probability: float | None, since: object) -> bool:
        """Whether a membership of this probability, held since then, is asked for."""
        if self.min_probability is not None and (probability is None or probability < self.min_probability):
            return False
        return self.entered_since is None or (since is not None and str(since)[:10] >= self.entered_since.isoformat())

    def sectors(self, taxonomy: Taxonomy) -> frozenset[str] | None:
        """Sectors asked for, those gathered by a cluster too; None: all."""
        gathered = {cluster.key: cluster.sectors for cluster in taxonomy.clusters}
        return frozenset(one for key in self.clusters for one in gathered.get(key, (key,))) if self.clusters else None


def keeper(name: str, filters: Filters, taxonomy: Taxonomy, inside: Collection[str] | None) -> Keep:
    """Which rows of an export stay.

    Args:
        name: The export.
        filters: As checked.
        taxonomy: Sectors and clusters.
        inside: firm_id of the firms in the areas asked for; None: all.
    """
    wanted = filters.sectors(taxonomy)

    def firm(row: Mapping[str, Any]) -> bool:
        if inside is not None and row["firm_id"] not in inside:
            return False
        if not filters.clusters and not filters._of_membership:
            return True
        held = zip(row["sectors"], row["probabilities"], row["since"], strict=True)
        if any(wanted is None or key in wanted for key, chance, since in held if filters.member(chance, since)):
            return True
        # By its SIC codes a firm is in a cluster with no probability and since no day.
        return not filters._of_membership and any(key in filters.clusters for key in row["clusters"])

    def membership(row: Mapping[str, Any]) -> bool:
        if inside is not None and row["firm_id"] not in inside:
            return False
        return (wanted is None or row["sector"] in wanted) and filters.member(row["probability"], row.get("since"))

    def cell(row: Mapping[str, Any]) -> bool:
        return (not filters.clusters or row["cluster"] in filters.clusters) and (
            not filters.areas or row["area_code"] in filters.areas
        )

    return {"firms": firm, "cells": cell}.get(name, membership)


def filtered(
    given: pd.DataFrame | pa.Table, keep: Keep, extra: Mapping[str, Sequence[Any]] | None = None
) -> pd.DataFrame:
    """Rows that stay, in their order; ``extra`` are columns that only the rule looks at."""
    frame = as_frame(given)
    columns = list(frame.columns)
    further = extra or {}
    beside = zip(*further.values(), strict=True) if further else (() for _ in range(len(frame)))
    names = [*columns, *further]
    kept = [
        keep(dict(zip(names, (*row, *more), strict=True)))
        for row, more in zip(rows(frame, columns), beside, strict=True)
    ]
    found: pd.DataFrame = frame[kept].reset_index(drop=True)
    return found


def firms_inside(
    codes: Sequence[str], premises: pd.DataFrame, custom: Mapping[str, Sequence[str]], registered_only: bool
) -> frozenset[str]:
    """Firms with an address in any of the areas, as the figures take addresses.

    Args:
        codes: ONS codes, names of areas of your own, hexagons, or postcode areas such as NG.
        premises: Table ``premises``.
        custom: Areas of your own (``areas.custom``).
        registered_only: Figures count a firm at its registered office alone (``rollup.allocation``).

    Raises:
        UsageError: A code that no area has; names the nearest.
    """
    tests = [_inside(code, custom, premises) for code in codes]
    found = rows(premises, ("firm_id", "kind", "lad_code", "h3", "postcode"))
    return frozenset(
        firm_id for firm_id, kind, lad_code, h3, postcode in found
        if (kind == "registered" or not registered_only) and any(test(lad_code, h3, postcode) for test in tests)
    )  # fmt: skip


def check_areas(codes: Iterable[str], known: Collection[str], custom: Collection[str]) -> None:
    """Raise a UsageError for a code that neither the cells have nor any area."""
    for code in codes:
        if code not in known and code not in custom and not _hexagon(code):
            _members(code, custom)


Test = Callable[[str | None, str | None, str | None], bool]


def _inside(code: str, custom: Mapping[str, Sequence[str]], premises: pd.DataFrame) -> Test:
    areas = shipped()
    if code in custom:
        districts = areas.custom({code: custom[code]})[code]
        return lambda lad, _h3, _postcode: _now(lad) in districts
    if _hexagon(code):
        from h3 import cell_to_parent, get_resolution

        size = get_resolution(code)
        if size > RESOLUTION:
            raise UsageError(f"hexagon {code} is smaller than those of the figures (resolution {RESOLUTION})")
        return lambda _lad, h3, _postcode: h3 is not None and cell_to_parent(h3, size) == code
    if re.fullmatch(r"[A-Z]{1,2}", code) and any(_letters(text) == code for (text,) in rows(premises, ("postcode",))):
        return lambda _lad, _h3, postcode: _letters(postcode) == code
    members = frozenset(_members(code, custom))
    northern = members.issuperset(areas.members(NORTHERN_IRELAND))  # whose postcodes have no district
    return lambda lad, _h3, postcode: _now(lad) in members or (northern and not lad and _letters(postcode) == "BT")


def _members(code: str, custom: Collection[str]) -> tuple[str, ...]:
    try:
        return shipped().members(code)
    except UsageError as error:
        own = difflib.get_close_matches(code, list(custom), n=1, cutoff=0.6)
        raise UsageError(f"{error}; or is it {own[0]}, of areas.custom?" if own else str(error)) from error


def _hexagon(code: str) -> bool:
    from h3 import is_valid_cell

    return bool(_H3.fullmatch(code)) and is_valid_cell(code)


def _now(lad_code: str | None) -> str | None:
    found = shipped().district(lad_code) if lad_code else None
    return found.lad_code if found else None


def _letters(postcode: str | None) -> str | None:
    found = _LETTERS.match((postcode or "").strip().upper())
    return found[1] if found else None
