"""Turn postcodes into whole numbers, many at a time, so that a directory of millions is searched without text.

A key is the place of the outward half in a sorted list of outward halves, times 6,760, plus the inward half: all keys
of Great Britain fit into 25 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

INWARD_CODES = 10 * 26 * 26
NO_KEY = np.uint32(0xFFFFFFFF)
_CHARS = 7  # an outward half of up to four characters, to the right, and an inward half of three
_OUTWARD_CHARS = 4
_BLANKS = r"[\s\p{Z}\x{200B}\x{FEFF}]+"
_BASE = 37  # blank, ten digits, 26 letters
_BAD = 255


def compacted(texts: pa.Array) -> pa.Array:
    """Texts in capitals without blanks; nulls stay null."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(pc.utf8_upper(texts), _BLANKS, "")


def outward_of(compact: pa.Array) -> pa.Array:
    """Outward halves of compacted postcodes."""
    import pyarrow.compute as pc

    return pc.utf8_slice_codeunits(compact, 0, -3)


def inward_of(code: int) -> str:
    """Inward half of a key's remainder, e.g. ``2RD``."""
    digit, letters = divmod(code, 26 * 26)
    return f"{digit}{_LETTERS[letters // 26]}{_LETTERS[letters % 26]}"


class KeyMaker:
    """Gives keys by one list of outward halves."""

    def __init__(self, outwards: Sequence[str]) -> None:
        """Args: outward halves, e.g. ``NG7``, sorted; the same list that the directory's keys were made by."""
        self._place = np.full(_BASE**_OUTWARD_CHARS, -1, dtype=np.int32)
        if outwards:
            padded = np.frombuffer("".join(text.rjust(_OUTWARD_CHARS) for text in outwards).encode("ascii"), np.uint8)
            self._place[_outward_codes(padded.reshape(-1, _OUTWARD_CHARS))] = np.arange(len(outwards))

    def keys(self, compact: pa.Array) -> NDArray[np.uint32]:
        """Keys of compacted postcodes; ``NO_KEY`` where the text is none or its outward half is not in the list."""
        import pyarrow as pa
        import pyarrow.compute as pc

        length = pc.binary_length(compact)
        fits = pc.and_(pc.greater_equal(length, 5), pc.less_equal(length, _CHARS))
        usable = pc.fill_null(pc.and_(fits, pc.string_is_ascii(compact)), False)
        padded = pc.utf8_lpad(pc.if_else(usable, compact, "_" * _CHARS), _CHARS, " ")
        chars = _bytes(pc.cast(padded, pa.binary(_CHARS)), len(compact))
        outward = _LETTER_OR_DIGIT[chars[:, :_OUTWARD_CHARS]]
        inward = (_DIGIT[chars[:, 4]], _LETTER[chars[:, 5]], _LETTER[chars[:, 6]])
        good = (outward != _BAD).all(axis=1) & (np.maximum.reduce(inward) != _BAD)
        place = np.where(good, self._place[np.where(good, _outward_codes(chars[:, :_OUTWARD_CHARS]), 0)], -1)
        inner = (inward[0].astype(np.uint32) * 26 + inward[1]) * 26 + inward[2]
        return np.where(place >= 0, place.astype(np.uint32) * np.uint32(INWARD_CODES) + inner, NO_KEY)


def _outward_codes(chars: NDArray[np.uint8]) -> NDArray[np.int64]:
    codes = np.zeros(len(chars), dtype=np.int64)
    for column in range(_OUTWARD_CHARS):
        codes = codes * _BASE + _LETTER_OR_DIGIT[chars[:, column]]
    return codes


def _bytes(fixed: Any, rows: int) -> NDArray[np.uint8]:
    if not rows:
        return np.zeros((0, _CHARS), dtype=np.uint8)
    whole = np.frombuffer(fixed.buffers()[1], dtype=np.uint8)
    return whole[fixed.offset * _CHARS : (fixed.offset + rows) * _CHARS].reshape(rows, _CHARS)


def _table(chars: str, first: int) -> NDArray[np.uint8]:
    values = np.full(256, _BAD, dtype=np.uint8)
    for place, char in enumerate(chars, start=first):
        values[ord(char)] = place
    return values


_DIGITS, _LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGIT = _table(_DIGITS, 0)
_LETTER = _table(_LETTERS, 0)
_LETTER_OR_DIGIT = _table(" " + _DIGITS + _LETTERS, 0)
