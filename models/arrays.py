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
MAX_MEMBERS = 256
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # with members, and without any
MAGIC_BYTES = 8
FOREIGN = (
    *((bytes([0x80, protocol]), "a pickle, which would run what it holds") for protocol in range(2, 6)),
    *((start, "a compressed file, as joblib writes them") for start in (
        b"x\x01", b"x^", b"x\x9c", b"x\xda", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"]\x00\x00", b"\x04\"M\x18",
    )),
    (b"PK", "a zip, as torch and skops write them"),
    (b"\x89HDF", "an HDF5 file"),
)  # fmt: skip
"""First bytes of what others keep models in, so that a refusal can say what was seen."""


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
        with path.open("rb") as stream:
            head = stream.read(MAGIC_BYTES)
        if not head.startswith(ZIP):
            message = f"{path}: {kind_of(head)}, expected a file of plain arrays; refused unread"
            raise BundleError(message)
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members)
            return {member.filename.removesuffix(NPY_SUFFIX): _read_member(path, archive, member) for member in members}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
        message = f"{path}: not a readable file of arrays ({error}); restore the bundle or train again"
        raise BundleError(message) from error


def kind_of(head: bytes) -> str:
    """What a file seems to be by its first bytes, in words; nothing of it is interpreted."""
    return next((kind for start, kind in FOREIGN if head.startswith(start)), "an unknown kind of file")


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    foreign = [member.filename for member in members if not member.filename.endswith(NPY_SUFFIX)]
    if foreign:  # skops holds schema.json, torch data.pkl
        message = f"{path}: a zip that holds {foreign[0]!r}, expected plain arrays only; refused unread"
        raise BundleError(message)
    packed = [member.filename for member in members if member.compress_type != zipfile.ZIP_STORED]
    if packed:
        message = f"{path}: array {packed[0]} is compressed, so that its size is unknown; refused unread"
        raise BundleError(message)
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > path.stat().st_size:
        message = f"{path}: {len(members)} arrays, more than any model has or larger than the file; refused"
        raise BundleError(message)


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    name = member.filename
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
