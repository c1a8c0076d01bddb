"""Clean columns of the register as they are read: whole columns at once, as five million rows by hand take too long.

Cells that cannot be read become null and are counted by reason; only what makes a row useless drops the row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipelines.geography.postcode_text import postcode_of
from pipelines.reading import clean
from pipelines.sources.cells import day
from pipelines.sources.company_numbers import LENGTH, normalised

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

SIC_COLUMNS = tuple(f"SICCode.SicText_{number}" for number in range(1, 5))
NAME_COLUMNS = tuple(f"PreviousName_{number}.CompanyName" for number in range(1, 11))
REQUIRED = (
    "CompanyName", "CompanyNumber", "RegAddress.PostCode", "CompanyStatus", "IncorporationDate", SIC_COLUMNS[0],
)  # fmt: skip
# A file without the others, such as an extract, is read as one in which nothing stands there.
READ = (*REQUIRED, "CompanyCategory", "DissolutionDate", *SIC_COLUMNS[1:], *NAME_COLUMNS)

_FULL_NUMBER = rf"^[A-Z]{{0,2}}[0-9]{{5,{LENGTH}}}[A-Z]?$"
_ODD_CHARACTER = "[^ -~]"  # not printable ASCII: to be brought to NFC
# The usual forms, for which nothing is to be mended; whatever else is there is asked of postcode_of.
_PLAIN_POSTCODE = r"^(?:[A-Z][1-9][0-9]?|[A-Z][A-HJ-Z][1-9][0-9]?) [0-9][A-Z]{2}$"
_SIC = re.compile(r"([0-9]{4,5})(?![0-9])")
_NO_SIC = "none supplied"
_EPOCH_MONTH = 1970 * 12


@dataclass(frozen=True)
class Cleaned:
    """Rows of a part of the file, cleaned, in its order; ``left_out`` counts cells by what was wrong with them.

    ``table`` has the columns of :func:`schema`; ``number`` is null where the row has none that could be read.
    """

    table: pa.Table
    left_out: Counter[str]


def schema() -> pa.Schema:
    """Columns of cleaned rows; ``line`` is the line in the file and ``odd_postcode`` a postcode that is none."""
    import pyarrow as pa

    texts = pa.list_(pa.field("element", pa.string(), nullable=False))
    return pa.schema(
        [
            ("number", pa.string()), ("line", pa.int64()), ("name", pa.string()), ("status", pa.string()),
            ("company_category", pa.string()), ("incorporated_on", pa.date32()), ("dissolved_on", pa.date32()),
            ("sic_codes", texts), ("previous_names", texts), ("postcode", pa.string()), ("odd_postcode", pa.bool_()),
        ]
    )  # fmt: skip


def cleaned(columns: Mapping[str, pa.StringArray], lines: npt.NDArray[np.int64]) -> Cleaned:
    """Clean a part of the file.

    Args:
        columns: Text of every column of ``READ``, ``(n_rows,)`` each.
        lines: Line of each row in the file, ``(n_rows,)``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    left_out: Counter[str] = Counter()
    trimmed = {name: pc.utf8_trim_whitespace(cells) for name, cells in columns.items()}
    postcode, odd = _postcodes(trimmed["RegAddress.PostCode"])
    left_out["malformed_postcode"] += int(pc.sum(odd).as_py() or 0)
    days = {}
    for name in ("IncorporationDate", "DissolutionDate"):
        days[name], unreadable = days_of(trimmed[name])
        left_out["unreadable_date"] += unreadable
    codes = []
    for name in SIC_COLUMNS:
        code, unreadable = _sic_codes(trimmed[name])
        codes.append(code)
        left_out["unreadable_sic_code"] += unreadable
    table = pa.Table.from_arrays(
        [
            numbers_of(trimmed["CompanyNumber"]), pa.array(lines, pa.int64()), _text(trimmed["CompanyName"]),
            _by_value(trimmed["CompanyStatus"], _word), _by_value(trimmed["CompanyCategory"], _word),
            days["IncorporationDate"], days["DissolutionDate"], _lists(codes),
            _lists([_text(trimmed[name]) for name in NAME_COLUMNS]), postcode, odd,
        ],
        schema=schema(),
    )  # fmt: skip
    return Cleaned(table, +left_out)


def numbers_of(cells: pa.StringArray) -> pa.StringArray:
    """Company numbers in their form of eight characters, null where a cell holds none; as ``normalised`` has them."""
    import pyarrow.compute as pc

    upper = pc.utf8_upper(cells)
    whole = pc.and_(pc.equal(pc.utf8_length(upper), LENGTH), pc.match_substring_regex(upper, _FULL_NUMBER))
    whole = pc.and_(whole, pc.match_substring_regex(upper, "[1-9]"))
    return _mended(upper, pc.fill_null(whole, False), normalised)


def keys_of(numbers: pa.StringArray) -> npt.NDArray[np.uint64]:
    """Company numbers as whole numbers in the same order, ``(n,) uint64``; 0 for null.

    Eight characters of ASCII are eight bytes: joining and sorting five million of these takes a second.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pc.fill_null(numbers, "\0" * LENGTH)
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    fixed = filled.cast(pa.binary()).cast(pa.binary(LENGTH))
    raw = np.frombuffer(fixed.buffers()[1], dtype=">u8", count=len(fixed), offset=LENGTH * fixed.offset)
    return raw.astype(np.uint64)


def days_of(cells: pa.StringArray) -> tuple[pa.Date32Array, int]:
    """Dates, null where a cell is empty or holds none; and how many are not empty and hold none."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = pc.fill_null(cells, "")
    length = pc.binary_length(cells).to_numpy(zero_copy_only=False)
    ten = length == 10
    found = np.zeros(len(cells), "datetime64[D]")
    known = np.zeros(len(cells), bool)
    raw = cells.filter(pa.array(ten)).cast(pa.binary()).cast(pa.binary(10))
    bytes_ = np.frombuffer(raw.buffers()[1] or b"", np.uint8, count=10 * len(raw), offset=10 * raw.offset)
    text = bytes_.reshape(-1, 10)
    digits = text[:, [0, 1, 3, 4, 6, 7, 8, 9]].astype(np.int64) - ord("0")
    plain = (text[:, 2] == ord("/")) & (text[:, 5] == ord("/")) & ((digits >= 0) & (digits <= 9)).all(axis=1)
    of_month, month = digits[:, 0] * 10 + digits[:, 1], digits[:, 2] * 10 + digits[:, 3]
    year = digits[:, 4:] @ np.array([1000, 100, 10, 1])
    plain &= (month >= 1) & (month <= 12) & (of_month >= 1) & (year >= 1)
    begun = np.where(plain, year * 12 + month - 1 - _EPOCH_MONTH, 0).astype("datetime64[M]")
    dates = begun.astype("datetime64[D]") + np.where(plain, of_month - 1, 0)
    plain &= dates.astype("datetime64[M]") == begun  # the 31st of June is in July
    places = np.flatnonzero(ten)[plain]
    found[places], known[places] = dates[plain], True
    unreadable = 0
    for place in np.flatnonzero((length > 0) & ~known).tolist():
        one = day(cells[place].as_py())
        if one is None:
            unreadable += 1
        else:
            found[place], known[place] = np.datetime64(one, "D"), True
    return pa.array(found, mask=~known).cast(pa.date32()), unreadable


def _postcodes(cells: pa.StringArray) -> tuple[pa.StringArray, pa.BooleanArray]:
    import pyarrow.compute as pc

    codes = _mended(cells, pc.fill_null(pc.match_substring_regex(cells, _PLAIN_POSTCODE), False), postcode_of)
    return codes, pc.and_(pc.is_null(codes), pc.fill_null(pc.greater(pc.utf8_length(cells), 0), False))


def _mended(cells: pa.StringArray, good: pa.BooleanArray, mend: Callable[[str], str | None]) -> pa.StringArray:
    """The cells, those that are not good put through ``mend``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.all(good).as_py():
        return cells
    others = cells.filter(pc.invert(good))
    mended = pa.array([mend(text) if text else None for text in others.to_pylist()], pa.string())
    return pc.replace_with_mask(cells, pc.invert(good), mended)


def _text(cells: pa.StringArray) -> pa.StringArray:
    """Names as they are kept, null where empty."""
    import pyarrow.compute as pc

    kept = _mended(cells, pc.fill_null(pc.invert(pc.match_substring_regex(cells, _ODD_CHARACTER)), True), clean)
    return pc.if_else(pc.equal(kept, ""), None, kept)


def _by_value(cells: pa.StringArray, read: Callable[[str], str | None]) -> pa.StringArray:
    """Read each distinct value once."""
    import pyarrow as pa

    coded = cells.dictionary_encode()
    return pa.array([read(value) for value in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


def _sic_codes(cells: pa.StringArray) -> tuple[pa.StringArray, int]:
    import pyarrow.compute as pc

    codes = _by_value(cells, _sic_code)
    unreadable = pc.and_(pc.equal(codes, "?"), pc.is_valid(codes))
    return pc.if_else(unreadable, None, codes), int(pc.sum(unreadable).as_py() or 0)


@lru_cache(maxsize=10_000)
def _sic_code(text: str) -> str | None:
    """Five digits of "62012 - Business and domestic software development"; "?" for what is no code."""
    if not text or text.lower() == _NO_SIC:
        return None
    found = _SIC.match(text)
    return found[1].zfill(5) if found else "?"


def _word(text: str) -> str | None:
    return clean(text) or None


def _lists(columns: list[pa.StringArray]) -> pa.ListArray:
    """What the columns of a row hold, as one list per row; null where they hold nothing."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    length = len(columns[0])
    filled = [column for column in columns if column.null_count < length]
    if not filled:
        return pa.nulls(length, schema().field("sic_codes").type)
    row_by_row = np.arange(length * len(filled)).reshape(len(filled), length).T.ravel()
    values = pa.concat_arrays(filled).take(pa.array(row_by_row))
    counts = np.column_stack([column.is_valid().to_numpy(zero_copy_only=False) for column in filled]).sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pc.drop_null(values), type=schema().field("sic_codes").type, mask=pa.array(counts == 0)
    )
