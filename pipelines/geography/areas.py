"""Which areas a district belongs to: upper tier, region, country, combined authority, and areas of your own.

The table beside this module, ``areas.csv``, was written for the project from the Office for National Statistics' codes
and names (Open Government Licence v3.0). District codes of reorganisations since 2009 are brought to those of 2025;
of two codes that only changed a boundary, the old one stands for the whole of the new.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pipelines.errors import UsageError

BOUNDARIES = "ONS districts, upper tiers, regions and combined authorities, May 2025"
"""Vintage of the boundaries, as it stands in every output."""

UNKNOWN = "unknown"
Kind = Literal["country", "region", "utla", "cauth", "lad"]
KINDS: tuple[Kind, ...] = ("country", "region", "utla", "cauth", "lad")
NORTHERN_IRELAND = "N92000002"

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class District:
    """A local authority district of 2025 and the areas it lies in.

    Wales, Scotland and Northern Ireland stand as regions too. ``cauth_*`` are empty where there is no combined
    authority; the Greater London Authority is none.
    """

    lad_code: str
    lad_name: str
    utla_code: str
    utla_name: str
    region_code: str
    region_name: str
    country_code: str
    country_name: str
    cauth_code: str
    cauth_name: str

    def code(self, kind: Kind) -> str:
        """Code of the area of a kind; empty where it is in none."""
        found: str = getattr(self, f"{kind}_code")
        return found

    def name(self, kind: Kind) -> str:
        """Name of the area of a kind; empty where it is in none."""
        found: str = getattr(self, f"{kind}_name")
        return found


class Areas:
    """All districts of the United Kingdom and what they make up."""

    def __init__(self, districts: Sequence[District], changes: Mapping[str, str]) -> None:
        """Args: districts; codes that are no more, and what they became."""
        self.districts = tuple(sorted(districts, key=lambda district: district.lad_code))
        self.changes = dict(changes)
        self._by_code = {district.lad_code: district for district in self.districts}
        self._names: dict[Kind, dict[str, str]] = {
            kind: dict(sorted({(d.code(kind), d.name(kind)) for d in self.districts if d.code(kind)})) for kind in KINDS
        }

    @classmethod
    def load(cls) -> Self:
        """The shipped table."""
        with (_FOLDER / "areas.csv").open(encoding="utf-8", newline="") as file:
            districts = [District(**row) for row in csv.DictReader(file)]
        with (_FOLDER / "district_changes.csv").open(encoding="utf-8", newline="") as file:
            changes = {row["lad_code"]: row["now"] for row in csv.DictReader(file)}
        return cls(districts, changes)

    def district(self, lad_code: str) -> District | None:
        """The district of a code, also of a code that is no more; None for any other text."""
        return self._by_code.get(self.changes.get(lad_code, lad_code))

    def codes(self, kind: Kind) -> tuple[str, ...]:
        """Codes of all areas of a kind, sorted."""
        return tuple(self._names[kind])

    def name_of(self, kind: str, code: str) -> str:
        """Name of an area; the code itself where it has no other name (hexagons, postcode areas, your own areas)."""
        for known in KINDS:
            if kind == known:
                return self._names[known].get(code, code)
        return code

    def members(self, code: str) -> tuple[str, ...]:
        """Districts of an area of any kind, sorted.

        Raises:
            UsageError: No area has this code; names the nearest.
        """
        found = tuple(d.lad_code for d in self.districts if code and any(d.code(kind) == code for kind in KINDS))
        renewed = self.district(code)
        if not found and renewed is not None:
            found = (renewed.lad_code,)
        if not found:
            raise UsageError(f"no ONS area of May 2025 has the code {code!r}{self._hint(code)}")
        return found

    def custom(self, lists: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
        """Districts of areas of your own, from lists of codes of any kind.

        Raises:
            UsageError: A list is empty, or has a code that no area has.
        """
        made = {}
        for name, codes in lists.items():
            try:
                made[name] = frozenset(lad for code in codes for lad in self.members(code))
            except UsageError as error:
                raise UsageError(f"areas.custom, {name}: {error}") from error
            if not made[name]:
                raise UsageError(f"areas.custom, {name}: the list is empty; name codes of districts or regions")
        return made

    def _hint(self, code: str) -> str:
        names = {code: name for kind in KINDS for code, name in self._names[kind].items()}
        named = [known for known, name in names.items() if name.casefold() == code.casefold()]
        near = named or difflib.get_close_matches(code.upper(), names, n=1, cutoff=0.6)
        if near:
            return f"; did you mean {near[0]} ({names[near[0]]})?"
        return "; expected an ONS code of a district, upper tier, combined authority, region or country"


@cache
def shipped() -> Areas:
    """The shipped table, read once."""
    return Areas.load()


def areas_of(lad_code: str) -> District:
    """The district of a code, also of one that is no more, and the areas it lies in.

    Raises:
        UsageError: No district has, or had, this code.
    """
    areas = shipped()
    found = areas.district(lad_code)
    if found is None:
        areas.members(lad_code)  # raises, unless it is the code of a larger area
        raise UsageError(f"{lad_code} is no district; expected a code such as E06000018 (Nottingham)")
    return found


def name_of(kind: str, code: str) -> str:
    """Name of an area; the code itself where it has no other name."""
    return shipped().name_of(kind, code)
