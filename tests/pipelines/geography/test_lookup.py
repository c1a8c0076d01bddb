"""The lookup file: small, whole or not there, made anew when it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pipelines.geography import lookup as module
from pipelines.geography.lookup import Lookup, directory_version, lookup_folder, open_lookup
from pipelines.geography.towns import distance_km

MAX_BYTES = 40_000_000


def test_size(lookup: Lookup, tmp_path: Path) -> None:
    """Under 40 MB, with every postcode of Great Britain and none of Northern Ireland."""
    assert len(lookup.key) > 2_600_000
    assert sum(column.nbytes for column in (lookup.key, lookup.lat, lookup.lon, lookup.district)) < MAX_BYTES
    assert max(path.stat().st_size for path in lookup_folder(tmp_path).glob("postcodes-*.bin")) < MAX_BYTES
    assert [name for name in lookup.outwards if name.startswith("BT")] == []
    assert [name for name in lookup.districts if name.startswith("N")] == []
    assert np.all(np.diff(lookup.key.astype(np.int64)) > 0)


def test_the_grid_becomes_degrees_within_five_metres() -> None:
    """The Ordnance Survey's worked example, the water tower at Caister, by its precise transformation OSTN15."""
    lat, lon = module._degrees(np.array([[651409.903], [313177.270]]))
    metres = 1000 * distance_km(lat[0] / module.DEGREE, lon[0] / module.DEGREE, 52.65800783, 1.71607397)
    assert 0 < metres < 5


def test_no_grid_no_degrees() -> None:
    """A postcode without a place has none, and is not at the false origin."""
    lat, lon = module._degrees(np.array([[np.nan, 0.0, 457000.0], [1.0, 0.0, np.nan]]))
    assert lat.tolist() == lon.tolist() == [module.NOWHERE] * 3


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make a directory of three postcodes in place of the real one; the list tells how often it was made."""
    times: list[str] = []

    def make(name: str) -> Lookup:
        times.append(name)
        return Lookup(
            name, ("B1", "NG7"), ("E06000018", "E08000025"), np.array([1, 2, 6761], np.uint32),
            np.array([52_000_000, module.NOWHERE, 53_000_000], np.int32), np.array([-1, module.NOWHERE, 1], np.int32),
            np.array([1, module.NO_DISTRICT, 0], np.uint16),
        )  # fmt: skip

    monkeypatch.setattr(module, "_made", make)
    return times


def test_it_is_made_once(made: list[str], tmp_path: Path) -> None:
    """The second reader finds the file, and in it what was written."""
    first, second = open_lookup(tmp_path / "new"), open_lookup(tmp_path / "new")
    assert made == [directory_version()]
    assert second.postcodes() == ["B1 0AB", "B1 0AC", "NG7 0AB"]
    for name in ("key", "lat", "lon", "district"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert second.outwards == ("B1", "NG7")
    assert second.lat.tolist() == [52_000_000, module.NOWHERE, 53_000_000]
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"postcodes-{directory_version()}-1.bin"]


@pytest.mark.parametrize(("kept", "used"), [("made", "environment"), ("missing", "other"), ("damaged", "other")])
def test_an_environment_that_may_not_be_written_to(
    kept: str, used: str, made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container's image: the file that was made with it serves; one that cannot be used is made elsewhere."""
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    environment, other = tmp_path / "share" / "firmscope", tmp_path / "other"
    assert lookup_folder(other) == environment
    if kept != "missing":
        open_lookup(environment)
    if kept == "damaged":
        _flip(next(environment.iterdir()), -1)
    monkeypatch.setattr("os.access", lambda *_: False)
    folder = lookup_folder(other)
    assert folder == {"environment": environment, "other": other}[used]
    assert open_lookup(folder).postcodes() == ["B1 0AB", "B1 0AC", "NG7 0AB"]


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "one byte": lambda path: path.write_bytes(b"F"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "something behind": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "a bit in the last row": lambda path: _flip(path, -1),
    "a bit in the names": lambda path: _flip(path, 70),
    "a bit in the first line": lambda path: _flip(path, 3),
    "another file": lambda path: path.write_bytes(b"PK\x03\x04" * 100),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_made_anew(made: list[str], tmp_path: Path, damage: Callable[[Path], object]) -> None:
    """Whatever a crash or a bad disk left is thrown away."""
    open_lookup(tmp_path)
    damage(next(tmp_path.glob("postcodes-*.bin")))
    assert open_lookup(tmp_path).key.tolist() == [1, 2, 6761]
    assert len(made) == 2


def test_another_directory_takes_the_place_of_the_old(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of a version that is no longer installed goes; one that only bears the name is not believed."""
    open_lookup(tmp_path)
    old = next(tmp_path.glob("postcodes-*.bin"))
    monkeypatch.setattr(module, "directory_version", lambda: "2099.1.1")
    (tmp_path / "postcodes-2099.1.1-1.bin").write_bytes(old.read_bytes())
    assert open_lookup(tmp_path).directory == "2099.1.1"
    assert [path.name for path in tmp_path.glob("*.bin")] == ["postcodes-2099.1.1-1.bin"]
    assert made[1:] == ["2099.1.1"]


def test_several_at_once(made: list[str], tmp_path: Path) -> None:
    """Readers that all find nothing each put a whole file in place."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(open_lookup, [tmp_path] * 16))
    assert {tuple(one.key.tolist()) for one in found} == {(1, 2, 6761)}
    assert len(list(tmp_path.iterdir())) == 1
    assert made


def test_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment when that can be written to, else where the caller says."""
    monkeypatch.setattr("sys.prefix", str(tmp_path / "environment"))
    assert lookup_folder(tmp_path / "index") == tmp_path / "environment" / "share" / "firmscope"
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setattr("sys.prefix", str(tmp_path / "file"))
    assert lookup_folder(tmp_path / "index") == tmp_path / "index"
