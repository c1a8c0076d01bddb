"""M13 to M17: files that are no model of ours are refused for what they are, before anything of them is interpreted."""

from __future__ import annotations

import ast
import gzip
import io
import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.errors import ModelMismatchError
from classifier.features import new_vectorizer
from classifier.model import SectorModel
from models.arrays import read_arrays
from models.bundle import ARRAYS, MANIFEST, Manifest, _manifest_bytes, load_bundle, save_bundle
from models.digest import bytes_digest
from models.errors import BundleError, EncoderError
from models.packaged import find_local, find_minilm
from tests.classifier.conftest import PARENTS, SECTORS, make_world

ROOT = Path(__file__).resolve().parents[3]
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "skops", "importlib"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


class Canary:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def torch_file(canary: Path) -> bytes:
    """As ``torch.save`` writes: a zip with a pickle in it."""
    import torch

    stream = io.BytesIO()
    torch.save(Canary(canary), stream)
    return stream.getvalue()


def skops_file(_: Path) -> bytes:
    """As skops writes: a zip with a schema that names what to call."""
    node = {"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "content": "touch canary"}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("schema.json", json.dumps(node))
    return stream.getvalue()


KINDS: dict[str, tuple[Callable[[Path], bytes], str, str]] = {
    "model.pkl": (lambda canary: pickle.dumps(Canary(canary)), "a pickle", "a pickle"),
    "model.joblib": (lambda canary: gzip.compress(pickle.dumps(Canary(canary))), "a compressed file", "a compressed"),
    "model.pt": (torch_file, "a zip, as torch", "a zip that holds"),
    "model.skops": (lambda canary: pickle.dumps(Canary(canary), protocol=2), "a pickle", "a pickle"),
    "real.skops": (skops_file, "a zip, as torch and skops", "a zip that holds 'schema.json'"),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A good bundle."""
    folder = tmp_path / "models" / "one"
    save_bundle(folder, {"coef": np.ones((3, 4))}, {"vocabulary": ["a"]}, {}, "")
    return folder


def put(folder: Path, name: str, data: bytes) -> None:
    """Replace a file and have the manifest vouch for it, as whoever owns the folder can."""
    (folder / name).write_bytes(data)
    files = {
        path.name: (path.stat().st_size, bytes_digest(path.read_bytes()))
        for path in folder.iterdir()
        if path.name != MANIFEST
    }
    (folder / MANIFEST).write_bytes(_manifest_bytes(Manifest("0" * 16, {}, {}, files)))


@pytest.mark.parametrize("name", sorted(KINDS))
def test_m13_a_foreign_file_in_the_place_of_a_model_is_refused_unread(tmp_path: Path, name: str) -> None:
    make, complaint, _ = KINDS[name]
    path, canary = tmp_path / name, tmp_path / "canary"
    path.write_bytes(make(canary))
    with pytest.raises(BundleError, match=complaint):
        SectorModel.load(path)
    assert not canary.exists()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_m13_a_foreign_file_in_the_place_of_the_arrays_is_refused_unread(
    saved: Path, tmp_path: Path, name: str
) -> None:
    make, _, complaint = KINDS[name]
    canary = tmp_path / "canary"
    put(saved, ARRAYS, make(canary))
    with pytest.raises(BundleError, match=complaint):
        load_bundle(saved)
    assert not canary.exists()


def test_m13_the_canary_sings(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Canary(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()


def test_m14_a_skops_file_is_refused_unread(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(saved, ARRAYS, skops_file(saved))
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("a member was read"))
    with pytest.raises(BundleError, match=r"schema\.json"):
        load_bundle(saved)


@pytest.mark.parametrize(
    "path",
    [path for package in ("models", "classifier") for path in sorted((ROOT / package).rglob("*.py"))],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_m14_nothing_that_reads_models_can_call_what_they_name(path: Path) -> None:
    allowed = {"importlib"} if path.name in ("__init__.py", "bundle.py", "packaged.py") else set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        assert not {name.partition(".")[0] for name in modules} & (FORBIDDEN_MODULES - allowed), modules
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in FORBIDDEN_CALLS
            assert called not in ("torch.load", "np.load", "numpy.load")
            allows = [word.value for word in node.keywords if word.arg in ("allow_pickle", "trust_remote_code")]
            assert all(isinstance(value, ast.Constant) and value.value is False for value in allows), called


def deflated(megabytes: int) -> bytes:
    """A zip whose one member is this much larger than it seems."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("coef.npy", "w") as member:
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return stream.getvalue()


BOMBS: dict[str, tuple[str, bytes]] = {
    "300 MB in 300 kB": (ARRAYS, deflated(300)),
    "3,000 lists deep": ("vocabulary.json", b"[" * 3000 + b"]" * 3000),
    "a million lists deep": ("vocabulary.json", b"[" * 1_000_000),
    "65 MB of JSON": ("vocabulary.json", b"[" + b"[]," * ((65 << 20) // 3) + b"1]"),
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_m15_a_bomb_is_refused_in_little_memory(saved: Path, name: str) -> None:
    put(saved, *BOMBS[name])
    program = (
        "import resource, sys\nfrom pathlib import Path\nimport models.bundle\nfrom models.errors import BundleError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    models.bundle.load_bundle(Path(sys.argv[1]))\nexcept BundleError:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, saved], capture_output=True, text=True, check=True, timeout=60, cwd=ROOT
    )
    assert int(ended.stdout) < 100_000  # kB


def test_m15_members_over_each_other_are_refused(tmp_path: Path) -> None:
    stream, path = io.BytesIO(), tmp_path / "arrays.npz"
    np.savez(stream, coef=np.ones(10_000))
    path.write_bytes(stream.getvalue())
    assert list(read_arrays(path)) == ["coef"]
    with zipfile.ZipFile(stream, "a") as archive:  # a second entry for the bytes of the first
        again = zipfile.ZipInfo("again.npy")
        first = archive.infolist()[0]
        for field in ("header_offset", "file_size", "compress_size", "CRC"):
            setattr(again, field, getattr(first, field))
        archive.filelist.append(again)
        archive._didModify = True  # type: ignore[attr-defined]
    path.write_bytes(stream.getvalue())
    with pytest.raises(BundleError, match="larger than the file"):
        read_arrays(path)


def test_m16_a_library_that_scores_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(8)
    model = SectorModel.train(world.firms, world.vectors, world.Y, world.mask, SECTORS, PARENTS)
    model.save(tmp_path / "m")
    SectorModel.load(tmp_path / "m")

    def other_release(vocabulary: list[str] | None = None) -> Any:
        """N-grams without the logarithm of counts, as if a default had changed."""
        return new_vectorizer(vocabulary).set_params(sublinear_tf=False, norm="l1")

    monkeypatch.setattr("classifier.model.new_vectorizer", other_release)
    with pytest.raises(ModelMismatchError, match="golden texts score"):
        SectorModel.load(tmp_path / "m")


def test_m17_pickled_weights_alone_are_no_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find_minilm().folder, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match=r"pytorch_model\.bin: not on the list"):
        find_local(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(EncoderError, match=r"model\.safetensors is missing"):
        find_local(folder)
