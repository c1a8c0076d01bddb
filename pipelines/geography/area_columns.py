"""The areas of every address, as columns of whole numbers: what figures are counted by.

An address in Northern Ireland has no district, since its postcode is not looked up, but its postcode says BT: it counts
for the country and the region, and for an area of your own that takes in all of Northern Ireland.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.geography.areas import KINDS, NORTHERN_IRELAND, UNKNOWN, Areas, shipped

if TYPE_CHECKING:
    import pyarrow as pa

POSTCODE_AREA, H3 = "postcode_area", "h3"
_AREA_LETTERS = r"^([A-Z]{1,2})[0-9].*$|^(GIR|NPT) .*$"


@dataclass(frozen=True)
class AreaColumn:
    """Areas of one kind: ``place`` is ``(n,)`` int32 in ``codes``, sorted, of which the last is ``unknown``."""

    place: NDArray[np.int32]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class AreaColumns:
    """Areas of addresses: a column per kind, and for each area of your own, ``(n,)`` bool, which addresses lie in it.

    ``no_districts`` are texts given as a district that no district has or had as its code, and how often.
    """

    kinds: dict[str, AreaColumn]
    custom: dict[str, NDArray[np.bool_]]
    no_districts: dict[str, int]


def area_columns(
    lad_codes: pa.Array | pa.ChunkedArray,
    h3: pa.Array | pa.ChunkedArray,
    postcodes: pa.Array | pa.ChunkedArray,
    kinds: Iterable[str],
    custom: Mapping[str, Sequence[str]],
    areas: Areas | None = None,
) -> AreaColumns:
    """Areas of addresses, by their district, hexagon and postcode.

    Args:
        lad_codes: ``(n,)`` district codes, also such as are no more; null where not known.
        h3: ``(n,)`` hexagons.
        postcodes: ``(n,)`` postcodes in their usual form.
        kinds: Kinds wanted: country, region, utla, cauth, lad, postcode_area, h3, custom.
        custom: Areas of your own, as lists of codes (``areas.custom``); taken when ``custom`` is among the kinds.
        areas: Table of areas; the shipped one when not given.

    Raises:
        UsageError: An area of your own has a code that no area has.
    """
    table, wanted = areas or shipped(), set(kinds)
    given, lad = _encoded(lad_codes)
    districts = [table.district(code) for code in given]
    letters = _letters(postcodes) if wanted & {"country", "region", "custom", POSTCODE_AREA} else ([], lad * 0)
    northern = np.array([*(name == "BT" for name in letters[0]), False])[letters[1]]
    columns: dict[str, AreaColumn] = {}
    for kind in KINDS:
        if kind in wanted:
            codes = (*table.codes(kind), UNKNOWN)
            places = {code: number for number, code in enumerate(codes)}
            of_district = [places.get(found.code(kind), len(codes) - 1) if found else -1 for found in districts]
            place = np.array([*of_district, -1], dtype=np.int32)[lad]
            elsewhere = northern if kind in ("country", "region") else np.zeros(len(lad), dtype=bool)
            by_postcode = np.where(elsewhere, places.get(NORTHERN_IRELAND, places[UNKNOWN]), places[UNKNOWN])
            place = np.where(place < 0, by_postcode, place)
            columns[kind] = AreaColumn(place.astype(np.int32), codes)
    if POSTCODE_AREA in wanted:
        columns[POSTCODE_AREA] = _sorted(*letters)
    if H3 in wanted:
        columns[H3] = _sorted(*_encoded(h3))
    inside = {}
    for name, lads in (table.custom(custom) if "custom" in wanted else {}).items():
        of_district = [*(found is not None and found.lad_code in lads for found in districts), False]
        inside[name] = np.array(of_district)[lad]
        if lads.issuperset(table.members(NORTHERN_IRELAND)):
            inside[name] |= northern & np.array([*(found is None for found in districts), True])[lad]
    times = np.bincount(lad, minlength=len(given) + 1)
    strange = {code: int(times[number]) for number, code in enumerate(given) if districts[number] is None}
    return AreaColumns(columns, inside, dict(sorted(strange.items())))


def _encoded(texts: pa.Array | pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Distinct texts, and of each row the place among them; null and empty stand one behind the last."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    whole = whole if pa.types.is_dictionary(whole.type) else whole.cast(pa.string()).dictionary_encode()
    names: list[str] = whole.dictionary.to_pylist()
    index: NDArray[np.int64] = (
        pc.fill_null(whole.indices.cast(pa.int64()), len(names)).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return names, index


def _letters(postcodes: pa.Array | pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Postcode areas, distinct, and of each row the place among them; one behind the last where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts, index = _encoded(postcodes)
    distinct = pa.array(texts, pa.string())
    areas = pc.replace_substring_regex(distinct, _AREA_LETTERS, r"\1\2")
    areas = pc.if_else(pc.equal(areas, distinct), None, areas)
    names, place = _encoded(areas)
    return names, np.append(place, len(names))[index]


def _sorted(names: list[str], index: NDArray[np.int64]) -> AreaColumn:
    """A column whose codes are in order, the unknown last."""
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names) + 1, dtype=np.int32)
    place[[*order, len(names)]] = np.arange(len(names) + 1)
    return AreaColumn(place[index], (*(names[number] for number in order), UNKNOWN))
