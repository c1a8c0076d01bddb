"""A bundle is exactly what was saved, or is refused with the reason before it is interpreted."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.arrays import read_arrays
from models.bundle import ARRAYS, MANIFEST, content_id, load_bundle, load_manifest, save_bundle
from models.digest import bytes_digest
from models.errors import BundleError

WEIGHTS: dict[str, NDArray[Any]] = {
    "coef": np.arange(12, dtype=np.float32).reshape(3, 4),
    "flags": np.array([True, False, True]),
    "half": np.ones((2, 2), dtype=np.float16),
}
DOCUMENTS: dict[str, Any] = {"vocabulary": ["a", "b", "é"], "model": {"sectors": ["x"]}}
FACTS: dict[str, Any] = {"created_at": "2026-01-01T00:00:00+00:00", "encoder_id": "e", "metrics": {"macro_f1": 0.5}}
FILES = ["MODEL_CARD.md", "arrays.npz", "manifest.json", "model.json", "vocabulary.json"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A good bundle."""
    folder = tmp_path / "models" / "one"
    save_bundle(folder, WEIGHTS, DOCUMENTS, FACTS, "# Card\n")
    return folder


def vouch(folder: Path) -> None:
    """Rewrite the manifest so that it vouches for the files as they are now, as an attacker would."""
    from models.bundle import Manifest, _manifest_bytes

    files = {
        path.name: (path.stat().st_size, bytes_digest(path.read_bytes()))
        for path in folder.iterdir()
        if path.name != MANIFEST
    }
    (folder / MANIFEST).write_bytes(_manifest_bytes(Manifest("0" * 16, {}, {}, files)))


def test_what_is_loaded_is_what_was_saved(saved: Path) -> None:
    bundle = load_bundle(saved)
    assert sorted(path.name for path in saved.iterdir()) == FILES
    assert bundle.documents == DOCUMENTS
    assert dict(bundle.manifest.facts) == FACTS
    assert bundle.manifest.libraries["numpy"] == np.__version__
    assert sorted(bundle.arrays) == sorted(WEIGHTS)
    for name, array in WEIGHTS.items():
        np.testing.assert_array_equal(bundle.arrays[name], array)
        assert bundle.arrays[name].dtype == array.dtype


def test_the_model_id_is_of_the_contents_alone(saved: Path, tmp_path: Path) -> None:
    again = save_bundle(tmp_path / "two", WEIGHTS, DOCUMENTS, {"created_at": "later"}, "other card")
    assert load_manifest(saved).model_id == again.model_id == content_id(WEIGHTS, DOCUMENTS)
    assert content_id({**WEIGHTS, "flags": ~WEIGHTS["flags"]}, DOCUMENTS) != again.model_id
    assert content_id(WEIGHTS, {**DOCUMENTS, "vocabulary": ["b", "a", "é"]}) != again.model_id


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", [0.0, 0.3, 0.5, 0.999])
def test_one_changed_byte_in_any_file_is_refused(saved: Path, name: str, where: float) -> None:
    data = bytearray((saved / name).read_bytes())
    data[int(where * (len(data) - 1))] ^= 1
    (saved / name).write_bytes(data)
    with pytest.raises(BundleError):
        load_bundle(saved)


def test_a_better_figure_written_into_the_manifest_is_refused(saved: Path) -> None:
    content = (saved / MANIFEST).read_text()
    (saved / MANIFEST).write_text(content.replace('"macro_f1": 0.5', '"macro_f1": 0.9'))
    assert (saved / MANIFEST).read_text() != content
    with pytest.raises(BundleError, match="edited after training"):
        load_bundle(saved)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_or_missing_is_refused(saved: Path, name: str) -> None:
    data = (saved / name).read_bytes()
    (saved / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(BundleError):
        load_bundle(saved)
    (saved / name).unlink()
    with pytest.raises(BundleError, match="missing"):
        load_bundle(saved)


def test_an_extra_file_is_refused(saved: Path) -> None:
    (saved / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(BundleError, match=r"model\.pkl"):
        load_bundle(saved)


def test_a_symlink_is_refused(saved: Path) -> None:
    (saved / "outside.json").write_bytes((saved / "model.json").read_bytes())
    (saved / "model.json").unlink()
    (saved / "outside.json").rename(saved.parent / "outside.json")
    (saved / "model.json").symlink_to(saved.parent / "outside.json")
    with pytest.raises(BundleError, match="not a plain file"):
        load_bundle(saved)


def test_an_unknown_version_is_refused_first(saved: Path) -> None:
    manifest = json.loads((saved / MANIFEST).read_text())
    manifest["format_version"] = 99
    (saved / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="format version 99"):
        load_bundle(saved)


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{", b'{"format": 1}', b"[" * 100_000, b"\xff\xfe"],
    ids=["empty", "null", "list", "half", "other format", "deep", "no text"],
)
def test_a_manifest_that_is_none_is_refused(saved: Path, content: bytes) -> None:
    (saved / MANIFEST).write_bytes(content)
    with pytest.raises(BundleError):
        load_manifest(saved)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="expected a model bundle"):
        load_bundle(tmp_path / "nothing")


def test_a_bundle_is_never_written_over(saved: Path) -> None:
    before = (saved / MANIFEST).read_bytes()
    with pytest.raises(BundleError, match="exists already"):
        save_bundle(saved, WEIGHTS, DOCUMENTS, FACTS, "# Card\n")
    assert (saved / MANIFEST).read_bytes() == before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_not_saved_and_leave_nothing(tmp_path: Path, value: float) -> None:
    with pytest.raises(BundleError, match="NaN or infinity"):
        save_bundle(tmp_path / "bad", {"coef": np.array([1.0, value])}, {}, {}, "")
    assert list(tmp_path.iterdir()) == []


def test_objects_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="expected numbers"):
        save_bundle(tmp_path / "bad", {"coef": np.array([object()])}, {}, {}, "")


@pytest.mark.parametrize("name", ["manifest", "../up", "Big", ""])
def test_a_document_name_that_could_reach_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="document name"):
        save_bundle(tmp_path / "bad", {}, {name: 1}, {}, "")


class Canary:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def npy(array: NDArray[Any]) -> bytes:
    """An array as the bytes of an .npy file."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=True)
    return stream.getvalue()


def zipped(member: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip with one member, coef.npy."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("coef.npy", member)
    return stream.getvalue()


def test_a_pickle_in_a_self_consistent_bundle_is_refused_unopened(saved: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for data in (pickle.dumps(Canary(canary)), zipped(npy(np.array([Canary(canary)], dtype=object)))):
        (saved / ARRAYS).write_bytes(data)
        vouch(saved)
        with pytest.raises(BundleError):
            load_bundle(saved)
    assert not canary.exists()


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    member = npy(np.zeros(3)).replace(b"(3,), }" + b" " * 11, b"(250000000000,), }")
    assert b"250000000000" in member
    path = tmp_path / "bomb.npz"
    path.write_bytes(zipped(member))
    with pytest.raises(BundleError, match="claims"):
        read_arrays(path)


def test_a_compressed_array_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    path.write_bytes(zipped(npy(np.zeros(1_000_000)), zipfile.ZIP_DEFLATED))
    with pytest.raises(BundleError, match="compressed"):
        read_arrays(path)


def test_nan_weights_in_a_self_consistent_bundle_are_refused(saved: Path) -> None:
    (saved / ARRAYS).write_bytes(zipped(npy(np.array([np.nan]))))
    vouch(saved)
    with pytest.raises(BundleError, match="NaN"):
        load_bundle(saved)


def test_contents_of_another_model_are_refused(saved: Path) -> None:
    (saved / "vocabulary.json").write_text('["other"]')
    vouch(saved)
    with pytest.raises(BundleError, match="the manifest says 0000"):
        load_bundle(saved)
