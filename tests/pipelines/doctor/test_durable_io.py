"""Files of the lake are on the disk, with their names, before the catalog's row names them; each has a digest noted."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import digest_log, durable_io
from pipelines.store import Lake
from pipelines.tables import FIRMS
from pipelines.workspace import write_whole

COMMIT = """
import sys
from pathlib import Path
from pipelines.store import Lake
from pipelines.tables import FIRMS
lake = Lake(Path(sys.argv[1]), 2)
firm = dict.fromkeys(FIRMS.names[1:]) | {"firm_id": sys.argv[2], "name": "n"}
lake.replace_firms("firms", [sys.argv[2]], [firm], "r")
lake.close()
"""


def _firm(firm_id: str) -> dict[str, Any]:
    return dict.fromkeys(FIRMS.names[1:]) | {"firm_id": firm_id, "name": firm_id}


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    lake = Lake(tmp_path / "lake", 2)
    lake.create()
    lake.replace_firms("firms", ["a"], [_firm("a")], "r")
    yield lake
    lake.close()


def _files(lake: Lake) -> list[Path]:
    return [path for path in (lake.folder / "firmscope").rglob("*") if path.is_file()]


def test_every_file_of_a_commit_has_its_digest_noted(lake: Lake) -> None:
    found = digest_log.read_log(lake.folder)
    assert found.spoilt == 0
    assert {lake.folder / place for place in found.noted} == set(_files(lake))
    for place, noted in found.noted.items():
        content = (lake.folder / place).read_bytes()
        assert (noted.sha256, noted.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_torn_and_spoilt_lines_are_left_out_and_later_ones_are_read(lake: Lake) -> None:
    log = lake.folder / digest_log.FILE
    whole = len(digest_log.read_log(lake.folder).noted)
    lines = log.read_bytes()
    log.write_bytes(lines[:-20])
    lake.replace_firms("firms", ["b"], [_firm("b")], "r")
    torn = digest_log.read_log(lake.folder)
    assert torn.spoilt == 1
    assert len(torn.noted) > whole
    content = bytearray(log.read_bytes())
    content[5] ^= 1
    log.write_bytes(content)
    assert digest_log.read_log(lake.folder).spoilt == 2


def test_lines_of_files_that_are_gone_are_left_out(lake: Lake) -> None:
    (path, *_) = (path for path in _files(lake) if path.suffix == ".parquet")
    before = digest_log.read_log(lake.folder).noted
    assert digest_log.prune(lake.folder, write_whole) == 0
    path.unlink()
    assert digest_log.prune(lake.folder, write_whole) == 1
    after = digest_log.read_log(lake.folder).noted
    assert before.items() - after.items() == {
        (path.relative_to(lake.folder).as_posix(), before[str(path.relative_to(lake.folder))])
    }
    assert digest_log.prune(lake.folder, write_whole) == 0


def test_a_file_that_lies_in_no_lake_is_written_all_the_same(tmp_path: Path) -> None:
    with durable_io.DurableFileIO().new_output(f"file://{tmp_path}/new/a").create() as stream:
        stream.write(b"words")
    assert (tmp_path / "new" / "a").read_bytes() == b"words"


def test_a_file_that_is_there_is_not_written_over_unasked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"held")
    with pytest.raises(FileExistsError):
        durable_io.DurableFileIO().new_output(f"file://{tmp_path}/a").create()


def test_files_and_their_folders_are_synced_before_the_catalog_is_written(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what the process asks for; the same by the kernel's word is below."""
    lake.close()
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    before = set(_files(lake))
    lake.replace_firms("firms", ["b"], [_firm("b")], "r")
    for path in set(_files(lake)) - before:
        assert str(path) in synced, path
        assert str(path.parent) in synced[synced.index(str(path)) :], path


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: the order of syncs is not seen")
def test_the_kernel_is_asked_to_sync_in_this_order(lake: Lake, tmp_path: Path) -> None:
    lake.close()
    before = set(_files(lake))
    trace = tmp_path / "trace"
    calls = "trace=openat,fsync,fdatasync,pwrite64,write"
    command = ["strace", "-f", "-y", "-e", calls, "-o", str(trace), sys.executable, "-c", COMMIT, str(lake.folder), "b"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode and "PTRACE" in ended.stderr.upper():
        pytest.skip(f"strace may not trace here: {ended.stderr[-200:]}")
    assert ended.returncode == 0, ended.stderr
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    written = next(n for n, line in enumerate(lines) if re.search(r"pwrite64\(\d+<[^>]*/catalog\.db>", line))
    fresh = set(_files(lake)) - before
    assert len(fresh) >= 3  # rows, manifest, manifest list, metadata
    for path in fresh:
        for name in (path, path.parent):
            at = [n for n, line in enumerate(lines) if re.search(rf"f(data)?sync\(\d+<{re.escape(str(name))}>", line)]
            assert at, name
            assert at[0] < written, name
