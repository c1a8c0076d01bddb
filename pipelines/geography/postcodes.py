"""Where postcodes lie: coordinates, district and hexagon of each, or the reason why there is none.

Great Britain only. A postcode that has been withdrawn is found like any other: the directory keeps it, and does not say
so. Nothing is guessed from a neighbouring postcode.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.geography.hexagons import cells_of
from pipelines.geography.lookup import DEGREE, NO_DISTRICT, NOWHERE, Lookup, open_lookup
from pipelines.geography.postcode_keys import NO_KEY, KeyMaker, compacted
from pipelines.geography.postcode_text import postcode_area, postcode_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["REASONS", "Found", "Places", "placed", "postcode_area", "postcode_of"]

REASONS: dict[str, str] = {
    "no_postcode": "no postcode was given",
    "malformed": "the text is no postcode",
    "unknown": "the directory does not have the postcode",
    "no_coordinate": "the directory has the postcode, but no place for it",
    "northern_ireland": "postcodes of Northern Ireland are not looked up: they are not free for every use",
    "crown_dependency": "Jersey, Guernsey and the Isle of Man are not in the United Kingdom",
    "bad_coordinates": "the coordinates given are no place on earth",
}
"""Why an address has no place on the map, by the word that stands in ``premises.unplaced``."""

_WORDS = (*REASONS,)
_NO_REASON = -1
_ELSEWHERE = {"BT": "northern_ireland", "JE": "crown_dependency", "GY": "crown_dependency", "IM": "crown_dependency"}


@dataclass(frozen=True)
class Found:
    """What is known of postcodes, in their order.

    ``lat`` and ``lon`` are ``(n,)`` float64, degrees (WGS 84), NaN where there is none; ``lad_code``, ``h3`` and
    ``reason`` are ``(n,)`` Arrow texts by dictionary, null where there is none. Every row has either a hexagon or a
    reason.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    lad_code: pa.DictionaryArray
    h3: pa.DictionaryArray
    reason: pa.DictionaryArray

    def unplaced(self) -> dict[str, int]:
        """Number of postcodes by reason."""
        return dict(sorted(Counter(word for word in self.reason.to_pylist() if word is not None).items()))


class Places:
    """The postcode directory, ready to be asked."""

    def __init__(self, lookup: Lookup) -> None:
        """Args: the directory as arrays; see :meth:`open`."""
        self._lookup = lookup
        self._keys = KeyMaker(lookup.outwards)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The directory as a small file in ``folder``; it is made there first, in some seconds, when it is not there.

        Raises:
            DirectoryError: The package of the directory is missing or damaged.
        """
        return cls(open_lookup(folder))

    @property
    def directory(self) -> str:
        """Version of the package of the directory."""
        return self._lookup.directory

    def find(self, postcodes: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> Found:
        """Places of postcodes, however they are written; each distinct one is looked up once."""
        import pyarrow as pa

        texts = postcodes if isinstance(postcodes, pa.Array | pa.ChunkedArray) else pa.array(postcodes, pa.string())
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        if not pa.types.is_dictionary(texts.type):
            texts = texts.cast(pa.string()).dictionary_encode()
        row, reason = self._rows(texts.dictionary.cast(pa.string()))
        # One place more, for null, which has no postcode.
        index = texts.indices.cast(pa.int32()).fill_null(len(row))
        row, reason = np.append(row, -1), np.append(reason, np.int8(_WORDS.index("no_postcode")))
        return self._found(row, reason, index)

    def _rows(self, texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Place in the lookup of each text, -1 where there is none, and the number of the reason."""
        import pyarrow as pa

        keys = self._keys.keys(compacted(texts))
        reasons = np.full(len(keys), _NO_REASON, dtype=np.int8)
        odd = np.flatnonzero(keys == NO_KEY)
        given = texts.take(pa.array(odd)).to_pylist()
        mended = [postcode_of(text or "") for text in given]
        keys[odd] = self._keys.keys(compacted(pa.array([postcode or "" for postcode in mended], pa.string())))
        for place, text, postcode in zip(odd.tolist(), given, mended, strict=True):
            if postcode is None:
                reasons[place] = _WORDS.index("malformed" if (text or "").strip() else "no_postcode")
            elif keys[place] == NO_KEY:
                reasons[place] = _WORDS.index(_ELSEWHERE.get(postcode_area(postcode) or "", "unknown"))
        held = self._lookup.key
        row = np.searchsorted(held, keys)
        row = np.where((row < len(held)) & (held[np.minimum(row, len(held) - 1)] == keys), row, -1)
        reasons[(row < 0) & (reasons == _NO_REASON)] = _WORDS.index("unknown")
        without = (row >= 0) & (self._lookup.lat[row] == NOWHERE)
        reasons[without] = _WORDS.index("no_coordinate")
        return np.where(without, -1, row), reasons

    def _found(self, row: NDArray[np.int64], reason: NDArray[np.int8], index: pa.Array) -> Found:
        """Facts of distinct postcodes, given to every row that has one of them."""

        there = row >= 0
        lat, lon = (np.where(there, column[row] / DEGREE, np.nan) for column in (self._lookup.lat, self._lookup.lon))
        district = np.where(there, self._lookup.district[row], NO_DISTRICT)
        lads = _by_dictionary(district.astype(np.int32), district == NO_DISTRICT, self._lookup.districts)
        words = _by_dictionary(reason.astype(np.int32), reason == _NO_REASON, _WORDS)
        cells = cells_of(lat, lon)
        each = index.to_numpy(zero_copy_only=False)
        return Found(lat[each], lon[each], lads.take(index), cells.take(index), words.take(index))


def placed(table: pa.Table, places: Places) -> pa.Table:
    """Premises with what their postcode says: lat, lon, lad_code, h3 and unplaced.

    What a row was given is left as it stands, and only what is missing is filled in; the hexagon follows the
    coordinates that the row has in the end. A row without a postcode keeps the reason that it came with.

    Args:
        table: Columns of ``pipelines.tables.PREMISES``, with or without ``shard``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = places.find(table["postcode"])
    lat, lon = _floats(table["lat"]), _floats(table["lon"])
    given = ~np.isnan(lat) & ~np.isnan(lon)
    lad_given, has_point = table["lad_code"].combine_chunks(), pa.array(given, pa.bool_())
    cells = pc.if_else(
        has_point,
        cells_of(np.where(given, lat, np.nan), lon).cast(pa.string()),
        found.h3.cast(pa.string()),
    )
    words = pc.if_else(pc.is_null(table["postcode"]), table["unplaced"], pa.scalar(None, pa.string()))
    words = pc.coalesce(words, found.reason.cast(pa.string()))
    reason = pc.if_else(has_point, "bad_coordinates", words)
    filled: dict[str, Any] = {
        "lat": pa.array(np.where(given, lat, found.lat), pa.float64(), from_pandas=True),
        "lon": pa.array(np.where(given, lon, found.lon), pa.float64(), from_pandas=True),
        "lad_code": pc.coalesce(lad_given, found.lad_code.cast(pa.string())),
        "h3": cells,
        "unplaced": pc.if_else(pc.is_null(cells), reason, pa.scalar(None, pa.string())),
    }
    for name, values in filled.items():
        table = table.set_column(table.column_names.index(name), table.schema.field(name), values)
    return table


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column of numbers, NaN for null."""
    values: NDArray[np.float64] = column.combine_chunks().to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _by_dictionary(index: NDArray[np.int32], missing: NDArray[np.bool_], words: Sequence[str]) -> pa.DictionaryArray:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(
        pa.array(np.where(missing, 0, index).astype(np.int32), mask=missing), pa.array(words, pa.string())
    )
