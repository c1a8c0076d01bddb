"""Arrays in an ``.npz`` file, written and read without pickle.

A zip can claim 2 TB in a header of 100 bytes; every claim is compared with the bytes that are there before memory is
asked for, and compressed members are refused because their real size is unknown until they are unpacked.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import BundleError

NPY_SUFFIX = ".npy"
PLAIN_KINDS = "biuf"  # booleans, integers, floats; never objects or strings
MAX_ARRAYS_BYTES = 4 << 30
MAX_MEMBERS = 256


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays, uncompressed, in the order of their names.

    Raises:
        BundleError: An array is not numeric or boolean, or holds NaN or infinity.
    """
    for name, array in arrays.items():
        _check_values(path, name, array)
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **{name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)})


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read arrays whose bytes the caller has already checked against a digest.

    Raises:
        BundleError: Not a zip of plain arrays, a header that claims other than what is there, or values not finite.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_ARRAYS_BYTES:
                message = f"{path}: {len(members)} arrays, more or larger than any model has; refused"
                raise BundleError(message)
            return {member.filename.removesuffix(NPY_SUFFIX): _read_member(path, archive, member) for member in members}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
        message = f"{path}: not a readable file of arrays ({error}); restore the bundle or train again"
        raise BundleError(message) from error


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    name = member.filename
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > path.stat().st_size:
        message = f"{path}: array {name} is compressed or larger than the file; refused"
        raise BundleError(message)
    data = archive.read(member)
    stream = io.BytesIO(data)
    major, _ = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    claimed = dtype.itemsize
    for extent in shape:
        claimed *= extent
    if dtype.kind not in PLAIN_KINDS or claimed != len(data) - stream.tell():
        message = f"{path}: array {name} claims {dtype} {shape}, which its {len(data)} bytes do not hold; refused"
        raise BundleError(message)
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    _check_values(path, name, array)
    return array


def _check_values(path: Path, name: str, array: NDArray[Any]) -> None:
    if array.dtype.kind not in PLAIN_KINDS:
        message = f"{path}: array {name} holds {array.dtype}, expected numbers or booleans"
        raise BundleError(message)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        message = f"{path}: array {name} holds NaN or infinity; a model with it would score nothing. Train again"
        raise BundleError(message)
