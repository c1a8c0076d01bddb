"""A trained model on disk: plain arrays and JSON in one folder, vouched for by a manifest.

Nothing in a bundle is executable and nothing is interpreted before the manifest vouches for it: names, sizes and
SHA-256 first, then zip and array headers, then numbers. ``model_id`` is a digest of arrays and documents, so equal
models have equal ids whenever and wherever they were trained.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import MAGIC_BYTES, kind_of, read_arrays, write_arrays
from models.digest import bytes_digest, file_digest
from models.errors import BundleError

FORMAT = "firmscope-bundle"
FORMAT_VERSION = 1
MANIFEST, ARRAYS, CARD = "manifest.json", "arrays.npz", "MODEL_CARD.md"
MODEL_ID_DIGITS = 16
MAX_MANIFEST_BYTES = 4 << 20
MAX_DOCUMENT_BYTES = 64 << 20  # a vocabulary of 2 million terms is about 40 MB
LIBRARIES = ("numpy", "scipy", "scikit-learn", "sentence-transformers", "tokenizers", "torch")
DOCUMENT_NAME = re.compile(r"[a-z][a-z_]{0,40}")

Arrays = Mapping[str, NDArray[Any]]
Documents = Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What a bundle says of itself."""

    model_id: str  # 16 hex digits over arrays and documents
    facts: Mapping[str, Any]  # created_at, encoder_id, taxonomy and training-set digests, metrics
    libraries: Mapping[str, str]  # versions at training
    files: Mapping[str, tuple[int, str]]  # name: bytes, SHA-256


@dataclass(frozen=True)
class Bundle:
    """A bundle read back, every digest checked."""

    manifest: Manifest
    arrays: Mapping[str, NDArray[Any]]
    documents: Mapping[str, Any]


def content_id(arrays: Arrays, documents: Documents) -> str:
    """The ``model_id`` of these contents: 16 hex digits, the same on every machine."""
    digest = hashlib.sha256(f"{FORMAT}/{FORMAT_VERSION}".encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"\x00{name}\x00{array.dtype.str}\x00{array.shape}\x00".encode())
        digest.update(array.tobytes())
    for name in sorted(documents):
        digest.update(f"\x00{name}\x00".encode() + _canonical(documents[name]))
    return digest.hexdigest()[:MODEL_ID_DIGITS]


def save_bundle(folder: Path, arrays: Arrays, documents: Documents, facts: Mapping[str, Any], card: str) -> Manifest:
    """Write a bundle so that it is either whole or absent.

    Args:
        folder: Its final place, which must not exist yet; the parent is made when missing.
        arrays: Numeric or boolean arrays; floats must be finite.
        documents: JSON values by name (``[a-z_]+``); each becomes ``NAME.json``.
        facts: JSON values for the manifest that are no part of the model: when, from what, how good.
        card: The model card, Markdown.

    Raises:
        BundleError: The folder exists, a name is unusable, or an array holds NaN or infinity.
    """
    if folder.exists():
        message = f"{folder}: exists already; bundles are never written over. Name another folder or move this one away"
        raise BundleError(message)
    for name in documents:
        if not DOCUMENT_NAME.fullmatch(name) or f"{name}.json" == MANIFEST:
            message = f"document name {name!r}; expected small letters and underscores, and not 'manifest'"
            raise BundleError(message)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.parent / f".{folder.name}.{os.getpid()}.tmp"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        write_arrays(staging / ARRAYS, arrays)
        for name, value in documents.items():
            (staging / f"{name}.json").write_bytes(_canonical(value))
        (staging / CARD).write_text(card, encoding="utf-8")
        files = {path.name: (path.stat().st_size, file_digest(path)) for path in sorted(staging.iterdir())}
        manifest = Manifest(content_id(arrays, documents), dict(facts), _library_versions(), files)
        (staging / MANIFEST).write_bytes(_manifest_bytes(manifest))
        for path in (*staging.iterdir(), staging):
            _sync(path)
        staging.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle back, refusing anything that is not exactly what its manifest says.

    Raises:
        BundleError: Missing, truncated, tampered with, extra files, unknown version, or numbers that are not finite;
            the message says which file and what was expected.
    """
    manifest = load_manifest(folder)
    names = {path.name for path in folder.iterdir()}
    expected = {MANIFEST, *manifest.files}
    if names != expected:
        extra, missing = sorted(names - expected), sorted(expected - names)
        message = f"{folder}: extra files {extra}, missing {missing}; restore the bundle as it was trained"
        raise BundleError(message)
    for name, (size, digest) in manifest.files.items():
        _check_file(folder / name, size, digest)
    arrays = read_arrays(folder / ARRAYS)
    documents = {
        name.removesuffix(".json"): _read_json(folder / name, MAX_DOCUMENT_BYTES)
        for name in manifest.files
        if name.endswith(".json")
    }
    seen = content_id(arrays, documents)
    if seen != manifest.model_id:
        message = f"{folder}: contents are model {seen}, the manifest says {manifest.model_id}; train again"
        raise BundleError(message)
    return Bundle(manifest, arrays, documents)


def load_manifest(folder: Path) -> Manifest:
    """The manifest alone, its own digest checked: what a bundle is, without reading its numbers.

    Raises:
        BundleError: No bundle, an unknown format or version, or a manifest that was edited.
    """
    if folder.is_file():
        with folder.open("rb") as stream:
            kind = kind_of(stream.read(MAGIC_BYTES))
        message = f"{folder}: {kind}, expected the folder of a model bundle; refused unread"
        raise BundleError(message)
    path = folder / MANIFEST
    raw = _read_json(path, MAX_MANIFEST_BYTES)
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        message = f"{path}: not the manifest of a model bundle; expected format {FORMAT!r}"
        raise BundleError(message)
    if raw.get("format_version") != FORMAT_VERSION:
        message = (
            f"{path}: format version {raw.get('format_version')!r}, this firmscope reads {FORMAT_VERSION}; train again"
        )
        raise BundleError(message)
    try:
        files = {str(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in raw["files"].items()}
        manifest = Manifest(str(raw["model_id"]), dict(raw["facts"]), dict(raw["libraries"]), files)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{path}: a field is missing or malformed ({error!r}); restore the bundle or train again"
        raise BundleError(message) from error
    if path.read_bytes() != _manifest_bytes(manifest):
        message = f"{path}: was edited after training (its own digest does not match); restore it or train again"
        raise BundleError(message)
    for name in files:
        if name not in (ARRAYS, CARD) and not DOCUMENT_NAME.fullmatch(name.removesuffix(".json")):
            message = f"{path}: lists {name!r}, which no bundle has; refused"
            raise BundleError(message)
    if ARRAYS not in files:
        message = f"{path}: lists no {ARRAYS}; restore the bundle or train again"
        raise BundleError(message)
    return manifest


def _manifest_bytes(manifest: Manifest) -> bytes:
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model_id": manifest.model_id,
        "facts": dict(manifest.facts),
        "libraries": dict(manifest.libraries),
        "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest) in manifest.files.items()},
    }
    content["manifest_sha256"] = bytes_digest(_canonical(content))
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _check_file(path: Path, size: int, digest: str) -> None:
    if path.is_symlink() or not path.is_file():
        message = f"{path}: not a plain file; refused"
        raise BundleError(message)
    if path.stat().st_size != size:
        message = f"{path}: {path.stat().st_size} bytes, the manifest says {size}; restore the bundle or train again"
        raise BundleError(message)
    seen = file_digest(path)
    if seen != digest:
        message = f"{path}: SHA-256 is {seen}, the manifest says {digest}; restore the bundle or train again"
        raise BundleError(message)


def _read_json(path: Path, max_bytes: int) -> Any:
    if path.is_symlink() or not path.is_file():
        message = f"{path}: missing; expected a model bundle as written by training"
        raise BundleError(message)
    if path.stat().st_size > max_bytes:
        message = f"{path}: {path.stat().st_size} bytes, expected at most {max_bytes}; refused"
        raise BundleError(message)
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        message = f"{path}: not JSON ({error}); restore the bundle or train again"
        raise BundleError(message) from error


def _library_versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
